"""Drafts read again by another reader, by API and page: the seller's word stays, and what was comes back by undo."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest

from backend.app import create_app
from backend.core.reading import ItemReading, PhotoInput
from backend.settings import Settings
from tests.fakes import ScriptedReader, seen, t_shirt
from tests.integration.test_api import finished, upload
from tests.people import send


def dress(photos: Sequence[PhotoInput]) -> ItemReading:
    """What a better reader makes of the same photos."""
    first = photos[0].id
    fields = {"category": seen("dress", first), "brand": seen("Zara", first), "size": seen("S", first)}
    return ItemReading(t_shirt(photos).photos, fields)


@pytest.fixture
async def client(settings: Settings, reader: ScriptedReader) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, run_jobs=True, analyzer=reader)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        headers = {"Accept-Language": "en"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000", headers=headers) as opened:
            yield opened


async def test_a_draft_is_read_again_and_its_seller_s_word_stays(
    client: httpx.AsyncClient, closet: Path, reader: ScriptedReader
) -> None:
    job = await upload(client, closet)
    await finished(client, job)
    mine, other = [draft["id"] for draft in (await client.get("/api/v1/drafts")).json()]
    at = f"/api/v1/drafts/{mine}"
    assert (await client.patch(at, json={"revision": 1, "fields": {"size": "L"}})).json()["revision"] == 2
    assert (await client.post(f"{at}/approve", json={})).json()["state"] == "approved"
    reader.rule = dress

    stale = await send(client, f"/drafts/{mine}/reread", revision="1")
    assert stale.status_code == 409 and "has changed" in stale.text
    assert f'formaction="/drafts/{mine}/reread"' in stale.text
    asked = await send(client, f"/drafts/{mine}/reread", revision="2")
    assert (asked.status_code, asked.headers["location"]) == (303, f"/drafts/{mine}?said=reread")
    await finished(client, job)
    read = (await client.get(at)).json()
    assert [read["fields"][name]["value"] for name in ("category", "brand", "size")] == ["dress", "Zara", "L"]
    assert (read["state"], read["revision"]) == ("open", 3)
    assert (await client.get(f"/api/v1/drafts/{other}")).json()["fields"]["brand"]["value"] == "Kiabi"

    before = (await client.post(f"{at}/undo", json={"revision": 3})).json()
    assert [before["fields"][name]["value"] for name in ("category", "brand", "size")] == ["t-shirt", "Kiabi", "L"]


async def test_a_draft_in_a_publication_or_put_away_is_not_read_again(client: httpx.AsyncClient, closet: Path) -> None:
    await finished(client, await upload(client, closet))
    sent, away = [draft["id"] for draft in (await client.get("/api/v1/drafts")).json()]
    account = {"username": "marie", "cookies": "access_token_web=a", "base_url": "http://127.0.0.1:9"}
    made = (await client.post("/api/v1/accounts", json=account)).json()
    await client.patch(f"/api/v1/accounts/{made['id']}", json={"paused": True})
    order = {"draft_id": sent, "account": made["id"], "mode": "draft"}
    asked = await client.post("/api/v1/vinted/listings/publish", json=order, headers={"Idempotency-Key": "k"})
    assert asked.status_code == 202, asked.text
    await client.delete(f"/api/v1/drafts/{away}")
    codes = [(await client.post(f"/api/v1/drafts/{one}/reread", json={})).json()["code"] for one in (sent, away)]
    assert codes == ["item_in_publication", "draft_discarded"]
