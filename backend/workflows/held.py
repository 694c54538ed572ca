"""A publication in the hands of one job: every move it makes goes through the claim it holds.

Owns taking a publication up, from its turn in the queue or from a holder that is gone, and letting it go. Owns no step
of publishing.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlmodel import Session

from backend.db.models import Publication, new_id
from backend.publications import journal, queue
from backend.publications.journal import State
from backend.publications.service import remember
from backend.workflows.parts import Parts

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Held:
    """`fresh`: taken from the queue, so that its first attempt has begun already. `waited`: seconds its owner took."""

    parts: Parts
    publication_id: str
    claim: str
    fresh: bool
    waited: float = 0.0

    async def run(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.parts.database.run(work, *args, **kwargs)

    async def row(self) -> Publication:
        return await self.run(Session.get_one, Publication, self.publication_id)

    async def state(self) -> State:
        return State((await self.row()).state)

    async def move(self, to: State, **columns: Any) -> Publication:
        """See `journal.move`. Raises Conflict when the claim is lost."""
        return await self.run(journal.move, self.publication_id, to, holder=self.claim, **columns)

    async def remember(self, **columns: Any) -> None:
        await self.run(remember, self.publication_id, self.claim, **columns)

    async def is_still_ours(self) -> bool:
        return (await self.row()).claim == self.claim


@asynccontextmanager
async def take_up(parts: Parts, publication_id: str) -> AsyncIterator[Held | None]:
    """The publication, claimed; None when it isn't its turn, somebody works on it, or there is nothing left to do."""
    claim = new_id()
    parts.claims.add(claim)
    try:
        yield await parts.database.run(_take, parts, publication_id, claim)
    finally:
        parts.claims.discard(claim)


def _take(session: Session, parts: Parts, publication_id: str, claim: str) -> Held | None:
    executor = parts.executors.mine
    publication = session.get_one(Publication, publication_id)
    if executor is None:
        return None
    if publication.state == State.QUEUED:
        begun = queue.begin(session, publication_id, claim, executor)
        return Held(parts, publication_id, claim, fresh=True) if begun else None
    if publication.state in journal.UNDER_WAY and is_abandoned(parts, publication):
        journal.take(session, publication_id, claim, executor)
        return Held(parts, publication_id, claim, fresh=False)
    return None


def is_abandoned(parts: Parts, publication: Publication) -> bool:
    """Whether nobody works on it any more: its executor is gone, or was this one in an earlier life."""
    if publication.claimed_by == parts.executors.mine:
        return publication.claim not in parts.claims
    return not parts.executors.is_alive(publication.claimed_by)
