"""The command line as a person and a script use it, in one process, on a folder already read."""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from sqlmodel import select
from typer.testing import CliRunner

from backend.cli import app
from backend.cli.drafts import parse_changes
from backend.cli.photos import hand_in, watch
from backend.cli.terminal import settings_of
from backend.core.errors import BadRequest
from backend.core.reading import ItemReading, PhotoInput
from backend.db.engine import Database
from backend.db.models import AuditEvent
from backend.runtime import running
from backend.settings import Settings
from tests.fakes import ScriptedReader, seen, t_shirt


@pytest.fixture
def _read(settings: Settings, closet: Path) -> None:
    """Two ready drafts in the data folder."""

    async def read() -> None:
        async with running(settings, run_jobs=True, analyzer=ScriptedReader()) as runtime:
            batch_id = await hand_in(runtime, closet, {"audience": "women", "condition": "good"})
            await watch(runtime, batch_id, quiet=True)

    asyncio.run(read())


def invoke(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output + result.stderr + repr(result.exception)
    return result.stdout


def as_json(*arguments: str, code: int = 0):
    return json.loads(invoke(*arguments, "--json", code=code))


@pytest.mark.usefixtures("_read")
def test_drafts_are_listed_shown_edited_approved_put_away_exported_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = as_json("drafts", "list")
    short = first["id"][:10]
    assert as_json("drafts", "show", short)["fields"]["brand"]["value"] == "Kiabi"
    edited = as_json("drafts", "edit", short, "size=L", "colours=blue,white", "price=12,50")
    assert edited["revision"] == 2
    assert [edited["fields"][n]["value"] for n in ("size", "colours", "price")] == ["L", ["blue", "white"], "12.50"]
    stale = as_json("drafts", "edit", short, "size=S", "--revision", "1", code=1)
    assert stale["error"]["code"] == "stale_revision"
    assert "Approved" in invoke("drafts", "approve", short)
    assert "restore" in invoke("drafts", "discard", second["id"])
    assert [d["id"] for d in as_json("drafts", "list")] == [first["id"]]
    invoke("drafts", "restore", second["id"])
    assert as_json("drafts", "export", str(tmp_path / "out"))["drafts"] == 2
    photos = sorted(p.name for p in (tmp_path / "out" / first["id"]).iterdir())
    assert photos == ["01.jpg", "02.jpg", "03.jpg", "draft.json"]
    assert invoke("drafts", "export", str(tmp_path / "out"), code=1) == ""
    assert "Kiabi" in invoke("drafts", "show", short)
    assert "ready" in invoke("drafts", "list", "--ready")

    def other(photos: Sequence[PhotoInput]) -> ItemReading:
        return ItemReading(t_shirt(photos).photos, {**t_shirt(photos).fields, "brand": seen("Zara", photos[0].id)})

    monkeypatch.setattr("backend.chosen_reader.build_analyzer", lambda *_: ScriptedReader(other))
    [read] = as_json("drafts", "reread", short)
    assert [read["fields"][name]["value"] for name in ("brand", "size")] == ["Zara", "L"]


@pytest.mark.usefixtures("_read")
def test_publishing_without_an_account_is_for_a_person(tmp_path: Path) -> None:
    refused = as_json("publish", "--all-ready", code=3)
    assert refused["error"]["code"] == "session_missing"


def test_an_account_by_cookies_is_kept_and_never_shown(tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("access_token_web=canary-value; refresh_token_web=other")
    told = invoke("login", "--cookies", str(cookies), "--username", "marie", "--marketplace", "http://127.0.0.1:9")
    assert "marie" in told
    [account] = as_json("accounts", "list")
    assert (account["username"], account["state"]) == ("marie", "ready")
    stored = b"".join(p.read_bytes() for p in (tmp_path / "data").rglob("*") if p.is_file())
    assert b"canary-value" not in stored


def test_looking_at_a_pace_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("access_token_web=a")
    invoke("login", "--cookies", str(cookies), "--username", "marie", "--marketplace", "http://127.0.0.1:9")
    assert as_json("queue", "pace")["per_day"] == 50
    assert as_json("queue", "pace", "--per-day", "30")["per_day"] == as_json("queue", "pace")["per_day"] == 30
    database = Database(settings.database)
    with database.session() as session:
        done = [row.action for row in session.exec(select(AuditEvent))]
    database.close()
    assert done.count("account.pace_set") == 1


def test_nothing_to_publish_without_saying_what() -> None:
    result = CliRunner().invoke(app, ["publish"])
    assert result.exit_code == 2
    assert "--all-ready" in result.output + result.stderr


def every_command() -> Iterator[tuple[str, Any]]:
    """Each command's words and the command."""
    left: list[tuple[str, Any]] = [("", typer.main.get_command(app))]
    while left:
        words, command = left.pop()
        if below := getattr(command, "commands", None):
            left += [(f"{words} {name}".strip(), one) for name, one in below.items()]
        else:
            yield words, command


def test_every_command_says_what_it_does_with_an_example_that_it_takes() -> None:
    told = "".join(invoke("--help").split())
    assert "Exitcodes:0done" in told
    for words, command in every_command():
        named = r"\s+".join(words.split())
        example = re.search(rf"Example:\s+`[^`]*vintedbot [^`]*{named}\b([^`]*)`", command.help or "")
        assert example, words
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert set(re.findall(r"(?<= )-[-\w]+", example[1])) <= options, words


def test_doctor_names_each_part_and_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {f["name"]: f for f in as_json("doctor")}
    assert set(found) == {"data folder", "database", "photo storage", "browser", "reader", "disk", "clock"}
    monkeypatch.setenv("VINTEDBOT_BROWSER", "/nonexistent/chromium")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    broken = {f["name"]: f for f in as_json("doctor", code=4)}
    assert not broken["browser"]["ok"]
    assert "OPENAI_BASE_URL" in broken["reader"]["told"]


def test_what_one_command_was_told_says_nothing_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VINTEDBOT_DATA", str(tmp_path / "mine"))
    CliRunner().invoke(app, ["--data", str(tmp_path / "another"), "accounts", "list"])
    assert (tmp_path / "another").exists()
    assert settings_of().data == tmp_path / "mine"


def test_version_is_json_on_demand() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", as_json("version")["version"])


@pytest.mark.parametrize(
    ("change", "told"), [("size", "field=value"), ("colour=red", "colour"), ("parcel=huge", "small")]
)
def test_a_change_that_is_none_is_named(change: str, told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        parse_changes([change])


def test_an_empty_value_takes_a_statement_back_and_an_empty_brand_says_no_brand() -> None:
    assert parse_changes(["size=", "brand="]) == {"size": None, "brand": ""}


def test_analyze_prints_the_contracts_json_and_stores_nothing(tmp_path: Path, closet: Path) -> None:
    (closet / "notes.txt").write_text("not a photo")
    read = as_json("analyze", str(closet))
    assert set(read) == {"items", "unsorted", "refused"}
    assert [item["photos"] for item in read["items"]] == [[f"IMG_{i}{n}.jpg" for n in range(3)] for i in range(2)]
    assert read["refused"] == [{"file": "notes.txt", "reason": "not_a_photo"}]
    for item in read["items"]:
        for field in item["fields"].values():
            assert set(field) == {"value", "confidence", "alternatives", "evidence"}
    assert not (tmp_path / "data" / "vintedbot.db").exists()
