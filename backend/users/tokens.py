"""Secrets that are handed out: random ones, kept as their hash, and signed ones (JWT), kept nowhere.

Owns the ring of signing keys: the first signs, each reads. Owns no row, and no secret that is not being handed out.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

import jwt

from backend.core.errors import SetupError, SignInNeeded

Purpose = Literal["access", "photo"]
ALGORITHM = "HS256"
ISSUER = "vintedbot"
SHORTEST_KEY = 32


def new_secret() -> str:
    """256 bits nobody can guess."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """What is kept of it. No salt and no slow hash: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


class KeyRing:
    """Signs with the first of the keys `read()` gives, and reads what any of them signed: rotation signs nobody out.

    The keys are read again for each signature and for a key that is not known, so that every process follows."""

    def __init__(self, read: Callable[[], list[str]]) -> None:
        self._read = read
        self._keys: dict[str, str] = {}
        self._refresh()

    def sign(self, purpose: Purpose, claims: dict[str, Any], now: datetime, lasts: timedelta) -> str:
        self._refresh()
        name, key = next(iter(self._keys.items()))
        payload = {**claims, "iss": ISSUER, "aud": purpose, "iat": now, "exp": now + lasts}
        return jwt.encode(payload, key, ALGORITHM, headers={"kid": name})

    def read(self, purpose: Purpose, token: str) -> dict[str, Any]:
        """The claims. Raises SignInNeeded (`token_expired`, `token_invalid`)."""
        try:
            name = str(jwt.get_unverified_header(token).get("kid"))
            if name not in self._keys:
                self._refresh()
            claims: dict[str, Any] = jwt.decode(
                token,
                self._keys[name],
                [ALGORITHM],
                audience=purpose,
                issuer=ISSUER,
                options={"require": ["exp", "iat", "aud", "iss"]},
            )
        except jwt.ExpiredSignatureError:
            raise SignInNeeded("This token has expired. Get a new one: /auth/refresh.", code="token_expired") from None
        except (jwt.InvalidTokenError, KeyError):
            raise SignInNeeded("This token can't be used. Sign in again.", code="token_invalid") from None
        return claims

    def _refresh(self) -> None:
        keys = self._read()
        if not keys or min(map(len, keys)) < SHORTEST_KEY:
            raise SetupError(
                f"Each key of JWT_SECRET_KEY needs {SHORTEST_KEY} characters or more (make one with: "
                "openssl rand -base64 48). Unset it to have one made."
            )
        self._keys = {hashlib.sha256(key.encode()).hexdigest()[:8]: key for key in keys}
