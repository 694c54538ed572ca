"""Passwords: how strong one has to be, and keeping one so that nobody can read it (argon2id).

Owns strength and hashing, off the event loop and few at a time: each takes 64 MiB. Owns no row.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from backend.core.errors import BadRequest

SHORTEST, LONGEST = 8, 72
"""Characters. Longer ones would only cost zxcvbn time."""
STRONG_ENOUGH = 3
"""Of zxcvbn's 0 to 4: safely unguessable, 10^8 guesses and more."""
AT_ONCE = 2

_hasher = PasswordHasher()
_pool = ThreadPoolExecutor(AT_ONCE, "passwords")
"""Threads of their own: the tables' are not kept waiting."""


async def check_strength(password: str, about: Sequence[str] = ()) -> None:
    """Raises BadRequest that says what is wrong; `about` are words an attacker would try: the name, the address."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadRequest(f"A password has {SHORTEST} to {LONGEST} characters.", code="password_length")
    guessing = partial(zxcvbn, password, user_inputs=[word for word in about if word])
    found = await asyncio.get_running_loop().run_in_executor(_pool, guessing)
    if found["score"] < STRONG_ENOUGH:
        advice = [found["feedback"]["warning"], *found["feedback"]["suggestions"]]
        told = " ".join(f"{line.rstrip('.')}." for line in advice if line)
        raise BadRequest(f"This password is too easy to guess. {told}".strip(), code="password_weak")


async def hash_password(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_pool, _hasher.hash, password)


async def matches(password: str, hashed: str | None) -> bool:
    """Whether it is the password. Where there is none, the same time is spent to say no."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool, _verify, password[: LONGEST + 1], hashed)


def is_outdated(hashed: str) -> bool:
    """Whether it was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(hashed)


def _verify(password: str, hashed: str | None) -> bool:
    try:
        _hasher.verify(hashed or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


@cache
def _nobodys() -> str:
    return _hasher.hash("nobody has this password")
