"""Streams that tell a page when to look again: an event whenever a pulse of the user's changes, and a sign of life.

Owns how often is looked and how long a stream may be silent. What a pulse is made of is the services' to say.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from fastapi import Request
from fastapi.responses import StreamingResponse
from sqlmodel import Session

from backend.api.staying import Stay
from backend.runtime import Runtime

Pulse = Callable[[Session, str], str]
_LOOK_EVERY, _BREATH = 0.5, 15.0


def beating(
    request: Request, runtime: Runtime, user_id: str, pulse: Pulse, *, seen: str | None = None
) -> StreamingResponse:
    """`progress` at once and at each change, unless the pulse is still the one `seen`; `here` where nothing changes.

    It ends for who is no longer let in."""
    stay = Stay(request, runtime)

    async def stream() -> AsyncIterator[str]:
        last, silent = seen, _BREATH
        while not await request.is_disconnected() and await stay.holds():
            now = await runtime.database.look(pulse, user_id)
            if now != last:
                last, silent = now, 0.0
                yield f"event: progress\nid: {now}\ndata: {{}}\n\n"
            elif (silent := silent + _LOOK_EVERY) >= _BREATH:
                silent = 0.0
                yield "event: here\ndata: {}\n\n"
            await asyncio.sleep(_LOOK_EVERY)

    return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
