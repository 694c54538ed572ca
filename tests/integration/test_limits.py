"""Requests are counted by user and by address, bodies are bounded while they arrive, claims are not taken on trust."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from backend.accounts import outside
from backend.api.bodies import BoundedBodies
from backend.api.limits import GrowingDelay, RequestLimits, class_of
from backend.app import create_app
from backend.cli.connections import patient_protocol
from backend.cli.serving import listening_socket
from backend.core.errors import BadRequest, LimitReached, SetupError
from backend.db.models import Batch, Photo, now
from backend.photos import quota
from backend.photos.quota import Quota
from backend.photos.store import LocalStore
from backend.runtime import Runtime, running
from backend.settings import Settings, load_settings
from backend.users.service import somebody_signs_in
from tests.fakes import ScriptedReader
from tests.people import PASSWORD, bearer, new_user

AT = "http://127.0.0.1:5000"

pytestmark = pytest.mark.usefixtures("quick_hashes")


@asynccontextmanager
async def opened(settings: Settings, address: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, run_jobs=False, analyzer=ScriptedReader())
    async with app.router.lifespan_context(app), client_of(app, address) as client:
        runtime: Runtime = app.state.runtime
        if not runtime.people.alone:
            if not await runtime.database.run(somebody_signs_in):
                await new_user(runtime, "marie")
            client.headers.update(await bearer(runtime, "marie"))
        yield client


def client_of(app: FastAPI, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(address, 50000), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=AT)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/api/v1/vinted/listings/publish", "publish"),
        ("POST", "/vinted/listings/publish", "publish"),
        ("POST", "/api/v1/queue", "publish"),
        ("POST", "/publish", "publish"),
        ("POST", "/drafts/0123/publish", "publish"),
        ("GET", "/publish", "reads"),
        ("POST", "/api/v1/ingest", "uploads"),
        ("POST", "/api/v1/ai/analyze/", "uploads"),
        ("POST", "/share", "uploads"),
        ("PUT", "/api/v1/uploads/0123/files/7", "pieces"),
        ("POST", "/api/v1/uploads/0123/finish", "writes"),
        ("POST", "/sign-in", "logins"),
        ("POST", "/api/v1/auth/sign-in", "logins"),
        ("PATCH", "/api/v1/drafts/x", "writes"),
        ("GET", "/api/v1/queue", "reads"),
        ("GET", "/api/v1/wardrobe", "reads"),
        ("GET", "/api/v1/wardrobe/export", "downloads"),
        ("GET", "/api/v1/wardrobe/photos.zip", "downloads"),
        ("GET", "/api/v1/me/export", "downloads"),
        ("POST", "/api/v1/wardrobe/refresh", "publish"),
        ("POST", "/wardrobe/refresh", "publish"),
        ("POST", "/wardrobe/import", "uploads"),
        ("GET", "/static/site.css", None),
        ("GET", "/health", None),
    ],
)
def test_each_request_has_one_class(method: str, path: str, expected: str | None) -> None:
    assert class_of(method, path) == expected


async def test_every_answer_says_where_its_user_stands(settings: Settings) -> None:
    async with opened(settings) as client:
        for left in (2999, 2998):
            headers = (await client.get("/api/v1/drafts")).headers
            assert headers["RateLimit-Policy"] == '"reads";q=3000;w=60'
            assert re.fullmatch(rf'"reads";r={left};t=\d+', headers["RateLimit"])
        refused = await client.patch("/api/v1/drafts/none", json={})
        assert refused.status_code == 422 and refused.headers["RateLimit"].startswith('"writes";r=299')
        assert "RateLimit" not in (await client.get("/health")).headers


async def test_past_the_limit_programs_and_people_are_told_when_to_come_again(settings: Settings) -> None:
    async with opened(settings.model_copy(update={"limit_writes": "3/minute"})) as client:
        answers = [await client.post("/api/v1/drafts/none/approve", json={}) for _ in range(4)]
        assert [a.status_code for a in answers] == [404, 404, 404, 429]
        problem = answers[-1].json()
        assert (problem["code"], answers[-1].headers["RateLimit"][:11]) == ("rate_limited", '"writes";r=')
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60 and "At most 3 changes" in problem["detail"]
        assert (await client.get("/api/v1/drafts")).status_code == 200, "another class"


async def test_an_address_is_counted_whoever_asks_before_anything_is_read(settings: Settings) -> None:
    app = create_app(
        settings.model_copy(update={"limit_writes": "1/minute"}), run_jobs=False, analyzer=ScriptedReader()
    )

    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body is not asked for")
        yield b""

    async with app.router.lifespan_context(app), client_of(app, "192.0.2.1") as one, client_of(app, "192.0.2.2") as two:
        page = {"Accept": "text/html", "Accept-Language": "en"}
        answers = [(await one.post("/drafts/none/discard", headers=page)).status_code for _ in range(4)]
        assert answers == [303] * 4, "to the sign-in"
        refused = await one.post("/drafts/none/discard", headers=page, content=never())
        assert refused.status_code == 429 and "Wait a minute" in refused.text
        assert refused.headers["content-type"].startswith("text/html") and "Retry-After" in refused.headers
        assert (await two.post("/drafts/none/discard", headers=page)).status_code == 303


async def test_users_do_not_use_up_each_others_limits() -> None:
    limits = RequestLimits(dict.fromkeys(("publish", "uploads", "logins", "writes", "reads"), "1/minute"))  # type: ignore[arg-type]

    def ask(user: str) -> None:
        from starlette.requests import HTTPConnection

        limits.count_user(HTTPConnection({"type": "http", "method": "POST", "path": "/x", "headers": []}), user)

    ask("marie")
    ask("paul")
    with pytest.raises(LimitReached):
        ask("marie")


def test_failures_make_the_pause_grow_and_a_success_ends_it() -> None:
    at = 0.0
    delay = GrowingDelay(lambda: at)
    waits = []
    for _ in range(15):
        waits.append(delay.wait("marie"))
        at += delay.wait("marie")
        delay.failed("marie")
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert delay.wait("paul") == 0
    delay.succeeded("marie")
    assert delay.wait("marie") == 0
    for number in range(GrowingDelay.MOST + 5):
        delay.failed(f"n{number}")
    assert len(delay._failures) == GrowingDelay.MOST


async def test_tries_to_sign_in_that_fail_are_delayed_by_address(settings: Settings) -> None:
    app = create_app(settings, run_jobs=False, analyzer=ScriptedReader())
    wrong = {"name": "marie", "password": "not this one"}
    async with app.router.lifespan_context(app), client_of(app, "192.0.2.1") as client:
        await new_user(app.state.runtime, "marie")
        right = {"name": "marie", "password": PASSWORD}
        assert [(await client.post("/api/v1/auth/sign-in", json=wrong)).status_code for _ in range(3)] == [401] * 3
        refused = await client.post("/api/v1/auth/sign-in", json=right)
        assert (refused.status_code, refused.json()["code"]) == (429, "login_delayed")
        async with client_of(app, "192.0.2.2") as other:
            assert (await other.post("/api/v1/auth/sign-in", json=right)).status_code == 200


async def test_a_body_that_is_too_large_is_refused_while_it_arrives(settings: Settings) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
        while True:
            sent += 100_000
            yield b"x" * 100_000

    async with opened(settings.model_copy(update={"max_upload_mb": 10})) as client:
        for path, most in (
            ("/api/v1/drafts/x/approve", 2_000_000),
            ("/api/v1/wardrobe/import", 7_000_000),
            ("/api/v1/ingest", 10_000_000),
        ):
            sent = 0
            kind = {"Content-Type": "multipart/form-data; boundary=b"} if "ingest" in path else {}
            answer = await client.post(path, content=endless(), headers=kind)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large"), path
            assert sent <= most + 200_000
        announced = await client.post("/api/v1/queue", headers={"Content-Length": "999999999"}, content=b"{}")
        assert announced.status_code == 413


async def test_of_a_stranger_nothing_is_read(settings: Settings) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body is not asked for")
        yield b""

    app = create_app(settings.model_copy(update={"host": "0.0.0.0"}), run_jobs=False, analyzer=ScriptedReader())
    async with app.router.lifespan_context(app), client_of(app, "192.0.2.1") as stranger:
        for path in ("/api/v1/ingest", "/api/v1/ai/analyze", "/api/v1/wardrobe/import", "/share", "/wardrobe/import"):
            kind = "text/csv" if path == "/api/v1/wardrobe/import" else "multipart/form-data; boundary=b"
            headers = {"Content-Type": kind, "Sec-Fetch-Site": "none"}
            answer = await stranger.post(path, content=never(), headers=headers)
            assert answer.status_code in (303, 401), path


async def test_a_body_that_stops_coming_is_ended() -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        while (await receive()).get("more_body"):  # type: ignore[operator]
            pass

    never = asyncio.Event()
    started = False

    async def receive() -> dict[str, object]:
        nonlocal started
        if started:
            await never.wait()
        started = True
        return {"type": "http.request", "body": b"a", "more_body": True}

    scope = {"type": "http", "method": "POST", "path": "/api/v1/ingest", "headers": []}
    with pytest.raises(Exception, match="too slowly") as refused:
        await BoundedBodies(app, 100, idle=0.01)(scope, receive, None)  # type: ignore[arg-type]
    assert refused.value.status_code == 408  # type: ignore[attr-defined]


@asynccontextmanager
async def served(app: object, **options: object) -> AsyncIterator[int]:
    listener = listening_socket("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", **options))  # type: ignore[arg-type]
    task = asyncio.create_task(server.serve([listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.005)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task


async def echo(scope: dict, receive: object, send: object) -> None:
    body = json.dumps({"client": scope["client"][0], "scheme": scope["scheme"]}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": body})  # type: ignore[operator]


async def test_clients_that_say_nothing_are_let_go_and_keep_nobody_waiting() -> None:
    async with served(echo, http=patient_protocol(0.05)) as port:
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(50)]
        for number, (_, writer) in enumerate(slow):
            writer.write(b"" if number % 2 else b"GET / HTTP/1.1\r\nHost: 127")
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 200
        async with asyncio.timeout(60):
            for reader, writer in slow:
                await reader.read()  # ends: the server has closed it
                writer.close()


@pytest.mark.parametrize(
    ("trusted", "client"), [("", "127.0.0.1"), ("127.0.0.0/8", "203.0.113.9"), ("10.0.0.1", "127.0.0.1")]
)
async def test_forwarded_addresses_are_believed_of_named_proxies_alone(trusted: str, client: str) -> None:
    from backend.cli.serving import proxy_options

    async with served(echo, **proxy_options(Settings(trusted_proxies=trusted))) as port, httpx.AsyncClient() as asking:
        claims = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
        seen = (await asking.get(f"http://127.0.0.1:{port}/", headers=claims)).json()
    assert seen == {"client": client, "scheme": "https" if client != "127.0.0.1" else "http"}


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/metrics"])
async def test_the_operators_pages_are_not_public_unless_set(settings: Settings, path: str) -> None:
    async with opened(settings, "203.0.113.9") as client:
        assert (await client.get(path)).status_code == 404
    async with opened(settings) as client:
        assert (await client.get(path)).status_code == 200
        assert (await client.get(path, headers={"X-Forwarded-For": "127.0.0.1"})).status_code == 404
    async with opened(settings.model_copy(update={"public_docs": True}), "203.0.113.9") as client:
        assert (await client.get(path)).status_code == (404 if path == "/metrics" else 200)


async def test_a_server_with_names_answers_to_them_alone(settings: Settings) -> None:
    named = settings.model_copy(update={"names": "Closet.example, shop.example"})
    async with opened(named) as client:
        for host, status in (("closet.example", 200), ("127.0.0.1:5000", 200), ("evil.example", 421)):
            assert (await client.get("/health", headers={"Host": host})).status_code == status, host
        at = await client.get("http://192.0.2.5:5000/health", headers={"Host": "evil.example"})
        assert at.status_code == 421


@pytest.mark.parametrize(
    ("name", "value"),
    [("VINTEDBOT_LIMIT_READS", "lots"), ("VINTEDBOT_TRUSTED_PROXIES", "closet"), ("VINTEDBOT_LIMIT_PUBLISH", "")],
)
def test_a_bad_limit_or_proxy_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SetupError, match=name.removeprefix("VINTEDBOT_").lower()):
        load_settings()


async def test_quotas_say_what_how_much_and_when(settings: Settings, tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"\xff\xd8\xff" + b"x" * 100)
    async with opened(settings.model_copy(update={"photos_a_day": 2})) as client:
        for expected in (202, 202, 429):
            answer = await client.post("/api/v1/ingest", files=[("files", ("a.jpg", photo.read_bytes()))])
            assert answer.status_code == expected, answer.text
        assert answer.json()["code"] == "photo_quota" and 86_000 < int(answer.headers["Retry-After"]) <= 86_400
        assert "2 photos in the last 24 hours" in answer.json()["detail"]
        assert "2 a day" in answer.json()["detail"] and "23 h 59 min" in answer.json()["detail"]


@pytest.mark.parametrize("state", ["accepted", "removed"])
async def test_what_is_kept_for_a_user_is_bounded(runtime: Runtime, tmp_path: Path, state: str) -> None:
    store = LocalStore(tmp_path / "store")
    key = store.put(b"x" * 900, ".jpg")

    def work(session: object) -> None:
        session.add(Batch(id="b", user_id=runtime.user_id))  # type: ignore[attr-defined]
        session.flush()  # type: ignore[attr-defined]
        old = {"user_id": runtime.user_id, "batch_id": "b", "name": "a", "source_path": "a", "state": state}
        session.add(Photo(**old, position=0, store_key=key, created_at=now() - timedelta(days=2)))  # type: ignore[attr-defined]

    await runtime.database.run(work)
    room = Quota(photos_a_day=1, bytes=1000)
    await runtime.database.run(quota.check, runtime.user_id, store, room, files=1, size=100)
    with pytest.raises(LimitReached) as refused:
        await runtime.database.run(quota.check, runtime.user_id, store, room, files=1, size=101)
    assert refused.value.code == "storage_quota" and refused.value.retry_after is None
    await runtime.database.run(quota.check, "somebody else", store, room, files=1, size=1000)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1", "https://localhost:8443", "https://10.1.2.3", "https://192.168.0.1", "https://169.254.169.254",
        "https://[::1]", "https://[::ffff:10.0.0.1]", "https://[fd00::1]", "https://[64:ff9b::a00:1]", "https://100.64.0.1",
        "https://0.0.0.0", "https://2130706433", "https://0x7f.1", "https://224.0.0.1", "https://no-such-name.invalid",
        "https://[2002:7f00:1::]", "https://" + "a" * 80 + ".example",
    ],
)  # fmt: skip
def test_addresses_within_the_network_are_refused(address: str) -> None:
    with pytest.raises(BadRequest) as refused:
        outside.check(address)
    assert refused.value.code == "address_inside"


def test_public_addresses_pass() -> None:
    for address in ("https://1.1.1.1", "https://[2606:4700::1111]:443"):
        outside.check(address)


async def test_on_a_server_for_others_a_user_names_no_inner_address(settings: Settings) -> None:
    inner, own = "https://169.254.169.254", "http://127.0.0.1:9"
    for change, refused in (({"host": "0.0.0.0"}, True), ({}, False), ({"private_addresses": False}, True)):
        changed = settings.model_copy(update={**change, "marketplace": own})
        async with running(changed, run_jobs=False, analyzer=ScriptedReader()) as runtime:
            with pytest.raises(BadRequest) if refused else nullcontext() as told:
                await runtime.accounts.add(runtime.user_id, "marie", "access_token_web=a", inner)
            assert not refused or told.value.code == "address_inside"  # type: ignore[union-attr]
            await runtime.accounts.add(runtime.user_id, "marie", "access_token_web=a", own)  # the operator's own choice
