"""What a person sees when something is in the way, and that nothing is lost by it."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from backend.cli import app
from backend.cli.photos import hand_in, report, watch
from backend.cli.publishing import publish_drafts
from backend.core.errors import BadRequest, SessionMissing, SetupError
from backend.core.retry_utils import waiting_by
from backend.db.models import Photo
from backend.drafts.service import drafts_of
from backend.photos import batches
from backend.photos.discovery import discover
from backend.runtime import Runtime, running
from backend.settings import Settings
from tests.conftest import DrawPhoto
from tests.fakes import ScriptedReader

STATED = {"audience": "women", "condition": "very-good"}


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output + result.stderr


def test_an_empty_folder_says_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, told = invoke("ingest", str(tmp_path / "empty"))
    assert code == 1
    assert "JPEG, PNG, WebP or HEIC" in " ".join(told.split())


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    code, told = invoke("ingest", str(tmp_path / "nowhere"))
    assert code == 1
    assert "nowhere" in told


def test_a_statement_that_is_none_names_the_choices(tmp_path: Path, closet: Path) -> None:
    code, told = invoke("ingest", str(closet), "--condition", "mint")
    assert code == 1
    assert "very-good" in told
    code, told = invoke("ingest", str(closet), "--language", "fi")
    assert code == 2
    assert "nl" in told


def test_a_data_folder_that_cant_be_written_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, told = invoke("--data", str(tmp_path / "file" / "data"), "drafts", "list")
    assert code == 4
    assert "VINTEDBOT_DATA" in told


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB that can be remounted."""
    place = tmp_path / "disk"
    place.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "x", place], check=False).returncode
    ):
        (pytest.fail if os.environ.get("CI") else pytest.skip)("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


async def test_a_read_only_disk_is_named(small_disk: Path, closet: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(SetupError, match="can't be written"):
        async with running(Settings(data=small_disk / "data"), run_jobs=True, analyzer=ScriptedReader()):
            pass


@pytest.mark.parametrize("left", [0, 120_000])
async def test_a_full_disk_is_named_and_nothing_is_lost_or_doubled(small_disk: Path, closet: Path, left: int) -> None:
    """Full at once, or in the middle of the batch."""
    settings = Settings(data=small_disk / "data")
    async with running(settings, run_jobs=True, analyzer=ScriptedReader()) as runtime:
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        (small_disk / "filler").write_bytes(b"x" * (free - left))
        with pytest.raises(SetupError, match=r"(?i)full"):
            batch_id = await hand_in(runtime, closet, STATED)
            await watch(runtime, batch_id, quiet=True)
            raise SetupError((await report(runtime, batch_id))["error"])
    (small_disk / "filler").unlink()
    async with running(settings, run_jobs=True, analyzer=ScriptedReader()) as runtime:
        again = await hand_in(runtime, closet, STATED)
        for batch in await runtime.database.run(batches.unfinished):
            await watch(runtime, batch.id, quiet=True)
        assert (await report(runtime, again))["state"] == "done"
        drafts = await runtime.database.run(drafts_of, runtime.user_id)
        assert [d.state for d in drafts] == ["open", "open"]
        accepted = await runtime.database.run(lambda s: s.exec(select(Photo).where(Photo.state == "accepted")).all())
        assert len(accepted) == 6


def test_a_taken_port_says_who_to_ask(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, told = invoke("serve", "--port", str(taken.getsockname()[1]))
    assert code == 4
    assert "--port" in told


def test_serving_the_network_without_sign_in_is_refused() -> None:
    code, told = invoke("serve", "--host", "0.0.0.0", "--port", "0")
    assert code == 4
    assert "nobody has a password yet" in " ".join(told.split())


async def test_without_an_account_the_way_is_named_and_nothing_is_asked(runtime: Runtime, closet: Path) -> None:
    batch_id = await hand_in(runtime, closet, STATED)
    await watch(runtime, batch_id, quiet=True)
    drafts = (await report(runtime, batch_id))["drafts"]
    with pytest.raises(SessionMissing, match="vintedbot login"):
        await publish_drafts(runtime, [d["id"] for d in drafts], "draft", quiet=True)


async def test_a_marketplace_that_is_down_fails_after_three_tries_and_names_its_address(
    runtime: Runtime, closet: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    batch_id = await hand_in(runtime, closet, STATED)
    await watch(runtime, batch_id, quiet=True)
    draft = (await report(runtime, batch_id))["drafts"][0]
    await runtime.accounts.add(runtime.user_id, "marie", "access_token_web=a", f"http://127.0.0.1:{port}")
    waits: list[float] = []
    with waiting_by(waits.append):
        [failed] = (await publish_drafts(runtime, [draft["id"]], "draft", quiet=True))["publications"]
    assert (failed["state"], failed["attempts"], len(waits)) == ("failed", 3, 2)
    assert f"127.0.0.1:{port}" in failed["error"]
    with waiting_by(waits.append):
        [again] = (await publish_drafts(runtime, [draft["id"]], "draft", quiet=True))["publications"]
    assert again["id"] != failed["id"], "what failed may be asked for again"


async def test_two_batches_at_once_share_nothing(runtime: Runtime, draw_photo: DrawPhoto, tmp_path: Path) -> None:
    for batch in "ab":
        for n in range(4):
            draw_photo(f"{batch}{n}.jpg", seconds=n * 600, folder=tmp_path / batch)
    ids = [await hand_in(runtime, tmp_path / batch, STATED) for batch in "ab"]
    for batch_id in ids:
        await watch(runtime, batch_id, quiet=True)
    found = [await report(runtime, batch_id) for batch_id in ids]
    assert [sorted(p for d in f["drafts"] for p in d["photos"]) for f in found] == [
        [f"{batch}{n}.jpg" for n in range(4)] for batch in "ab"
    ]


async def test_500_photos_in_one_batch(runtime: Runtime, draw_photo: DrawPhoto, tmp_path: Path) -> None:
    for n in range(500):
        draw_photo(f"IMG_{n:04d}.jpg", seconds=n // 5 * 600 + n % 5 * 8, seed=n)
    batch_id = await hand_in(runtime, tmp_path / "photos", STATED)
    await watch(runtime, batch_id, quiet=True)
    found = await report(runtime, batch_id)
    assert found["state"] == "done"
    assert [len(d["photos"]) for d in found["drafts"]] == [5] * 100
    assert len({p for d in found["drafts"] for p in d["photos"]}) == 500


async def test_more_than_the_most_is_refused_whole(runtime: Runtime, closet: Path) -> None:
    files = [batches.IncomingFile(path, path.name) for path, _ in discover(closet)]
    with pytest.raises(BadRequest, match="VINTEDBOT_MAX_PHOTOS"):
        await runtime.database.run(
            batches.create_batch, runtime.user_id, files, source="x", defaults={}, language="fr", most=5
        )


async def test_no_browser_says_how_to_get_one(settings: Settings, closet: Path) -> None:
    missing = settings.model_copy(update={"browser": "/nonexistent/chromium"})
    async with running(missing, run_jobs=True, analyzer=ScriptedReader()) as runtime:
        batch_id = await hand_in(runtime, closet, STATED)
        await watch(runtime, batch_id, quiet=True)
        draft = (await report(runtime, batch_id))["drafts"][0]
        await runtime.accounts.add(runtime.user_id, "marie", "access_token_web=a", "http://127.0.0.1:9")
        [failed] = (await publish_drafts(runtime, [draft["id"]], "draft", quiet=True))["publications"]
    assert failed["state"] == "failed"
    assert "/nonexistent/chromium" in failed["error"]
