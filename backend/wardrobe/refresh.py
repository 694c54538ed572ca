"""Looking at an account's wardrobe on its marketplace, and storing what it shows. Nothing there is touched.

Owns that it isn't done again at once. Owns no visit (`visits.py`), no browser and no session (the route's and the
runtime's), and no row (`pieces.py`).
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import Session

from backend.accounts import service as accounts
from backend.accounts import standing
from backend.core.errors import Conflict
from backend.db import audit
from backend.db.engine import Database
from backend.db.models import Account
from backend.marketplace.port import AccountSession, LookedAt, Route, Wardrobe
from backend.wardrobe import pieces
from backend.wardrobe.pieces import Seen
from backend.wardrobe.visits import Visit, visiting

GAP = timedelta(minutes=2)
"""Between two looks at the wardrobe of a real marketplace's account."""


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
    async with visiting(database, user_id, chosen.id) as visit:
        _check_not_lately(visit)

        async def looked_at(count: int) -> None:
            await visit.go_on()
            if progress is not None:
                await progress(count)

        shown = await route.whole_wardrobe(session_of(visit.account), looked_at)
        return await database.store(_store, user_id, chosen.id, shown, visit.begun)


def _check_not_lately(visit: Visit) -> None:
    last = visit.account.wardrobe_seen_at
    if last is not None and visit.begun - last < GAP and not standing.is_stand_in(visit.account.base_url):
        raise Conflict("This wardrobe was looked at just now. Wait two minutes.", code="looked_lately")


def _store(session: Session, user_id: str, account_id: str, shown: Wardrobe, begun: datetime) -> Seen:
    accounts.find(session, user_id, account_id).wardrobe_seen_at = begun
    seen = pieces.take_in(session, user_id, account_id, shown, begun=begun)
    audit.record(session, "wardrobe.refreshed", user_id, account_id, listings=seen.listings)
    return seen
