"""A visit to an account's marketplace: the account is kept for it while it lasts, and what stood in the way is noted.

Owns the beginning, the renewal and the end of that, and why it can't be now. Owns no page and no session.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from sqlmodel import Session

from backend.accounts import service as accounts
from backend.accounts import standing
from backend.accounts.states import explain
from backend.core.errors import Conflict, NeedsPersonError, VintedRateLimitError
from backend.db.engine import Database, clock
from backend.db.models import Account
from backend.publications import queue
from backend.publications.queue import Waiting

_RENEWED_SECONDS = 60


class Visit:
    """One under way: `account` is its row as it began, at `begun`."""

    def __init__(self, database: Database, account: Account, begun: datetime, until: datetime) -> None:
        self.account, self.begun = account, begun
        self._database, self._until = database, until
        self._one_at_a_time = asyncio.Lock()

    async def go_on(self) -> None:
        """It takes longer. Raises Conflict (`visit_over`) where another has begun meanwhile."""
        async with self._one_at_a_time:
            self._until = await self._database.run(
                queue.go_on_visiting, self.account.user_id, self.account.id, self._until
            )

    async def keep_going(self) -> None:
        """Until it is cancelled: also while a visit waits for the browser, or for a slow page."""
        while True:
            await asyncio.sleep(_RENEWED_SECONDS)
            await self.go_on()

    async def end(self) -> None:
        await self._database.run(queue.end_visit, self.account.user_id, self.account.id, self._until)


@asynccontextmanager
async def visiting(
    database: Database, user_id: str, account_id: str, *, at_rest_too: bool = False
) -> AsyncIterator[Visit]:
    """Nothing else is at the account meanwhile: a session that two use at once is lost to one of them.

    With `at_rest_too` also an account that is paused, stopped or waits for its owner. Raises NotFound; Conflict
    (`account_busy`, and without it `account_paused`, `account_stopped`) or NeedsPersonError where it can't be now."""
    visit = Visit(database, *await database.run(_begin, user_id, account_id, at_rest_too))
    keeping = asyncio.create_task(visit.keep_going())
    try:
        yield visit
    except (NeedsPersonError, VintedRateLimitError) as trouble:
        await database.run(standing.note_trouble, user_id, account_id, trouble)
        raise
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await visit.end()


def _begin(session: Session, user_id: str, account_id: str, at_rest_too: bool) -> tuple[Account, datetime, datetime]:
    """The account, when the visit began, and until when the account is kept for it."""
    account = accounts.find(session, user_id, account_id)
    kept = queue.begin_visit(session, user_id, account_id, at_rest_too=at_rest_too)
    if isinstance(kept, Waiting):
        raise _why_not(account, kept)
    session.flush()
    return account, clock(session), kept


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
