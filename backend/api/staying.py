"""Whether somebody who is being served for long is still let in: not signed out, suspended, or out of time.

Owns how often a stream asks. Owns no rule: who gets in is `users/people.py`'s to say.
"""

import time

from starlette.requests import HTTPConnection

from backend.api.deps import credentials_of
from backend.core.errors import Forbidden, SignInNeeded
from backend.runtime import Runtime

ASKED_EVERY = 15.0
"""Seconds."""


async def is_let_in(connection: HTTPConnection, runtime: Runtime) -> bool:
    """Whether what the connection brought would still let it in."""
    try:
        return await runtime.people.identify(credentials_of(connection, runtime)) is not None
    except (SignInNeeded, Forbidden):
        return False


class Stay:
    """One connection's, from its beginning on: let in when it was made."""

    def __init__(self, connection: HTTPConnection, runtime: Runtime) -> None:
        self._connection, self._runtime = connection, runtime
        self._asked = time.monotonic()

    async def holds(self) -> bool:
        """Asked as often as one likes; looked up every 15 s."""
        if time.monotonic() - self._asked < ASKED_EVERY:
            return True
        self._asked = time.monotonic()
        return await is_let_in(self._connection, self._runtime)
