"""The watched folder: what is put there becomes drafts, once, and is kept."""

import asyncio
from pathlib import Path

from backend.core.errors import SetupError
from backend.drafts import service as drafts
from backend.photos import batches, inbox
from backend.photos.batches import IncomingFile
from backend.runtime import running
from backend.settings import Settings
from tests.fakes import ScriptedReader


async def test_photos_put_into_the_inbox_become_drafts(closet: Path, tmp_path: Path) -> None:
    home = tmp_path / "inbox"
    settings = Settings(data=tmp_path / "data", inbox=home)
    async with running(settings, run_jobs=True, analyzer=ScriptedReader()) as runtime:
        async with asyncio.timeout(30):
            while not home.exists():
                await asyncio.sleep(0.02)
            for path in closet.iterdir():
                path.rename(home / path.name)
            while not (found := await runtime.database.run(batches.batches_of, runtime.user_id)):
                await asyncio.sleep(0.05)
            while (await runtime.database.run(batches.progress, runtime.user_id, found[0].id)).state != "done":
                await asyncio.sleep(0.05)
        assert found[0].source == "inbox"
        assert len(await runtime.database.run(drafts.drafts_of, runtime.user_id)) == 2
    assert [p.name for p in home.iterdir()] == ["taken"]
    assert len(list(home.glob("taken/*/*.jpg"))) == 6, "the originals stay their owner's"


async def test_a_file_still_being_copied_is_left_alone(tmp_path: Path) -> None:
    taken: list[IncomingFile] = []
    growing = tmp_path / "photo.jpg"
    (tmp_path / ".hidden.jpg").write_bytes(b"x")

    async def take(files: list[IncomingFile]) -> None:
        taken.extend(files)
        if len(taken) == 1:
            raise SetupError("The disk is full.")

    async with asyncio.timeout(20):
        watching = asyncio.create_task(inbox.watch(tmp_path, take, every=0.2))
        for length in range(1, 12):
            growing.write_bytes(b"x" * length)
            await asyncio.sleep(0.05)
            assert taken == []
        while len(taken) < 2:
            await asyncio.sleep(0.02)
        watching.cancel()
    assert [(one.name, one.folder, one.owned) for one in taken] == [("photo.jpg", "", False)] * 2, "tried again"
    assert taken[1].path.stat().st_size == 11
