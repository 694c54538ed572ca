"""Signing in by the pages: cookies, one's own security, the admin's page of people."""

import io
import re
import zipfile

import httpx
import pytest
from fastapi import FastAPI
from sqlmodel import select

from backend.core.caller import Origin
from backend.db.models import ApiKey, User
from backend.runtime import Runtime
from backend.users.access import COOKIE
from tests.people import OTHER, PASSWORD, browser, code_of, send, visitor, words_of


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
