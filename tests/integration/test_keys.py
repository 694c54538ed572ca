"""The ring of keys: old sessions stay readable, a running process takes a new key, and no key or session leaks."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import InvalidToken
from loguru import logger
from typer.testing import CliRunner

from backend import model_choice
from backend.accounts import keys, service
from backend.accounts.keys import KeyFile
from backend.accounts.vault import Vault, parse_keys
from backend.app import create_app
from backend.cli import app as cli
from backend.core.errors import Conflict, SessionExpired, SetupError
from backend.key_rotation import rotate_key
from backend.model_choice import Wanted
from backend.runtime import Runtime, running
from backend.settings import Settings
from tests.fakes import ScriptedReader

SITE = "http://127.0.0.1:9"
CANARY = "canary-cookie-value-0123456789"


def test_the_first_key_encrypts_and_all_read() -> None:
    old, new = Vault.new_key(), Vault.new_key()
    sealed = Vault(old).seal({"a": 1})
    ring = Vault(f"{new},{old}")
    assert ring.open(sealed) == {"a": 1}
    assert Vault(new).open(ring.seal({"b": 2})) == {"b": 2}
    resealed = ring.reseal(sealed)
    assert resealed is not None and Vault(new).open(resealed) == {"a": 1}
    assert ring.reseal(resealed) is None
    with pytest.raises(SessionExpired):
        Vault(old).open(resealed)
    with pytest.raises(InvalidToken):
        Vault(new).reseal(sealed)


@pytest.mark.parametrize(
    "text", ["", " , ", "short", f"{Vault.new_key()},short"], ids=["empty", "commas", "short", "one of two"]
)
def test_a_bad_ring_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(SetupError) as refused:
        Vault(text)
    assert "short" not in str(refused.value)


async def test_a_running_process_takes_the_new_key(settings: Settings, reader: ScriptedReader) -> None:
    async with running(settings, run_jobs=False, analyzer=reader) as runtime:
        account = await runtime.accounts.add(runtime.user_id, "marie", f"access_token_web={CANARY}", SITE)
        model = Wanted(reader="openai", address=SITE, model="m", key=CANARY)
        await runtime.chosen.choose(model)
        revision = (await runtime.database.run(model_choice.find)).revision
        file = KeyFile(settings.data / "secret.key")
        done = await asyncio.to_thread(keys.rotate, runtime.database, file)  # as another process would
        assert done.sessions == 2, "the model's key is encrypted anew as the session is"
        row = await runtime.database.run(model_choice.find)
        assert Vault(file.read()[0]).open(row.key) == {"key": CANARY} and row.revision == revision
        kept = await runtime.database.run(
            lambda session: model_choice.opened(model_choice.find(session), runtime.vault)
        )
        assert kept is not None and kept.key == CANARY
        stored = await runtime.database.run(service.find, runtime.user_id, account.id)
        assert service.open_session(stored, runtime.vault)["cookies"][0]["value"] == CANARY
        later = await runtime.accounts.add(runtime.user_id, "lea", f"access_token_web={CANARY}", SITE)
        assert later.session is not None
        assert Vault(file.read()[0]).open(later.session)["cookies"][0]["value"] == CANARY
        with file.locked(), pytest.raises(Conflict):
            keys.rotate(runtime.database, file)


async def test_a_session_that_fits_no_key_is_counted_and_left(settings: Settings, reader: ScriptedReader) -> None:
    async with running(settings, run_jobs=False, analyzer=reader) as runtime:
        account = await runtime.accounts.add(runtime.user_id, "marie", "access_token_web=a", SITE)
        stranger = Vault(Vault.new_key()).seal({})

        def spoil(session: object) -> None:
            service.find(session, runtime.user_id, account.id).session = stranger  # type: ignore[arg-type]

        await runtime.database.run(spoil)
        done = await rotate_key(runtime.settings, runtime.database, runtime.vault)
        assert (done.sessions, done.unreadable, done.keys_dropped) == (0, 1, 1)
        assert (await runtime.accounts.check(runtime.user_id, account.id)).state == "session_expired"


async def test_a_key_that_is_a_setting_is_changed_by_its_owner(settings: Settings, reader: ScriptedReader) -> None:
    old, new = Vault.new_key(), Vault.new_key()
    async with running(Settings(data=settings.data, secret_key=old), run_jobs=False, analyzer=reader) as runtime:
        await runtime.accounts.add(runtime.user_id, "marie", f"access_token_web={CANARY}", SITE)
        with pytest.raises(SetupError, match=r"VINTEDBOT_SECRET_KEY.*NEW,PRESENT") as told:
            await rotate_key(runtime.settings, runtime.database, runtime.vault)
        assert old not in str(told.value) and told.value.code == "key_is_a_setting"
    both = Settings(data=settings.data, secret_key=f"{new},{old}")
    async with running(both, run_jobs=False, analyzer=reader) as runtime:
        assert (await rotate_key(runtime.settings, runtime.database, runtime.vault)).sessions == 1
    async with running(Settings(data=settings.data, secret_key=new), run_jobs=False, analyzer=reader) as runtime:
        account = await runtime.database.run(service.choose, runtime.user_id, None)
        assert service.open_session(account, runtime.vault)["cookies"][0]["value"] == CANARY
    assert not (settings.data / "secret.key").exists()


async def test_no_key_and_no_session_leaves_by_api_or_log(settings: Settings, reader: ScriptedReader) -> None:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="TRACE", diagnose=True, backtrace=True)
    try:
        said = await _everything_the_api_says(settings, reader)
    finally:
        logger.remove(sink)
    secrets = {CANARY, *parse_keys((settings.data / "secret.key").read_text()), (settings.data / "jwt.key").read_text()}
    sealed = next(iter(settings.data.glob("vintedbot.db"))).read_bytes()
    assert CANARY.encode() not in sealed
    for secret in secrets:
        assert secret not in "".join(lines) and secret not in said


async def _everything_the_api_says(settings: Settings, reader: ScriptedReader) -> str:
    """Each answer about the account, whole: adding, listing, a failing check, changing, a bad request, its page."""
    app = create_app(settings, run_jobs=False, analyzer=reader)
    async with app.router.lifespan_context(app):
        runtime: Runtime = app.state.runtime
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as client:
            new = {"username": "marie", "cookies": f"access_token_web={CANARY}", "base_url": SITE}
            answers = [await client.post("/api/v1/accounts", json=new)]
            at = f"/api/v1/accounts/{answers[0].json()['id']}"
            answers += [
                await client.get("/api/v1/accounts"),
                await client.post(f"{at}/check"),
                await client.patch(at, json={"paused": True}),
                await client.post("/api/v1/accounts", json={**new, "base_url": "ftp://x"}),
                await client.get("/accounts", headers={"Accept": "text/html"}),
            ]
            await rotate_key(runtime.settings, runtime.database, runtime.vault)
            answers += [await client.get("/api/v1/accounts"), await client.delete(at)]
    assert [a.status_code for a in answers] == [201, 200, 503, 200, 422, 200, 200, 204]
    return "".join(f"{a.text}{a.headers}" for a in answers)


def test_no_key_and_no_session_leaves_by_the_command_line(tmp_path: Path, settings: Settings) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text(f"access_token_web={CANARY}")
    said = ""
    for command in (
        ["login", "--cookies", str(cookies), "--username", "marie"], ["accounts", "list"], ["secrets", "rotate"],
        ["accounts", "list", "--json"], ["secrets", "rotate", "--json"], ["accounts", "remove", "--json"],
    ):  # fmt: skip
        result = CliRunner().invoke(cli, command, env={"VINTEDBOT_LOG_LEVEL": "DEBUG"})
        assert result.exit_code == 0, (command, result.output)
        said += result.output + result.stderr
        for key in parse_keys((settings.data / "secret.key").read_text()):
            assert key not in said
    assert CANARY not in said and "keys_dropped" in said
    assert json.loads(result.stdout)["username"] == "marie"
