"""Who may talk to the server from a browser, and what every answer forbids the browser to do."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from backend.app import create_app
from backend.core.loopback import is_loopback
from backend.settings import Settings
from tests.fakes import ScriptedReader

ADDRESS = "http://127.0.0.1:5000"


@pytest.fixture
async def client(settings: Settings, reader: ScriptedReader) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, run_jobs=False, analyzer=reader)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as opened:
            yield opened


FOREIGN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},  # another port of this machine
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://127.0.0.1:3000"},
    {"Sec-Fetch-Site": "none", "Origin": "https://evil.example"},
]
OWN: list[dict[str, str]] = [
    {},
    {"Sec-Fetch-Site": "same-origin", "Origin": ADDRESS},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "none", "Origin": "null"},  # shared from a phone
]


@pytest.mark.parametrize("path", ["/drafts/d/discard", "/api/v1/ingest", "/api/v1/accounts"])
async def test_another_sites_write_is_refused(client: httpx.AsyncClient, path: str) -> None:
    for headers in FOREIGN:
        answer = await client.post(path, headers=headers, data={"token": "x"})
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), headers


async def test_our_own_page_and_programs_may_write(client: httpx.AsyncClient) -> None:
    for headers in OWN:
        answer = await client.post("/api/v1/drafts/none/approve", headers=headers, json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), headers


async def test_links_from_other_sites_may_still_lead_here(client: httpx.AsyncClient) -> None:
    assert (await client.get("/", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/v1/drafts", "/static/drop.js"])
async def test_a_foreign_name_for_this_machine_is_refused(client: httpx.AsyncClient, path: str) -> None:
    for host in ("evil.example", "evil.example:5000", "127.0.0.1.evil.example", "192.168.1.4", "[::2]", "a]b", ""):
        answer = await client.get(path, headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (421, "foreign_host"), host


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
async def test_what_a_proxy_passes_on_goes_by_its_name_and_signs_in(client: httpx.AsyncClient, header: str) -> None:
    headers = {"Host": "closet.example", header: "127.0.0.1"}
    assert (await client.get("/sign-in", headers=headers)).status_code == 200
    for path in ("/api/v1/drafts", "/api/v1/me/export"):
        answer = await client.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_needed")
    assert (await client.get("/metrics", headers=headers)).status_code == 404


async def test_the_page_can_be_installed_and_shared_to_through_a_proxy(client: httpx.AsyncClient) -> None:
    headers = {"Host": "closet.example", "X-Forwarded-For": "192.0.2.9", "Accept-Language": "fr"}
    assert 'crossorigin="use-credentials"' in (await client.get("/sign-in", headers=headers)).text
    manifest = await client.get("/manifest.webmanifest", headers=headers)
    assert (manifest.status_code, manifest.json()["share_target"]["action"]) == (200, "/share")
    shared = {**headers, "Accept": "text/html", "Sec-Fetch-Site": "none", "Origin": "null"}
    answer = await client.post("/share", files={"files": ("a.jpg", b"x")}, headers=shared)
    assert answer.status_code == 303
    assert "partagez de nouveau" in (await client.get(answer.headers["location"], headers=headers)).text


async def test_this_machines_own_names_are_welcome(client: httpx.AsyncClient) -> None:
    for host in ("127.0.0.1:5000", "localhost:5000", "[::1]:5000", "localhost", "vb.localhost:80"):
        assert (await client.get("/", headers={"Host": host})).status_code == 200, host


async def test_another_interface_goes_by_any_name(client: httpx.AsyncClient) -> None:
    """The name is only suspect on a connection that never left this machine."""
    assert (await client.get("http://192.0.2.5:5000/", headers={"Host": "closet.example"})).status_code == 200


def test_loopback_is_told_from_lookalikes() -> None:
    own = ("localhost", "127.0.0.1", "127.9.9.9", "::1", "a.localhost")
    foreign = ("localhost.example", "0.0.0.0", "10.0.0.1", "", "notlocalhost")
    assert [is_loopback(name) for name in (*own, *foreign)] == [True] * 5 + [False] * 5


async def test_every_answer_carries_the_policy(client: httpx.AsyncClient) -> None:
    for path in ("/", "/publications", "/nothing-here", "/static/live.js", "/api/v1/drafts"):
        headers = (await client.get(path, headers={"Accept": "text/html"})).headers
        assert "default-src 'self'" in headers["content-security-policy"], path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


async def test_the_frameworks_own_page_of_the_api_still_opens(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/docs")).headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src https://cdn.jsdelivr.net" in policy
    assert "connect-src 'self'" in policy and "frame-ancestors 'none'" in policy


async def test_a_form_without_the_readers_token_is_refused(client: httpx.AsyncClient) -> None:
    await client.get("/")
    forms: list[dict[str, str]] = [{}, {"token": ""}, {"token": "wrong"}]
    for data in forms:
        answer = await client.post("/drafts/none/discard", data=data, headers={"Accept": "text/html"})
        assert answer.status_code == 403
        assert "plus valable" in answer.text
    client.cookies.clear()  # neither does an empty cookie match an empty field
    for data in forms:
        assert (await client.post("/drafts/none/discard", data=data)).status_code == 403


async def test_the_token_is_out_of_reach_of_scripts_and_other_sites(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    shown = set(re.findall(r'name="token" value="([^"]+)"', answer.text))
    assert shown == {client.cookies["vintedbot_token"]}, "the forms' token is this reader's, and stands nowhere else"
    assert answer.text.count(*shown) == len(re.findall('name="token"', answer.text))
    assert answer.headers["cache-control"] == "no-store"


async def test_people_get_a_page_and_programs_a_problem(client: httpx.AsyncClient) -> None:
    for path, status in (
        ("/nothing", 404),
        ("/drafts/none", 404),
        ("/drafts?page=abc", 422),
        ("/drafts/x/publish", 405),
    ):
        page = await client.get(path, headers={"Accept": "text/html,*/*", "Accept-Language": "en"})
        assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8"), path
        assert "Something is in the way" in page.text
        program = await client.get(path)
        assert (program.status_code, program.headers["content-type"]) == (status, "application/problem+json")
    api = await client.get("/api/v1/drafts/none", headers={"Accept": "text/html"})
    assert api.headers["content-type"] == "application/problem+json"
