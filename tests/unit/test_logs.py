"""Log lines: an event and its fields, JSON or readable, context carried along, secrets out, a file a day."""

import ast
import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from backend.core import logs
from backend.core.origin import accepted_id, coming_from, origin
from backend.core.redaction import remember

BACKEND = Path(__file__).parents[2] / "backend"
LEVELS = ("debug", "info", "warning", "error", "exception", "log")


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    yield
    logs.set_up("INFO", as_json=False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_json_object_with_its_event_first(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("INFO", as_json=True)
    logger.bind(publication="p1", attempt=2, place=Path("/x")).warning("attempt_failed: {}: {{braces}}", "line\nbroken")
    logger.debug("not_shown")
    (line,) = lines(capsys)
    assert list(line)[:4] == ["at", "level", "event", "message"]
    assert (line["event"], line["message"]) == ("attempt_failed", "line\nbroken: {braces}")
    assert (line["publication"], line["attempt"], line["place"], line["level"]) == ("p1", 2, "/x", "WARNING")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(line["at"]))


def test_an_exception_stays_on_its_line_as_json_and_below_it_for_a_reader(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (True, False):
        logs.set_up("INFO", as_json=as_json)
        try:
            raise ZeroDivisionError("by {nought}")
        except ZeroDivisionError:
            logger.exception("sum_crashed")
        text = capsys.readouterr().err
        assert "ZeroDivisionError: by {nought}" in text
        assert len(text.splitlines()) == 1 if as_json else text.splitlines()[0].endswith("ERROR   sum_crashed")


def test_what_somebody_put_into_a_line_makes_no_second_one(capsys: pytest.CaptureFixture[str]) -> None:
    for as_json in (True, False):
        logs.set_up("INFO", as_json=as_json)
        logger.bind(name="x\n12:00:00 ERROR   forged").info("told: {}", "a\n12:00:00 ERROR   forged\x1b[2J")
        text = capsys.readouterr().err
        assert len(text.splitlines()) == 1
        assert "\x1b" not in text


def test_secrets_stand_in_no_line_whatever_the_place(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    known, shaped = "hunter2hunter2", "eyJhbGciOiJIUzI1.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    for as_json in (True, False):
        remember([known])
        logs.set_up("INFO", as_json=as_json)
        with logs.kept(tmp_path, level="INFO", days=1):
            logger.bind(cookie=known, url=f"http://x/?token={known}").info("told: {} and Bearer {}", known, shaped)
            try:
                raise ValueError(f"refused {known}")
            except ValueError:
                logger.exception("crashed")
    kept = "".join(path.read_text() for path in tmp_path.iterdir())
    shown = capsys.readouterr().err
    for text in (shown, kept):
        assert "told" in text
        assert "ValueError" in text
        assert known not in text
        assert shaped not in text


async def test_context_goes_into_tasks_and_threads_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("INFO", as_json=True)
    with logs.about(request="r1", job=""), coming_from({"request": "r1"}):
        await asyncio.gather(asyncio.to_thread(logger.info, "in_thread"), asyncio.create_task(_say("in_task")))
        assert origin() == {"request": "r1"}
    logger.info("outside")
    told = {str(line["event"]): line for line in lines(capsys)}
    assert told["in_thread"]["request"] == told["in_task"]["request"] == "r1"
    assert "job" not in told["in_task"]
    assert "request" not in told["outside"]
    assert origin() == {}


async def _say(event: str) -> None:
    logger.info(event)


def test_lines_are_kept_privately_in_a_file_a_day_that_several_may_append_to(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    with logs.kept(folder, level="INFO", days=1), logs.kept(folder, level="INFO", days=1):
        logger.info("kept")
    (file,) = folder.iterdir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d\.jsonl", file.name)
    assert [json.loads(line)["event"] for line in file.read_text().splitlines()] == ["kept", "kept"]
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_client_s_request_id_is_taken_only_if_it_is_one() -> None:
    assert accepted_id("abc-1.2_X") == "abc-1.2_X"
    for hostile in (None, "", "a b", "x" * 65, "a\nb", "<b>"):
        assert re.fullmatch(r"[0-9a-f]{12}", accepted_id(hostile))


def calls() -> list[tuple[str, str]]:
    """Where each log line of ours is written, and its message."""
    found = []
    for path in BACKEND.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
                continue
            if "logger" in ast.unparse(node.func.value) or "_told" in ast.unparse(node.func.value):
                message = node.args[1 if node.func.attr == "log" else 0]
                found.append((f"{path.name}:{node.lineno}", ast.literal_eval(message)))
    return found


def test_every_line_of_ours_begins_with_an_event_s_name() -> None:
    assert len(calls()) > 30
    assert [call for call in calls() if not logs.EVENT.fullmatch(call[1])] == []
