"""The wardrobe's forms as a browser sends them: a table looked at and then applied, and the words about a piece."""

import httpx
import pytest

from backend.web import wardrobe
from tests.forms import form
from tests.integration.test_wardrobe_api import client

__all__ = ["client"]


async def pieces_by_title(client: httpx.AsyncClient) -> dict[str, dict[str, str]]:
    found = (await client.get("/api/v1/wardrobe")).json()["pieces"]
    return {piece["title"]: piece for piece in found}


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
async def test_a_table_is_applied_as_it_was_looked_at(client: httpx.AsyncClient, encoding: str) -> None:
    """The text goes through the page between the two, in whatever encoding it came."""
    coat = (await pieces_by_title(client))["Manteau"]
    raw = f"id;title;notes\n{coat['id']};Manteau Sézane;à l'été – 60 €\n".encode(encoding)
    token = {"token": form(await client.get("/wardrobe/import"), "/wardrobe/import")["token"]}
    seen = await client.post("/wardrobe/import", data=token, files={"file": ("t.csv", raw, "text/csv")})
    assert "Manteau Sézane" in seen.text
    applied = {**form(seen, "/wardrobe/import"), "do": "apply"}
    done = await client.post("/wardrobe/import", data=applied)
    assert done.status_code == 200, done.text
    draft = (await client.get(f"/api/v1/drafts/{coat['draft_id']}")).json()
    assert draft["fields"]["title"]["value"] == "Manteau Sézane"
    assert (await client.get(f"/api/v1/wardrobe/{coat['id']}")).json()["notes"] == "à l'été – 60 €"


async def test_an_older_line_is_held_back_until_its_seller_says_so(client: httpx.AsyncClient) -> None:
    client.headers["Accept-Language"] = "en"
    coat = (await pieces_by_title(client))["Manteau"]
    at = f"/api/v1/wardrobe/{coat['id']}"
    await client.patch(at, json={"notes": "old words"})
    table = (await client.get("/api/v1/wardrobe/export")).content.replace(b"old words", b"from the table")
    await client.patch(at, json={"notes": "newer"})
    token = {"token": form(await client.get("/wardrobe/import"), "/wardrobe/import")["token"]}
    seen = await client.post("/wardrobe/import", data=token, files={"file": ("t.csv", table, "text/csv")})
    assert "1 is older than what is here, and held back." in seen.text
    assert "Changed here since the export: Notes." in seen.text
    wish = {**form(seen, "/wardrobe/import"), "do": "apply"}
    held = await client.post("/wardrobe/import", data=wish)
    assert (await words_of(client, coat["id"]))["notes"] == "newer"
    done = await client.post("/wardrobe/import", data={**form(held, "/wardrobe/import"), "do": "apply", "older": "1"})
    assert "1 line changed." in done.text
    assert (await words_of(client, coat["id"]))["notes"] == "from the table"


async def words_of(client: httpx.AsyncClient, piece_id: str) -> dict[str, str | None]:
    piece = (await client.get(f"/api/v1/wardrobe/{piece_id}")).json()
    return {name: piece[name] for name in ("sold_price", "sold_on", "notes")}


async def test_a_page_left_open_takes_nothing_back(client: httpx.AsyncClient) -> None:
    """A sale comes in while the form stands open, and then a note is saved with it."""
    at = f"/wardrobe/{(coat := (await pieces_by_title(client))['Manteau']['id'])}"
    left_open = form(await client.get("/wardrobe"), at)
    sale = {"price": "55.00", "on": "2026-11-02"}
    await client.patch(f"/api/v1{at}", json={"sold": sale})
    saved = await client.post(at, data={**left_open, "notes": "un\r\ndeux"})
    assert saved.status_code == 303, saved.text
    told = {"sold_price": "55.00", "sold_on": "2026-11-02", "notes": "un\ndeux"}
    assert await words_of(client, coat) == told

    met = await client.post(at, data={**left_open, "sold_price": "48"})
    assert met.status_code == 409
    assert await words_of(client, coat) == told, "nobody saw the sale that this would replace"
    again = form(met, at)
    assert (again["sold_price"], again["sold_on"], again["notes"]) == ("48", "2026-11-02", "un\r\ndeux")
    assert (await client.post(at, data=again)).status_code == 303, "seen now, and still meant"
    assert await words_of(client, coat) == {**told, "sold_price": "48.00"}
    emptied = {**form(await client.get("/wardrobe"), at), "sold_price": "", "sold_on": ""}
    assert (await client.post(at, data=emptied)).status_code == 303
    assert await words_of(client, coat) == {"sold_price": None, "sold_on": None, "notes": "un\ndeux"}


async def test_what_was_typed_stays_when_it_is_refused(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wardrobe, "A_PAGE", 1)
    first = (await client.get("/api/v1/wardrobe", params={"sort": "dear"})).json()["pieces"][1]
    at, here = f"/wardrobe/{first['id']}", "/wardrobe?sort=dear&page=2"
    typed = {"sold_price": "cher", "reference": "A <7>", "notes": "à ourlet\r\n& à laver"}
    refused = await client.post(at, data={**form(await client.get(here), at), **typed})
    assert refused.status_code == 422
    shown = form(refused, at)
    assert {name: shown[name] for name in typed} == typed, "on the page it was typed on, to be mended"
    saved = await client.post(at, data={**shown, "sold_price": "12"})
    assert saved.headers["location"] == f"/wardrobe?sort=dear&said=saved&page=2#{first['id']}"
    assert await words_of(client, first["id"]) == {
        "sold_price": "12.00", "sold_on": None, "notes": "à ourlet\n& à laver"
    }  # fmt: skip


async def test_a_line_break_counts_once(client: httpx.AsyncClient) -> None:
    """As the page counts it, though a browser sends two characters."""
    at = f"/wardrobe/{(coat := (await pieces_by_title(client))['Manteau']['id'])}"
    notes = "\r\n".join(["x" * 9] * 200) + "y"  # 2000 characters
    saved = await client.post(at, data={**form(await client.get("/wardrobe"), at), "notes": notes})
    assert saved.status_code == 303, saved.text
    patched = await client.patch(f"/api/v1{at}", json={"notes": notes})
    assert patched.status_code == 200, patched.text
    assert len((await words_of(client, coat))["notes"] or "") == 2000
