"""The live view of a page that waits for its account's owner: pictures out, inputs in, over one WebSocket.

Messages out: a JPEG (binary) at each change of the page; `{"alive": true}` every ten seconds; last of all
`{"ended": "solved" | "closed" | "time_limit"}`. Messages in: `Input`, one at a time. Owns this protocol and its limits.
Who may connect from a browser is `web/guard.py`'s, how long the page stays open `workflows/live.py`'s.
"""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.websockets import WebSocket, WebSocketDisconnect

from backend.api.deps import RuntimeDep, UserId
from backend.api.errors import problem
from backend.api.staying import is_let_in
from backend.core.errors import NotFound, VintedNetworkError
from backend.core.waiting import until_one_ends
from backend.db import audit
from backend.db.models import Publication
from backend.db.scope import get_owned
from backend.marketplace.port import KEYS, InputEvent
from backend.runtime import Runtime
from backend.workflows.live import Opening

router = APIRouter(prefix="/publications", tags=["publications"])

LONGEST_INPUT = 2_000
"""Characters of a message; a longer one, or one that is no `Input`, ends the connection."""
ALIVE_EVERY = 10.0
LAST_WORD_WITHIN = 3.0
NORMAL, UNUSABLE, NOT_ALLOWED, TOO_LONG = 1000, 1007, 1008, 1009
Share = Annotated[float, Field(ge=0, le=1)]


class Input(BaseModel):
    """What a person did: see `InputEvent`. `key` takes the keys with names and single characters of ASCII."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Literal["move", "down", "up", "wheel", "key", "text"]
    x: Share = 0.0
    y: Share = 0.0
    delta_y: Annotated[float, Field(ge=-5_000, le=5_000)] = 0.0
    text: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _key_is_one(self) -> "Input":
        if self.kind == "key" and not (self.text in KEYS or (len(self.text) == 1 and " " <= self.text <= "~")):
            raise ValueError("not a key")
        return self

    def event(self) -> InputEvent:
        return InputEvent(**self.model_dump())


@router.websocket("/{publication_id}/live")
async def show_live(socket: WebSocket, publication_id: str, runtime: RuntimeDep, user_id: UserId) -> None:
    """404 before anything is opened: not yours, or no page of it is open in this process."""
    try:
        await runtime.database.look(get_owned, Publication, user_id, publication_id)
        opening = runtime.live.find(user_id, publication_id)
        if opening is None:
            raise NotFound("No page of this publication is open now.")
        await runtime.database.run(audit.record, "live_view.opened", user_id, publication_id)
    except NotFound as error:
        await socket.send_denial_response(problem(error.status, error.code, str(error)))
        return
    await socket.accept()
    try:
        await until_one_ends(_show(socket, opening), _obey(socket, opening), _beat(socket, runtime), opening.wait())
        async with asyncio.timeout(LAST_WORD_WITHIN):
            ended = await opening.wait()
            await socket.send_json({"ended": ended})
            await socket.close(NORMAL)
    except WebSocketDisconnect:
        return
    except TimeoutError:
        await socket.close(NORMAL)


async def _show(socket: WebSocket, opening: Opening) -> None:
    """The next picture is taken once this one has left: a slow viewer misses some, and nothing piles up."""
    try:
        async for picture in opening.page.frames():
            await socket.send_bytes(picture)
    except VintedNetworkError:
        return


async def _obey(socket: WebSocket, opening: Opening) -> None:
    while True:
        received = await socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", NORMAL))
        message = received.get("text") or ""
        if len(message) > LONGEST_INPUT:
            await _hang_up(socket, TOO_LONG)
        try:
            event = Input.model_validate_json(message).event()
        except ValidationError:
            await _hang_up(socket, UNUSABLE)
        try:
            await opening.page.act(event)
        except VintedNetworkError:
            return


async def _hang_up(socket: WebSocket, code: int) -> None:
    await socket.close(code)
    raise WebSocketDisconnect(code)


async def _beat(socket: WebSocket, runtime: Runtime) -> None:
    """Says that all is well, as long as whoever looks is still let in."""
    while True:
        await asyncio.sleep(ALIVE_EVERY)
        if not await is_let_in(socket, runtime):
            await _hang_up(socket, NOT_ALLOWED)
        await socket.send_json({"alive": True})
