"""The photo board over HTTP: every change whole, refused with a reason, taken back and made again."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from sqlmodel import Session

from backend.app import create_app
from backend.core import metrics
from backend.db.models import Draft
from backend.runtime import Runtime
from backend.settings import Settings
from tests.fakes import ScriptedReader
from tests.integration.test_api import finished, upload


@pytest.fixture
async def app_runtime(settings: Settings, reader: ScriptedReader) -> AsyncIterator[tuple[httpx.AsyncClient, Runtime]]:
    app = create_app(settings, run_jobs=True, analyzer=reader)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as client:
            yield client, app.state.runtime


class Table:
    """A sorted batch and what is done to it."""

    def __init__(self, client: httpx.AsyncClient, job: str) -> None:
        self.client, self.job, self.address = client, job, f"/api/v1/bulk/jobs/{job}/board"

    async def look(self) -> dict[str, Any]:
        return (await self.client.get(self.address)).json()

    async def post(self, what: str = "", **body: Any) -> httpx.Response:
        revision = body.pop("revision", None)
        revision = (await self.look())["revision"] if revision is None else revision
        return await self.client.post(self.address + what, json={"revision": revision, **body})

    async def settled(self) -> None:
        await finished(self.client, f"/api/v1/bulk/jobs/{self.job}")


def places(board: dict[str, Any]) -> list[list[str]]:
    return [item["photos"] for item in board["items"]]


@pytest.fixture
async def table(app_runtime: tuple[httpx.AsyncClient, Runtime], closet: Path) -> Table:
    """Two items, A and B, of three photos each."""
    client, _ = app_runtime
    url = await upload(client, closet)
    await finished(client, url)
    return Table(client, url.rpartition("/")[2])


async def test_the_page_is_sent_no_card_that_it_has_as_it_is(table: Table) -> None:
    (a, b), at = places(await table.look()), f"/batches/{table.job}"
    page = (await table.client.get(at, headers={"Accept": "text/html"})).text

    async def news() -> str:
        known = ".".join(re.findall(r'data-version="(\w+)"', page))
        answer = await table.client.get(at, headers={"Accept": "text/html"}, params={"known": known})
        assert answer.text.lstrip().startswith("<photo-board")
        return answer.text

    def sent(text: str) -> set[str]:
        return set(re.findall(r'data-photo="(\w+)"', text))

    assert sent(page) == {*a, *b} and not sent(await news())
    move = {"revision": (await table.look())["revision"], "photos": [b[2]], "to": "new"}
    moved = await table.client.post(table.address, json=move, headers={"Prefer": "return=minimal"})
    assert moved.json() == {"revision": move["revision"] + 1}
    told = await news()
    assert sent(told) == set(b), "the new item, and the one it came out of"
    assert f'data-revision="{move["revision"] + 1}"' in told and told.count("data-same") == 2, "the tray and the other"
    await table.post(photos=[a[0]], to="bin")
    assert a[0] in sent(await news())


async def test_photos_are_moved_split_merged_and_the_changed_items_read_again(
    table: Table, reader: ScriptedReader
) -> None:
    before = await table.look()
    (a, b), asked = places(before), reader.asked
    first, second = (item["id"] for item in before["items"])
    stated = {"revision": 1, "fields": {"brand": "Zara", "condition": "good"}}
    assert (await table.client.patch(f"/api/v1/drafts/{first}", json=stated)).status_code == 200
    moved = (await table.post(photos=[b[0]], to=first, before=a[1])).json()
    assert places(moved) == [[a[0], b[0], *a[1:]], b[1:]]
    assert [item["confidence"] for item in moved["items"]] == [1.0, 1.0]
    split = (await table.post(photos=[a[2]], to="new")).json()
    assert sorted(map(len, places(split))) == [1, 2, 3]
    merged = (await table.post(items=[second], to=first)).json()
    assert places(merged)[0] == [a[0], b[0], a[1], *b[1:]]
    await table.settled()
    drafts = {d["id"]: d for d in (await table.client.get("/api/v1/drafts")).json()}
    assert second not in drafts, "an item without photos is put away"
    assert drafts[first]["fields"]["brand"]["value"] == "Zara", "what the seller stated stays"
    assert drafts[first]["fields"]["category"]["evidence"][0]["photo"] == a[0]
    assert {d["state"] for d in drafts.values()} == {"open"}
    assert reader.asked == asked + 2, "once each after three changes: the seller was left to finish"


async def test_every_change_is_taken_back_and_made_again(table: Table) -> None:
    start = places(await table.look())
    (a, b) = start
    seen = [start]
    for body in (
        {"photos": [a[0]], "to": "unsorted"},
        {"photos": [b[0], a[1]], "to": "new"},
        {"photos": [b[2]], "to": "bin"},
    ):
        seen.append(places((await table.post(**body)).json()))
    for earlier in reversed(seen[:-1]):
        answer = await table.post("/undo")
        assert answer.status_code == 200, answer.text
        assert places(answer.json()) == earlier
    assert (await table.post("/undo")).json()["code"] == "no_change"
    for later in seen[1:]:
        assert places((await table.post("/redo")).json()) == later
    assert (await table.look())["removed"] == [b[2]]
    await table.post("/undo")
    await table.post(photos=[a[2]], to="unsorted")
    assert (await table.look())["can_redo"] is False


async def test_order_and_cover_change_no_reading(table: Table, reader: ScriptedReader) -> None:
    asked, (a, _) = reader.asked, places(await table.look())
    item = (await table.look())["items"][0]["id"]
    assert places((await table.post(photos=[a[2]], to=item, before=a[0])).json())[0] == [a[2], a[0], a[1]]
    draft = (await table.client.get(f"/api/v1/drafts/{item}")).json()
    assert ([p["id"] for p in draft["photos"]], draft["state"], draft["revision"]) == ([a[2], a[0], a[1]], "open", 2)
    assert reader.asked == asked


async def test_a_photo_is_turned_and_turned_back(table: Table, app_runtime: tuple[httpx.AsyncClient, Runtime]) -> None:
    (a, _) = places(await table.look())
    runtime = app_runtime[1]

    async def size() -> tuple[int, int]:
        answer = await table.client.get(f"/api/v1/photos/{a[0]}")
        path = runtime.settings.data / "shown.jpg"
        path.write_bytes(answer.content)
        with Image.open(path) as picture:
            return picture.size

    before = await size()
    assert (await table.post("/turn", photos=[a[0]], degrees=90)).status_code == 200
    assert await size() == before[::-1]
    await table.post("/undo")
    assert await size() == before


async def test_a_change_sent_again_after_a_lost_answer_is_made_once(table: Table) -> None:
    (a, b) = start = places(await table.look())
    first, second = (item["id"] for item in (await table.look())["items"])
    for what, body in (
        ("", {"photos": [a[0]], "to": "new"}),
        ("", {"items": [second], "to": first}),
        ("/turn", {"photos": [a[1]]}),
        ("/undo", {}),
        ("/redo", {}),
    ):
        revision = (await table.look())["revision"]
        made = await table.post(what, revision=revision, sent_as=f"{what}{revision}", **body)
        again = await table.post(what, revision=revision, sent_as=f"{what}{revision}", **body)
        assert (again.status_code, again.json()["revision"]) == (200, revision + 1), (what, again.text)
        assert places(again.json()) == places(made.json())
    stale = await table.post(revision=revision, sent_as="another", photos=[b[0]], to="new")
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_board")
    for _ in range(3):
        await table.post("/undo")
    assert places(await table.look()) == start


async def test_what_was_changed_elsewhere_or_is_being_published_is_refused(
    table: Table, app_runtime: tuple[httpx.AsyncClient, Runtime]
) -> None:
    (a, b) = places(await table.look())
    item = (await table.look())["items"][0]["id"]
    stale = await table.post(revision=7, photos=[a[0]], to="new")
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_board")
    account = {"username": "marie", "cookies": "access_token_web=a", "base_url": "http://127.0.0.1:9"}
    made = (await table.client.post("/api/v1/accounts", json=account)).json()
    await table.client.patch(f"/api/v1/accounts/{made['id']}", json={"paused": True})
    order = {"draft_id": item, "account": made["id"], "mode": "draft"}
    asked = await table.client.post("/api/v1/vinted/listings/publish", json=order, headers={"Idempotency-Key": "k"})
    assert asked.status_code == 202, asked.text
    for body in ({"photos": [a[0]], "to": "bin"}, {"photos": [b[0]], "to": item}):
        refused = await table.post(**body)
        assert (refused.status_code, refused.json()["code"]) == (409, "item_in_publication")
    assert places(await table.look()) == [a, b]
    assert (await table.post(photos=[b[0]], to="new")).status_code == 200, "other items are free"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"photos": ["nope"], "to": "new"}, 422),
        ({"photos": [], "to": "new"}, 422),
        ({"items": ["nope"], "to": "new"}, 422),
        ({"photos": ["FIRST"], "to": "nope"}, 404),
    ],
)
async def test_what_makes_no_sense_is_refused(table: Table, body: dict[str, Any], status: int) -> None:
    (a, b) = places(await table.look())
    body = {key: [a[0]] if value == ["FIRST"] else value for key, value in body.items()}
    assert (await table.post(**body)).status_code == status
    assert places(await table.look()) == [a, b]


async def test_a_deleted_photo_that_was_sent_again_is_not_brought_back(table: Table, closet: Path) -> None:
    (a, _) = places(await table.look())
    await table.post(photos=[a[2]], to="unsorted")
    await table.post(photos=[a[0]], to="bin")
    again = await finished(table.client, await upload(table.client, closet))
    assert again["photos"] == {"accepted": 1, "duplicate": 5}
    item = (await table.look())["items"][0]["id"]
    refused = await table.post(photos=[a[0]], to=item)
    assert (refused.status_code, refused.json()["code"]) == (409, "photo_twice")
    undone = (await table.post("/undo")).json()
    assert (undone["removed"], places(undone)[0]) == ([a[0]], [a[1]]), "it stays deleted, with a reason"
    left_out = (await table.client.get(f"/api/v1/bulk/jobs/{table.job}/refused")).json()
    assert sorted(photo["reason"] for photo in left_out) == ["photo_twice", "set_aside"]
    assert sorted(places((await table.post("/undo")).json())[0]) == sorted(a[1:]), "and what came before is taken back"


async def test_a_discarded_draft_stays_so_and_is_read_when_it_comes_back(
    table: Table, app_runtime: tuple[httpx.AsyncClient, Runtime], reader: ScriptedReader
) -> None:
    """Whether it was never read, its photos became others, or its fields are checked by rules that changed since."""
    first, second = (item["id"] for item in (await table.look())["items"])
    (a, b), asked = places(await table.look()), reader.asked
    for draft in (first, second):
        assert (await table.client.delete(f"/api/v1/drafts/{draft}")).status_code == 200
    await table.post("/turn", photos=[b[0]], degrees=90)
    await table.post(photos=[a[0]], to=second)
    await table.settled()
    states = {draft["id"]: draft["state"] for draft in await discarded(table)}
    assert (states, reader.asked) == ({first: "discarded", second: "discarded"}, asked)

    def never_read(session: Session) -> None:
        row = session.get_one(Draft, first)
        row.fields, row.grouping = {}, {}

    await app_runtime[1].database.run(never_read)
    for draft in (first, second):
        assert (await table.client.post(f"/api/v1/drafts/{draft}/restore")).json()["state"] == "reading"
    await table.settled()
    found = {draft["id"]: draft for draft in (await table.client.get("/api/v1/drafts")).json()}
    assert [found[one]["state"] for one in (first, second)] == ["open", "open"]
    assert found[first]["fields"]["brand"]["value"] == "Kiabi" and reader.asked == asked + 2

    def stale(session: Session) -> None:
        row = session.get_one(Draft, first)
        row.state, row.readiness, row.publish_ready = "discarded", [], True
        row.fields = {name: one for name, one in row.fields.items() if name != "category"}

    await app_runtime[1].database.run(stale)
    restored = (await table.client.post(f"/api/v1/drafts/{first}/restore")).json()
    assert (restored["state"], restored["publish_ready"]) == ("open", False)


async def discarded(table: Table) -> list[dict[str, Any]]:
    return (await table.client.get("/api/v1/drafts", params={"state": "discarded"})).json()


async def test_a_draft_is_counted_when_it_is_made_and_not_when_it_is_read_again(
    table: Table, reader: ScriptedReader
) -> None:
    made, asked = drafts_made(), reader.asked
    (a, _) = places(await table.look())
    await table.post("/turn", photos=[a[0]], degrees=90)
    await table.settled()
    assert (reader.asked, drafts_made()) == (asked + 1, made)
    await table.post(photos=[a[0]], to="new")
    await table.settled()
    assert (reader.asked, drafts_made()) == (asked + 3, made + 1)


def drafts_made() -> float:
    return sum(
        sample.value
        for metric in metrics.draft_created_total.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    )
