"""A process killed around the click: whatever the moment, the marketplace ends with exactly one listing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from backend.cli.photos import hand_in, report, watch
from backend.db.engine import Database
from backend.db.models import Publication
from backend.runtime import running
from backend.sandbox.server import Sandbox, running_sandbox
from backend.settings import Settings
from tests.fakes import ScriptedReader

ROOT = Path(__file__).parents[2]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with running_sandbox() as site:
        yield site


@pytest.fixture
async def draft_id(settings: Settings, sandbox: Sandbox, closet: Path) -> str:
    async with running(settings, run_jobs=True, analyzer=ScriptedReader()) as runtime:
        await runtime.keep_session(runtime.user_id, "marie", sandbox.url, sandbox.create_account("marie"))
        batch_id = await hand_in(runtime, closet, {"audience": "women", "condition": "good"})
        await watch(runtime, batch_id, quiet=True)
        return (await report(runtime, batch_id))["drafts"][0]["id"]


def start(data: Path, *draft_id: str) -> subprocess.Popen[bytes]:
    """In a group of its own, so that its browser dies with it."""
    command = [sys.executable, "-m", "tests.crash.publishing_process", str(data), *draft_id]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)


def publication(settings: Settings) -> Publication | None:
    database = Database(settings.database)
    with database.session() as session:
        found = session.exec(select(Publication)).first()
    database.close()
    return found


@pytest.mark.parametrize(
    ("state", "step", "fault"),
    [
        ("preparing", "title", None),
        ("preparing", "read_back", None),
        ("submitting", "", None),
        ("submitting", "submitting", "latency"),
        ("submitting", "stored", None),
    ],
)
async def test_one_listing_whenever_it_is_killed(
    settings: Settings, sandbox: Sandbox, draft_id: str, state: str, step: str, fault: str | None
) -> None:
    if fault is not None:
        sandbox.set_fault(fault, "submit", seconds=2)
    process = start(settings.data, draft_id)
    deadline = time.monotonic() + 60
    while True:
        now = publication(settings)
        if now and (now.state == state and step in ("", now.step)):
            break
        assert process.poll() is None, f"it ended before it could be killed: {now and now.state}"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(2.5 if fault else 0)  # what the marketplace had accepted is stored by now
    assert start(settings.data).wait(timeout=120) == 0
    done = publication(settings)
    assert done is not None
    assert done.state in ("confirmed", "reconciled"), (done.state, done.error)
    [listing] = sandbox.received()["items"]
    assert str(listing["id"]) == done.listing_id
    assert len(listing["photos"]) == 3
