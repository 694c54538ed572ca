"""What is open ends at once when its reader is suspended."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from sqlmodel import select

from backend.api import staying
from backend.api.v1.routers import live
from backend.db.models import Batch, Publication, User
from backend.marketplace.port import InputEvent
from backend.runtime import Runtime
from backend.users.service import find_by_name
from tests.fakes import publication_row
from tests.people import (
    bearer,
)


class StillPage:
    """An open page on which nothing happens."""

    challenge = "hcaptcha"

    async def frames(self) -> AsyncIterator[bytes]:
        yield b"picture"
        await asyncio.Event().wait()

    async def act(self, event: InputEvent) -> None:
        raise AssertionError(event)

    async def solved(self) -> bool:
        return False


@pytest.mark.parametrize("path", ["queue/events", "bulk/events", "bulk/jobs/{batch}/events"])
async def test_a_stream_ends_when_its_reader_is_suspended(
    app: FastAPI, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(staying, "ASKED_EVERY", 0.02)
    paul = await runtime.database.run(find_by_name, "paul")
    batch = Batch(user_id=paul.id)
    await runtime.database.run(lambda s: s.add(batch))
    token = (await bearer(runtime, "paul"))["Authorization"].encode()
    heard: asyncio.Queue[dict] = asyncio.Queue()
    told: asyncio.Queue[dict] = asyncio.Queue()
    scope = {
        "type": "http", "method": "GET", "http_version": "1.1", "path": f"/api/v1/{path.format(batch=batch.id)}",
        "raw_path": b"", "root_path": "", "scheme": "http", "query_string": b"",
        "headers": [(b"host", b"closet.example"), (b"authorization", token)], "client": ("192.0.2.7", 1),
        "server": ("closet.example", 80), "asgi": {"version": "3.0"},
    }  # fmt: skip
    heard.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    served = asyncio.create_task(app(scope, heard.get, told.put))
    async with asyncio.timeout(60):
        assert (await told.get())["status"] == 200
        while b"event: progress" not in (await told.get()).get("body", b""):
            continue
        await runtime.people.change(paul.id, state="suspended")
        while (await told.get()).get("more_body"):
            continue
        await served


async def test_a_live_view_ends_when_its_viewer_is_suspended(
    app: FastAPI, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "ALIVE_EVERY", 0.02)
    row = await asyncio.to_thread(publication_row, runtime.database)
    paul = await runtime.database.run(lambda s: s.exec(select(User).where(User.name == "paul")).one())
    await runtime.database.run(lambda s: setattr(s.get_one(Publication, row.id), "user_id", paul.id))
    heard: asyncio.Queue[dict] = asyncio.Queue()
    told: asyncio.Queue[dict] = asyncio.Queue()
    token = (await bearer(runtime, "paul"))["Authorization"].encode()
    scope = {
        "type": "websocket", "path": f"/api/v1/publications/{row.id}/live", "raw_path": b"", "root_path": "",
        "scheme": "ws", "query_string": b"", "headers": [(b"host", b"closet.example"), (b"authorization", token)],
        "client": ("192.0.2.7", 1), "server": ("closet.example", 80), "subprotocols": [], "asgi": {"version": "3.0"},
    }  # fmt: skip
    heard.put_nowait({"type": "websocket.connect"})
    with runtime.live.showing(paul.id, row.id, StillPage(), limit=60):
        served = asyncio.create_task(app(scope, heard.get, told.put))
        async with asyncio.timeout(20):
            assert (await told.get())["type"] == "websocket.accept"
            while "alive" not in (await told.get()).get("text", ""):
                continue
            await runtime.people.change(paul.id, state="suspended")
            while (last := await told.get())["type"] != "websocket.close":
                continue
            assert last["code"] == 1008
            await served
