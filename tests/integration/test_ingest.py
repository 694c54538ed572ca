"""Photos in, drafts out: the whole way of a batch, on real files and real tables."""

import shutil
from pathlib import Path

from backend.cli.photos import hand_in, report, watch
from backend.runtime import Runtime
from tests.fakes import ScriptedReader

STATED = {"audience": "women", "condition": "very-good"}


async def read(runtime: Runtime, folder: Path, stated: dict[str, str] = STATED) -> dict:
    batch_id = await hand_in(runtime, folder, stated)
    await watch(runtime, batch_id, quiet=True)
    return await report(runtime, batch_id)


async def test_a_heap_of_photos_becomes_ready_drafts(runtime: Runtime, closet: Path) -> None:
    found = await read(runtime, closet)
    assert found["state"] == "done"
    assert [d["photos"] for d in found["drafts"]] == [[f"IMG_{i}{n}.jpg" for n in range(3)] for i in range(2)]
    first = found["drafts"][0]
    assert first["problems"] == []
    assert first["publish_ready"]
    assert first["fields"]["audience"] == {
        "value": "women",
        "confidence": 1.0,
        "alternatives": [],
        "evidence": [{"source": "seller", "photo": None, "detail": "batch", "box": None}],
    }
    assert "Kiabi" in first["fields"]["title"]["value"]


async def test_the_same_folder_twice_makes_no_second_drafts(
    runtime: Runtime, reader: ScriptedReader, closet: Path
) -> None:
    await read(runtime, closet)
    again = await read(runtime, closet)
    assert (again["state"], again["drafts"], again["photos"]) == ("done", [], {"duplicate": 6})
    assert reader.asked == 2


async def test_bad_files_are_left_out_with_reasons_and_stop_nothing(runtime: Runtime, closet: Path) -> None:
    (closet / "notes.txt").write_text("washing at 30 degrees")
    (closet / "nothing.jpg").write_bytes(b"")
    (closet / "cut.jpg").write_bytes((closet / "IMG_00.jpg").read_bytes()[:2000])
    shutil.copy(closet / "IMG_00.jpg", closet / "copy.jpg")
    found = await read(runtime, closet)
    assert len(found["drafts"]) == 2
    reasons = {row["file"]: row["reason"] for row in found["left_out"]}
    assert reasons["notes.txt"] == "not_a_photo"
    assert reasons["nothing.jpg"] == "empty"
    assert reasons["cut.jpg"] == "truncated"
    assert list(found["photos"].items()) == [("accepted", 6), ("duplicate", 1), ("refused", 3)]


async def test_secrets_are_made_at_first_start_and_private(runtime: Runtime) -> None:
    for name in ("secret.key", "jwt.key"):
        assert (runtime.settings.data / name).stat().st_mode & 0o777 == 0o600


async def test_only_broken_photos_end_in_a_finished_batch_without_drafts(runtime: Runtime, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"not a photo")
    found = await read(runtime, folder)
    assert (found["state"], found["drafts"], found["photos"]) == ("done", [], {"refused": 1})
