"""What a person is written about their own user: a way to a new password, and a new address of theirs.

Owns when a letter is written, and that an asker learns nothing from it: whoever exists or not, the answer is the same
and comes as soon, since looking and sending happen behind it. Owns no sending (`notifications/mail.py`), no sentence
(`core/texts`) and no table.
"""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, Protocol

from loguru import logger
from sqlmodel import Session

from backend.core.errors import Conflict, VintedBotError
from backend.core.texts import sentences
from backend.db.engine import Database, clock
from backend.db.models import User
from backend.preferences import preferences_of
from backend.users import links, service

HOUR = timedelta(hours=1)
"""A link to a new password lasts so long."""
MOST_AN_HOUR = 3
"""Letters with a link of one kind that a person gets, or causes: enough to be helped, too few to plague anybody."""
MOST_WAITING = 200
LAST_SECONDS = 10.0


class Post(Protocol):
    """Takes a letter: to whom, its subject, its text. Whether it was taken."""

    async def __call__(self, to: str, subject: str, text: str) -> bool: ...


class Letters:
    """Writes by `post`; links begin with `address`, the server's own. In the person's language, else in `language`."""

    def __init__(self, database: Database, post: Post, *, address: str, language: str) -> None:
        self._database, self._post = database, post
        self._address, self._language = address.rstrip("/"), language
        self._under_way: set[asyncio.Task[None]] = set()

    def ask_for_reset(self, name: str) -> None:
        """A letter to whoever has this name or address, if anybody has. Returns at once in any case."""
        self._begin(self._send_reset(name))

    async def ask_for_email(self, user_id: str, email: str | None) -> bool:
        """Writes to the new address for its owner to confirm it, and to the old one that this was asked for.

        False where nothing is to confirm: the address is the same, which calls off a change asked for before, or taken
        away, which holds at once. Raises BadRequest (`bad_email`). An address somebody else has gets no
        letter, and nobody is told."""
        wanted = service.checked_email(email)
        user = await self._database.run(service.find, user_id)
        if wanted == user.email:
            await self._database.run(_call_off, user_id)
        elif wanted is None:
            await self._database.run(_take_email_away, user_id)
            self._begin(self._notice(user, "email_removed"))
        else:
            self._begin(self._send_confirmation(user, wanted))
        return wanted not in (user.email, None)

    async def aclose(self) -> None:
        """What is being sent may end, for a bounded time."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=LAST_SECONDS)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._under_way) >= MOST_WAITING:
            work.close()
            logger.warning("letters_refused: {} are waiting already", MOST_WAITING)
            return
        task = asyncio.create_task(self._carry_out(work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    @staticmethod
    async def _carry_out(work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except VintedBotError as error:
            logger.warning("letter_not_written: {}", error)

    async def _send_reset(self, name: str) -> None:
        made = await self._database.run(_reset_for, name)
        if made is not None:
            user, secret = made
            link = f"{self._address}/reset?link={secret}"
            await self._write(str(user.email), "reset", await self._language_of(user.id), name=user.name, link=link)

    async def _send_confirmation(self, user: User, email: str) -> None:
        made = await self._database.run(_confirmation_for, user.id, email)
        if made is None:
            return
        await self._notice(user, "email_asked")  # first, so that it comes as soon whether the address is free or not
        secret, free = made
        if free:
            link = f"{self._address}/email?link={secret}"
            await self._write(email, "email", await self._language_of(user.id), name=user.name, link=link)

    async def _notice(self, user: User, kind: str) -> None:
        """To the address the user had."""
        if user.email is not None:
            await self._write(user.email, kind, await self._language_of(user.id), name=user.name)

    async def _language_of(self, user_id: str) -> str:
        return (await self._database.look(preferences_of, user_id)).language or self._language

    async def _write(self, to: str, kind: str, language: str, **told: str) -> None:
        said = sentences(language)["mail"][kind]
        if not await self._post(to, said["subject"], said["text"].format(**told)):
            logger.warning("letter_not_sent: {}", kind)


def letters_of(letters: Letters | None) -> Letters:
    """Raises Conflict (`no_mail`) where the server sends none."""
    if letters is None:
        raise Conflict("This server sends no mail. Ask its admin for a link to a new password.", code="no_mail")
    return letters


def _reset_for(session: Session, name: str) -> tuple[User, str] | None:
    """Whoever it is, and their link's secret; None where there is nobody to write to, or enough was written."""
    at: datetime = clock(session)
    user = service.lookup(session, name)
    if user is None or user.email is None or user.state != "active" or user.password_hash is None:
        return None
    if links.count_made(session, user.id, "reset", at - HOUR) >= MOST_AN_HOUR:
        return None
    secret, _ = links.make(session, user.id, "reset", at, lasts=HOUR)
    return user, secret


def _confirmation_for(session: Session, user_id: str, email: str) -> tuple[str, bool] | None:
    """A link's secret, and whether the address is free; None where enough was asked for.

    An address that is taken gets a link too, which nobody is sent: what the asker sees of the count and of the audit is
    the same."""
    at: datetime = clock(session)
    if links.count_made(session, user_id, "email", at - HOUR) >= MOST_AN_HOUR:
        return None
    links.withdraw(session, user_id, at, ["email"])
    secret, _ = links.make(session, user_id, "email", at, email=email)
    return secret, service.lookup(session, email) is None


def _take_email_away(session: Session, user_id: str) -> None:
    service.set_email(session, service.find(session, user_id), None)
    links.withdraw(session, user_id, clock(session))


def _call_off(session: Session, user_id: str) -> None:
    links.withdraw(session, user_id, clock(session), ["email"])
