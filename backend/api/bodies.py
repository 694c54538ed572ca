"""How much may be sent, and how slowly: bounds on a request's body, kept while it arrives.

Owns size and time of a body, refused as soon as they are passed and before anything else is read. Owns no limit on what
an upload holds: how many files is the batch's (`photos/batches.py`), how many bytes and pixels a photo, the intake's.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.errors import problem
from backend.photos.uploads import PIECE_MOST
from backend.wardrobe.importing import BYTES_MAX

LONGEST_DOCUMENT = 2_000_000
"""Bytes of any request that is no upload."""
_UPLOAD = re.compile(r"/api/v1/(ingest|ai/analyze)|/share")
_LONGER = (
    (re.compile(r"(/api/v1)?/wardrobe/import"), BYTES_MAX + LONGEST_DOCUMENT),
    (re.compile(r"/api/v1/uploads/[^/]+/files/\d+"), PIECE_MOST + 1),
)
"""One past what is taken, so that its own words say so; a form has a little around its table."""
IDLE_SECONDS = 30.0
"""So long may nothing arrive of a body that has more to come."""
DOCUMENT_SECONDS, UPLOAD_SECONDS = 60.0, 3600.0


class BodyRefused(HTTPException):
    """One of the few errors FastAPI lets through while it reads a body."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(status, detail)
        self.code = code


class BoundedBodies:
    """The middleware. `longest_upload` in bytes; the times in seconds."""

    def __init__(
        self,
        app: ASGIApp,
        longest_upload: int,
        *,
        idle: float = IDLE_SECONDS,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.app, self.longest_upload, self.idle = app, longest_upload, idle
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"].rstrip("/")
        is_upload = scope["method"] == "POST" and _UPLOAD.fullmatch(path) is not None
        longer = next((bound for pattern, bound in _LONGER if pattern.fullmatch(path)), LONGEST_DOCUMENT)
        most = self.longest_upload if is_upload else longer
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > most:
            refused = _too_large(most)
            answer = problem(refused.status_code, refused.code, str(refused.detail), {"Connection": "close"})
            await answer(scope, receive, send)
            return
        whole = DOCUMENT_SECONDS if most == LONGEST_DOCUMENT else UPLOAD_SECONDS
        await self.app(scope, self._bounded(receive, most, whole), send)

    def _bounded(self, receive: Receive, most: int, whole: float) -> Callable[[], Awaitable[Message]]:
        arrived, more = 0, True
        clock = self._clock or asyncio.get_running_loop().time
        deadline = clock() + whole

        async def receive_bounded() -> Message:
            nonlocal arrived, more
            if not more:  # the body is through: what is waited for now is the client's going away
                return await receive()
            try:
                async with asyncio.timeout(max(0.0, min(self.idle, deadline - clock()))):
                    message = await receive()
            except TimeoutError:
                raise BodyRefused(
                    HTTPStatus.REQUEST_TIMEOUT, "too_slow", "The request's body came too slowly. Send it again."
                ) from None
            more = message["type"] == "http.request" and message.get("more_body", False)
            arrived += len(message.get("body", b""))
            if arrived > most:
                raise _too_large(most)
            return message

        return receive_bounded


def _too_large(most: int) -> BodyRefused:
    size = f"{most / 1e6:.0f} MB"
    return BodyRefused(413, "too_large", f"More than {size} at once is not taken here. Send less, or in parts.")
