"""Keeps marketplace sessions, and a model's key, unreadable at rest. Owns encryption and the ring of keys; owns no row
and no key file."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from backend.core.errors import SessionExpired, SetupError
from backend.core.redaction import remember


def parse_keys(text: str) -> list[str]:
    """The keys of a setting or a key file, newest first: one a line, or separated by commas."""
    return [key for key in re.split(r"[\s,]+", text) if key]


class Vault:
    """Encrypts with the first of its keys (Fernet: AES-128-CBC and HMAC-SHA256), and reads what any of them wrote.

    `reread`, if given, is asked for the keys as they are now: before each encryption, and when something can't be read.
    So a key made by another process is used from then on, and none is written with that is about to go."""

    def __init__(self, keys: str, *, reread: Callable[[], str] | None = None) -> None:
        self._reread = reread
        self._take(keys)

    @staticmethod
    def new_key() -> str:
        return Fernet.generate_key().decode()

    def seal(self, value: Mapping[str, Any]) -> bytes:
        remember(_secrets_of(value))
        self._refresh()
        return self._ring.encrypt(json.dumps(value).encode())

    def open(self, sealed: bytes) -> dict[str, Any]:
        """Raises SessionExpired when none of the keys fits: the owner signs in again."""
        try:
            return self._open(sealed)
        except InvalidToken:
            self._refresh()
        try:
            return self._open(sealed)
        except InvalidToken:
            raise SessionExpired(
                "The kept session can't be read with the present key. Sign in again: vintedbot login."
            ) from None

    def reseal(self, sealed: bytes) -> bytes | None:
        """The same, encrypted with the first key; None where it is already. Raises InvalidToken."""
        try:
            self._first.decrypt(sealed)
        except InvalidToken:
            return self._ring.rotate(sealed)
        return None

    def fits(self, sealed: bytes) -> bool:
        """Whether one of the keys reads it."""
        try:
            self._ring.decrypt(sealed)
        except InvalidToken:
            return False
        return True

    def _open(self, sealed: bytes) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self._ring.decrypt(sealed))
        remember(_secrets_of(value))
        return value

    def _refresh(self) -> None:
        if self._reread is not None:
            self._take(self._reread())

    def _take(self, keys: str) -> None:
        remember(parse_keys(keys), for_good=True)
        try:
            fernets = [Fernet(key) for key in parse_keys(keys)]
            self._first, self._ring = fernets[0], MultiFernet(fernets)
        except (ValueError, IndexError):
            raise SetupError(
                "VINTEDBOT_SECRET_KEY is not a Fernet key (32 bytes, url-safe base64). Unset it to have one made."
            ) from None


_TELLING = 16
"""A cookie's value this long is taken for a secret, whatever its name; a shorter one might be an ordinary word."""


def _secrets_of(state: Mapping[str, Any]) -> set[str]:
    """The values of a session that must not be told: of Playwright's format, its cookies."""
    cookies = state.get("cookies")
    values = [str(c.get("value", "")) for c in cookies if isinstance(c, dict)] if isinstance(cookies, list) else []
    return {value for value in values if len(value) >= _TELLING}
