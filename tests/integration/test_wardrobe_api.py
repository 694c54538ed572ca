"""The wardrobe over HTTP: found, changed, kept as a view, out as files and in again."""

import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from backend.app import create_app
from backend.runtime import Runtime
from backend.settings import Settings
from tests.fakes import ScriptedReader, stand_in_account
from tests.integration.test_cli_wardrobe import photograph
from tests.integration.test_wardrobe import item, listed, look


@pytest.fixture
async def client(settings: Settings, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Two listings of drafts, one of which has photos, and one that was only seen on the site."""
    app = create_app(settings, run_jobs=False, analyzer=ScriptedReader())
    async with app.router.lifespan_context(app):
        runtime: Runtime = app.state.runtime
        account = await stand_in_account(runtime)
        with runtime.database.session() as session:
            coat = listed(session, account, "1", title="Manteau", price="60")
            listed(session, account, "2", title="Jupe", category="skirt", brand="Zara", price="9.50")
            photograph(session, runtime.store, coat.id, account.user_id, coat.batch_id, tmp_path)
            look(session, account, item("1", "Manteau", "60"), item("2", "Jupe", "9.50"), item("7", "Vieux pull", "5"))
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as opened:
            yield opened


async def test_pieces_views_files_and_a_table_back(client: httpx.AsyncClient) -> None:
    found = (await client.get("/api/v1/wardrobe", params={"sort": "cheap", "limit": 2})).json()
    assert (found["total"], [p["title"] for p in found["pieces"]]) == (3, ["Vieux pull", "Jupe"])
    skirt = found["pieces"][1]
    at = f"/api/v1/wardrobe/{skirt['id']}"
    sold = await client.patch(at, json={"sold": {"price": "8.00", "on": "2026-11-02"}, "notes": "à Paris"})
    assert {**skirt, **sold.json()} | {"state_since": 0} == {
        **skirt, "state": "sold", "sold_price": "8.00", "sold_on": "2026-11-02", "sold_by": "person",
        "notes": "à Paris", "state_since": 0,
    }  # fmt: skip
    assert (await client.get("/api/v1/wardrobe", params={"q": "PARIS"})).json()["total"] == 1
    for wrong in ({"sold": {"price": "0"}}, {"sold": {"price": "1.234"}}, {"reference": "x" * 81}, {"colour": "red"}):
        assert (await client.patch(at, json=wrong)).status_code == 422
    assert (await client.patch(at, json={"sold": None})).json()["state"] == "live"
    assert (await client.get("/api/v1/wardrobe", params={"state": "flying"})).status_code == 422

    view = (await client.post("/api/v1/wardrobe/views", json={"name": "dear", "wanted": {"price_from": 20}})).json()
    assert view["wanted"] == {"price_from": "20"}
    assert (await client.get("/api/v1/wardrobe", params=view["wanted"])).json()["total"] == 1
    assert (await client.delete(f"/api/v1/wardrobe/views/{view['id']}")).status_code == 204
    assert (await client.get("/api/v1/wardrobe/views")).json() == []

    table = await client.get("/api/v1/wardrobe/export", params={"sort": "dear"})
    assert table.headers["content-disposition"] == 'attachment; filename="wardrobe.csv"'
    changed = table.text.replace("Manteau", "Manteau long")  # the listing's title stands there too, and is only told
    csv = {"Content-Type": "text/csv"}
    dry = (await client.post("/api/v1/wardrobe/import", content=changed.encode(), headers=csv)).json()
    assert (dry["applied"], dry["changed"], dry["refused"], dry["unchanged"]) == (False, 1, 0, 2)
    assert dry["lines"][0]["changes"] == [{"column": "title", "before": "Manteau", "after": "Manteau long"}]
    done = await client.post("/api/v1/wardrobe/import?apply=true", content=changed.encode(), headers=csv)
    assert (done.json()["applied"], done.json()["changed"]) == (True, 1)
    draft = (await client.get(f"/api/v1/drafts/{dry['lines'][0]['draft_id']}")).json()
    assert draft["fields"]["title"]["value"] == "Manteau long"
    bad = await client.post("/api/v1/wardrobe/import", content=b"\x89PNG", headers=csv)
    assert (bad.status_code, bad.json()["code"]) == (422, "csv_unreadable")

    photos = zipfile.ZipFile(io.BytesIO((await client.get("/api/v1/wardrobe/photos.zip")).content))
    assert [name.partition("-")[2] for name in photos.namelist()] == ["manteau/01.jpg", "manteau/02.jpg"]
    none = await client.get("/api/v1/wardrobe/photos.zip", params={"q": "jupe"})
    assert (none.status_code, none.json()["code"]) == (409, "photos_elsewhere")
