"""Connections that say nothing: ended, so that nobody can hold them all with a byte now and then.

Owns the time a request's head may take. A body's is `api/bodies.py`'s; an idle connection after an answer is uvicorn's.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_SECONDS = 20.0
"""A head that is not there after twice this at most ends the connection."""


def patient_protocol(head_seconds: float = HEAD_SECONDS) -> type[asyncio.Protocol]:
    """Uvicorn's protocol, which closes a connection on which no request has begun for that long."""
    base: Any = AutoHTTPProtocol

    class PatientProtocol(base):  # type: ignore[misc]
        """Looks now and then: twice in a row without a request under way is too long."""

        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(transport)
            self._quiet, self._transport = False, transport
            self._look = asyncio.get_running_loop().call_later(head_seconds, self._check)

        def connection_lost(self, error: Exception | None) -> None:
            self._look.cancel()
            super().connection_lost(error)

        def _check(self) -> None:
            if self._transport.is_closing() or self._transport.get_protocol() is not self:  # a WebSocket by now
                return
            cycle = self.cycle
            is_quiet = cycle is None or cycle.response_complete
            if is_quiet and self._quiet:
                self._transport.close()
                return
            self._quiet = is_quiet
            self._look = asyncio.get_running_loop().call_later(head_seconds, self._check)

    return PatientProtocol
