"""The commands about people, as who sits at the machine uses them."""

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backend.cli import app
from tests.people import PASSWORD

pytestmark = pytest.mark.usefixtures("quick_hashes")


def invoke(*arguments: str, code: int = 0, typed: str | None = None) -> str:
    result = CliRunner().invoke(app, list(arguments), input=typed)
    assert result.exit_code == code, result.output + repr(result.exception)
    return result.output


def add(name: str, *more: str) -> dict:
    return json.loads(invoke("user", "add", name, "--password-stdin", "--json", *more, typed=f"{PASSWORD}\n"))


def test_a_public_address_waits_for_the_first_user(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[object] = []
    monkeypatch.setattr("uvicorn.Server.run", lambda self, sockets: served.append(sockets))
    refused = invoke("serve", "--host", "0.0.0.0", "--port", "0", code=4)
    assert "vintedbot user add" in refused
    assert served == []
    add("marie")
    invoke("serve", "--host", "0.0.0.0", "--port", "0")
    assert len(served) == 1


def test_people_are_added_let_out_let_in_and_deleted(tmp_path: Path) -> None:
    marie, paul = add("Marie", "--email", "m@example.org"), add("paul")
    assert (marie["name"], marie["role"], paul["role"]) == ("marie", "admin", "member")
    assert "password_weak" in invoke("user", "add", "zoe", "--password-stdin", code=1, typed="password1\n")
    assert [u["name"] for u in json.loads(invoke("user", "list", "--json"))] == ["marie", "paul"]
    assert json.loads(invoke("user", "suspend", "paul", "--json"))["state"] == "suspended"
    assert json.loads(invoke("user", "resume", "paul", "--json"))["state"] == "active"
    assert "last_admin" in invoke("user", "suspend", "m@example.org", code=1)
    assert "registration_closed" in invoke("user", "invite", code=1)
    assert json.loads(invoke("user", "reset-link", "paul", "--json"))["path"].startswith("/reset?link=")
    assert "everywhere" in invoke("user", "passwd", "paul", "--password-stdin", typed="gravel umbrella Tuesday kites\n")
    assert "not_found" in invoke("--user", "nobody", "drafts", "list", code=1)
    told = json.loads(invoke("--user", "paul", "audit", "--json"))
    assert [e["action"] for e in told] == [
        "user.password_changed", "link.reset", "user.resumed", "user.suspended", "user.added",
    ]  # fmt: skip
    assert {(e["actor_id"], e["way"]) for e in told} == {(marie["id"], "cli")}
    file = tmp_path / "paul.zip"
    assert invoke("user", "delete", "paul", code=1, typed="n\n")
    invoke("user", "delete", "paul", "--yes", "--export", str(file))
    assert "users.json" in zipfile.ZipFile(file).namelist()
    assert file.stat().st_mode & 0o777 == 0o600
    assert [u["name"] for u in json.loads(invoke("user", "list", "--json"))] == ["marie"]
    assert json.loads(invoke("audit", "--all", "--json"))[0]["action"] == "user.deleted"
