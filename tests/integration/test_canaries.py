"""Known secrets go through real flows, failures included, then are looked for in everything that is kept or told."""

import asyncio
import base64
import io
import json
import logging
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from loguru import logger
from typer.testing import CliRunner

from backend.accounts.vault import Vault
from backend.app import create_app
from backend.building import set_up_logging
from backend.cli import app as cli
from backend.core import logs, metrics, redaction
from backend.core.errors import VintedBotError
from backend.publications.journal import State
from backend.runtime import Runtime
from backend.settings import Settings
from backend.workflows.ends import end_of
from tests.conftest import draw_one
from tests.fakes import ScriptedReader

CANARIES = {
    "cookie": "canary.session_cookie.0a1b2c3d4e5f6789",
    "model": "canary-model-key-4f9c2d71aa03be55",
    "jwt": "canary-jwt-secret-a9d8c7b6e5f40312",
    "vault": Vault.new_key(),
    "solver": "canary0solver0key0d41d8cd98f00b204",
    "metrics": "canary-metrics-token-77aa88bb99cc",
    "mail": "canary-mail-pass-5ebe2294ecd0",
    "smtp": "canary-smtp-pass-9b1deb4d3b7d",
    "page": "canary-page-model-key-c2d3e4f50617",
}


@asynccontextmanager
async def tattling_model() -> AsyncIterator[str]:
    """A model's server that refuses each call and repeats the caller's key in its answer, as some do."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(
            (line[22:].strip() for line in head.splitlines() if line.lower().startswith("authorization: bearer")), ""
        )
        body = json.dumps(
            {"error": {"message": f"Incorrect API key provided: {key}.", "code": "invalid_api_key"}}
        ).encode()
        writer.write(b"HTTP/1.1 401 No\r\nConnection: close\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    yield
    root.handlers[:] = before
    logger.configure(patcher=lambda _: None)


def writings(secret: str) -> set[bytes]:
    forms = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
    inner = base64.b64encode(f"lea:{secret}".encode()).decode()
    return {form.encode() for form in forms} | {inner.encode(), base64.b64encode(secret.encode())}


def found_in(place: str, content: bytes) -> list[str]:
    """Which canaries are in it, those within a ZIP included."""
    found = [f"{name} in {place}" for name, s in CANARIES.items() if any(form in content for form in writings(s))]
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                found += found_in(f"{place}/{name}", archive.read(name))
    return found


async def flows(settings: Settings, photo: Path) -> list[bytes]:
    """Every answer of: an upload read by a model that refuses, accounts added, checked, refused, and a crash."""
    app = create_app(settings, run_jobs=True)

    @app.get("/api/v1/crash")
    async def crash() -> None:
        raise RuntimeError(f"could not use key {CANARIES['model']} and cookie a={CANARIES['cookie']}")

    answers: list[httpx.Response] = []
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000", timeout=60) as client:
            upload = await client.post("/api/v1/ingest", files=[("files", ("a.jpg", photo.read_bytes()))])
            new = {"username": "marie", "cookies": f"access_token_web={CANARIES['cookie']}"}
            added = await client.post("/api/v1/accounts", json=new)
            at = f"/api/v1/accounts/{added.json()['id']}"
            answers += [upload, added, await client.post(f"{at}/check"), await client.get("/api/v1/crash")]
            answers.append(
                await client.post("/api/v1/accounts", json={**new, "base_url": "http://x/" + CANARIES["mail"]})
            )
            answers.append(await client.post("/api/v1/accounts", json={**new, "username": ["x", CANARIES["cookie"]]}))
            async with asyncio.timeout(120):
                while not (job := await client.get(upload.json()["url"])).json()["finished"]:
                    await asyncio.sleep(0.05)
            answers += [job, await client.get("/api/v1/drafts"), await client.get("/api/v1/accounts")]
            pages = ("/", "/accounts", "/settings/reader", "/admin", "/admin/log?level=DEBUG", "/admin/settings", "/x")
            answers += [await client.get(path, headers={"Accept": "text/html"}) for path in pages]
            answers += [await client.post("/api/v1/ai/reader/test")]
            answers += [await client.get(path) for path in ("/metrics", "/api/v1/ai/costs", "/ready", "/openapi.json")]
    assert {a.status_code for a in answers} >= {202, 201, 503, 500, 422, 200}
    return [f"{a.headers}{a.text}".encode() for a in answers]


async def choosing_a_model(settings: Settings, model: str) -> list[bytes]:
    """Every answer of: a key given on the page, tried at a server that repeats it, kept, used and refused."""
    app = create_app(settings, run_jobs=False)
    key = CANARIES["page"]
    wanted = {"reader": "openai", "address": model, "model": "m", "key": key}
    answers: list[httpx.Response] = []
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000", timeout=60) as client:
            for method, path, body in (
                ("POST", "/model/test", wanted),
                ("PUT", "/model", wanted),
                ("POST", "/ai/reader/test", None),
                ("PUT", "/model", wanted | {"model": "", "address": f"{model}?{key}"}),
                ("PUT", "/model", wanted | {"address": f"http://a:{key}@127.0.0.1"}),
                ("PUT", "/model", wanted | {"key": f"{key} twice"}),
                ("PUT", "/model", wanted | {"key": [key], "timeout": key}),
                ("GET", "/model", None),
                ("GET", "/audit/all", None),
            ):
                answers.append(await client.request(method, f"/api/v1{path}", json=body))
            page = await client.get("/settings/reader", headers={"Accept": "text/html"})
            token = client.cookies["vintedbot_token"]
            data = {"token": token, "do": "test", "reader": "openai", "address": model, "model": "m", "key": key}
            answers += [page, await client.post("/settings/reader/model", data=data, headers={"Accept": "text/html"})]
            answers += [await client.get("/ready"), await client.get("/api/v1/audit")]
    assert [a.status_code for a in answers] == [200, 200, 200, 422, 422, 422, 422, 200, 200, 200, 200, 503, 200]
    assert answers[2].json()["code"] == "model_key_refused", "it was sent there"
    return [f"{a.headers}{a.text}".encode() for a in answers]


async def test_no_canary_is_found_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with tattling_model() as model:
        settings = Settings(
            data=tmp_path / "data",
            openai_api_key=CANARIES["model"],
            openai_base_url=model,
            jwt_secret_key=CANARIES["jwt"],
            secret_key=CANARIES["vault"],
            twocaptcha_api_key=CANARIES["solver"],
            metrics_token=CANARIES["metrics"],
            notify=f"json://lea:{CANARIES['mail']}@127.0.0.1:9/hook",
            smtp=f"smtp://lea:{CANARIES['smtp']}@127.0.0.1:9",
            mail_from="closet@b.example",
            log_level="DEBUG",
            log_json=True,
        )
        set_up_logging(settings)
        answers = await flows(settings, draw_one(tmp_path / "a.jpg", seed=1))
        plain = Settings(data=settings.data, secret_key=CANARIES["vault"], log_level="DEBUG", log_json=True)
        answers += await choosing_a_model(plain, model)
    logger.warning("The key is {}", CANARIES["model"])
    logging.getLogger("somebody.else").warning("with cookie %s", CANARIES["cookie"])
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.err.splitlines()]
    assert any(line["event"] == "request_crashed" for line in lines), "the crash is told"
    assert any("somebody.else" in line.get("message", "") for line in lines), "libraries' lines are ours too"
    found = found_in("log", (said.err + said.out).encode())
    for number, answer in enumerate(answers):
        found += found_in(f"answer {number}", answer)
    kept = [path for path in settings.data.rglob("*") if path.is_file()]
    assert {"vintedbot.db", "engine.db"} <= {path.name for path in kept}
    assert any("evidence" in path.parts for path in kept), "the failed check left evidence"
    for path in kept:
        found += found_in(str(path.relative_to(settings.data)), path.read_bytes())
    found += found_in("metrics", metrics.render()[0])
    assert found == []
    assert redaction.HIDDEN in said.err


def test_what_a_command_says_of_a_failing_address_names_no_password(tmp_path: Path) -> None:
    env = {"VINTEDBOT_NOTIFY": f"json://lea:{CANARIES['mail']}@127.0.0.1:9/hook", "VINTEDBOT_LOG_LEVEL": "DEBUG"}
    result = CliRunner().invoke(cli, ["notifications", "test"], env=env)
    assert result.exit_code != 0 and "json://" in result.output + result.stderr
    assert CANARIES["mail"] not in result.output + result.stderr + repr(result.exception)


def test_a_crash_of_the_process_is_told_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    redaction.remember({CANARIES["model"]})
    try:
        raise RuntimeError(f"no answer for {CANARIES['model']}")
    except RuntimeError as error:
        logs.tell_crash(type(error), error, error.__traceback__)
    said = capsys.readouterr().err
    assert "RuntimeError: no answer for" in said and CANARIES["model"] not in said


def test_an_error_holds_no_secret_however_it_came_into_it() -> None:
    redaction.remember({CANARIES["cookie"]})
    error = VintedBotError(f"refused: {CANARIES['cookie']}; https://lea:hunter2hunter2@host/x")
    assert str(error) == f"refused: {redaction.HIDDEN}; https://lea:{redaction.HIDDEN}@host/x"
    ending = end_of(State.PREPARING, RuntimeError(f"with {CANARIES['cookie']}"))
    assert ending is not None and CANARIES["cookie"] not in str(ending)


def test_what_is_remembered_for_good_stays_and_the_rest_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_remembered", redaction.OrderedDict())
    monkeypatch.setattr(redaction, "_MOST_REMEMBERED", 3)
    redaction.remember({"for-good-value"}, for_good=True)
    redaction.remember([f"passing-value-{n}" for n in range(5)])
    assert [redaction.hide(f"x {v} x") for v in ("for-good-value", "passing-value-4")] == ["x [removed] x"] * 2
    assert redaction.hide("passing-value-0") == "passing-value-0"


def test_a_line_of_the_log_is_one_line_whatever_is_put_into_it(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    for as_json in (False, True):
        set_up_logging(settings.model_copy(update={"log_json": as_json, "log_level": "INFO"}))
        logger.info("uploaded {}", "a\r\n2026-01-01 | ERROR | forged\x1b[2J\u202egpj\x00\ud800")
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and "\x1b" not in said and "\u202e" not in said and "forged" in said


async def test_a_reader_without_a_model_has_no_key_to_tell(runtime: Runtime, reader: ScriptedReader) -> None:
    assert runtime.settings.secrets() == set()
    assert reader.asked == 0
