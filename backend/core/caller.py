"""Who acts, in which way, from where: carried along by the context, from the edge down to where it is written.

Owns the closed sets of ways, roles and scopes. Owns no check of who may do what (`users/access.py`) and no table.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["admin", "member"]
Scope = Literal["read", "write", "publish", "admin"]
Way = Literal["local", "page", "token", "key", "link", "cli", "job"]
ROLES: tuple[str, ...] = get_args(Role)
SCOPES: tuple[str, ...] = get_args(Scope)


@dataclass(frozen=True)
class Caller:
    """Somebody known. `way` is how: `local` without signing in on this machine, `page` by a cookie, `token` by an
    access token, `key` by an API key, `link` by a signed address. `sign_in` is the session's or key's id."""

    user_id: str
    name: str
    role: str
    way: Way
    sign_in: str | None = None
    scopes: frozenset[str] = frozenset(SCOPES)
    address: str = ""
    agent: str = ""

    @property
    def is_admin(self) -> bool:
        return self.role == "admin" and "admin" in self.scopes


@dataclass(frozen=True)
class Origin:
    """Where a request comes from, known or not: its network address and what it calls itself."""

    address: str = ""
    agent: str = ""


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def caller() -> Caller | None:
    """Who acts here; None in a job."""
    return _caller.get()


def set_caller(who: Caller) -> None:
    """For the rest of this task, which is one request."""
    _caller.set(who)


@contextmanager
def acting(who: Caller) -> Iterator[None]:
    before = _caller.set(who)
    try:
        yield
    finally:
        _caller.reset(before)
