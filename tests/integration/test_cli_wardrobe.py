"""`vintedbot wardrobe …` as a person and a script use it, on a folder where two things were published."""

import asyncio
import csv
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from sqlmodel import Session

from backend.db.models import DraftPhoto, Photo
from backend.photos.store import PhotoStore
from backend.runtime import running
from backend.settings import Settings
from tests.fakes import stand_in_account
from tests.integration.test_cli import as_json, invoke
from tests.integration.test_wardrobe import listed


def photograph(session: Session, store: PhotoStore, draft_id: str, user_id: str, batch_id: str, tmp: Path) -> None:
    """Two photos, put in the other way round."""
    for place, colour in ((1, "navy"), (0, "teal")):
        Image.new("RGB", (8, 10), colour).save(tmp / "one.jpg")
        key = store.put((tmp / "one.jpg").read_bytes(), ".jpg")
        photo = Photo(user_id=user_id, batch_id=batch_id, position=place, name=f"{colour}.jpg", source_path="x",
                      state="accepted", store_key=key, thumbnail_key=key, sha256=f"{draft_id}{place}")  # fmt: skip
        session.add(photo)
        session.flush()
        session.add(DraftPhoto(draft_id=draft_id, photo_id=photo.id, position=place))


@pytest.fixture
def _published(settings: Settings, tmp_path: Path) -> None:
    async def publish() -> None:
        async with running(settings, run_jobs=False) as runtime:
            account = await stand_in_account(runtime)

            def work(session: Session) -> None:
                coat = listed(session, account, "1", title="Manteau d'été / bleu", price="60")
                listed(session, account, "2", title="Jupe", brand="Zara", category="skirt", price="9.50", mode="draft")
                photograph(session, runtime.store, coat.id, account.user_id, coat.batch_id, tmp_path)

            await runtime.database.run(work)

    asyncio.run(publish())


@pytest.mark.usefixtures("_published")
def test_the_wardrobe_is_listed_sold_from_noted_and_taken_out_and_in(tmp_path: Path) -> None:
    assert [row["title"] for row in as_json("wardrobe", "list", "--sort", "cheap")] == ["Jupe", "Manteau d'été / bleu"]
    [coat] = as_json("wardrobe", "list", "ETE", "--state", "live", "--from", "20", "--account", "marie")
    assert (coat["price"], coat["account"], "words" in coat) == ("60.00", "marie", False)
    assert "Manteau" in invoke("wardrobe", "list")
    assert as_json("wardrobe", "list", "--state", "flying", code=1)["error"]["code"] == "bad_view"
    sold = as_json("wardrobe", "sold", coat["id"][:8], "52,50", "--on", "2026-11-20")
    assert (sold["state"], sold["sold_price"], sold["sold_on"]) == ("sold", "52.50", "2026-11-20")
    assert as_json("wardrobe", "sold", coat["id"], "")["state"] == "live"
    invoke("wardrobe", "sold", coat["id"], "cheap", code=2)
    assert as_json("wardrobe", "note", coat["id"], "--reference", "box 7")["reference"] == "box 7"
    assert [v["name"] for v in as_json("wardrobe", "views", "--save", "dear", "--from", "40")] == ["dear"]
    assert [row["title"] for row in as_json("wardrobe", "list", "--view", "dear")] == ["Manteau d'été / bleu"]
    assert as_json("wardrobe", "views", "--forget", "dear") == []

    table = tmp_path / "out.csv"
    assert as_json("wardrobe", "export", "-o", str(table))["file"] == str(table)
    assert json.loads(invoke("wardrobe", "export", "--as", "json", "-o", "-", "jupe"))[0]["brand"] == "Zara"
    invoke("wardrobe", "export", "-o", str(tmp_path / "out.xlsx"))
    assert zipfile.is_zipfile(tmp_path / "out.xlsx")
    rows = list(csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines()))
    rows[0]["purchase_cost"], rows[1]["size"] = "12", "nobody's"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    dry = as_json("wardrobe", "import", str(table), code=0)
    assert [sorted(line["changes"]) for line in dry["lines"]] == [["purchase_cost"], ["size"]]
    assert (dry["applied"], as_json("wardrobe", "import", str(table))["lines"]) == (False, dry["lines"])
    done = as_json("wardrobe", "import", str(table), "--apply")
    assert [line["refused"] for line in done["lines"]] == [None, None]
    again = as_json("wardrobe", "import", str(table))
    assert (again["lines"], again["unchanged"]) == ([], 2), "once more changes nothing, and what followed from it stays"
    as_json("wardrobe", "note", coat["id"], "--reference", "box 9", "--notes", "newer")
    table.write_text(table.read_text().replace("box 7", "box 8"))
    [held] = as_json("wardrobe", "import", str(table), "--apply", code=1)["lines"]
    assert (held["older"], held["refused"]) == (["reference"], None)
    assert "1 held back" in invoke("wardrobe", "import", str(table), code=1)
    as_json("wardrobe", "import", str(table), "--apply", "--older")
    [piece] = as_json("wardrobe", "list", "manteau")
    assert (piece["reference"], piece["notes"]) == ("box 8", "newer")
    table.write_text("id,notes\nnobody,x\n")
    assert "nothing of yours" in invoke("wardrobe", "import", str(table), "--apply", code=1).replace("\n", " ")

    photos = tmp_path / "photos.zip"
    invoke("wardrobe", "photos", "-o", str(photos))
    archive = zipfile.ZipFile(photos)
    names = [name.partition("/")[2] for name in archive.namelist()]
    assert names == ["01.jpg", "02.jpg"]
    assert {name.partition("/")[0][4:] for name in archive.namelist()} == {"box-8-manteau-d-ete-bleu"}
    red, green, _ = Image.open(archive.open(archive.namelist()[0])).convert("RGB").getpixel((4, 4))
    assert green > red, "teal comes first, as its seller put it"
    assert as_json("wardrobe", "photos", "jupe", "-o", str(photos), code=1)["error"]["code"] == "photos_elsewhere"


def test_a_refresh_without_an_account_is_for_a_person() -> None:
    assert as_json("wardrobe", "refresh", code=3)["error"]["code"] == "session_missing"
    assert "refresh" in invoke("wardrobe", "list")
