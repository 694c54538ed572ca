"""Signing in, tokens, keys, sessions and roles, over a running application and real tables."""

import asyncio
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from backend.api import staying
from backend.api.v1.routers import live
from backend.app import create_app
from backend.building import signing_keys
from backend.core.caller import Origin
from backend.core.errors import Forbidden, NotFound, SignInNeeded
from backend.db.engine import Database, clock
from backend.db.models import ApiKey, AuditEvent, AuthSession, Batch, Draft, Publication, User, UserLink
from backend.key_rotation import rotate_signing_key
from backend.marketplace.port import InputEvent
from backend.runtime import Runtime
from backend.settings import Settings
from backend.users import passwords, sign_in
from backend.users.access import COOKIE, Credentials
from backend.users.people import People
from backend.users.service import find, find_by_name, set_password
from backend.users.tokens import KeyRing
from tests.fakes import ScriptedReader, publication_row
from tests.people import PASSWORD, bearer, browser, new_user, send, visitor, words_of

OTHER = "umbrella gravel Tuesday 7 kites"


pytestmark = pytest.mark.usefixtures("quick_hashes")


@pytest.fixture
async def app(settings: Settings, reader: ScriptedReader) -> AsyncIterator[FastAPI]:
    built = create_app(settings.model_copy(update={"registration": "invite"}), run_jobs=False, analyzer=reader)
    async with built.router.lifespan_context(built):
        yield built


@pytest.fixture
async def runtime(app: FastAPI) -> Runtime:
    """With an admin, marie, and a member, paul."""
    found: Runtime = app.state.runtime
    await new_user(found, "marie", email="marie@example.org")
    await new_user(found, "paul")
    return found


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with visitor(app) as opened:
        yield opened


async def signed_in(client: httpx.AsyncClient, name: str = "paul", password: str = PASSWORD) -> dict:
    answer = await client.post("/api/v1/auth/sign-in", json={"name": name, "password": password})
    assert answer.status_code == 200, answer.text
    return answer.json()


def with_token(tokens: dict) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def actions(runtime: Runtime) -> list[str]:
    return [e.action for e in await runtime.database.run(lambda s: list(s.exec(select(AuditEvent))))]


async def test_the_first_user_is_the_admin_and_keeps_what_the_local_one_had(app: FastAPI) -> None:
    runtime: Runtime = app.state.runtime
    before = runtime.user_id
    marie, paul = await new_user(runtime, "marie"), await new_user(runtime, "paul")
    assert (marie.id, marie.role, paul.role) == (before, "admin", "member")
    assert paul.id != before


async def test_nobody_from_elsewhere_gets_in_without_signing_in(runtime: Runtime, client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/drafts")
    assert await code_of(answer) == (401, "sign_in_needed")
    assert answer.headers["www-authenticate"] == "Bearer"
    page = await client.get("/?show=todo", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=/%3Fshow%3Dtodo")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
async def test_this_machines_own_person_needs_not_sign_in_but_who_comes_by_a_proxy_does(
    app: FastAPI, runtime: Runtime, header: str
) -> None:
    async with visitor(app, "127.0.0.1") as local:
        assert (await local.get("/api/v1/me")).json()["way"] == "local"
        assert (await local.get("/api/v1/me", headers={header: "127.0.0.1"})).status_code == 401


async def test_signing_in_may_be_asked_of_everybody(settings: Settings, reader: ScriptedReader) -> None:
    app = create_app(settings.model_copy(update={"sign_in": "always"}), run_jobs=False, analyzer=reader)
    async with app.router.lifespan_context(app), visitor(app, "127.0.0.1") as local, visitor(app) as remote:
        assert (await local.get("/api/v1/me")).status_code == 401
        wanted = {"name": "marie", "password": PASSWORD}
        refused = await remote.post("/api/v1/auth/register", json=wanted)
        assert await code_of(refused) == (403, "registration_closed"), "the first user sits at the machine"
        first = await local.post("/api/v1/auth/register", json=wanted)
        assert (first.status_code, first.json()["role"]) == (201, "admin")
        again = await local.post("/api/v1/auth/register", json={**wanted, "name": "paul"})
        assert await code_of(again) == (403, "registration_closed")


async def test_a_wrong_password_and_an_unknown_name_are_told_alike(runtime: Runtime, client: httpx.AsyncClient) -> None:
    answers = [
        await client.post("/api/v1/auth/sign-in", json={"name": name, "password": "wrong"}) for name in ("paul", "x")
    ]
    assert answers[0].json() == answers[1].json()
    assert await code_of(answers[0]) == (401, "wrong_password")
    assert (await actions(runtime)).count("session.refused") == 2
    assert (await signed_in(client, "MARIE@example.org"))["token_type"] == "Bearer"


async def test_an_access_token_is_for_a_quarter_of_an_hour(runtime: Runtime, client: httpx.AsyncClient) -> None:
    tokens = await signed_in(client)
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == tokens["expires_in"] == 900
    past = datetime.now(UTC) - timedelta(minutes=16)
    old = runtime.people.ring.sign("access", {"sub": claims["sub"], "sid": claims["sid"]}, past, timedelta(minutes=15))
    answer = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {old}"})
    assert await code_of(answer) == (401, "token_expired")


async def test_forged_tokens_are_worth_nothing(runtime: Runtime, client: httpx.AsyncClient) -> None:
    good = (await signed_in(client))["access_token"]
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = jwt.get_unverified_header(good)["kid"]
    forged = [
        jwt.encode(claims, "k" * 48, "HS256", headers={"kid": kid}),
        jwt.encode(claims, "", "none", headers={"kid": kid}),
        jwt.encode(claims, signing_keys(runtime.settings)[0], "HS512", headers={"kid": kid}),
        jwt.encode({**claims, "aud": "photo"}, signing_keys(runtime.settings)[0], "HS256", headers={"kid": kid}),
        jwt.encode({k: v for k, v in claims.items() if k != "exp"}, signing_keys(runtime.settings)[0], "HS256",
                   headers={"kid": kid}),
        good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
        "vbk_" + "A" * 43,
        "x",
    ]  # fmt: skip
    for token in forged:
        answer = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, token
    async with visitor(client._transport.app, "127.0.0.1") as local:  # type: ignore[attr-defined]
        answer = await local.get("/api/v1/me", headers={"Authorization": f"Bearer {forged[0]}"})
        assert answer.status_code == 401, "a bad token is refused, not overlooked"


async def test_a_refresh_token_is_good_once_and_a_copy_ends_the_family(
    runtime: Runtime, client: httpx.AsyncClient
) -> None:
    first, elsewhere = await signed_in(client), await signed_in(client)
    second = (await client.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})).json()
    assert (await client.get("/api/v1/me", headers=with_token(second))).status_code == 200
    stolen = await client.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert await code_of(stolen) == (401, "token_reused")
    for tokens in (first, second):
        assert (await client.get("/api/v1/me", headers=with_token(tokens))).status_code == 401
        again = await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert await code_of(again) == (401, "token_invalid")
    assert (await client.get("/api/v1/me", headers=with_token(elsewhere))).status_code == 200, "another family"


async def test_of_two_refreshes_at_once_one_is_a_copy(runtime: Runtime, client: httpx.AsyncClient) -> None:
    token = (await signed_in(client))["refresh_token"]
    asked = [client.post("/api/v1/auth/refresh", json={"refresh_token": token}) for _ in range(4)]
    assert sorted(a.status_code for a in await asyncio.gather(*asked)) == [200, 401, 401, 401]


async def test_nothing_handed_out_is_kept_as_it_is(runtime: Runtime, client: httpx.AsyncClient) -> None:
    tokens = await signed_in(client)
    made = await client.post("/api/v1/me/keys", json={"name": "shop"}, headers=with_token(tokens))
    link = await runtime.people.reset_link(runtime.user_id)

    def everything(session) -> str:
        rows = [*session.exec(select(User)), *session.exec(select(AuthSession)), *session.exec(select(ApiKey)),
                *session.exec(select(UserLink)), *session.exec(select(AuditEvent))]  # fmt: skip
        return json.dumps([row.model_dump(mode="json") for row in rows])

    kept = await runtime.database.run(everything)
    for secret in (PASSWORD, tokens["refresh_token"].split("_", 2)[2], made.json()["key"], link):
        assert secret not in kept
    assert kept.count("$argon2id$") == 2


async def test_keys_that_rotate_sign_nobody_out(runtime: Runtime, client: httpx.AsyncClient) -> None:
    before = await signed_in(client)
    assert await rotate_signing_key(runtime.settings) == 2
    after = await signed_in(client)
    kids = {jwt.get_unverified_header(t["access_token"])["kid"] for t in (before, after)}
    assert len(kids) == 2
    for tokens in (before, after):
        assert (await client.get("/api/v1/me", headers=with_token(tokens))).status_code == 200
    for _ in range(2):
        await rotate_signing_key(runtime.settings)
    await signed_in(client)  # the ring reads the file again
    assert (await client.get("/api/v1/me", headers=with_token(before))).status_code == 401, "three are kept"


async def test_a_key_does_what_its_scopes_say_and_no_more(runtime: Runtime, client: httpx.AsyncClient) -> None:
    me = await bearer(runtime, "marie")

    async def key(*scopes: str, **more: object) -> dict[str, str]:
        made = await client.post("/api/v1/me/keys", json={"name": "x", "scopes": scopes, **more}, headers=me)
        assert made.status_code == 201, made.text
        return {"Authorization": f"Bearer {made.json()['key']}"}

    tries = {
        "read": ("GET", "/api/v1/drafts", None),
        "write": ("POST", "/api/v1/drafts/none/approve", {}),
        "publish": ("POST", "/api/v1/queue", {"draft_ids": ["none"]}),
        "admin": ("GET", "/api/v1/users", None),
    }
    for scope in tries:
        headers = await key(scope)
        for needed, (method, path, body) in tries.items():
            answer = await client.request(method, path, json=body, headers=headers)
            lacks = answer.status_code == 403 and answer.json()["code"] == "scope_missing"
            assert lacks == (needed != scope), (scope, needed, answer.text)
    everything = await key("read", "write", "publish", "admin")
    for path in ("/api/v1/me/keys", "/api/v1/me/sessions", "/api/v1/me/export"):
        assert await code_of(await client.get(path, headers=everything)) == (403, "key_not_allowed")


async def test_a_members_key_makes_no_admin_of_them(runtime: Runtime, client: httpx.AsyncClient) -> None:
    me = await bearer(runtime, "paul")
    made = await client.post("/api/v1/me/keys", json={"name": "x", "scopes": ["admin"]}, headers=me)
    for headers in (me, {"Authorization": f"Bearer {made.json()['key']}"}):
        assert await code_of(await client.get("/api/v1/users", headers=headers)) == (403, "admin_only")


async def test_a_key_is_shown_once_and_ends(runtime: Runtime, client: httpx.AsyncClient) -> None:
    me = await bearer(runtime, "paul")
    made = (await client.post("/api/v1/me/keys", json={"name": "shop", "days": 3}, headers=me)).json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert (await client.get("/api/v1/drafts", headers=headers)).status_code == 200
    [listed] = (await client.get("/api/v1/me/keys", headers=me)).json()
    assert listed["last_used_at"] is not None
    assert "key" not in listed and listed["prefix"] == made["key"][:10]

    def run_out(session) -> None:
        session.get_one(ApiKey, made["id"]).expires_at = datetime.now(UTC) - timedelta(seconds=1)

    await runtime.database.run(run_out)
    assert await code_of(await client.get("/api/v1/drafts", headers=headers)) == (401, "key_invalid")
    other = (await client.post("/api/v1/me/keys", json={"name": "shop"}, headers=me)).json()
    assert (await client.delete(f"/api/v1/me/keys/{other['id']}", headers=me)).status_code == 204
    headers = {"Authorization": f"Bearer {other['key']}"}
    assert await code_of(await client.get("/api/v1/drafts", headers=headers)) == (401, "key_invalid")


async def test_sessions_are_listed_and_ended(runtime: Runtime, client: httpx.AsyncClient) -> None:
    one, two = await signed_in(client), await signed_in(client)
    listed = (await client.get("/api/v1/me/sessions", headers=with_token(one))).json()
    assert [row["here"] for row in listed].count(True) == 1 and len(listed) == 2
    [other] = [row for row in listed if not row["here"]]
    assert (await client.delete(f"/api/v1/me/sessions/{other['id']}", headers=with_token(one))).status_code == 204
    assert (await client.get("/api/v1/me", headers=with_token(two))).status_code == 401
    await signed_in(client)
    ended = await client.delete("/api/v1/me/sessions?keep_this=true", headers=with_token(one))
    assert ended.json() == {"ended": 1}
    assert (await client.get("/api/v1/me", headers=with_token(one))).status_code == 200
    await client.post("/api/v1/auth/sign-out", headers=with_token(one))
    assert (await client.get("/api/v1/me", headers=with_token(one))).status_code == 401


async def test_a_new_password_signs_out_everywhere_else(runtime: Runtime, client: httpx.AsyncClient) -> None:
    here, elsewhere = await signed_in(client), await signed_in(client)
    wrong = await client.put("/api/v1/me/password", json={"current": "x", "new": OTHER}, headers=with_token(here))
    assert await code_of(wrong) == (403, "wrong_password")
    changed = await client.put(
        "/api/v1/me/password", json={"current": PASSWORD, "new": OTHER}, headers=with_token(here)
    )
    assert changed.status_code == 204
    assert (await client.get("/api/v1/me", headers=with_token(here))).status_code == 200
    assert (await client.get("/api/v1/me", headers=with_token(elsewhere))).status_code == 401
    await signed_in(client, password=OTHER)


async def test_a_password_changed_while_it_is_compared_opens_no_session(
    runtime: Runtime, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one just given was right when it was looked at, and is no more when the session would begin."""
    compare = passwords.matches

    async def overtaken(password: str, hashed: str | None) -> bool:
        right = await compare(password, hashed)
        monkeypatch.setattr(passwords, "matches", compare)
        await runtime.people.set_password(paul.id, OTHER)
        return right

    paul = await runtime.database.run(find_by_name, "paul")
    monkeypatch.setattr(passwords, "matches", overtaken)
    answer = await client.post("/api/v1/auth/sign-in", json={"name": "paul", "password": PASSWORD})
    assert await code_of(answer) == (401, "wrong_password")
    assert await runtime.database.run(lambda s: sign_in.sessions_of(s, paul.id, clock(s))) == []

    caller = await runtime.people.identify(
        Credentials((await signed_in(client, password=OTHER))["access_token"], None, Origin(), near=False, local=False)
    )
    monkeypatch.setattr(passwords, "matches", overtaken)
    with pytest.raises(Forbidden):
        await runtime.people.change_password(caller, OTHER, "a password of somebody who came too late")


async def test_a_password_hashed_anew_meanwhile_is_still_the_password(
    runtime: Runtime, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of one person sign in at once after the way of hashing has changed: one of them hashes it anew."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    await asyncio.gather(*(signed_in(client) for _ in range(4)))
    paul = await runtime.database.run(find_by_name, "paul")
    assert not passwords.is_outdated(paul.password_hash)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_a_session_waits_for_a_change_of_the_password(database: Database) -> None:
    """On PostgreSQL two transactions run beside each other: the one that would begin a session waits for the other."""
    people = People(database, KeyRing(lambda: ["k" * 48]), registration="invite", alone=False)
    marie = await people.add("marie", PASSWORD)
    hashed = await passwords.hash_password(OTHER)
    with database.session() as changing:
        set_password(changing, find(changing, marie.id), hashed)
        changing.flush()
        coming = asyncio.ensure_future(people.sign_in("marie", PASSWORD, "page", Origin()))
        while not await database.look(
            lambda s: s.connection().execute(text("select 1 from pg_locks where not granted")).first()
        ):
            await asyncio.sleep(0.02)
    with pytest.raises(SignInNeeded):
        await coming


async def test_who_is_suspended_is_out_at_once(runtime: Runtime, client: httpx.AsyncClient) -> None:
    admin, paul = await bearer(runtime, "marie"), await signed_in(client)
    made = (await client.post("/api/v1/me/keys", json={"name": "x"}, headers=with_token(paul))).json()
    users = {u["name"]: u["id"] for u in (await client.get("/api/v1/users", headers=admin)).json()}
    path = f"/api/v1/users/{users['paul']}"
    assert (await client.patch(path, json={"state": "suspended"}, headers=admin)).json()["state"] == "suspended"
    assert (await client.get("/api/v1/me", headers=with_token(paul))).status_code == 401
    by_key = await client.get("/api/v1/drafts", headers={"Authorization": f"Bearer {made['key']}"})
    assert await code_of(by_key) == (403, "suspended")
    again = await client.post("/api/v1/auth/sign-in", json={"name": "paul", "password": PASSWORD})
    assert await code_of(again) == (403, "suspended")
    await client.patch(path, json={"state": "active"}, headers=admin)
    await signed_in(client)
    for last in ({"state": "suspended"}, {"role": "member"}):
        refused = await client.patch(f"/api/v1/users/{users['marie']}", json=last, headers=admin)
        assert await code_of(refused) == (409, "last_admin")


async def test_an_invitation_works_once(runtime: Runtime, client: httpx.AsyncClient) -> None:
    admin = await bearer(runtime, "marie")
    link = (await client.post("/api/v1/users/invites", json={"role": "admin"}, headers=admin)).json()
    wanted = {"name": "Zoe", "password": OTHER, "invite": link["secret"]}
    assert (await client.post("/api/v1/auth/register", json={**wanted, "invite": "x"})).status_code == 404
    assert await code_of(await client.post("/api/v1/auth/register", json={**wanted, "name": "paul"})) == (
        409,
        "name_taken",
    )
    made = await client.post("/api/v1/auth/register", json=wanted)
    assert (made.status_code, made.json()["name"], made.json()["role"]) == (201, "zoe", "admin")
    assert await code_of(await client.post("/api/v1/auth/register", json={**wanted, "name": "yan"})) == (
        404,
        "link_over",
    )


async def test_a_forgotten_password_is_chosen_anew_by_link(runtime: Runtime, client: httpx.AsyncClient) -> None:
    admin, paul = await bearer(runtime, "marie"), await signed_in(client)
    user_id = (await client.get("/api/v1/me", headers=with_token(paul))).json()["user"]["id"]
    link = (await client.post(f"/api/v1/users/{user_id}/reset-link", headers=admin)).json()
    weak = await client.post("/api/v1/auth/reset", json={"link": link["secret"], "password": "paul2026"})
    assert await code_of(weak) == (422, "password_weak")
    done = await client.post("/api/v1/auth/reset", json={"link": link["secret"], "password": OTHER})
    assert done.status_code == 200
    assert (await client.get("/api/v1/me", headers=with_token(paul))).status_code == 401
    await signed_in(client, password=OTHER)
    again = await client.post("/api/v1/auth/reset", json={"link": link["secret"], "password": PASSWORD})
    assert await code_of(again) == (404, "link_over")


async def test_leaving_takes_everything_along_and_leaves_nothing_behind(
    runtime: Runtime, client: httpx.AsyncClient
) -> None:
    paul = await runtime.database.run(lambda s: s.exec(select(User).where(User.name == "paul")).one())
    row = await asyncio.to_thread(publication_row, runtime.database, state="confirmed")

    def hand_over(session) -> None:
        for table in ("accounts", "batches", "drafts", "publications", "publication_events"):
            session.connection().exec_driver_sql(f"update {table} set user_id = '{paul.id}'")

        session.connection().exec_driver_sql("update batches set state = 'done'")

    await runtime.database.run(hand_over)
    evidence = runtime.settings.evidence_folder / row.id
    evidence.mkdir(parents=True)
    me = with_token(await signed_in(client))
    with zipfile.ZipFile(io.BytesIO((await client.get("/api/v1/me/export", headers=me)).content)) as archive:
        told = {name: archive.read(name).decode() for name in archive.namelist()}
    assert json.loads(told["publications.json"])[0]["id"] == row.id
    assert json.loads(told["users.json"])[0]["name"] == "paul"
    assert len(json.loads(told["users.json"])) == 1
    assert "argon2" not in "".join(told.values())
    wrong = await client.request("DELETE", "/api/v1/me", json={"name": "paul", "password": "x"}, headers=me)
    assert await code_of(wrong) == (403, "wrong_password")
    gone = await client.request("DELETE", "/api/v1/me", json={"name": "paul", "password": PASSWORD}, headers=me)
    assert gone.status_code == 204
    assert not evidence.exists()
    assert (await client.get("/api/v1/me", headers=me)).status_code == 401
    left = await runtime.database.run(lambda s: list(s.exec(select(Draft).where(col(Draft.user_id) == paul.id))))
    assert left == []
    assert (await actions(runtime))[-1] == "user.deleted"


async def test_who_publishes_just_now_leaves_later(runtime: Runtime, client: httpx.AsyncClient) -> None:
    await asyncio.to_thread(publication_row, runtime.database, state="submitting")
    await runtime.database.run(
        lambda s: s.connection().exec_driver_sql(f"update publications set user_id = '{runtime.user_id}'")
    )
    await runtime.people.change((await new_user(runtime, "zoe")).id, role="admin")
    me = await bearer(runtime, "marie")
    busy = await client.request("DELETE", "/api/v1/me", json={"name": "marie", "password": PASSWORD}, headers=me)
    assert await code_of(busy) == (409, "user_busy")


async def test_the_audit_says_who_did_what_from_where(runtime: Runtime, client: httpx.AsyncClient) -> None:
    me, admin = await bearer(runtime, "paul"), await bearer(runtime, "marie")
    assert (await client.put("/api/v1/preferences", json={"tone": "friendly"}, headers=me)).status_code == 200
    refused = await client.put("/api/v1/preferences", json={"hashtags": ["!"]}, headers=me)
    assert refused.status_code == 422
    mine = (await client.get("/api/v1/audit", headers=me)).json()
    [changed] = [event for event in mine if event["action"] == "preferences.changed"]
    assert changed["actor_id"] == changed["user_id"]
    assert (changed["way"], changed["address"]) == ("token", "192.0.2.7")
    assert changed["agent"].startswith("python-httpx")
    everybodys = (await client.get("/api/v1/audit/all", headers=admin)).json()
    assert {event["id"] for event in mine} < {event["id"] for event in everybodys}
    older = (await client.get(f"/api/v1/audit/all?limit=2&before={everybodys[0]['id']}", headers=admin)).json()
    assert [event["id"] for event in older] == [event["id"] for event in everybodys[1:3]]


async def test_refreshing_and_links_hold_on_postgresql(postgres_url: str, settings: Settings) -> None:
    """Two at one moment meet at the row's lock there, not at the whole database's."""
    database = Database(postgres_url)
    await asyncio.to_thread(database.migrate)
    ring = KeyRing(lambda: ["k" * 48])
    people = People(database, ring, registration="invite", alone=False)
    marie = await people.add("marie", PASSWORD)
    pair = await people.tokens("marie", PASSWORD, Origin())
    asked = (people.refresh(pair.refresh_token, Origin()) for _ in range(4))
    came = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in came].count(SignInNeeded) == 3
    secret = await people.invite(marie.id)
    coming = (people.register(f"p{n}", PASSWORD, email=None, invite=secret) for n in range(4))
    came = await asyncio.gather(*coming, return_exceptions=True)
    assert [type(one) for one in came].count(User) == 1
    assert [type(one) for one in came].count(NotFound) == 3
    with pytest.raises(DBAPIError, match="append-only"):
        await database.run(lambda s: s.connection().exec_driver_sql("delete from audit_events"))
    database.close()


async def test_the_audit_can_only_grow(runtime: Runtime) -> None:
    for verb in ("update audit_events set action = 'x'", "delete from audit_events"):
        with pytest.raises(DBAPIError, match="append-only"):
            await runtime.database.run(lambda s, sql=verb: s.connection().exec_driver_sql(sql))


async def test_a_browser_signs_in_and_out(app: FastAPI, runtime: Runtime) -> None:
    async with browser(app) as client:
        assert (await client.get("/")).headers["location"] == "/sign-in?next=/"
        wrong = await send(client, "/sign-in", name="paul", password="x")
        assert (wrong.status_code, "is wrong" in words_of(wrong)) == (401, True)
        answer = await send(client, "/sign-in", name="paul", password=PASSWORD, next="/publications")
        assert answer.headers["location"] == "/publications"
        cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(COOKIE)).lower()
        assert "httponly" in cookie and "samesite=lax" in cookie and "secure" not in cookie
        assert (await client.get("/publications")).status_code == 200
        assert (await client.get("/api/v1/me")).json()["user"]["name"] == "paul"
        kept = dict(client.cookies)
        await send(client, "/sign-out")
        assert (await client.get("/publications")).status_code == 303
        client.cookies.set(COOKIE, kept[COOKIE])
        assert (await client.get("/publications")).status_code == 303, "the cookie itself is worth nothing now"


async def test_each_page_keeps_its_reader_signed_in_for_thirty_days_more(app: FastAPI, runtime: Runtime) -> None:
    async with browser(app, "paul") as client:
        secret = client.cookies[COOKIE]
        sent = (await client.get("/drafts")).headers.get_list("set-cookie")
        assert [one for one in sent if one.startswith(f"{COOKIE}={secret};") and f"Max-Age={30 * 24 * 3600}" in one]
        await send(client, "/sign-out")
        assert COOKIE not in client.cookies
        assert COOKIE not in str((await client.get("/sign-in")).headers.get_list("set-cookie"))


async def test_a_cookie_is_secure_where_the_page_is(app: FastAPI, runtime: Runtime) -> None:
    transport = httpx.ASGITransport(app, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://closet.example") as client:
        answer = await send(client, "/sign-in", name="paul", password=PASSWORD)
        assert all("; secure" in c.lower() for c in answer.headers.get_list("set-cookie"))


@pytest.mark.parametrize("way", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "evil"])
async def test_signing_in_leads_to_no_other_site(app: FastAPI, runtime: Runtime, way: str) -> None:
    async with browser(app) as client:
        answer = await send(client, "/sign-in", name="paul", password=PASSWORD, next=way)
        assert answer.headers["location"] == "/"


async def test_a_page_cookie_writes_for_its_pages_alone(app: FastAPI, runtime: Runtime) -> None:
    async with browser(app, "paul") as client:
        cookie = client.cookies[COOKIE]
    async with visitor(app) as program:
        program.cookies.set(COOKIE, cookie)
        assert (await program.get("/api/v1/drafts")).status_code == 200
        refused = await program.post("/api/v1/notifications/seen")
        assert await code_of(refused) == (403, "cross_site")
        own = {"Origin": "http://closet.example"}
        assert (await program.post("/api/v1/notifications/seen", headers=own)).status_code == 200


async def test_the_page_of_ones_own_security(app: FastAPI, runtime: Runtime) -> None:
    async with browser(app, "paul") as client:
        assert "paul" in words_of(await client.get("/security"))
        made = await send(client, "/security/keys", name="shop", scope=["read", "write"], days="")
        [key] = re.findall(r'id="made-key">(vbk_[^<]+)<', made.text)
        assert key not in (await client.get("/security")).text
        answer = await client.get("/api/v1/drafts", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200
        [row] = await runtime.database.run(lambda s: list(s.exec(select(ApiKey))))
        assert (await send(client, f"/security/keys/{row.id}")).status_code == 303
        wrong = await send(client, "/security/password", current="x", new=OTHER)
        assert (wrong.status_code, "is wrong" in words_of(wrong)) == (403, True)
        assert (await send(client, "/security/email", current=PASSWORD, email="p@example.org")).status_code == 303
        assert (await send(client, "/security/password", current=PASSWORD, new=OTHER)).status_code == 303
        exported = await send(client, "/security/export")
        assert zipfile.ZipFile(io.BytesIO(exported.content)).testzip() is None
        assert (await send(client, "/security/leave", name="marie", current=OTHER)).status_code == 422
        assert (await send(client, "/security/leave", name="paul", current=OTHER)).headers["location"] == (
            "/sign-in?said=left"
        )
    assert [u.name for u in await runtime.database.run(lambda s: list(s.exec(select(User))))] == ["marie"]


async def test_the_local_person_gets_a_name_and_a_password_on_the_page(app: FastAPI) -> None:
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as client:
        assert "/security/first" in (await client.get("/security")).text
        assert (await send(client, "/security/first", name="marie", new=OTHER)).status_code == 303
        assert "/security/first" not in (await client.get("/security")).text
        await app.state.runtime.people.tokens("marie", OTHER, Origin())


async def test_the_admins_page_of_people(app: FastAPI, runtime: Runtime) -> None:
    async with browser(app, "paul") as member:
        for answer in (await member.get("/people"), await send(member, "/people/invites", role="admin")):
            assert answer.status_code == 403
    async with browser(app, "marie") as admin, browser(app) as stranger:
        assert "paul" in words_of(await admin.get("/people"))
        [link] = re.findall(r'id="link">http://closet.example(/register[^<]+)<', (
            await send(admin, "/people/invites", role="member")).text)  # fmt: skip
        assert (await stranger.get(link)).status_code == 200
        made = await send(stranger, "/register", name="zoe", email="", password=OTHER, invite=link.split("=")[1])
        assert made.headers["location"] == "/sign-in?said=registered"
        zoe = await runtime.database.run(lambda s: s.exec(select(User).where(User.name == "zoe")).one())
        [reset] = re.findall(r'id="link">http://closet.example/reset\?link=([^<]+)<', (
            await send(admin, f"/people/{zoe.id}/reset")).text)  # fmt: skip
        assert (await send(stranger, "/reset", link=reset, password=PASSWORD)).status_code == 303
        assert (await send(stranger, "/sign-in", name="zoe", password=PASSWORD)).status_code == 303
        for verb in ("admin", "member", "suspend", "resume"):
            assert (await send(admin, f"/people/{zoe.id}/{verb}")).status_code == 303, verb
        assert (await stranger.get("/")).status_code == 303, "suspending signed them out"
        assert (await send(admin, f"/people/{zoe.id}/delete", name="paul")).status_code == 422
        assert (await send(admin, f"/people/{zoe.id}/delete", name="zoe")).status_code == 303


class StillPage:
    """An open page on which nothing happens."""

    challenge = "hcaptcha"

    async def frames(self) -> AsyncIterator[bytes]:
        yield b"picture"
        await asyncio.Event().wait()

    async def act(self, event: InputEvent) -> None:
        raise AssertionError(event)

    async def solved(self) -> bool:
        return False


@pytest.mark.parametrize("path", ["queue/events", "bulk/events", "bulk/jobs/{batch}/events"])
async def test_a_stream_ends_when_its_reader_is_suspended(
    app: FastAPI, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(staying, "ASKED_EVERY", 0.02)
    paul = await runtime.database.run(find_by_name, "paul")
    batch = Batch(user_id=paul.id)
    await runtime.database.run(lambda s: s.add(batch))
    token = (await bearer(runtime, "paul"))["Authorization"].encode()
    heard: asyncio.Queue[dict] = asyncio.Queue()
    told: asyncio.Queue[dict] = asyncio.Queue()
    scope = {
        "type": "http", "method": "GET", "http_version": "1.1", "path": f"/api/v1/{path.format(batch=batch.id)}",
        "raw_path": b"", "root_path": "", "scheme": "http", "query_string": b"",
        "headers": [(b"host", b"closet.example"), (b"authorization", token)], "client": ("192.0.2.7", 1),
        "server": ("closet.example", 80), "asgi": {"version": "3.0"},
    }  # fmt: skip
    heard.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    served = asyncio.create_task(app(scope, heard.get, told.put))
    async with asyncio.timeout(60):
        assert (await told.get())["status"] == 200
        while b"event: progress" not in (await told.get()).get("body", b""):
            continue
        await runtime.people.change(paul.id, state="suspended")
        while (await told.get()).get("more_body"):
            continue
        await served


async def test_a_live_view_ends_when_its_viewer_is_suspended(
    app: FastAPI, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "ALIVE_EVERY", 0.02)
    row = await asyncio.to_thread(publication_row, runtime.database)
    paul = await runtime.database.run(lambda s: s.exec(select(User).where(User.name == "paul")).one())
    await runtime.database.run(lambda s: setattr(s.get_one(Publication, row.id), "user_id", paul.id))
    heard: asyncio.Queue[dict] = asyncio.Queue()
    told: asyncio.Queue[dict] = asyncio.Queue()
    token = (await bearer(runtime, "paul"))["Authorization"].encode()
    scope = {
        "type": "websocket", "path": f"/api/v1/publications/{row.id}/live", "raw_path": b"", "root_path": "",
        "scheme": "ws", "query_string": b"", "headers": [(b"host", b"closet.example"), (b"authorization", token)],
        "client": ("192.0.2.7", 1), "server": ("closet.example", 80), "subprotocols": [], "asgi": {"version": "3.0"},
    }  # fmt: skip
    heard.put_nowait({"type": "websocket.connect"})
    with runtime.live.showing(paul.id, row.id, StillPage(), limit=60):
        served = asyncio.create_task(app(scope, heard.get, told.put))
        async with asyncio.timeout(20):
            assert (await told.get())["type"] == "websocket.accept"
            while "alive" not in (await told.get()).get("text", ""):
                continue
            await runtime.people.change(paul.id, state="suspended")
            while (last := await told.get())["type"] != "websocket.close":
                continue
            assert last["code"] == 1008
            await served
