"""Dropping photos: forty of them to approved drafts by keys and by touch, and an upload that is cut off."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.pages.seller import MINUTE, Visit, ask, choose, read, tab_to
from tests.conftest import draw_one

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_forty_photos_become_approved_drafts_by_keys_alone(visit: Visit, closet: Any) -> None:
    async with visit() as page:
        await page.goto("/")
        await tab_to(page, "input[name=files]")
        await choose(page, page.keyboard.press("Space"), closet("keys", 5, 8))
        await tab_to(page, "#all-audience")
        await page.keyboard.type("Wom")
        await tab_to(page, "[type=submit]")
        batch = await read(page, page.keyboard.press("Enter"))
        await tab_to(page, f"#batch-{batch} .primary")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/drafts**")
        await tab_to(page, "#review")
        await page.keyboard.press("Enter")
        presses = 0
        for _ in range(5):
            await expect(page.locator(".checklist")).to_be_visible()
            await page.keyboard.press("3")
            await expect(page.locator(".checklist")).to_be_hidden()
            before = page.url
            await page.keyboard.press("a")
            await page.wait_for_url(lambda url, before=before: url.partition("?")[0] != before.partition("?")[0])
            presses += 2
        states = [draft["state"] for draft in await ask(page, f"/drafts?batch_id={batch}")]
        assert states == ["approved"] * 5
        print(f"\nkeys: {presses / 5} presses a draft, after {len(states)} items of 40 photos")
        assert presses / 5 <= 3


async def test_forty_photos_become_approved_drafts_by_touch_alone(visit: Visit, closet: Any) -> None:
    async with visit(phone=True, language="fr-FR", dark=True) as page:
        await page.goto("/")
        await choose(page, page.locator("label", has=page.locator("input[name=files]")).tap(), closet("touch", 5, 8))
        await page.locator("#all-audience").select_option("women")
        batch = await read(page, page.get_by_role("button", name="Lire les photos").tap())
        await page.locator(f"#batch-{batch} .primary").tap()
        await page.locator("#review").tap()
        taps = 0
        for _ in range(5):
            await page.locator(".pill", has_text="Très bon état").tap()
            await expect(page.locator(".checklist")).to_be_hidden()
            before = page.url
            await page.locator(".bar .primary").tap()
            await page.wait_for_url(lambda url, before=before: url.partition("?")[0] != before.partition("?")[0])
            taps += 2
        assert {draft["state"] for draft in await ask(page, f"/drafts?batch_id={batch}")} == {"approved"}
        print(f"\ntouch: {taps / 5} taps a draft")


async def test_an_upload_that_is_cut_off_goes_on(visit: Visit, closet: Any, tmp_path: Path) -> None:
    """Also beside another tab's, and where the server has forgotten it; and why none can begin is said."""
    photos = closet("cut", 2, 2)
    (note := tmp_path / "note.txt").write_text("no photo at all")
    async with visit(expected=("ERR_FAILED", "net::", "404", "409")) as page:
        await page.goto("/")
        pieces: list[str] = []
        page.on("request", lambda asked: pieces.append(asked.url) if asked.method == "PUT" else None)
        await page.route("**/files/1?*", lambda route: route.abort())
        await page.locator("input[name=files]").set_input_files([*photos, note])
        await expect(page.locator(".file-refused")).to_contain_text("This is not a photo.")
        await expect(page.locator(".file-failed")).to_have_count(1, timeout=MINUTE)
        await page.unroute("**/files/1?*")
        await _hand_in_beside(page, draw_one(tmp_path / "beside.jpg", seed="beside", seconds=0))
        await page.reload()
        before = len(pieces)
        await page.locator("input[name=files]").set_input_files(photos)
        await expect(page.locator(".file-whole")).to_have_count(4)
        assert len(pieces) - before == 1, "only what was missing is sent"
        forgotten = pieces[-1].partition("/files/")[0]
        await page.context.request.delete(forgotten)
        batch = await read(page, page.locator("[type=submit]").click())
        assert (await ask(page, f"/bulk/jobs/{batch}"))["photos"] == {"accepted": 4}
        others = [await page.context.request.post("/api/v1/uploads") for _ in range(8)]
        await page.locator("input[name=files]").set_input_files(photos[:1])
        await expect(page.locator(".drop-said")).to_contain_text("Too many uploads are open")
        for other in others:
            await page.context.request.delete(f"/api/v1/uploads/{(await other.json())['id']}")
        await page.locator(".drop-retry").click()
        await expect(page.locator(".file-duplicate")).to_contain_text("Here already")
        await page.get_by_role("button", name="Clear").click()


async def _hand_in_beside(page: Page, photo: Path) -> None:
    """Another tab of the same browser sends a photo of its own, and makes a batch of it."""
    beside = await page.context.new_page()
    await beside.goto("/")
    await beside.locator("input[name=files]").set_input_files(photo)
    await expect(beside.locator(".file-whole")).to_have_count(1)
    batch = await read(beside, beside.locator("[type=submit]").click())
    assert (await ask(beside, f"/bulk/jobs/{batch}"))["photos"] == {"accepted": 1}
    await beside.close()
