"""Mail by the operator's SMTP server (`VINTEDBOT_SMTP`), off the event loop.

Owns the address of the server and the way a message takes: encrypted, or to this machine itself. Owns no sentence and
no table; whoever writes says to whom.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import partial
from urllib.parse import unquote, urlsplit

from loguru import logger
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_attempt, wait_exponential
from tenacity.wait import wait_base

from backend.core.errors import SetupError
from backend.core.loopback import is_loopback
from backend.core.mail_address import parse_address
from backend.notifications.kinds import Message

SECONDS = 20.0
BACKOFF = wait_exponential(multiplier=2, max=20)
TRIES = 3
"""Of one message to one recipient, in one go."""
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True)
class Server:
    """`implicit` is encrypted from the first byte (smtps); otherwise by STARTTLS, beyond this machine always."""

    host: str
    port: int
    user: str
    password: str
    implicit: bool


def parse_server(address: str) -> Server:
    """Of `smtps://user:password@host:465` or `smtp://user:password@host:587`. Raises SetupError, naming no secret."""
    try:
        parts = urlsplit(address)
        port = parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        parts, port = urlsplit(""), 0
    if not parts.hostname:
        raise SetupError(
            "VINTEDBOT_SMTP can't be used. Write smtps://user:password@host or smtp://user:password@host:587."
        )
    return Server(
        parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""), parts.scheme == "smtps"
    )


async def until_taken(send: Callable[[], Awaitable[bool]], wait: wait_base) -> bool:
    """Whether what is sent was taken, in so many tries."""
    tries = AsyncRetrying(stop=stop_after_attempt(TRIES), wait=wait, retry=retry_if_result(lambda took: not took))
    try:
        return bool(await tries(send))
    except RetryError:
        return False


class Mailer:
    """Sends from one address by one server. `sender` is an address, or `Name <address>`."""

    def __init__(self, server: Server, sender: str, *, wait: wait_base = BACKOFF) -> None:
        self._server, self._wait = server, wait
        self._sender = sender
        if "@" not in sender:
            raise SetupError("Mail needs an address to come from: set VINTEDBOT_MAIL_FROM, such as closet@example.org.")

    async def send(self, to: str, message: Message) -> bool:
        """Whether the server took it, in one try."""
        try:
            await asyncio.to_thread(self._send, self._written(to, message))
        except (OSError, smtplib.SMTPException, ValueError) as error:
            logger.warning("mail_refused: {} by {}", type(error).__name__, self._server.host)
            return False
        return True

    async def deliver(self, to: str, message: Message) -> bool:
        """Whether the server took it, in so many tries."""
        return await until_taken(partial(self.send, to, message), self._wait)

    def _written(self, to: str, message: Message) -> EmailMessage:
        """Raises ValueError for an address that is none, or several."""
        mail = EmailMessage()
        mail["From"], mail["To"] = self._sender, parse_address(to)
        mail["Subject"], mail["Date"] = message.title, formatdate()
        mail["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2].strip(" >"))
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body)
        return mail

    def _send(self, mail: EmailMessage) -> None:
        at = self._server
        with self._connected() as connection:
            if not at.implicit and not is_loopback(at.host):
                connection.starttls(context=ssl.create_default_context())
            if at.user:
                connection.login(at.user, at.password)
            connection.send_message(mail)

    def _connected(self) -> smtplib.SMTP:
        at = self._server
        if at.implicit:
            return smtplib.SMTP_SSL(at.host, at.port, timeout=SECONDS, context=ssl.create_default_context())
        return smtplib.SMTP(at.host, at.port, timeout=SECONDS)
