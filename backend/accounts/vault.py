"""Keeps marketplace sessions unreadable at rest. Owns encryption; owns no row and no key file."""

import json
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from backend.core.errors import SessionExpired, SetupError


class Vault:
    """Encrypts with the first key (Fernet: AES-128-CBC and HMAC-SHA256)."""

    def __init__(self, key: str) -> None:
        try:
            self._fernet = Fernet(key)
        except ValueError:
            raise SetupError(
                "VINTEDBOT_SECRET_KEY is not a Fernet key (32 bytes, url-safe base64). Unset it to have one made."
            ) from None

    @staticmethod
    def new_key() -> str:
        return Fernet.generate_key().decode()

    def seal(self, value: Mapping[str, Any]) -> bytes:
        return self._fernet.encrypt(json.dumps(value).encode())

    def open(self, sealed: bytes) -> dict[str, Any]:
        """Raises SessionExpired when the key has changed since: the owner signs in again."""
        try:
            value: dict[str, Any] = json.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise SessionExpired(
                "The kept session can't be read with the present key. Sign in again: vintedbot login."
            ) from None
        return value
