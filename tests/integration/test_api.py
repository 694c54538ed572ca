"""The HTTP interface, against a running application with real tables and jobs."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from backend.app import create_app
from backend.settings import Settings
from tests.fakes import ScriptedReader

STATED = json.dumps({"audience": "women", "condition": "very-good"})


@pytest.fixture
async def app(settings: Settings, reader: ScriptedReader) -> AsyncIterator[FastAPI]:
    built = create_app(settings, run_jobs=True, analyzer=reader)
    async with built.router.lifespan_context(built):
        yield built


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://vintedbot") as opened:
        yield opened


async def upload(client: httpx.AsyncClient, folder: Path, defaults: str = STATED) -> str:
    files = [("files", (path.name, path.read_bytes())) for path in sorted(folder.iterdir())]
    answer = await client.post("/api/v1/ingest", files=files, data={"defaults": defaults})
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == answer.json()["url"]
    return answer.json()["url"]


async def finished(client: httpx.AsyncClient, url: str) -> dict:
    async with asyncio.timeout(120):
        while not (job := (await client.get(url)).json())["finished"]:
            await asyncio.sleep(0.05)
    return job


async def test_an_upload_becomes_drafts(client: httpx.AsyncClient, closet: Path, settings: Settings) -> None:
    job = await finished(client, await upload(client, closet))
    assert (job["state"], job["files"], job["photos"], job["items"], job["ready"]) == ("done", 6, {"accepted": 6}, 2, 2)
    drafts = (await client.get("/api/v1/drafts", params={"batch_id": job["id"]})).json()
    assert [len(d["photos"]) for d in drafts] == [3, 3]
    photo = await client.get(drafts[0]["photos"][0]["url"])
    assert photo.headers["content-type"] == "image/jpeg"
    assert photo.content[:2] == b"\xff\xd8"
    assert not any((settings.data / "incoming").glob("*/*")), "uploads are deleted once stored"


async def test_progress_is_streamed_until_the_end(client: httpx.AsyncClient, closet: Path) -> None:
    url = await upload(client, closet)
    seen = []
    async with client.stream("GET", f"{url}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line[6:]))
    assert seen[-1]["state"] == "done"
    assert [s["read"] for s in seen] == sorted(s["read"] for s in seen)


async def test_refused_files_say_why(client: httpx.AsyncClient, closet: Path) -> None:
    (closet / "x.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    job = await finished(client, await upload(client, closet))
    [refused] = (await client.get(f"/api/v1/bulk/jobs/{job['id']}/refused")).json()
    assert (refused["file"], refused["reason"]) == ("x.svg", "unsupported_format")


async def test_an_edit_names_the_revision_it_was_made_on(client: httpx.AsyncClient, closet: Path) -> None:
    await finished(client, await upload(client, closet))
    draft = (await client.get("/api/v1/drafts")).json()[0]
    url = f"/api/v1/drafts/{draft['id']}"
    edited = await client.patch(url, json={"revision": 1, "fields": {"price": "12,50", "size": "L"}})
    assert edited.status_code == 200, edited.text
    assert edited.json()["revision"] == 2
    assert edited.json()["fields"]["price"]["value"] == "12.50"
    assert edited.json()["fields"]["size"]["evidence"][0]["source"] == "seller"
    again = await client.patch(url, json={"revision": 1, "fields": {"price": "12.5", "size": "L"}})
    assert (again.status_code, again.json()) == (200, edited.json()), "sent again after a lost answer: made once"
    stale = await client.patch(url, json={"revision": 1, "fields": {"size": "S"}})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_revision")
    assert stale.headers["content-type"] == "application/problem+json"


async def test_a_statement_taken_back_is_derived_again(client: httpx.AsyncClient, closet: Path) -> None:
    await finished(client, await upload(client, closet))
    draft = (await client.get("/api/v1/drafts")).json()[0]
    url = f"/api/v1/drafts/{draft['id']}"
    mine = await client.patch(url, json={"revision": 1, "fields": {"title": "Mon T-shirt préféré"}})
    assert mine.json()["fields"]["title"]["value"] == "Mon T-shirt préféré"
    back = await client.patch(url, json={"revision": 2, "fields": {"title": None}})
    again = await client.patch(url, json={"revision": 2, "fields": {"title": None}})
    assert again.json() == back.json(), "sent again"
    assert back.json()["fields"]["title"] == draft["fields"]["title"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [({"condition": "mint"}, "one of"), ({"price": "cheap"}, "not a price"), ({"nonsense": 1}, "nonsense")],
)
async def test_bad_values_are_named(client: httpx.AsyncClient, closet: Path, fields: dict, told: str) -> None:
    await finished(client, await upload(client, closet))
    draft = (await client.get("/api/v1/drafts")).json()[0]
    refused = await client.patch(f"/api/v1/drafts/{draft['id']}", json={"revision": 1, "fields": fields})
    assert refused.status_code == 422
    assert told in refused.json()["detail"]


async def test_a_draft_is_approved_discarded_and_restored(client: httpx.AsyncClient, closet: Path) -> None:
    await finished(client, await upload(client, closet, "{}"))
    draft = (await client.get("/api/v1/drafts")).json()[0]
    url = f"/api/v1/drafts/{draft['id']}"
    assert {p["code"] for p in draft["problems"]} >= {"category_not_leaf", "condition_missing"}
    refused = await client.post(f"{url}/approve", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "draft_not_ready")
    await client.patch(url, json={"revision": 1, "fields": {"audience": "men", "condition": "good"}})
    assert (await client.post(f"{url}/approve", json={"revision": 2})).json()["state"] == "approved"
    assert (await client.delete(url)).json()["state"] == "discarded"
    assert draft["id"] not in [d["id"] for d in (await client.get("/api/v1/drafts")).json()]
    assert (await client.post(f"{url}/restore")).json()["state"] == "open"


async def test_publishing_without_an_account_says_the_way(client: httpx.AsyncClient, closet: Path) -> None:
    await finished(client, await upload(client, closet))
    draft = (await client.get("/api/v1/drafts")).json()[0]
    answer = await client.post(
        "/api/v1/vinted/listings/publish", json={"draft_id": draft["id"]}, headers={"Idempotency-Key": "k1"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "session_missing")
    assert "vintedbot login" in answer.json()["detail"]


async def test_publish_needs_a_key_and_keeps_to_five_a_minute(client: httpx.AsyncClient) -> None:
    body = {"draft_id": "none"}
    assert (await client.post("/vinted/listings/publish", json=body)).status_code == 422
    answers = [
        await client.post("/vinted/listings/publish", json=body, headers={"Idempotency-Key": f"k{n}"}) for n in range(6)
    ]
    assert answers[-1].status_code == 429
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


async def test_the_key_replays_its_answer_and_refuses_another_request(client: httpx.AsyncClient, closet: Path) -> None:
    await finished(client, await upload(client, closet))
    drafts = (await client.get("/api/v1/drafts")).json()
    account = {
        "username": "marie",
        "cookies": "access_token_web=a; refresh_token_web=b",
        "base_url": "http://127.0.0.1:9",
    }
    added = await client.post("/api/v1/accounts", json=account)
    assert added.status_code == 201, added.text
    assert "cookies" not in added.text
    assert "access_token" not in added.text

    async def ask(draft: dict, key: str) -> httpx.Response:
        body = {"draft_id": draft["id"], "mode": "draft"}
        return await client.post("/api/v1/vinted/listings/publish", json=body, headers={"Idempotency-Key": key})

    first, again, other = await ask(drafts[0], "k"), await ask(drafts[0], "k"), await ask(drafts[1], "k")
    assert first.status_code == again.status_code == 202, first.text
    assert first.json()["id"] == again.json()["id"]
    assert first.headers["Location"] == f"/api/v1/publications/{first.json()['id']}"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    cancelled = await client.post(f"/api/v1/publications/{first.json()['id']}/cancel")
    assert cancelled.json().get("state") == "cancelled", cancelled.text


async def test_a_key_is_looked_up_before_its_request_is_resolved_and_one_bad_id_keeps_no_other_back(
    client: httpx.AsyncClient, closet: Path
) -> None:
    await finished(client, await upload(client, closet))
    first, second = ((await client.get("/api/v1/drafts")).json())[:2]
    account = {"username": "marie", "cookies": "access_token_web=a", "base_url": "http://127.0.0.1:9"}
    await client.post("/api/v1/accounts", json=account)
    body, key = {"draft_id": first["id"], "at": "+2h"}, {"Idempotency-Key": "k"}
    asked = await client.post("/api/v1/vinted/listings/publish", json=body, headers=key)
    assert (await client.put("/api/v1/preferences", json={"mode": "draft"})).status_code == 200
    again = await client.post("/api/v1/vinted/listings/publish", json=body, headers=key)
    assert (again.status_code, again.json()["id"]) == (202, asked.json()["id"]), "+2h and the usual mode are others now"
    many = {"draft_ids": [first["id"], "none", second["id"]], "at": "+2h"}
    queued = await client.post("/api/v1/queue", json=many)
    assert queued.status_code == 202, queued.text
    assert [row["draft_id"] for row in queued.json()["publications"]] == [first["id"], second["id"]]
    assert [(row["draft_id"], row["code"]) for row in queued.json()["not_asked"]] == [("none", "not_found")]


async def test_prepare_shows_what_would_be_sent(client: httpx.AsyncClient, closet: Path) -> None:
    await finished(client, await upload(client, closet))
    draft = (await client.get("/api/v1/drafts")).json()[0]
    account = {"username": "marie", "cookies": "access_token_web=a", "base_url": "http://127.0.0.1:9"}
    await client.post("/api/v1/accounts", json=account)
    prepared = (await client.post("/api/v1/vinted/listings/prepare", json={"draft_id": draft["id"]})).json()
    assert prepared["ready"]
    assert prepared["sheet"]["category"][0] == "Women"
    assert "terms" in prepared["notice"]


@pytest.mark.parametrize(
    "path",
    [
        "drafts/none",
        "publications/none",
        "bulk/jobs/none",
        "bulk/jobs/none/events",
        "bulk/jobs/none/refused",
        "photos/none",
    ],
)
async def test_what_is_not_there_is_a_404_problem(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/api/v1/{path}")
    assert (answer.status_code, answer.json()["code"], answer.json()["title"]) == (404, "not_found", "Not Found")


async def test_health_and_readiness(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).json()["status"] == "ok"
    ready = (await client.get("/ready")).json()
    assert ready["ready"]
    assert set(ready["checks"]) == {"database", "storage", "jobs", "browser", "model", "disk", "clock"}


async def test_metrics_are_for_this_machine_and_the_token(app: FastAPI, client: httpx.AsyncClient) -> None:
    here = await client.get("/metrics")
    assert "vintedbot_publish_queue_size 0.0" in here.text
    elsewhere = httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("192.0.2.7", 1)), base_url="http://v")
    assert (await elsewhere.get("/metrics")).status_code == 404
    assert (await client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"})).status_code == 404


async def test_analyze_keeps_nothing(client: httpx.AsyncClient, closet: Path) -> None:
    files = [("files", (path.name, path.read_bytes())) for path in sorted(closet.iterdir())]
    read = (await client.post("/api/v1/ai/analyze", files=files)).json()
    assert [item["photos"] for item in read["items"]] == [[f"IMG_{i}{n}.jpg" for n in range(3)] for i in range(2)]
    assert read["items"][0]["fields"]["brand"]["value"] == "Kiabi"
    assert (await client.get("/api/v1/drafts")).json() == []


async def test_openapi_tells_the_truth_about_errors(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()
    publish = schema["paths"]["/api/v1/vinted/listings/publish"]["post"]
    assert "202" in publish["responses"]
    assert "409" in publish["responses"]
    assert any(p["name"] == "idempotency-key" and p["required"] for p in publish["parameters"])


async def test_more_than_a_thousand_files_are_taken_in_one_request(client: httpx.AsyncClient) -> None:
    files = [("files", (f"{n}.jpg", b"x")) for n in range(1200)]
    answer = await client.post("/api/v1/ingest", files=files)
    assert answer.status_code == 202, answer.text
    assert answer.json()["files"] == 1200


async def test_more_than_a_batch_takes_is_said_plainly(settings: Settings, reader: ScriptedReader) -> None:
    built = create_app(settings.model_copy(update={"max_photos": 3}), run_jobs=False, analyzer=reader)
    async with built.router.lifespan_context(built):
        transport = httpx.ASGITransport(built, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            for number in (4, 9):
                files = [("files", (f"{n}.jpg", b"x")) for n in range(number)]
                answer = await client.post("/api/v1/ingest", files=files)
                assert answer.status_code in (400, 422), answer.text
                assert "3" in answer.json()["detail"] or "4" in answer.json()["detail"]
