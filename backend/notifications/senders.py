"""Sending a message outside, to the operator's targets: mail, a webhook, a messenger; by apprise.

Owns what a target is called in logs: its scheme and host, never its secrets. Owns no table and no retry.
"""

import asyncio
import logging
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from backend.core.errors import SetupError
from backend.notifications.kinds import Message

_BETWEEN = re.compile(r"[\s,]+(?=[a-z0-9]+://)", re.IGNORECASE)
SEND_SECONDS = 45.0


@dataclass(frozen=True)
class Target:
    """One address to send to. `name` may be shown and logged, `key` stands for the address in tables; `service` is
    apprise's."""

    name: str
    key: str
    service: Any

    async def send(self, message: Message) -> bool:
        """Whether the target took it. Never raises, and never blocks the event loop."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                return bool(await asyncio.to_thread(self._notify, message))
        except Exception:  # noqa: BLE001 - a plugin of many, for services of many: its failure is "not taken"
            return False

    def _notify(self, message: Message) -> Any:
        """Plain text: where a service takes HTML, apprise escapes it."""
        return self.service.notify(title=message.title, body=message.body, body_format="text")


def parse_targets(text: str) -> list[Target]:
    """The targets of `VINTEDBOT_NOTIFY`: apprise URLs between blanks or commas. Raises SetupError, naming no secret."""
    urls = [url.strip(" ,") for url in _BETWEEN.split(text.strip()) if url.strip(" ,")]
    return [_target(number, url) for number, url in enumerate(urls, 1)]


def _target(number: int, url: str) -> Target:
    import apprise  # noqa: PLC0415 - half a second, for those alone who send

    logging.getLogger("apprise").disabled = True  # its lines hold addresses; we say what matters, without them
    plugin = apprise.Apprise.instantiate(url, suppress_exceptions=True)
    if plugin is None:
        raise SetupError(
            f"Address number {number} of VINTEDBOT_NOTIFY can't be used. See https://github.com/caronc/apprise for how "
            "they are written, such as json://host/path or mailtos://user:password@example.org."
        )
    service = apprise.Apprise()
    service.add(plugin)
    return Target(_name(url), sha256(url.encode()).hexdigest()[:16], service)


def _name(url: str) -> str:
    """Scheme and host: a messenger's "host" is a secret of its own, so only what looks like a host's name is kept."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    scheme = url.partition("://")[0].lower()
    is_host = re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+|localhost", host) is not None
    return f"{scheme}://{host}" if is_host else f"{scheme}://…"
