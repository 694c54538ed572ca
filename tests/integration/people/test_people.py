"""Who there is: the first user, invitations, forgotten passwords, suspension, leaving, and the audit of it all."""

import asyncio
import io
import json
import zipfile

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from backend.core.caller import Origin
from backend.core.errors import NotFound, SignInNeeded
from backend.db.engine import Database
from backend.db.models import Draft, User
from backend.runtime import Runtime
from backend.settings import Settings
from backend.users.people import People
from backend.users.tokens import KeyRing
from tests.fakes import publication_row
from tests.people import (
    OTHER,
    PASSWORD,
    actions,
    bearer,
    code_of,
    new_user,
    signed_in,
    with_token,
)


async def test_the_first_user_is_the_admin_and_keeps_what_the_local_one_had(app: FastAPI) -> None:
    runtime: Runtime = app.state.runtime
    before = runtime.user_id
    marie, paul = await new_user(runtime, "marie"), await new_user(runtime, "paul")
    assert (marie.id, marie.role, paul.role) == (before, "admin", "member")
    assert paul.id != before


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
