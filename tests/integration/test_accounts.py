"""Accounts by API and page, without a browser: added, paused, forgotten, and how each state is told."""

import json
from typing import Any

import httpx
import pytest
from sqlmodel import Session, select

from backend.accounts import service, standing
from backend.accounts.states import STATES, explain
from backend.core.errors import AddressBanned, NeedsPersonError, SessionExpired, VerificationWall
from backend.db.models import Account, Publication, User
from backend.runtime import Runtime
from backend.settings import Settings
from tests.forms import form, without_tags
from tests.integration.test_evidence import a_failed_publication

SITE = "http://127.0.0.1:9"
HTML = {"Accept": "text/html", "Accept-Language": "en"}


@pytest.fixture
def runtime(client: httpx.AsyncClient) -> Runtime:
    return client.runtime  # type: ignore[attr-defined,no-any-return]


async def add(
    client: httpx.AsyncClient, username: str = "marie", cookies: str = "access_token_web=a"
) -> dict[str, Any]:
    answer = await client.post("/api/v1/accounts", json={"username": username, "cookies": cookies, "base_url": SITE})
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_state_is_explained_with_a_way_out(language: str) -> None:
    for state in STATES:
        said = explain(state, language)
        assert said.sentence.endswith(".") and (bool(said.fix) == (state != "ready")), state
    assert len({explain(state, language) for state in STATES}) == len(STATES)


def test_every_error_that_waits_for_a_person_leads_to_a_known_state() -> None:
    def all_below(kind: type[NeedsPersonError]) -> set[type[NeedsPersonError]]:
        return {kind} | {below for child in kind.__subclasses__() for below in all_below(child)}

    codes = {kind.code for kind in all_below(NeedsPersonError)} - {"needs_person", "session_missing"}
    assert codes == set(STATES) - {"ready", "no_session"}


async def test_the_state_its_meaning_and_the_way_out_are_given(client: httpx.AsyncClient, runtime: Runtime) -> None:
    account = await add(client)
    assert (account["state"], account["fix"], account["paused"], account["pace"]) == ("ready", "", False, {})
    for trouble in (SessionExpired("gone"), VerificationWall("prove"), AddressBanned("no")):
        await runtime.database.run(standing.note_trouble, runtime.user_id, account["id"], trouble)
        [shown] = (await client.get("/api/v1/accounts")).json()
        assert (shown["state"], shown["state_detail"]) == (trouble.code, str(trouble))
        page = without_tags(await client.get("/accounts", headers=HTML))
        assert shown["fix"] and shown["means"] in page and shown["fix"] in page
        french = without_tags(await client.get("/accounts", headers={**HTML, "Accept-Language": "fr"}))
        assert explain(trouble.code, "fr").sentence in french
    since = shown["state_since"]
    await runtime.database.run(standing.note_trouble, runtime.user_id, account["id"], AddressBanned("still"))
    [again] = (await client.get("/api/v1/accounts")).json()
    assert again["state_since"] == since, "the same episode"


async def test_a_renewed_session_makes_it_ready_and_sends_on_what_waited(
    client: httpx.AsyncClient, runtime: Runtime, settings: Settings
) -> None:
    publication = a_failed_publication(runtime.database, settings, runtime.user_id)
    [account] = (await client.get("/api/v1/accounts")).json()

    def wait(session: Session) -> None:
        row = session.get_one(Publication, publication)
        row.state, row.error_code = "needs_person", "session_expired"
        standing.note_trouble(session, runtime.user_id, account["id"], SessionExpired("gone"))

    await runtime.database.run(wait)
    renewed = await add(client, account["username"], "access_token_web=new")
    assert (renewed["id"], renewed["state"], renewed["state_detail"]) == (account["id"], "ready", None)
    assert (await client.get(f"/api/v1/publications/{publication}")).json()["state"] == "queued"


async def test_it_is_paused_and_resumed_and_its_language_set(client: httpx.AsyncClient) -> None:
    at = f"/api/v1/accounts/{(await add(client))['id']}"
    assert (await client.patch(at, json={"paused": True, "language": "de"})).json()["paused"] is True
    [account] = (await client.get("/api/v1/accounts")).json()
    assert (account["paused"], account["language"]) == (True, "de")
    assert (await client.patch(at, json={"paused": False})).json()["language"] == "de"
    assert (await client.patch(at, json={"session": "x"})).status_code == 422


async def test_a_forgotten_account_keeps_its_history_and_comes_back_with_its_session(
    client: httpx.AsyncClient, runtime: Runtime, settings: Settings
) -> None:
    publication = a_failed_publication(runtime.database, settings, runtime.user_id)
    [account] = (await client.get("/api/v1/accounts")).json()

    def set_state(session: Session, state: str) -> None:
        session.get_one(Publication, publication).state = state

    await runtime.database.run(set_state, "queued")
    busy = await client.delete(f"/api/v1/accounts/{account['id']}")
    assert (busy.status_code, busy.json()["code"]) == (409, "account_busy")
    await runtime.database.run(set_state, "failed")
    assert (await client.delete(f"/api/v1/accounts/{account['id']}")).status_code == 204
    assert (await client.get("/api/v1/accounts")).json() == []
    assert (await client.get(f"/api/v1/publications/{publication}")).json()["account_id"] == account["id"]
    assert account["username"] in (await client.get("/publications", headers=HTML)).text
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/check")):
        gone = await client.request(method, f"/api/v1/accounts/{account['id']}{path}", json={})
        assert gone.status_code == 404
    stored = await runtime.database.run(lambda s: s.exec(select(Account.session)).all())
    assert stored == [None]
    assert (await add(client, account["username"]))["id"] == account["id"]


async def test_another_users_account_is_not_found(client: httpx.AsyncClient, runtime: Runtime) -> None:
    def theirs(session: Session) -> str:
        user = User(name="paul")
        session.add(user)
        session.flush()
        account = service.save_session(
            session, runtime.vault, user.id, username="paul", base_url=SITE, storage_state={"cookies": []}
        )
        return account.id

    at = f"/api/v1/accounts/{await runtime.database.run(theirs)}"
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/check")):
        assert (await client.request(method, at + path, json={})).status_code == 404
    assert (await client.get("/api/v1/accounts")).json() == []


async def test_the_page_adds_by_paste_and_by_file_pauses_and_forgets(client: httpx.AsyncClient) -> None:
    client.headers.update(HTML)
    filled = form(await client.get("/accounts"), "/accounts") | {"username": "marie", "base_url": SITE}
    pasted = await client.post("/accounts", data=filled | {"cookies": "Cookie: access_token_web=a; anon_id=b"})
    assert pasted.headers["location"].startswith("/accounts?said=account_added")
    cookies = json.dumps([{"name": "access_token_web", "value": "z", "domain": "127.0.0.1"}])
    files = {"file": ("cookies.json", cookies, "application/json")}
    uploaded = await client.post("/accounts", data=filled | {"username": "lea"}, files=files)
    assert uploaded.status_code == 303
    marie, lea = (await client.get("/api/v1/accounts", headers={"Accept": "application/json"})).json()
    assert (marie["username"], lea["username"]) == ("marie", "lea")
    token = {"token": filled["token"]}
    await client.post(f"/accounts/{marie['id']}/pause", data=token)
    assert ">paused<" in (await client.get("/accounts")).text
    assert (await client.post(f"/accounts/{marie['id']}/fly", data=token)).status_code == 422
    await client.post(f"/accounts/{lea['id']}/remove", data=token)
    assert "lea" not in (await client.get("/accounts")).text


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"username": ""}, "name on the site"),
        ({"cookies": " "}, "Paste the cookies"),
        (
            {"cookies": json.dumps([{"name": "a", "value": "b", "domain": "elsewhere.example"}])},
            "no cookie of this site",
        ),
        ({"base_url": "http://vinted.example"}, "no marketplace"),
    ],
)
async def test_what_can_not_be_used_is_said_and_nothing_is_lost(
    client: httpx.AsyncClient, typed: dict[str, str], says: str
) -> None:
    client.headers.update(HTML)
    filled = form(await client.get("/accounts"), "/accounts")
    data = filled | {"username": "marie", "base_url": SITE, "cookies": "access_token_web=a"} | typed
    answer = await client.post("/accounts", data=data)
    assert answer.status_code == 422 and says in answer.text
    assert typed.get("username", 'value="marie"') in answer.text


async def test_countries_with_euros_are_offered_and_no_others_taken(client: httpx.AsyncClient) -> None:
    """Every price is in euros: 16 € would be 16 zł elsewhere."""
    page = (await client.get("/accounts", headers=HTML)).text
    assert all(f'"https://www.vinted.{end}"' in page for end in ("fr", "de", "ie"))
    assert not any(f'"https://www.vinted.{end}"' in page for end in ("co.uk", "pl", "com"))
    account = {"username": "ada", "cookies": "access_token_web=a", "base_url": "https://www.vinted.pl"}
    refused = await client.post("/api/v1/accounts", json=account)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_in_euros")


def test_one_member_is_one_account_however_it_is_written(runtime: Runtime) -> None:
    def keep(session: Session, username: str, base_url: str) -> str:
        kept: dict[str, Any] = {"username": username, "base_url": base_url, "storage_state": {"cookies": []}}
        return service.save_session(session, runtime.vault, runtime.user_id, **kept).id

    with runtime.database.session() as session:
        ways = (
            ("Marie", "https://vinted.fr"),
            ("marie ", "https://www.vinted.fr/"),
            ("MARIE", "HTTPS://Www.Vinted.FR"),
        )
        assert len({keep(session, *way) for way in ways}) == 1
        assert keep(session, "marie", "https://www.vinted.de") != keep(session, "marie", "https://www.vinted.fr")
        [french, _] = service.accounts_of(session, runtime.user_id)
        assert (french.username, french.base_url) == ("Marie", "https://www.vinted.fr")
