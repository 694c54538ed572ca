"""Sends what was told to the outside, each notification once, whichever process comes first.

Owns the claim (a lease on the row) and the tries. A process that dies while it sends leaves its claim, which another
takes over after the lease: then, and only then, a message may arrive twice. Owns no publication and holds none up.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from loguru import logger
from sqlalchemy import update
from sqlmodel import Session, col, select
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_attempt, wait_exponential
from tenacity.wait import wait_base

from backend.db.engine import Database, clock
from backend.db.models import Notification
from backend.notifications.kinds import Message, message
from backend.notifications.senders import Target

TRIES = 3
"""A target, in one go."""
MOST_SENDS = 4
"""Goes, while no target takes it."""
LEASE = timedelta(minutes=5)
STALE = timedelta(days=1)
"""Older news are not sent: a target just set up is no flood."""
LOOK_SECONDS = 2.0
LAST_SECONDS = 20.0
_BACKOFF = wait_exponential(multiplier=2, max=20)


class Outbox:
    """Sends to `targets` in `language`."""

    def __init__(
        self, database: Database, targets: Sequence[Target], *, language: str, wait: wait_base = _BACKOFF
    ) -> None:
        self._database = database
        self._targets = targets
        self._language = language
        self._wait = wait
        self._closing = asyncio.Event()

    @property
    def has_targets(self) -> bool:
        return bool(self._targets)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Inside, what is told is sent as it comes; on the way out what is still due, for a bounded time."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._closing.set()
            await asyncio.wait([task], timeout=LAST_SECONDS)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            last = self._closing.is_set()
            try:
                await self.deliver()
            except Exception as error:  # noqa: BLE001 - the worker's edge: the next look may go well
                logger.opt(exception=error).warning("notifications_not_sent")
            if last:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), LOOK_SECONDS)

    async def test(self) -> dict[str, bool]:
        """Sends a test to each target; which took it, by the target's name."""
        told = message("test", {}, self._language)
        took = await asyncio.gather(*(target.send(told) for target in self._targets))
        return {f"{n}. {target.name}": ok for n, (target, ok) in enumerate(zip(self._targets, took, strict=True), 1)}

    async def deliver(self) -> int:
        """Sends all that is due; returns how many were taken by a target."""
        taken = 0
        while (row := await self._database.run(claim)) is not None:
            taken += await self._deliver(row)
        return taken

    async def _deliver(self, row: Notification) -> bool:
        told = message(row.kind, row.detail, self._language)
        took = await asyncio.gather(*(self.send(target, told) for target in self._targets))
        if any(took) or row.sends >= MOST_SENDS:
            await self._database.run(_done, row.id)
        return any(took)

    async def send(self, target: Target, told: Message) -> bool:
        """Whether the target took it, in so many tries."""
        tries = AsyncRetrying(
            stop=stop_after_attempt(TRIES), wait=self._wait, retry=retry_if_result(lambda took: not took)
        )
        try:
            return bool(await tries(target.send, told))
        except RetryError:
            logger.bind(target=target.name).warning("notification_refused: {} did not take it", target.name)
            return False


def claim(session: Session) -> Notification | None:
    """Takes the oldest due notification for this process alone; None when there is none."""
    while True:
        now = clock(session)
        due = select(Notification).where(
            col(Notification.sent_at).is_(None),
            col(Notification.send_after) <= now,
            col(Notification.created_at) > now - STALE,
            col(Notification.sends) < MOST_SENDS,
        )
        row = session.exec(due.order_by(col(Notification.created_at)).limit(1)).first()
        if row is None:
            return None
        mine = update(Notification).where(col(Notification.id) == row.id, col(Notification.sends) == row.sends)
        taken = session.connection().execute(mine.values(sends=row.sends + 1, send_after=now + LEASE * (row.sends + 1)))
        session.refresh(row)
        if taken.rowcount == 1:
            return row


def _done(session: Session, notification_id: str) -> None:
    session.get_one(Notification, notification_id).sent_at = clock(session)
