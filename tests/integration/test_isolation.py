"""Nobody sees or touches what is somebody else's: every route, page, stream and WebSocket is walked with bob's
credentials on alice's ids, and with ids nobody has."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from backend.api.limits import GrowingDelay
from backend.app import create_app
from backend.db.models import User
from backend.marketplace.port import InputEvent
from backend.runtime import Runtime
from backend.settings import Settings
from backend.users.access import COOKIE
from tests.conftest import draw_one
from tests.fakes import ScriptedReader
from tests.isolation import MARK, PROBES, Probe, filled, give_alice_everything, routes_of, rows_of
from tests.people import UNHURRIED, bearer, browser, new_user, visitor

pytestmark = pytest.mark.usefixtures("quick_hashes")
SAFE = ("GET", "WebSocket")
NO_CONTROL = {
    "POST /api/v1/accounts/{account_id}/check": "opens a browser",
    "POST /api/v1/wardrobe/refresh": "opens a browser",
    "POST /wardrobe/refresh": "opens a browser",
    "POST /wardrobe/views/{view_id}": "removes what the controls after it need",
    "POST /accounts/{account_id}/{verb}": "removes what the controls after it need",
}


class OpenPage:
    challenge = "hcaptcha"

    async def frames(self) -> AsyncIterator[bytes]:
        yield MARK.encode()

    async def act(self, event: InputEvent) -> None:
        raise AssertionError(event)

    async def solved(self) -> bool:
        return False


@dataclass
class World:
    """A running server with alice's things, and the ways bob comes: a token, a key good for everything, a browser."""

    app: FastAPI
    runtime: Runtime
    alice: User
    ids: dict[str, str]
    ways: dict[str, httpx.AsyncClient]
    stranger: httpx.AsyncClient
    before: dict[str, list[Any]]
    probes: int = 0
    leaks: list[str] = field(default_factory=list)

    async def ask(self, client: httpx.AsyncClient, route: str, probe: Probe, ids: dict[str, str]) -> httpx.Response:
        ids = ids | {"verb": "delete"} if "/people/" in route else ids
        method, path = filled(route, ids).split(" ", 1)
        path = f"{path}?{filled(probe.query, ids)}" if probe.query else path
        self.probes += 1
        self.app.state.limits.logins = GrowingDelay()
        if method == "WebSocket":
            return await knock(self.app, path, client)
        if path.partition("?")[0].endswith("/events"):
            return await begin(self.app, path, client)
        form = None if probe.form is None else filled(dict(probe.form), ids)
        if form is not None:
            if "vintedbot_token" not in client.cookies:
                await client.get("/sign-in")
            form["token"] = client.cookies["vintedbot_token"]
        headers = {"Idempotency-Key": f"walk-{self.probes}"}
        return await client.request(method, path, json=filled(probe.json, ids), data=form, headers=headers)

    async def check(self, told: str, answer: httpx.Response, allowed: tuple[int, ...] | None) -> None:
        """Notes a leak: an answer that isn't among those allowed, a mark of alice's, or a change to what is hers."""
        if allowed is not None and answer.status_code not in allowed:
            self.leaks.append(f"{told}: answered {answer.status_code}, not {allowed}: {answer.text[:200]}")
        if MARK.encode() in answer.content:
            self.leaks.append(f"{told}: shows what is alice's: {answer.text[:200]}")
        if not told.split(": ")[1].startswith(SAFE):
            now = await self.runtime.database.run(rows_of, self.alice.id)
            if now != self.before:
                changed = [name for name in now if now[name] != self.before[name]]
                self.leaks.append(f"{told}: changed alice's {changed}")
                self.before = now


def raw_scope(path: str, client: httpx.AsyncClient) -> dict[str, Any]:
    path, _, query = path.partition("?")
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = {**client.headers, "host": "closet.example", **({"cookie": cookies} if cookies else {})}
    return {
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": query.encode(),
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "client": ("192.0.2.7", 1), "server": ("closet.example", 80), "asgi": {"version": "3.0"},
    }  # fmt: skip


async def begin(app: FastAPI, path: str, client: httpx.AsyncClient) -> httpx.Response:
    """An answer that never ends, as far as its first piece."""
    status, begun = 0, asyncio.Event()
    pieces: list[bytes] = []

    async def receive() -> dict[str, Any]:
        await begun.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)
        if message["type"] == "http.response.body":
            pieces.append(message["body"])
            begun.set()

    await app({**raw_scope(path, client), "type": "http", "method": "GET", "scheme": "http"}, receive, send)
    return httpx.Response(status, content=b"".join(pieces))


async def knock(app: FastAPI, path: str, client: httpx.AsyncClient) -> httpx.Response:
    """A WebSocket's handshake as a server would pass it on; 101 where it was accepted."""
    scope = {
        **raw_scope(path, client), "type": "websocket", "scheme": "ws", "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }  # fmt: skip
    told: list[dict[str, Any]] = []
    heard = iter([{"type": "websocket.connect"}])

    async def receive() -> dict[str, Any]:
        return next(heard, {"type": "websocket.disconnect", "code": 1000})

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    await app(scope, receive, send)
    status = {"websocket.accept": 101, "websocket.http.response.start": told[0].get("status")}.get(told[0]["type"], 403)
    return httpx.Response(status, content=b"".join(m.get("body") or m.get("bytes") or b"" for m in told))


@pytest.fixture
async def world(settings: Settings, reader: ScriptedReader) -> AsyncIterator[World]:
    app = create_app(settings.model_copy(update=UNHURRIED), run_jobs=False, analyzer=reader)
    draw_one(settings.data / "sample-wardrobe" / "a.jpg", seed="sample")  # nothing is drawn for it
    async with app.router.lifespan_context(app), AsyncExitStack() as stack:
        runtime: Runtime = app.state.runtime
        await new_user(runtime, "marie")
        alice = await new_user(runtime, "alice")
        await new_user(runtime, "bob")
        ids = await runtime.database.run(give_alice_everything, runtime, alice)
        stack.enter_context(runtime.live.showing(alice.id, ids["publication_id"], OpenPage(), limit=600))
        before = await runtime.database.run(rows_of, alice.id)
        stranger = await stack.enter_async_context(visitor(app))
        yield World(app, runtime, alice, ids, await ways_in(stack, app, "bob"), stranger, before)


async def ways_in(stack: AsyncExitStack, app: FastAPI, name: str) -> dict[str, httpx.AsyncClient]:
    app.state.limits.logins = GrowingDelay()
    token = await bearer(app.state.runtime, name)
    by_token = await stack.enter_async_context(visitor(app, **token))
    scopes = ["read", "write", "publish", "admin"]
    made = await by_token.post("/api/v1/me/keys", json={"name": "x", "scopes": scopes})
    by_key = await stack.enter_async_context(visitor(app, Authorization=f"Bearer {made.json()['key']}"))
    return {"token": by_token, "key": by_key, "page": await stack.enter_async_context(browser(app, name))}


def test_every_route_is_known_to_the_walk(settings: Settings) -> None:
    """A new route fails this until `tests/isolation.py` says how it is to be probed."""
    assert sorted(PROBES) == routes_of(create_app(settings))


def test_a_route_with_somebodys_id_is_probed_as_such() -> None:
    assert [r for r, p in PROBES.items() if "{" in r and p.kind not in ("foreign", "admin")] == []


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Says a figure past the capture, for the record."""

    def say(figure: str) -> None:
        with capsys.disabled():
            sys.stderr.write(f"\nisolation: {figure}\n")

    return say


def guesses(ids: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Ids nobody has, in the shape of real ones and out of it."""
    kept = {"verb": ids["verb"], "file": ids["file"], "bundle": ids["bundle"]}
    for told, guess in (
        ("a number", lambda real: "1"),
        ("an id of nobody's", lambda real: "0" * len(real)),
        ("its beginning", lambda real: real[:8]),
        ("a pattern", lambda real: real[:15] + "_"),
        ("a long way round", lambda real: f"..%2f{real}"),
    ):
        yield told, {name: guess(real) for name, real in ids.items()} | kept


def is_bobs(route: str, way: str) -> bool:
    """Whether this way in leads to the route at all: pages go by the cookie alone."""
    return route.split(" ")[1].startswith(("/api/", "/vinted/")) or way == "page"


async def test_nothing_of_alices_is_anybody_elses(world: World, told: Callable[[str], None]) -> None:
    for route, probe in PROBES.items():
        for way, client in world.ways.items():
            if not is_bobs(route, way):
                continue
            if probe.spends:
                async with AsyncExitStack() as stack:
                    spender = await new_user(world.runtime, f"bob{world.probes}")
                    spent = await ways_in(stack, world.app, spender.name)
                    answer = await world.ask(spent[way], route, probe, world.ids)
            else:
                answer = await world.ask(client, route, probe, world.ids)
            not_with_a_key = way == "key" and route.split(" ")[1].startswith(("/api/v1/me/", "/api/v1/audit"))
            wanted = {"foreign": (403,) if not_with_a_key else (404,), "admin": (403,)}.get(probe.kind)
            await world.check(f"{way}: {route}", answer, wanted)
        if probe.kind != "open":
            refused = (401,) if is_bobs(route, "token") else (303, 401)
            answer = await world.ask(world.stranger, route, probe, world.ids)
            if probe.form is None or answer.status_code != 403:  # without its token a form is refused before all else
                await world.check(f"stranger: {route}", answer, refused)
    assert not world.leaks, "\n".join(world.leaks)
    told(f"{len(PROBES)} routes, {world.probes} probes, {len(world.leaks)} leaks")


async def test_an_id_of_alices_is_told_from_none_by_nothing(world: World, told: Callable[[str], None]) -> None:
    """The same answer but for the id itself: nobody learns which ids there are."""
    for route, probe in PROBES.items():
        if probe.kind != "foreign":
            continue
        client = world.ways["token" if is_bobs(route, "token") else "page"]
        real = await world.ask(client, route, probe, world.ids)
        for what, ids in guesses(world.ids):
            made_up = await world.ask(client, route, probe, ids)
            await world.check(f"{what}: {route}", made_up, (404, 405, 422))
            if what == "an id of nobody's":
                same = {_without_ids(real.text, world.ids), _without_ids(made_up.text, ids)}
                assert len(same) == 1, (route, same)
    assert not world.leaks, "\n".join(world.leaks)
    told(f"{world.probes} guesses at ids, {len(world.leaks)} leaks")


def _without_ids(text: str, ids: dict[str, str]) -> str:
    for one in sorted(ids.values(), key=len, reverse=True):
        text = text.replace(one, "ID")
    return text


async def test_alice_herself_gets_to_all_of_it(world: World) -> None:
    """The control: each address that answered bob 404 is a real one."""
    async with AsyncExitStack() as stack:
        ways = await ways_in(stack, world.app, "alice")
        last = [r for r in PROBES if r.startswith("DELETE") or "discard" in r or "/me/" in r or "security/" in r]
        failed = []
        for route in [*(r for r in PROBES if r not in last), *last]:
            probe = PROBES[route]
            if probe.kind != "foreign" or route in NO_CONTROL:
                continue
            client = ways["token" if is_bobs(route, "token") else "page"]
            answer = await world.ask(client, route, probe, world.ids)
            if answer.status_code in (401, 403, 404, 405):
                failed.append((route, answer.status_code, answer.text[:100]))
    assert failed == []


async def test_a_row_of_bobs_leads_to_nothing_of_alices(world: World) -> None:
    """Bob's own things, with alice's named in the body."""
    bob = world.ways["token"]
    answer = await bob.post("/api/v1/me/keys", json={"name": "mine"})
    assert answer.status_code == 201
    user = await bob.get("/api/v1/me")
    ids = await world.runtime.database.run(_draft_and_account_of, user.json()["user"]["id"])
    mixed = [
        ("POST", "/api/v1/vinted/listings/publish", {"draft_id": ids["draft"], "account": world.ids["account_id"]}),
        ("POST", "/api/v1/vinted/listings/publish", {"draft_id": world.ids["draft_id"], "account": ids["account"]}),
        ("POST", "/api/v1/vinted/listings/prepare", {"draft_id": ids["draft"], "account": world.ids["account_id"]}),
        ("POST", "/api/v1/queue", {"draft_ids": [ids["draft"]], "account": world.ids["account_id"]}),
        ("POST", f"/api/v1/queue/{ids['publication']}/move", {"before": world.ids["publication_id"]}),
    ]
    for method, path, body in mixed:
        answer = await bob.request(method, path, json=body, headers={"Idempotency-Key": str(body)})
        await world.check(f"bob: {method} {path}", answer, (404,))
    several = {"draft_ids": [world.ids["draft_id"], "none"], "account": ids["account"]}
    told = await bob.post("/api/v1/queue", json=several)
    await world.check("bob: POST /api/v1/queue", told, (202,))
    assert told.json()["publications"] == []
    assert [row["code"] for row in told.json()["not_asked"]] == ["not_found"] * 2, "as one that nobody has"
    assert not world.leaks, "\n".join(world.leaks)


def _draft_and_account_of(session: Any, user_id: str) -> dict[str, str]:
    from backend.db.models import Account
    from tests.fakes import add_publication

    account = Account(user_id=user_id, username="bobs", base_url="http://127.0.0.1:9", state="ready")
    session.add(account)
    session.flush()
    publication = add_publication(session, account, live_key=None)
    return {"draft": publication.draft_id, "account": account.id, "publication": publication.id}


async def test_a_signed_address_shows_one_picture_for_a_while(world: World) -> None:
    photo = world.ids["photo_id"]
    alice = await bearer(world.runtime, "alice")
    link = (await world.stranger.get(f"/api/v1/photos/{photo}/link", headers=alice)).json()["url"]
    assert MARK.encode() in (await world.stranger.get(link)).content
    secret = link.split("link=")[1]
    for wrong in (secret[:-3] + "AAA", "x", alice["Authorization"].removeprefix("Bearer ")):
        assert (await world.stranger.get(f"/api/v1/photos/{photo}?link={wrong}")).status_code == 401
    assert (await world.stranger.get(f"/api/v1/photos/{'0' * 16}?link={secret}")).status_code == 404
    as_token = {"Authorization": f"Bearer {secret}"}
    assert (await world.stranger.get("/api/v1/drafts", headers=as_token)).status_code == 401, "it is no sign-in"


async def test_a_cookie_of_bobs_makes_no_alice(world: World) -> None:
    good = world.ways["page"].cookies[COOKIE]
    kind, _, secret = good.split("_", 2)
    for forged in (f"{kind}_{world.ids['session_id']}_{secret}", good[:-1], f"vbr_{good[4:]}", f"{kind}_%_{secret}"):
        async with visitor(world.app) as client:
            client.cookies.set(COOKIE, forged)
            assert (await client.get("/api/v1/me")).status_code == 401
