"""Uploads in pieces over HTTP: judged as they come, gone on with, bounded, and everybody's own."""

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from backend.app import create_app
from backend.core.errors import Conflict
from backend.photos import batches, uploads
from backend.runtime import Runtime
from backend.settings import Settings
from backend.workflows import upkeep
from backend.workflows.parts import current
from tests.conftest import DrawPhoto
from tests.fakes import ScriptedReader
from tests.integration.test_api import finished

UPLOADS = "/api/v1/uploads"


@pytest.fixture
async def client(settings: Settings, reader: ScriptedReader) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, run_jobs=True, analyzer=reader)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as opened:
            yield opened


def runtime_of(client: httpx.AsyncClient) -> Runtime:
    return client._transport.app.state.runtime  # type: ignore[attr-defined]


async def open_one(client: httpx.AsyncClient) -> str:
    return str((await client.post(UPLOADS)).json()["id"])


async def send(client: httpx.AsyncClient, upload: str, number: int, piece: bytes, offset: int, size: int) -> Any:
    address = f"{UPLOADS}/{upload}/files/{number}"
    return await client.put(address, params={"offset": offset, "size": size}, content=piece)


async def test_what_passes_the_quota_is_no_batch(
    settings: Settings, reader: ScriptedReader, draw_photo: DrawPhoto
) -> None:
    app = create_app(settings.model_copy(update={"photos_a_day": 1}), run_jobs=False, analyzer=reader)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as client:
            upload = await open_one(client)
            for number in range(2):
                photo = draw_photo(f"{number}.jpg", seed=number).read_bytes()
                await send(client, upload, number, photo, 0, len(photo))
            wish = {"files": [{"number": n, "name": f"{n}.jpg"} for n in range(2)]}
            refused = await client.post(f"{UPLOADS}/{upload}/finish", json=wish)
            assert (refused.status_code, refused.json()["code"]) == (429, "photo_quota")
            assert (await client.get("/api/v1/bulk/jobs")).json() == []
            taken = await client.post(f"{UPLOADS}/{upload}/finish", json={"files": wish["files"][:1]})
            assert taken.status_code == 202, "what fits may still come"


async def test_pieces_become_a_batch_once(client: httpx.AsyncClient, draw_photo: DrawPhoto, settings: Settings) -> None:
    photo = draw_photo("a.jpg", seed=1).read_bytes()
    upload, half, size = await open_one(client), len(photo) // 2, len(photo)
    assert (await send(client, upload, 0, photo[:half], 0, size)).json()["state"] == "partial"
    again = await send(client, upload, 0, photo[:half], 0, size)
    assert (again.status_code, again.json()["code"]) == (409, "upload_offset")
    mixed = await send(client, upload, 0, photo[half:], half, size + 1)
    assert (mixed.status_code, mixed.json()["code"]) == (409, "upload_number"), "no file of two files' bytes"
    for number in range(2):
        unfinished = await client.post(f"{UPLOADS}/{upload}/finish", json={"files": [{"number": number, "name": "b"}]})
        assert unfinished.json()["code"] == "upload_unfinished"
    assert (await client.get(f"{UPLOADS}/{upload}")).json() == {"0": half}
    assert (await send(client, upload, 0, photo[half:], half, size)).json()["state"] == "whole"
    wish = {"files": [{"number": 0, "name": "../../robe/été.jpg"}], "defaults": {"audience": "women"}}
    answers = [await client.post(f"{UPLOADS}/{upload}/finish", json=wish) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    for other in ({"number": 1, "name": "../../robe/été.jpg"}, {"number": 0, "name": "another.jpg"}):
        lost = await client.post(f"{UPLOADS}/{upload}/finish", json={"files": [*wish["files"], other]})
        assert (lost.status_code, lost.json()["code"]) == (409, "upload_taken"), "it is no part of that batch"
    job = await finished(client, answers[0].json()["url"])
    assert (job["files"], job["photos"]) == (1, {"accepted": 1})
    (draft,) = (await client.get("/api/v1/drafts")).json()
    assert (draft["photos"][0]["name"], draft["fields"]["audience"]["value"]) == ("été.jpg", "women")
    assert list((settings.data / "uploads").rglob("0*")) == []
    second = await open_one(client)
    assert (await send(client, second, 0, photo, 0, size)).json()["state"] == "duplicate"


@pytest.mark.parametrize(
    ("head", "size", "reason"),
    [(b"hello", 5, "not_a_photo"), (b"GIF89a__", 8, "unsupported_format"), (b"", 0, "empty"),
     (b"\xff\xd8\xff", 90_000_000, "too_large")],
)  # fmt: skip
async def test_a_file_is_refused_at_its_first_piece(
    client: httpx.AsyncClient, head: bytes, size: int, reason: str
) -> None:
    upload = await open_one(client)
    answer = (await send(client, upload, 0, head, 0, size)).json()
    assert (answer["state"], answer["reason"]) == ("refused", reason)
    assert (await client.get(f"{UPLOADS}/{upload}")).json() == {}, "nothing of it is kept"


async def test_uploads_are_bounded_and_cleared_away(client: httpx.AsyncClient, settings: Settings) -> None:
    upload = await open_one(client)
    for number, piece, offset, size in ((9999, b"x", 0, 1), (0, b"xx", 0, 1), (0, b"x" * (8 << 20) + b"x", 0, 1 << 24)):
        assert (await send(client, upload, number, piece, offset, size)).status_code == 422
    assert (await send(client, "../../etc", 0, b"x", 0, 1)).status_code == 404
    assert (await send(client, "0" * 16, 0, b"x", 0, 1)).status_code == 404
    others = [await open_one(client) for _ in range(uploads.OPEN_MOST - 1)]
    refused = await client.post(UPLOADS, headers={"Accept-Language": "fr"})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_uploads")
    assert refused.json()["detail"].startswith("Trop d’envois"), "the page's script shows it as it comes"
    assert (await client.post(UPLOADS)).json()["detail"].startswith("Too many uploads")
    assert (await client.delete(f"{UPLOADS}/{others[0]}")).status_code == 204
    old = next(path for path in (settings.data / "uploads").glob("*/*") if path.name == upload)
    long_ago = time.time() - uploads.KEPT_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    assert (await client.post(UPLOADS)).status_code == 201
    assert not Path(old).exists()


async def test_photos_shared_by_the_phone_are_read(client: httpx.AsyncClient, draw_photo: DrawPhoto) -> None:
    files = [("files", (f"{n}.jpg", draw_photo(f"{n}.jpg", seed=n).read_bytes())) for n in range(2)]
    answer = await client.post("/share", files=files, headers={"Sec-Fetch-Site": "none"})
    assert answer.status_code == 303
    batch = answer.headers["location"].partition("#batch-")[2]
    assert (await finished(client, f"/api/v1/bulk/jobs/{batch}"))["photos"] == {"accepted": 2}
    manifest = (await client.get("/manifest.webmanifest")).json()
    assert manifest["share_target"]["action"] == "/share"
    for icon in manifest["icons"]:
        assert (await client.get(icon["src"])).status_code == 200
    foreign = await client.post("/share", files=files, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403


REFUSE = "create trigger refuse before insert on batches begin select raise(abort, 'no room for it'); end"


async def test_what_breaks_off_half_way_loses_no_photo(
    client: httpx.AsyncClient, draw_photo: DrawPhoto, settings: Settings
) -> None:
    photo = draw_photo("a.jpg", seed=1).read_bytes()
    upload = await open_one(client)
    await send(client, upload, 0, photo, 0, len(photo))
    wish = {"files": [{"number": 0, "name": "a.jpg"}]}
    database = runtime_of(client).database
    with database.connection() as tables:
        tables.exec_driver_sql(REFUSE)
    with pytest.raises(IntegrityError):
        await client.post(f"{UPLOADS}/{upload}/finish", json=wish)
    for address, headers in (("/api/v1/ingest", {}), ("/share", {"Sec-Fetch-Site": "none"})):
        with pytest.raises(IntegrityError):
            await client.post(address, files=[("files", ("b.jpg", photo))], headers=headers)
    assert [path.name for path in settings.incoming_folder.iterdir()] == [upload], "nothing else is left of them"
    with database.connection() as tables:
        tables.exec_driver_sql("drop trigger refuse")
    answers = await asyncio.gather(*(client.post(f"{UPLOADS}/{upload}/finish", json=wish) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [202] * 3, "two at once are one"
    job = await finished(client, answers[0].json()["url"])
    assert (job["files"], job["photos"]) == (1, {"accepted": 1})
    assert len((await client.get("/api/v1/bulk/jobs")).json()) == 1
    assert list((settings.data / "uploads").glob("*/*")) == []


async def test_uploaded_files_that_no_batch_waits_for_are_cleared_away(runtime: Runtime, tmp_path: Path) -> None:
    waiting = batches.IncomingFile(tmp_path / "a.jpg", "a.jpg")
    stated: dict[str, Any] = {"source": "x", "defaults": {}, "batch_id": "waits"}
    incoming = runtime.settings.incoming_folder

    def make(session: Session) -> None:
        batches.create_batch(session, runtime.user_id, [waiting], **stated).state = "done"

    await runtime.database.run(make)
    for name in ("lost", "waits", "new"):
        (incoming / name).mkdir(parents=True)
        (incoming / name / "00000").write_bytes(b"x")
        if name != "new":
            os.utime(incoming / name, (0, 0))
    await upkeep.clear_incoming(current())
    assert {path.name for path in incoming.iterdir()} == {"waits", "new"}


def test_one_piece_at_a_time_is_added_and_no_more_than_there_is_room(tmp_path: Path) -> None:
    upload = uploads.open_upload(tmp_path, "marie")
    folder = uploads.folder_of(tmp_path, "marie", upload)
    jpeg, bounds = b"\xff\xd8\xff" + b"x" * 97, {"most": 9, "room": 150}

    def add(number: int) -> uploads.Received:
        return uploads.add_piece(tmp_path, "marie", upload, number, jpeg, offset=0, size=100, **bounds)

    with ThreadPoolExecutor(2) as pool:
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
        twice = [pool.submit(add, 0) for _ in range(2)]
        assert not wait(twice, timeout=0.2).done and not list(folder.iterdir()), "another process adds to it just now"
        os.close(handle)
        wait(twice)
    errors = [one.exception() for one in twice]
    assert sorted(error.code for error in errors if isinstance(error, Conflict)) == ["upload_offset"]
    assert [path.read_bytes() for path in folder.iterdir()] == [jpeg]
    assert add(1).reason == "no_room" and len(list(folder.iterdir())) == 1
