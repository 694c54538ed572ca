"""Pages that are open in this process and wait for their account's owner; and the wait itself.

Owns who waits for what, until when, and how each wait ended. Keeps nothing: a page lives in its process's browser, so
what was open when the process ended is closed. Owns no page (`OpenPage`) and no journal.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from backend.core.errors import ChallengeRaised, Conflict
from backend.core.operator_metrics import challenge_wait_seconds
from backend.marketplace.port import OpenPage, boot_clock

LOOK_EVERY = 0.5
ASK_EVERY = 2.0
Ending = Literal["solved", "closed", "time_limit"]
"""`closed`: cancelled, taken up elsewhere, or the page or its process ended."""


@dataclass(eq=False)
class Opening:
    """One open page. `until` is its end on `boot_clock`; `ended` says how, once it has."""

    user_id: str
    publication_id: str
    page: OpenPage
    until: float
    ended: Ending | None = None
    _end: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self) -> Ending:
        """How it ends, awaited."""
        await self._end.wait()
        return self.ended or "closed"

    def end(self, how: Ending) -> None:
        self.ended = self.ended or how
        self._end.set()


class OpenPages:
    """The registry, one a process, on one event loop."""

    def __init__(self) -> None:
        self._open: dict[str, Opening] = {}

    def opened(self, user_id: str, publication_id: str, page: OpenPage, *, limit: float) -> Opening:
        """From now on its owner finds it, for at most `limit` seconds."""
        opening = Opening(user_id, publication_id, page, boot_clock() + limit)
        if (before := self._open.get(publication_id)) is not None:
            before.end("closed")
        self._open[publication_id] = opening
        return opening

    def closed(self, opening: Opening) -> None:
        opening.end("closed")
        if self._open.get(opening.publication_id) is opening:
            del self._open[opening.publication_id]

    def find(self, user_id: str, publication_id: str) -> Opening | None:
        """This user's open page of this publication: nobody else's, whatever the id."""
        found = self._open.get(publication_id)
        return found if found is not None and found.user_id == user_id else None

    def of(self, user_id: str) -> frozenset[str]:
        """The publications of this user whose page is open."""
        return frozenset(key for key, opening in self._open.items() if opening.user_id == user_id)

    @contextmanager
    def showing(self, user_id: str, publication_id: str, page: OpenPage, *, limit: float) -> Iterator[Opening]:
        opening, began = self.opened(user_id, publication_id, page, limit=limit), boot_clock()
        try:
            yield opening
        finally:
            self.closed(opening)
            challenge_wait_seconds.labels(ended=opening.ended).observe(boot_clock() - began)


async def wait_for_owner(
    pages: OpenPages,
    user_id: str,
    publication_id: str,
    page: OpenPage,
    *,
    still_wanted: Callable[[], Awaitable[bool]],
    limit: float,
) -> None:
    """Shows the page to its owner until its challenge is gone: the body of an `AskOwner`. `limit` is in seconds.

    Raises `ChallengeRaised` when the time is over, `Conflict` (`journal_moved`) when the publication is no longer
    wanted here, and `VintedNetworkError` when the page is gone."""
    with pages.showing(user_id, publication_id, page, limit=limit) as opening:
        asked = boot_clock()
        while not await page.solved():
            if boot_clock() >= opening.until:
                opening.end("time_limit")
                raise ChallengeRaised(
                    f"The marketplace shows a challenge ({page.challenge}), and nobody solved it within "
                    f"{limit / 3600:.3g} h. Go on with the publication when you have a moment, and open its live view.",
                    challenge=page.challenge,
                )
            if boot_clock() - asked >= ASK_EVERY:
                asked = boot_clock()
                if not await still_wanted():
                    raise Conflict("The publication was cancelled or taken up elsewhere.", code="journal_moved")
            await asyncio.sleep(LOOK_EVERY)
        opening.end("solved")
