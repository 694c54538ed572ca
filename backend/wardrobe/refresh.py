"""Looking at an account's wardrobe on its marketplace, and storing what it shows. Nothing there is touched.

Owns when that may be: one visit at a time an account, none while it stands still, not again at once. Owns no browser
and no session (the route's and the runtime's), and no row (`pieces.py`).
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import Session

from backend.accounts import service as accounts
from backend.accounts import standing
from backend.accounts.states import explain
from backend.core.errors import Conflict, NeedsPersonError, VintedRateLimitError
from backend.db import audit
from backend.db.engine import Database, clock
from backend.db.models import Account
from backend.marketplace.port import AccountSession, LookedAt, Route, Wardrobe
from backend.publications import queue
from backend.publications.queue import Waiting
from backend.wardrobe import pieces
from backend.wardrobe.pieces import Seen

GAP = timedelta(minutes=2)
"""Between two looks at the wardrobe of a real marketplace's account."""
_RENEWED_SECONDS = 60


async def refresh(
    database: Database,
    route: Route,
    session_of: Callable[[Account], AccountSession],
    user_id: str,
    account: str | None,
    progress: LookedAt | None = None,
) -> Seen:
    """Reads the whole wardrobe of the account (its id or name; None for the only one) and stores what it shows.

    `progress` is told the count so far. Raises NotFound, BadRequest (`account_ambiguous`); Conflict (`account_paused`,
    `account_stopped`, `account_busy`, `looked_lately`, `visit_over`) where that can't be now; NeedsPersonError with the
    way to mend it; a network error when nothing was found out."""
    chosen = await database.run(accounts.choose, user_id, account)
    begun, until = await database.run(_begin, user_id, chosen.id)

    one_at_a_time = asyncio.Lock()

    async def go_on() -> None:
        nonlocal until
        async with one_at_a_time:
            until = await database.run(queue.go_on_visiting, user_id, chosen.id, until)

    async def keep_going() -> None:
        while True:  # also while it waits for the browser, or for a slow page
            await asyncio.sleep(_RENEWED_SECONDS)
            await go_on()

    async def looked_at(count: int) -> None:
        await go_on()
        if progress is not None:
            await progress(count)

    keeping = asyncio.create_task(keep_going())
    try:
        shown = await route.whole_wardrobe(session_of(chosen), looked_at)
        return await database.store(_store, user_id, chosen.id, shown, begun)
    except (NeedsPersonError, VintedRateLimitError) as trouble:
        await database.run(standing.note_trouble, user_id, chosen.id, trouble)
        raise
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await database.run(queue.end_visit, user_id, chosen.id, until)


def _begin(session: Session, user_id: str, account_id: str) -> tuple[datetime, datetime]:
    """When it began, and until when the account is kept for it."""
    account = accounts.find(session, user_id, account_id)
    begun, last = clock(session), account.wardrobe_seen_at
    if last is not None and begun - last < GAP and not standing.is_stand_in(account.base_url):
        raise Conflict("This wardrobe was looked at just now. Wait two minutes.", code="looked_lately")
    kept = queue.begin_visit(session, user_id, account_id)
    if isinstance(kept, Waiting):
        raise _why_not(account, kept)
    return begun, kept


def _why_not(account: Account, held: Waiting) -> Exception:
    if held.code == "account":
        told = explain(account.state, "en")
        return NeedsPersonError(f"{told.sentence} {told.fix}".strip(), code=account.state)
    if held.code == "paused":
        return Conflict("This account is paused. Let it go on first.", code="account_paused")
    if held.code == "stopped":
        return Conflict(
            f"The marketplace asked for a rest: nothing begins before {held.until:%Y-%m-%d %H:%M} UTC.",
            code="account_stopped",
        )
    return Conflict("Something of this account is under way. Let it end first.", code="account_busy")


def _store(session: Session, user_id: str, account_id: str, shown: Wardrobe, begun: datetime) -> Seen:
    accounts.find(session, user_id, account_id).wardrobe_seen_at = begun
    seen = pieces.take_in(session, user_id, account_id, shown, begun=begun)
    audit.record(session, "wardrobe.refreshed", user_id, account_id, listings=seen.listings)
    return seen
