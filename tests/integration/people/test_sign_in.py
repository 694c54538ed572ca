"""Signing in, access and refresh tokens, sessions, and passwords that change meanwhile."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from sqlalchemy import text
from sqlmodel import select

from backend.app import create_app
from backend.building import signing_keys
from backend.core.caller import Origin
from backend.core.errors import Forbidden, SignInNeeded
from backend.db.engine import Database, clock
from backend.db.models import ApiKey, AuditEvent, AuthSession, User, UserLink
from backend.key_rotation import rotate_signing_key
from backend.runtime import Runtime
from backend.settings import Settings
from backend.users import passwords, sign_in
from backend.users.access import Credentials
from backend.users.people import People
from backend.users.service import find, find_by_name, set_password
from backend.users.tokens import KeyRing
from tests.fakes import ScriptedReader
from tests.people import (
    OTHER,
    PASSWORD,
    actions,
    code_of,
    signed_in,
    visitor,
    with_token,
)


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
