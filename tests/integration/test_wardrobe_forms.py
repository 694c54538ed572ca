"""The wardrobe's forms as a browser sends them: a table looked at and then applied, and the words about a piece."""

import httpx
import pytest

from tests.integration.test_pages import form
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
