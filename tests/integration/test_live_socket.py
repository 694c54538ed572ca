"""The live view's WebSocket under a viewer who does not keep up, over a real connection."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from websockets.asyncio.client import connect

from backend.app import create_app
from backend.db.models import Publication
from backend.marketplace.port import InputEvent
from backend.runtime import Runtime
from backend.settings import Settings
from tests.fakes import ScriptedReader, publication_row

PICTURE = b"\xff\xd8" + random.Random(1).randbytes(400_000)


class FastPage:
    """Changes as fast as anybody looks; `taken` counts the pictures that were asked for."""

    challenge = "hcaptcha"

    def __init__(self) -> None:
        self.taken = 0
        self.done: list[InputEvent] = []

    async def frames(self) -> AsyncIterator[bytes]:
        while True:
            self.taken += 1
            yield PICTURE
            await asyncio.sleep(0)

    async def act(self, event: InputEvent) -> None:
        self.done.append(event)

    async def solved(self) -> bool:
        return False


@pytest.fixture
async def served(settings: Settings) -> AsyncIterator[tuple[str, Runtime]]:
    app = create_app(settings, run_jobs=False, analyzer=ScriptedReader())
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.02)
    yield f"ws://127.0.0.1:{listener.getsockname()[1]}", app.state.runtime
    server.should_exit = True
    await serving


async def test_a_viewer_who_reads_nothing_fills_no_memory_and_still_acts(served: tuple[str, Runtime]) -> None:
    address, runtime = served
    row: Publication = await asyncio.to_thread(publication_row, runtime.database)
    page = FastPage()
    with runtime.live.showing(row.user_id, row.id, page, limit=60) as opening:
        opening.user_id = runtime.user_id
        await runtime.database.run(lambda s: setattr(s.get_one(Publication, row.id), "user_id", runtime.user_id))
        async with connect(
            f"{address}/api/v1/publications/{row.id}/live", max_queue=1, max_size=None, close_timeout=0.2
        ) as viewer:
            before = -1
            async with asyncio.timeout(20):
                while page.taken != before:  # until the connection is full
                    before = page.taken
                    await asyncio.sleep(0.3)
            assert 1 <= page.taken < 60, "pictures are taken as they leave, not before"
            await viewer.send('{"kind": "text", "text": "still here"}')
            async with asyncio.timeout(5):
                while not page.done:
                    await asyncio.sleep(0.02)
            assert page.taken == before
            assert page.done == [InputEvent("text", text="still here")]
            for _ in range(3):
                assert await viewer.recv() == PICTURE
