"""What a failed attempt leaves behind: enough to see why, nothing secret, not even inside the trace."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from loguru import logger

from backend.core import bundles
from backend.core.errors import ChallengeRaised, Conflict, UncertainError, VintedBotError, VintedNetworkError
from backend.core.modes import Mode
from backend.marketplace.port import ListingSheet
from backend.sandbox.server import Sandbox

if TYPE_CHECKING:
    from conftest import Attempts, Journal

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST = {"error.txt", "log.jsonl", "network.jsonl", "page.html", "page.jpg", "steps.jsonl"}


@pytest.fixture
def sheet(sheet: ListingSheet) -> ListingSheet:
    return replace(sheet, photos=sheet.photos[:1], colours=sheet.colours[:1], materials=())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "evidence" / "0123456789abcdef"


def canaries(sandbox: Sandbox, attempts: Attempts) -> set[bytes]:
    """Everything secret the sandbox gave this session, now and before it was renewed."""
    values = {cookie["value"] for cookie in attempts.account.storage_state["cookies"]}
    session = sandbox.state.find_session(attempts.account.storage_state["cookies"][0]["value"])
    assert session is not None
    return {value.encode() for value in values | {session.csrf}}


def everything(bundle: bundles.Bundle) -> dict[str, bytes]:
    """Each file byte by byte, those inside the trace unpacked."""
    contents = {name: (bundle.folder / name).read_bytes() for name in bundle.files}
    if "trace.zip" in contents:
        with zipfile.ZipFile(bundle.folder / "trace.zip") as trace:
            contents |= {f"trace.zip/{name}": trace.read(name) for name in trace.namelist()}
    return contents


def rows(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


CASES: list[tuple[str, str, dict[str, Any], Mode, type[VintedBotError], str]] = [
    ("challenge_json", "attributes", {}, "draft", ChallengeRaised, "challenge"),
    ("server_error", "photos", {}, "draft", VintedNetworkError, "network"),
    ("dropped_after", "draft", {}, "draft", UncertainError, "uncertain"),
]


@pytest.mark.parametrize(("kind", "where", "params", "mode", "error", "code"), CASES, ids=[c[5] for c in CASES])
async def test_each_failure_leaves_a_whole_bundle_without_a_secret(
    kind: str, where: str, params: dict[str, Any], mode: Mode, error: type[VintedBotError], code: str,
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, folder: Path,
) -> None:  # fmt: skip
    sandbox.set_fault(kind, where, times=-1, **params)
    logger.warning("a line of somebody else")
    with pytest.raises(error):
        await attempts.put(sheet, mode, evidence=folder)
    (first,) = bundles.bundles_in(folder)
    assert first.code == code and FIRST - {"log.jsonl"} <= set(first.files) <= FIRST
    with pytest.raises(error):
        await attempts.put(sheet, mode, evidence=folder)
    second = bundles.bundles_in(folder)[0]
    assert "trace.zip" in second.files, "an earlier attempt had failed"
    for bundle in (first, second):
        contents = everything(bundle)
        assert {path.stat().st_mode & 0o077 for path in (bundle.folder, *bundle.folder.iterdir())} == {0}
        for name, content in contents.items():
            for canary in canaries(sandbox, attempts):
                assert canary not in content, f"{canary!r} in {name}"
        assert code in contents["error.txt"].decode()
        assert any("/api/v2/item_upload" in row["url"] for row in rows(contents["network.jsonl"]))
        assert b"title--input" in contents["page.html"] and contents["page.jpg"].startswith(b"\xff\xd8")
    trace = everything(second)
    assert any(b"resource-snapshot" in content for content in trace.values()) and any(
        b"frame-snapshot" in content for content in trace.values()
    ), "still a trace one can look at"


async def test_steps_are_timed_in_the_order_they_came(
    sandbox: Sandbox, attempts: Attempts, journal: Journal, sheet: ListingSheet, folder: Path
) -> None:
    sandbox.set_fault("server_error", "draft", times=-1)
    with pytest.raises(UncertainError):
        await attempts.put(sheet, "draft", evidence=folder)
    (bundle,) = bundles.bundles_in(folder)
    steps = rows(everything(bundle)["steps.jsonl"])
    assert [step["name"] for step in steps] == journal.steps
    assert set(steps[0]) == {"name", "start", "seconds"} and all(step["seconds"] >= 0 for step in steps)
    starts = [datetime.fromisoformat(step["start"]) for step in steps]
    assert starts == sorted(starts) and steps[-1]["name"] == "submitting"


async def test_the_log_is_this_attempts_own(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.set_fault("server_error", "photos", times=-1)
    secret = attempts.account.storage_state["cookies"][0]["value"]

    async def progress(step: str) -> None:
        logger.bind(publication="p").info("said {} with {}", step, secret)

    monkeypatch.setattr(attempts.journal, "progress", progress)
    logger.info("before")
    with pytest.raises(VintedNetworkError):
        await attempts.put(sheet, "draft", evidence=folder)
    logger.info("after")
    (bundle,) = bundles.bundles_in(folder)
    lines = rows(everything(bundle)["log.jsonl"])
    said = next(line for line in lines if line["message"].startswith("said"))
    assert said["message"] == "said opening with [removed]" and said["publication"] == "p"
    assert not {"before", "after"} & {line["message"] for line in lines}


async def test_success_and_a_publication_taken_away_leave_nothing(
    attempts: Attempts, sheet: ListingSheet, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await attempts.put(sheet, "dry_run", evidence=folder)

    async def progress(_: str) -> None:
        raise Conflict("moved by another", code="journal_moved")

    monkeypatch.setattr(attempts.journal, "progress", progress)
    with pytest.raises(Conflict):
        await attempts.put(sheet, "draft", evidence=folder)
    assert not folder.exists()


async def test_a_folder_that_can_not_be_written_does_not_hide_the_failure(
    sandbox: Sandbox, attempts: Attempts, sheet: ListingSheet, tmp_path: Path
) -> None:
    sandbox.set_fault("server_error", "form", times=-1)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(VintedNetworkError, match="500"):
        await attempts.put(sheet, "draft", evidence=tmp_path / "file" / "evidence")
