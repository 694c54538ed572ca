"""The list of drafts: many changed at once, while more arrive."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.pages.seller import Visit, ask, hand_in

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_many_drafts_are_changed_at_once(visit: Visit, closet: Any, address: str) -> None:
    async with visit() as page:
        batch = await hand_in(address, closet("bulk", 3, 2), audience="women")
        ids = [draft["id"] for draft in await ask(address, f"/drafts?batch_id={batch}")]
        await page.goto("/drafts?as=list&show=todo")
        for draft_id in ids[:2]:
            await page.locator(f"#row-{draft_id} .row-tick").click()
        await page.get_by_label("Condition", exact=True).select_option("good")
        await page.get_by_role("button", name="State for these").click()
        await expect(page.locator(".note-good")).to_have_text("2 drafts changed.")
        await page.goto("/drafts?as=list")
        for draft_id in ids:
            await page.locator(f"#row-{draft_id} .row-tick").click()
        await page.get_by_role("button", name="Approve").click()
        await expect(page.locator("[role=status].note")).to_contain_text("2 drafts changed. 1 could not be")
        await expect(page.locator(f"#row-{ids[2]} .problem")).to_be_visible()
        states = [(await ask(page, f"/drafts/{one}"))["state"] for one in ids]
        assert states == ["approved", "approved", "open"]
        count = int(await page.locator("#filter-all .count").inner_text())
        await page.get_by_label("Condition", exact=True).select_option("good")
        await page.locator("h1").click()
        await hand_in(address, closet("from another phone", 1, 2))
        await expect(page.locator("#filter-all .count")).to_have_text(str(count + 1))
        await expect(page.locator(f"#row-{ids[2]} .problem")).to_be_visible()
        await expect(page.get_by_label("Condition", exact=True)).to_have_value("good")
        await expect(page.locator(".bulk")).to_be_visible()
