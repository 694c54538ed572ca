"""The wardrobe as a seller works in it, in a real browser: looked at on the sandbox marketplace, searched, narrowed,
kept as a view, taken out as a table, and brought back in."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from backend.app import create_app
from backend.sandbox.loopback import serving
from backend.sandbox.server import Sandbox
from backend.sandbox.state import Closed, StoredItem
from backend.settings import Settings
from tests.conftest import draw_one
from tests.fakes import ScriptedReader
from tests.integration.test_api import finished, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECOND = 30_000
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 860}


@pytest.fixture(scope="module")
def address(site: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = Settings(data=tmp_path_factory.mktemp("data"), marketplace=site.url, limit_publish="99/minute")
    with serving(create_app(settings, run_jobs=True, analyzer=ScriptedReader())) as url:
        yield url


def hang(site: Sandbox, username: str, title: str, price: str, closed: Closed = "") -> int:
    """Something the account listed by itself, long ago."""
    account = site.state.account_named(username)
    assert account is not None
    item = StoredItem(
        id=0, account_id=account.id, is_draft=False, title=title, description="", catalog_id=None, brand_id=None,
        brand=None, size_id=None, condition_id=None, color_ids=(), material_ids=(), price=price, currency="EUR",
        package_size_id=None, is_unisex=False, photo_ids=(), temp_uuid="", upload_session_id="", closed=closed,
    )  # fmt: skip
    return site.state.add_item(item, "published").id


async def publish_one(client: httpx.AsyncClient, site: Sandbox, folder: Path, username: str) -> dict[str, Any]:
    """A draft saved on the marketplace by the account, through the real route."""
    cookies = json.dumps(site.create_account(username))
    account = (await client.post("/api/v1/accounts", json={"username": username, "cookies": cookies})).json()
    draw_one(folder / "a.jpg", seed=username, seconds=1)
    job = await finished(client, await upload(client, folder))
    [draft] = (await client.get("/api/v1/drafts", params={"batch_id": job["id"]})).json()
    order = {"draft_id": draft["id"], "account": account["id"], "mode": "draft"}
    answer = await client.post(
        "/vinted/listings/publish", json=order, headers={"Idempotency-Key": username, "Prefer": "wait=60"}
    )
    assert answer.json()["state"] == "confirmed", answer.text
    return {**draft, "account": account["id"]}


async def titles(page: Page) -> list[str]:
    return [text.strip() for text in await page.locator(".piece-title").all_inner_texts()]


async def check_accessible(page: Page) -> None:
    from axe_playwright_python.base import AXE_FILE_PATH

    found = await page.evaluate(AXE_FILE_PATH.read_text() + "\n;axe.run()")
    assert [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found["violations"]] == []
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("phone", [False, True], ids=["desk", "phone"])
async def test_from_the_site_to_a_table_and_back(
    site: Sandbox, address: str, browser: Browser, tmp_path: Path, phone: bool
) -> None:
    name = "tea" if phone else "lea"
    async with httpx.AsyncClient(base_url=address, timeout=70) as client:
        draft = await publish_one(client, site, tmp_path / "photos", name)
    coat, sold = hang(site, name, f"Manteau Sézane {name}", "60.00"), hang(site, name, f"Jupe {name}", "9.50", "sold")
    hang(site, name, f"Pull {name}", "15.00", "hidden")
    context = await browser.new_context(
        base_url=address, viewport=PHONE if phone else DESK, locale="en-GB", has_touch=phone, is_mobile=phone,
        color_scheme="dark" if phone else "light", reduced_motion="reduce",
    )  # fmt: skip
    context.set_default_timeout(SECOND)
    complaints: list[str] = []
    page = await context.new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        await page.goto("/wardrobe")
        if phone:  # two accounts by now
            await page.locator(".look select").select_option(draft["account"])
        await page.get_by_role("button", name="Look at the site").click()
        await expect(page.locator(".note-good")).to_contain_text("this is how it stands")
        mine = f"/wardrobe?account={draft['account']}"
        await page.goto(mine)
        assert {"Pull " + name, f"Manteau Sézane {name}", "Jupe " + name} <= set(await titles(page))
        counts = {s: await page.locator(f"#state-{s} .count").inner_text() for s in ("live", "draft", "sold", "hidden")}
        assert counts == {"live": "1", "draft": "1", "sold": "1", "hidden": "1"}
        assert await page.locator(".piece .cover img").count() == 1, "what was made here has its photo"

        await page.get_by_role("searchbox").fill(f"SEZANE {name}")
        await page.get_by_role("button", name="Search").click()
        await expect(page.locator(".piece")).to_have_count(1)
        assert await titles(page) == [f"Manteau Sézane {name}"]
        link = page.get_by_role("link", name="See it on the site")
        assert (await link.get_attribute("href") or "").startswith(f"{site.url}/items/{coat}")

        await page.goto(mine)
        if not await page.locator("#filters").evaluate("one => one.open"):
            await page.locator("#filters summary").click()
        await page.get_by_label("Price to").fill("20")
        await page.get_by_label("Order").select_option("dear")
        await page.get_by_role("button", name="Show", exact=True).click()
        await expect(page.locator(".piece")).to_have_count(3)
        assert (await titles(page))[0] == f"Pull {name}"
        await page.locator(".words summary").first.click()
        await check_accessible(page)
        await page.locator("#state-sold").click()
        await expect(page.locator(".piece")).to_have_count(1)
        await page.get_by_text("Save this view").click()
        await page.get_by_label("Name", exact=True).fill(f"Sold {name}")
        await page.locator(".keep-view button").click()
        await page.goto("/wardrobe")
        await page.get_by_role("link", name=f"Sold {name}").click()
        await expect(page.locator(".piece")).to_have_count(1)

        await page.locator(".words summary").click()
        await page.get_by_label("Sold for").fill("8,50")
        await page.get_by_label("Your reference").fill("B7")
        await page.locator(".words button").click()
        await expect(page.locator(".piece .price")).to_contain_text("€8.50")
        await expect(page.locator(".piece")).to_contain_text("B7")

        await page.goto(mine)
        await page.locator(".page-head .menu summary").click()
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Table as CSV").click()
        exported = Path(await (await download.value).path()).read_bytes().decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(exported)))
        assert len(rows) == 4
        by_listing = {row["listing_id"]: row for row in rows}
        assert by_listing[str(sold)]["sold_price"] == "8.50"
        made_here = next(row for row in rows if row["draft_id"] == draft["id"])
        made_here |= {"purchase_cost": "4", "title": "Un titre à moi", "size": "L"}
        by_listing[str(coat)] |= {"sold_price": "52", "sold_on": "2026-11-20", "price": "5"}
        by_listing[str(sold)] |= {"notes": "=not a formula"}
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        (tmp_path / "changed.csv").write_text(out.getvalue(), encoding="utf-8")

        await page.goto("/wardrobe/import")
        await page.locator("#file").set_input_files(tmp_path / "changed.csv")
        await page.get_by_role("button", name="See what would change").click()
        await expect(page.locator("#told")).to_contain_text("2 lines would change. 1 is refused. 1 stays as it is.")
        await expect(page.locator(".lines .refused")).to_contain_text("there is no draft of it to change")
        await expect(page.locator(".lines .changing").first).to_contain_text("→")
        await check_accessible(page)
        async with httpx.AsyncClient(base_url=address) as client:
            assert (await client.get(f"/api/v1/drafts/{draft['id']}")).json()["revision"] == draft["revision"]
            await page.get_by_role("button", name="Make 2 changes").click()
            await expect(page.locator("#told")).to_contain_text("2 lines changed. 1 is refused.")
            kept = (await client.get(f"/api/v1/drafts/{draft['id']}")).json()
            assert (kept["purchase_cost"], kept["fields"]["title"]["value"]) == ("4", "Un titre à moi")
            await client.post(f"/api/v1/drafts/{draft['id']}/undo", json={"revision": kept["revision"]})
            undone = (await client.get(f"/api/v1/drafts/{draft['id']}")).json()
            assert (undone["purchase_cost"], undone["fields"]["title"]) == (None, draft["fields"]["title"])
        assert complaints == []
    finally:
        await context.close()


async def test_a_signed_out_account_says_so_and_how_to_mend_it(site: Sandbox, address: str, browser: Browser) -> None:
    async with httpx.AsyncClient(base_url=address) as client:
        cookies = json.dumps(site.create_account("ada"))
        account = (await client.post("/api/v1/accounts", json={"username": "ada", "cookies": cookies})).json()["id"]
        site.expire_sessions("ada")
        answers = [await client.post("/api/v1/wardrobe/refresh", json={"account": account}, timeout=60) for _ in "12"]
        assert [(a.status_code, a.json()["code"]) for a in answers] == [(409, "session_expired")] * 2
    context = await browser.new_context(base_url=address, locale="fr-FR", viewport=PHONE)
    page = await context.new_page()
    await page.goto("/wardrobe")
    if await page.locator(".look select").count():
        await page.locator(".look select").select_option(account)
    await page.get_by_role("button", name="Consulter le site").click()
    await expect(page.locator("[role=alert]")).to_contain_text("session")
    await page.get_by_role("link", name="Vers les comptes").click()
    await page.wait_for_url("**/accounts")
    await context.close()


async def test_the_whole_of_a_large_wardrobe_is_read(site: Sandbox, address: str) -> None:
    async with httpx.AsyncClient(base_url=address, timeout=70) as client:
        cookies = json.dumps(site.create_account("zoe"))
        account = (await client.post("/api/v1/accounts", json={"username": "zoe", "cookies": cookies})).json()["id"]
        ids = [hang(site, "zoe", f"Robe {n}", "12.00") for n in range(100)]
        first = (await client.post("/api/v1/wardrobe/refresh", json={"account": account})).json()
        assert first == {"listings": 100, "new": 100, "sold": 0, "gone": 0, "whole": True}
        put = f"{site.url}/__sandbox__/items"
        async with asyncio.TaskGroup() as group:
            for number, state in ((ids[0], "sold"), (ids[1], "deleted"), (ids[2], "hidden")):
                group.create_task(client.put(f"{put}/{number}", json={"state": state}))
        again = (await client.post("/api/v1/wardrobe/refresh", json={"account": account})).json()
        assert again == {"listings": 99, "new": 0, "sold": 1, "gone": 1, "whole": True}
        found = (await client.get("/api/v1/wardrobe", params={"account": account, "limit": 500})).json()
        assert found["counts"] == {"live": 97, "draft": 0, "waiting": 0, "sold": 1, "hidden": 1, "gone": 1}
        told = (await client.get("/api/v1/wardrobe", params={"account": account, "state": "sold"})).json()["pieces"]
        assert [(p["listing_id"], p["sold_price"], p["sold_by"]) for p in told] == [(str(ids[0]), "12.00", "site")]
        assert told[0]["sold_on"] is not None
