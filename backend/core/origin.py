"""Where a piece of work came from: the request (or command) that asked for it, carried along to the job and its steps.

Owns the context and its shape, `{"request": …}` and, while traces are kept, `{"traceparent": …}` (W3C's), which is
stored beside what was asked for. Owns no log and no trace.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NOWHERE: Mapping[str, str] = {}
_origin: ContextVar[Mapping[str, str]] = ContextVar("origin", default=_NOWHERE)


def new_request_id() -> str:
    """Twelve hex digits."""
    return secrets.token_hex(6)


def accepted_id(given: str | None) -> str:
    """The id a client gave its request, where it is one; else a new one."""
    return given if given and _ID.fullmatch(given) else new_request_id()


@contextmanager
def coming_from(origin: Mapping[str, str]) -> Iterator[None]:
    """What is asked for inside, also by tasks and threads started inside, comes from there."""
    token = _origin.set({**_origin.get(), **origin})
    try:
        yield
    finally:
        _origin.reset(token)


def origin() -> dict[str, str]:
    """Where the work under way came from; {} when nobody said."""
    return dict(_origin.get())
