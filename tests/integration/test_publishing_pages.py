"""What its owner does about publications, by the forms that stand on the pages: the order, a pause, a doubt."""

import asyncio
import re
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlmodel import Session
from typer.testing import CliRunner

from backend.cli import app
from backend.core.errors import BadRequest
from backend.core.listing_address import listing_number
from backend.db.models import Account, Publication, PublicationEvent
from backend.marketplace.port import WardrobeItem
from backend.runtime import Runtime
from backend.workflows.reconcile import Verdict
from tests.fakes import add_publication, stand_in_account
from tests.forms import form

HTML = {"Accept": "text/html", "Accept-Language": "en"}


async def publications(client: httpx.AsyncClient, *columns: dict[str, Any]) -> list[str]:
    """Publications of one account, with these columns; their ids."""
    runtime: Runtime = client.runtime  # type: ignore[attr-defined]
    account = await stand_in_account(runtime)

    def add(session: Session) -> list[str]:
        found = session.get_one(Account, account.id)
        return [add_publication(session, found, **{"sheet": {"title": "Coat"}, **one}).id for one in columns]

    client.headers.update(HTML)
    return await runtime.database.run(add)


async def press(client: httpx.AsyncClient, action: str, **button: str) -> httpx.Response:
    """The form with this action as the queue's page shows it, sent by one of its buttons."""
    return await client.post(action, data=form(await client.get("/publications"), action) | button)


async def test_the_line_is_put_in_order_and_paused_where_it_stands(client: httpx.AsyncClient) -> None:
    a, b, c = await publications(client, {}, {}, {})
    for which, to, order in ((c, "first", [c, a, b]), (b, "up", [c, b, a]), (c, "down", [b, c, a])):
        assert (await press(client, f"/publications/{which}/move", to=to)).status_code == 303
        assert [one["id"] for one in (await client.get("/api/v1/queue")).json()] == order
    [account] = (await client.get("/api/v1/accounts")).json()
    for verb, paused in (("pause", True), ("resume", False)):
        answer = await press(client, f"/accounts/{account['id']}/{verb}")
        assert answer.headers["location"].startswith("/publications?said=account_")
        assert (await client.get("/api/v1/accounts")).json()[0]["paused"] is paused


@pytest.mark.parametrize(
    ("decision", "listing", "state"),
    [
        ("adopt", "https://www.vinted.fr/items/4711-robe?referrer=x", "reconciled"),
        ("adopt", "my listing", "needs_person"),
        ("retry", "", "queued"),
        ("give_up", "", "failed"),
    ],
)
async def test_a_doubt_is_settled_by_its_owners_word(
    client: httpx.AsyncClient, decision: str, listing: str, state: str
) -> None:
    [doubt] = await publications(client, {"state": "needs_person", "error_code": "uncertain"})
    answer = await press(client, f"/publications/{doubt}/settle", decision=decision, listing_id=listing)
    now: Publication = await client.runtime.database.run(lambda s: s.get_one(Publication, doubt))  # type: ignore[attr-defined]
    assert (answer.status_code, now.state) == (422 if state == "needs_person" else 303, state)
    assert (now.listing_id, now.listing_url or "") == (
        ("4711", "http://127.0.0.1:9/items/4711/edit") if state == "reconciled" else (None, "")
    )


async def test_a_doubt_shows_what_the_click_may_have_made(client: httpx.AsyncClient) -> None:
    [doubt] = await publications(client, {"state": "needs_person", "error_code": "uncertain"})
    runtime: Runtime = client.runtime  # type: ignore[attr-defined]
    seen = (WardrobeItem("4711", "Coat <b>", Decimal("9.50"), True, 3), WardrobeItem("4712", "Coat", None, True))
    looked = {"verdict": "unsure", "candidates": Verdict("unsure", candidates=seen).shown}
    event = PublicationEvent(user_id=runtime.user_id, publication_id=doubt, state="needs_person", detail=looked)
    await runtime.database.run(Session.add, event)
    page = (await client.get("/publications")).text
    assert "Coat &lt;b&gt; · €9.50 · 3 photos" in page and page.count('value="adopt"') == 3
    words = ["--data", str(runtime.settings.data), "publications", "show", doubt]
    told = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert "4711" in told.stdout and "9.50" in told.stdout and "4712" in told.stdout
    answer = await client.post(f"/publications/{doubt}/settle", data=form_of(page, "4712") | {"decision": "adopt"})
    assert answer.status_code == 303
    assert (await client.get(f"/api/v1/publications/{doubt}")).json()["listing_id"] == "4712"


def form_of(page: str, listing: str) -> dict[str, str]:
    """What the form of this candidate sends."""
    [token] = re.findall(
        rf'name="token" value="([^"]+)"><input type="hidden" name="listing_id" value="{listing}"', page
    )
    return {"token": token, "listing_id": listing}


async def test_what_waits_for_its_account_leads_there_and_goes_on(client: httpx.AsyncClient) -> None:
    [waits] = await publications(client, {"state": "needs_person", "error_code": "session_expired"})
    [account] = (await client.get("/api/v1/accounts")).json()
    assert f'href="/accounts#{account["id"]}"' in (await client.get("/publications")).text
    assert (await press(client, f"/publications/{waits}/resume")).status_code == 303
    assert (await client.get(f"/api/v1/publications/{waits}")).json()["state"] == "queued"


@pytest.mark.parametrize(
    "said", ["4711", " 4711 ", "https://www.vinted.fr/items/4711-robe", "vinted.de/items/4711/edit#x"]
)
def test_a_listing_is_known_by_its_number_or_its_address(said: str) -> None:
    assert listing_number(said) == "4711"


@pytest.mark.parametrize("said", ["", "robe", "4711a", "https://www.vinted.fr/member/4711", "1" * 21])
def test_anything_else_is_no_listing(said: str) -> None:
    with pytest.raises(BadRequest):
        listing_number(said)
