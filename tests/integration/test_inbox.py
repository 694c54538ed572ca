"""The watched folder: what is put there becomes drafts, once, and is kept."""

import asyncio
import os
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

    async def take(_: str, files: list[IncomingFile]) -> None:
        taken.extend(files)
        if len(taken) == 1:
            raise SetupError("The disk is full.")

    async def is_taken(_: str) -> bool:
        return len(taken) == 2

    async with asyncio.timeout(20):
        watching = asyncio.create_task(inbox.watch(tmp_path, take, is_taken, most=9, every=0.2))
        for length in range(1, 12):
            growing.write_bytes(b"x" * length)
            await asyncio.sleep(0.05)
            assert taken == []
        while len(taken) < 2:
            await asyncio.sleep(0.02)
        watching.cancel()
    assert [(one.name, one.folder, one.owned) for one in taken] == [("photo.jpg", "", False)] * 2, "tried again"
    assert taken[1].path.stat().st_size == 11


async def test_what_became_no_batch_is_put_back_and_nothing_else(tmp_path: Path) -> None:
    """Three files, taken one at a time; at the second a fault of ours."""
    made: dict[str, list[IncomingFile]] = {}
    faults = [RuntimeError("a fault of ours")]

    async def take(batch_id: str, files: list[IncomingFile]) -> None:
        if made and faults:
            raise faults.pop()
        made[batch_id] = files

    async def is_taken(batch_id: str) -> bool:
        return batch_id in made

    for name in "abc":
        (tmp_path / f"{name}.jpg").write_bytes(b"x")
    async with asyncio.timeout(30):
        watching = asyncio.create_task(inbox.watch(tmp_path, take, is_taken, most=1, every=0.02))
        while len(made) < 3 or list(tmp_path.rglob(".batch-*")):
            await asyncio.sleep(0.02)
        watching.cancel()
    assert [[one.name for one in files] for files in made.values()] == [["a.jpg"], ["b.jpg"], ["c.jpg"]]
    assert all(one.path.exists() for files in made.values() for one in files), "a batch's files stay where they are"
    assert [path.name for path in tmp_path.iterdir()] == ["taken"] and len(list(tmp_path.glob("taken/*"))) == 3


async def test_what_a_process_that_died_had_set_aside_is_put_back(tmp_path: Path) -> None:
    taken: list[str] = []

    async def take(batch_id: str, files: list[IncomingFile]) -> None:
        taken.extend(file.name for file in files)

    async def is_taken(batch_id: str) -> bool:
        return batch_id == "made" or bool(taken)

    for home, batch_id in (("one", "lost"), ("two", "made")):
        aside = tmp_path / "taken" / home
        aside.mkdir(parents=True)
        (aside / "a.jpg").write_bytes(b"x")
        (aside / f".batch-{batch_id}").touch()
        os.utime(aside / f".batch-{batch_id}", (0, 0))
    (tmp_path / "a.jpg").write_bytes(b"another")
    async with asyncio.timeout(30):
        watching = asyncio.create_task(inbox.watch(tmp_path, take, is_taken, most=9, every=0.02))
        while not taken:
            await asyncio.sleep(0.02)
        watching.cancel()
    assert taken == ["a (2).jpg", "a.jpg"], "and never over another file"
    assert [path.name for path in (tmp_path / "taken" / "two").iterdir()] == ["a.jpg"]
    assert not (tmp_path / "taken" / "one").exists()


def test_files_that_go_away_are_let_go(tmp_path: Path) -> None:
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "b.jpg").write_bytes(b"x")
    assert list(inbox.look(tmp_path)) == [tmp_path / "b.jpg"]
    home = tmp_path / "taken" / "now"
    files = inbox.set_aside(tmp_path, [tmp_path / "a.jpg", tmp_path / "b.jpg"], home, "id")
    assert [file.name for file in files] == ["b.jpg"]
