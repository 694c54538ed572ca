"""Sends what was told to the outside, once to each recipient, whichever process comes first.

Owns the claim (a lease on the row), the tries and who took it. A process that dies while it sends leaves its claim,
which another takes over after the lease: then, and only then, a message may arrive twice. Owns no publication and holds
none up.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from loguru import logger
from sqlalchemy import update
from sqlmodel import Session, col, select
from tenacity.wait import wait_base

from backend.core.errors import LimitReached
from backend.db.engine import Database, clock
from backend.db.models import Notification, User
from backend.notifications.kinds import Message, message
from backend.notifications.mail import BACKOFF, Mailer, until_taken
from backend.notifications.senders import Target
from backend.preferences import preferences_of

MOST_SENDS = 4
"""Goes, while one of its recipients has not taken it."""
LEASE = timedelta(minutes=5)
STALE = timedelta(days=1)
"""Older news are not sent: a target just set up is no flood."""
TESTS = parse("3/hour")
"""Tests that go to a user's own mail when they ask."""
LOOK_SECONDS = 2.0
LAST_SECONDS = 20.0


@dataclass(frozen=True)
class Letterbox:
    """A person's own address, and the language they read."""

    mailer: Mailer
    address: str
    language: str
    name: str = "mail"
    key: str = "own"

    async def send(self, told: Message) -> bool:
        return await self.mailer.send(self.address, told)


Recipient = Target | Letterbox


class Outbox:
    """Sends to the operator's `targets` in `language`, and by `mailer` to whoever wants their own by mail."""

    def __init__(
        self,
        database: Database,
        targets: Sequence[Target],
        *,
        language: str,
        mailer: Mailer | None = None,
        wait: wait_base = BACKOFF,
    ) -> None:
        self._database = database
        self._targets = targets
        self._language = language
        self._mailer = mailer
        self._wait = wait
        self._tests = MovingWindowRateLimiter(MemoryStorage())
        self._closing = asyncio.Event()

    @property
    def has_targets(self) -> bool:
        return bool(self._targets) or self._mailer is not None

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

    @property
    def names(self) -> list[str]:
        """The operator's targets, as they may be shown."""
        return [target.name for target in self._targets]

    async def test(self, user_id: str | None = None) -> dict[str, bool]:
        """Sends a test to each of the operator's targets, or to this user's own; which took it, by its name.

        Raises LimitReached (`too_many_tests`) where this process has sent the user enough within the hour."""
        own = [] if user_id is None else await self._database.look(self._own, user_id)
        if own and not self._tests.hit(TESTS, str(user_id)):
            raise LimitReached(
                f"At most {TESTS.amount} tests an hour go to your own mail. Try again later.",
                code="too_many_tests",
                retry_after=TESTS.get_expiry(),
            )
        targets: Sequence[Recipient] = self._targets if user_id is None else own
        took = await _each(targets, lambda target: target.send(self._told(target, "test", {})))
        return {f"{n}. {target.name}": ok for n, (target, ok) in enumerate(zip(targets, took, strict=True), 1)}

    def _own(self, session: Session, user_id: str) -> list[Letterbox]:
        """Where this user wants to be told beside the page."""
        user = session.get_one(User, user_id)
        wishes = preferences_of(session, user_id)
        if self._mailer is None or user.email is None or not wishes.mail:
            return []
        return [Letterbox(self._mailer, user.email, wishes.language or self._language)]

    async def deliver(self) -> int:
        """Sends all that is due; returns how many were taken by somebody."""
        taken = 0
        while (row := await self._database.run(claim)) is not None:
            taken += await self._deliver(row)
        return taken

    async def _deliver(self, row: Notification) -> bool:
        """To whoever has not taken it yet."""
        own = await self._database.look(self._own, row.user_id)
        everybody: list[Recipient] = [*self._targets, *own]
        left = [to for to in everybody if to.key not in row.taken_by]
        took = await _each(left, lambda to: self.send(to, self._told(to, row.kind, row.detail)))
        keys = [to.key for to, taken in zip(left, took, strict=True) if taken]
        await self._database.run(_note, row.id, keys, done=all(took) or row.sends >= MOST_SENDS)
        return any(took)

    def _told(self, target: Recipient, kind: str, detail: Mapping[str, Any]) -> Message:
        """In the language of whoever reads it there."""
        return message(kind, detail, target.language if isinstance(target, Letterbox) else self._language)

    async def send(self, target: Recipient, told: Message) -> bool:
        """Whether the target took it, in so many tries."""
        took = await until_taken(partial(target.send, told), self._wait)
        if not took:
            logger.bind(target=target.name).warning("notification_refused: {} did not take it", target.name)
        return took


async def _each(targets: Sequence[Recipient], send: Callable[[Recipient], Awaitable[bool]]) -> list[bool]:
    """Which took it. One that fails in a way nobody foresaw did not, and keeps no other from being counted."""
    results = await asyncio.gather(*map(send, targets), return_exceptions=True)
    for target, result in zip(targets, results, strict=True):
        if isinstance(result, Exception):
            logger.opt(exception=result).warning("notification_failed: {}", target.name)
        elif isinstance(result, BaseException):
            raise result
    return [result is True for result in results]


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


def _note(session: Session, notification_id: str, keys: Sequence[str], *, done: bool) -> None:
    row = session.get_one(Notification, notification_id)
    row.taken_by = [*row.taken_by, *keys]
    row.sent_at = clock(session) if done else None
