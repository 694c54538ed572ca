"""The reader chosen on the page, by the API and on the command line: tried first, kept encrypted, in force at once and
in every process, undone."""

import asyncio
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select
from typer.testing import CliRunner

from backend.app import create_app
from backend.chosen_reader import ChosenReader, at_rest
from backend.cli import app as command_line
from backend.cli.photos import hand_in, report, watch
from backend.core.errors import SetupError
from backend.core.reading import Analyzer
from backend.db.models import AuditEvent
from backend.model_choice import Wanted, parse_wanted
from backend.runtime import Runtime, running
from backend.sandbox.vision_api import Failure, VisionApi, running_vision_api
from backend.settings import Settings
from backend.users.service import find_by_name
from backend.vision.fallback import FallbackAnalyzer
from tests.conftest import draw_one
from tests.forms import form, without_tags
from tests.people import UNHURRIED, bearer, new_user, visitor

KEY = "sk-page-key-that-nobody-may-see-7f3a"
HERE = "/settings/reader/model"


@pytest.fixture(scope="module")
def service() -> Iterator[VisionApi]:
    with running_vision_api(key=KEY) as api:
        yield api


@pytest.fixture
def api(service: VisionApi) -> VisionApi:
    service.forget()
    return service


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[Runtime, httpx.AsyncClient]]:
    """A server that reads with what is chosen, seen by the admin at its own machine."""
    app = create_app(settings.model_copy(update=UNHURRIED), run_jobs=False)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
    headers = {"Accept-Language": "en"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000", headers=headers) as client,
    ):
        yield app.state.runtime, client


def asked_of(analyzer: Analyzer) -> Any:
    """The calls of a model's reader."""
    assert isinstance(analyzer, FallbackAnalyzer)
    return analyzer.primary.calls  # type: ignore[attr-defined]


async def test_by_the_api_tried_kept_in_force_at_once_and_undone(settings: Settings, api: VisionApi) -> None:
    wanted = {"reader": "openai", "address": api.url, "model": "gpt-4o", "key": KEY}
    answers: list[httpx.Response] = []

    async def ask(method: str, path: str, **more: Any) -> Any:
        answers.append(await client.request(method, f"/api/v1{path}", **more))
        assert answers[-1].status_code == 200, answers[-1].text
        return answers[-1].json()

    async with serving(settings) as (runtime, client):
        before = await ask("GET", "/model")
        assert (before["reader"], before["kept"], before["by"]["key"]) == ("embedded", False, "default")
        assert [one["name"] for one in before["presets"]][:2] == ["openai", "mistral"]
        refused = await ask("POST", "/model/test", json=wanted | {"key": "sk-wrong-key-entirely"})
        assert (refused["ok"], refused["code"]) == (False, "model_key_refused")
        assert (await ask("POST", "/model/test", json=wanted | {"model": "none-such"}))["code"] == "model_unknown"
        nowhere = {**wanted, "address": "http://127.0.0.1:9/v1"}
        assert (await ask("POST", "/model/test", json=nowhere))["code"] == "model_unreachable"
        api.script.append(Failure("not_json"))
        assert (await ask("POST", "/model/test", json=wanted))["code"] == "model_stranger"
        tried = await ask("POST", "/model/test", json=wanted)
        assert tried["ok"] and tried["micros"] == 0, "a model at home costs nothing"
        assert await ask("GET", "/model") == before, "a test keeps nothing"
        assert (await ask("GET", "/ai/costs"))["costs"]["total"]["calls"] >= 2, "but what it asked is counted"

        kept = await ask("PUT", "/model", json=wanted | {"day_budget": "2.50"})
        assert kept["changed"] == ["reader", "address", "key", "model", "day_budget"]
        now = await ask("GET", "/model")
        assert (now["reader"], now["address"], now["key_set"], now["key_ends"]) == ("openai", api.url, True, KEY[-4:])
        assert now["by"] | {"key": "page", "day_budget": "page", "timeout": "default"} == now["by"]
        calls = api.calls
        assert (await ask("POST", "/ai/reader/test"))["ok"] and api.calls > calls, "without a restart"
        assert (await ask("GET", "/ai/reader"))["day_budget"] == 2_500_000
        assert (await client.get("/ready")).json()["checks"]["model"]["ok"]
        assert (await ask("PUT", "/model", json=wanted | {"key": None, "day_budget": 2.5}))["changed"] == []
        assert await ask("GET", "/model") == now, "the kept key stays with its address"

        async with runtime.chosen.reading() as held:
            assert asked_of(held).base_url == api.url
        assert not (await ask("DELETE", "/model"))["kept"]
        assert asked_of(held)._client.is_closed() is False, "nobody has read since"
        assert (await ask("POST", "/ai/reader/test"))["ok"]
        assert asked_of(held)._client.is_closed()
        events = await runtime.database.look(lambda s: list(s.exec(select(AuditEvent).order_by(AuditEvent.id))))
        said = [(e.action, e.user_id, e.way) for e in events if e.action.startswith("model.")]
        assert said == [("model.chosen", None, "local"), ("model.forgotten", None, "local")]
        assert KEY not in repr(events)
    assert all(KEY not in f"{one.headers}{one.text}" for one in answers)


async def test_members_and_keys_without_the_scope_choose_nothing(settings: Settings, quick_hashes: None) -> None:
    app = create_app(settings.model_copy(update=UNHURRIED), run_jobs=False)
    async with app.router.lifespan_context(app):
        runtime: Runtime = app.state.runtime
        await new_user(runtime, "marie")
        await new_user(runtime, "paul")
        wanted = {"reader": "embedded"}
        async with visitor(app, **await bearer(runtime, "paul")) as paul:
            for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/test")):
                body = None if method in ("GET", "DELETE") else wanted
                answer = await paul.request(method, f"/api/v1/model{path}", json=body)
                assert (answer.status_code, answer.json()["code"]) == (403, "admin_only")
        async with visitor(app, **await bearer(runtime, "marie")) as marie:
            made = (await marie.post("/api/v1/me/keys", json={"name": "x", "scopes": ["read", "write"]})).json()
            assert (await marie.put("/api/v1/model", json=wanted)).status_code == 200
        async with visitor(app, Authorization=f"Bearer {made['key']}") as program:
            answer = await program.get("/api/v1/model")
            assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
        leaver = await runtime.database.run(find_by_name, "paul")
        exported = zipfile.ZipFile(io.BytesIO(b"".join(runtime.export(leaver.id))))
        assert "drafts.json" in exported.namelist() and "model_choices.json" not in exported.namelist()
        await runtime.remove_user(leaver.id)
        assert (await runtime.chosen.look()).kept is not None, "the installation's, not any user's"


async def test_on_the_page_filled_tried_saved_and_put_back(settings: Settings, api: VisionApi) -> None:
    async with serving(settings) as (runtime, client):
        client.headers["Accept"] = "text/html"

        async def post(**typed: str) -> httpx.Response:
            data = form(await client.get("/settings/reader"), HERE) | typed
            return await client.post(HERE, data=data)

        filled = form(await post(do="fill", preset="ollama"), HERE)
        assert (filled["address"], filled["model"]) == ("http://localhost:11434/v1", "qwen2.5vl")
        assert (await runtime.chosen.shown()).kept is False
        typed = {"reader": "openai", "address": api.url, "model": "gpt-4o", "key": KEY, "timeout": "12,5"}
        tried = await post(do="test", **typed)
        assert "It reads: answered in" in without_tags(tried)
        again = form(tried, HERE)
        assert (again["address"], again["timeout"], again.get("key", "")) == (api.url, "12,5", "")
        refused = await post(**typed | {"day_budget": "a lot"})
        assert refused.status_code == 422 and "A number can’t be used" in without_tags(refused)
        assert "aria-invalid" in refused.text.partition('id="day_budget"')[2].partition(">")[0]
        open_air = await post(**typed | {"address": "http://1.1.1.1/v1"})
        assert "not encrypted" in without_tags(open_air)
        saved = await post(**typed)
        assert saved.headers["location"].endswith("?changed=reader,address,key,model,timeout&said=model_chosen")
        told = await client.get(saved.headers["location"])
        assert "Changed: Reader, Address, Key, Model, Seconds for one answer" in " ".join(without_tags(told).split())
        assert f"•••• {KEY[-4:]}" in told.text and "gpt-4o" in told.text
        assert runtime.chosen.known.settings.model_timeout == 12.5
        assert (await post()).headers["location"].endswith("said=unchanged"), "sent back as it stands"
        assert (await post(forget_key="1")).headers["location"].endswith("changed=key&said=model_chosen")
        assert "Something" not in told.text
        french = await client.post(HERE, data=form(told, HERE) | {"do": "test"}, headers={"Accept-Language": "fr"})
        assert "Le service refuse la clé" in without_tags(french)
        assert (await post(do="forget")).headers["location"].endswith("said=model_forgotten")
        assert "Built-in reader" in without_tags(await client.get("/settings/reader"))
        pages = [filled, tried, refused, saved, told, french]
        assert all(KEY not in getattr(one, "text", str(one)) for one in pages)


async def test_what_the_environment_says_is_told_and_cannot_be_typed(settings: Settings, api: VisionApi) -> None:
    given = Settings(data=settings.data, OPENAI_BASE_URL=api.url, OPENAI_API_KEY=KEY, **UNHURRIED)
    async with serving(given) as (_, client):
        page = await client.get("/settings/reader", headers={"Accept": "text/html"})
        assert "address" not in form(page, HERE) and "key" not in form(page, HERE)
        words = " ".join(without_tags(page).split())
        assert "whose word goes first: OPENAI_BASE_URL" in words and "whose word goes first: OPENAI_API_KEY" in words
        answer = await client.put("/api/v1/model", json={"reader": "openai", "address": "http://127.0.0.1:9"})
        assert (answer.status_code, answer.json()["code"]) == (409, "set_by_environment")
        assert (await client.put("/api/v1/model", json={"reader": "embedded"})).status_code == 200
        assert (await client.get("/api/v1/ai/reader")).json()["kind"] == "embedded", "which it leaves open"
        assert KEY not in page.text + answer.text


async def test_who_reads_goes_on_with_the_reader_it_began_with(runtime: Runtime, settings: Settings) -> None:
    chosen = ChosenReader(settings, runtime.database, runtime.vault)
    at = {"reader": "openai", "address": "http://127.0.0.1:9/v1"}
    await chosen.choose(parse_wanted(at | {"model": "one"}))
    async with chosen.reading() as first, chosen.reading() as same:
        assert first is same
        other = ChosenReader(settings, runtime.database, runtime.vault)  # another process
        await other.choose(parse_wanted(at | {"model": "two"}))
        async with chosen.reading() as second:
            assert (asked_of(first).model, asked_of(second).model) == ("one", "two")
        assert not asked_of(first)._client.is_closed()
    assert asked_of(first)._client.is_closed() and not asked_of(second)._client.is_closed()
    await chosen.aclose()
    assert asked_of(second)._client.is_closed()
    held = await asyncio.to_thread(at_rest, settings)
    assert (held.settings.model, held.by["model"]) == ("two", "page"), "as doctor and analyze find it"
    assert at_rest(Settings(data=settings.data / "not yet there")).settings.reader == "embedded"
    assert not (settings.data / "not yet there").exists()


async def test_another_process_chooses_and_the_next_batch_is_read_so(
    settings: Settings, api: VisionApi, tmp_path: Path
) -> None:
    draw_one(tmp_path / "photos" / "a.jpg", seed=1)

    def in_another_process(*words: str) -> str:
        run = [sys.executable, "-c", "from backend.cli import main; main()", "model", *words]
        done = subprocess.run(run, input=f"{KEY}\n", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    async with running(settings, run_jobs=True) as runtime:
        words = ("set", "--address", api.url, "--model", "gpt-4o", "--key-stdin")
        said = await asyncio.to_thread(in_another_process, *words)
        assert "Changed: reader, address, key, model" in said and KEY not in said
        batch_id = await hand_in(runtime, tmp_path / "photos", {})
        await watch(runtime, batch_id, quiet=True)
        found = await report(runtime, batch_id)
    assert (found["state"], found["cost"]["calls"]) == ("done", 1)
    files = [path.read_bytes() for path in settings.data.rglob("*") if path.is_file()]
    assert files and all(KEY.encode() not in content for content in files), "encrypted at rest, in no log"


async def test_a_choice_that_cannot_work_keeps_no_server_from_starting(settings: Settings) -> None:
    async with running(settings, run_jobs=False) as runtime:
        await runtime.chosen.choose(Wanted(reader="openai", address="http://127.0.0.1:9/v1", model="m", key=KEY))
    (settings.data / "secret.key").unlink()
    async with serving(settings) as (runtime, client):
        with pytest.raises(SetupError, match="Give it again"):
            async with runtime.chosen.reading():
                pass
        tried = (await client.post("/api/v1/ai/reader/test")).json()
        assert (tried["ok"], tried["code"]) == (False, "model_key_lost")
        assert "Give it again" in (await client.get("/ready")).json()["checks"]["model"]["reason"]
        page = await client.get("/settings/reader", headers={"Accept": "text/html"})
        assert "Type it again" in without_tags(page)
    unpriced = Settings(data=settings.data, OPENAI_API_KEY="k", model="brand-new", model_day_budget=1)
    with pytest.raises(SetupError, match="VINTEDBOT_MODEL_PRICE_INPUT"):
        async with running(unpriced, run_jobs=False) as runtime:
            await runtime.chosen.forget()
            async with runtime.chosen.reading():
                pass


def test_on_the_command_line(settings: Settings, api: VisionApi) -> None:
    said: list[str] = []

    def run(*words: str, code: int = 0, typed: str = "") -> Any:
        result = CliRunner().invoke(command_line, ["model", *words, "--json"], input=typed)
        said.append(result.output + result.stderr)
        assert result.exit_code == code, said[-1]
        return json.loads(result.stdout)

    at = ("--address", api.url, "--model", "gpt-4o", "--key-stdin")
    assert run("show")["reader"] == "embedded"
    assert run("test", *at, code=5, typed="sk-wrong-key-entirely")["code"] == "model_key_refused"
    assert run("test", *at, typed=KEY)["ok"]
    assert run("show")["kept"] is False
    assert run("set", *at, "--day-budget", "3", typed=KEY)["changed"] == [
        "reader",
        "address",
        "key",
        "model",
        "day_budget",
    ]
    assert run("set", "--timeout", "90")["changed"] == ["timeout"], "what isn't named stays"
    assert run("set", "--day-budget", "")["model"]["day_budget"] is None
    assert run("test")["ok"]
    assert run("set", "--offline")["changed"] == ["reader"]
    assert run("set", "--no-key")["changed"] == ["key"]
    assert run("set", "--model", "gpt-4o-mini")["changed"] == ["reader", "model"]
    assert run("set", "--preset", "none", code=1)["error"]["code"] == "not_found"
    assert run("set", "--preset", "mistral", code=1)["error"]["code"] == "model_key_missing"
    assert run("set", "--address", "nonsense", code=1)["error"]["code"] == "model_address"
    plain = CliRunner().invoke(command_line, ["model", "show"])
    assert "model: gpt-4o-mini  (chosen here)" in plain.output and "key: none" in plain.output
    assert run("forget")["forgotten"] is True
    assert run("show")["reader"] == "embedded"
    assert KEY not in "".join(said)
