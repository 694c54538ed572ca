"""A process killed in the middle of a batch: the next one resumes it, and nothing is lost or doubled."""

import multiprocessing
import shutil
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from sqlmodel import select

from backend.core.sorting import LOOKS_AT_ONCE
from backend.db.engine import Database
from backend.db.models import Batch, Draft, DraftPhoto, Photo
from backend.settings import Settings
from tests.conftest import DrawPhoto
from tests.crash.reading_process import work

ITEMS, SHOTS = 8, 3
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.crash.reading_process"])


@pytest.fixture
def many(draw_photo: DrawPhoto, tmp_path: Path) -> Path:
    for item in range(ITEMS):
        for shot in range(SHOTS):
            draw_photo(f"IMG_{item}{shot}.jpg", seconds=item * 600 + shot * 8)
    return tmp_path / "photos"


def start(data: Path, folder: Path | None = None) -> ForkServerProcess:
    process = FORKS.Process(target=work, args=(data, folder))
    process.start()
    return process


def wait_until(true: Callable[[], bool], process: ForkServerProcess) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert process.is_alive(), "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def taken_in(data: Path) -> int:
    database = Database(Settings(data=data).database)
    with database.glance() as session:
        found = len(session.exec(select(Photo).where(Photo.state == "accepted")).all())
    database.close()
    return found


@pytest.mark.parametrize("moment", ["taking_in", "sorting", "reading"])
def test_a_killed_batch_is_resumed(tmp_path: Path, empty_tables: Path, many: Path, moment: str) -> None:
    data = shutil.copytree(empty_tables, tmp_path / "data")
    log = data / "read.log"
    looks = data / "looks.log"
    process = start(data, many)
    if moment == "taking_in":
        wait_until(lambda: taken_in(data) > 2, process)
    elif moment == "sorting":
        wait_until(lambda: looks.exists() and len(looks.read_text().splitlines()) >= 6, process)
    else:
        wait_until(lambda: log.exists() and len(log.read_text().splitlines()) >= 3, process)
    process.kill()
    process.join()
    second = start(data)
    second.join(90)
    assert second.exitcode == 0
    database = Database(Settings(data=data).database)
    with database.session() as session:
        assert [b.state for b in session.exec(select(Batch))] == ["done"]
        drafts = session.exec(select(Draft)).all()
        assert len(drafts) == ITEMS
        assert all(d.publish_ready for d in drafts)
        assert len(session.exec(select(DraftPhoto)).all()) == ITEMS * SHOTS
    database.close()
    seen = looks.read_text().splitlines()
    assert len(set(seen)) == ITEMS * SHOTS
    assert len(seen) <= ITEMS * SHOTS + LOOKS_AT_ONCE, "only what was being looked at is looked at again"
    read = log.read_text().splitlines()
    assert len(set(read)) == ITEMS
    assert len(read) <= ITEMS + 4, "only what was under way is read again"
