"""Publishing several drafts from the page."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.pages.seller import Visit, ask, hand_in

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_drafts_are_published_from_the_page(visit: Visit, closet: Any, address: str) -> None:
    """Some of them, as chosen, also after a mistake; then put in order and cancelled."""
    batch = await hand_in(address, closet("publish", 3, 2), audience="women", condition="good")
    ids = [draft["id"] for draft in await ask(address, f"/drafts?batch_id={batch}")]
    account = {"username": "publisher", "cookies": "access_token_web=a", "base_url": "http://127.0.0.1:9"}
    async with visit(expected=("422",)) as page:
        made = await (await page.context.request.post("/api/v1/accounts", data=account)).json()
        await page.context.request.patch(f"/api/v1/accounts/{made['id']}", data={"paused": True})
        await page.goto("/publish")
        await page.get_by_label("All of this page").uncheck()
        for one in ids[:2]:
            await page.locator(f"#row-{one} [name=draft]").check(force=True)
        await page.locator("#account").select_option(made["id"])
        await page.locator("[name=mode][value=draft]").check()
        await page.locator("#spread").select_option("2h")
        await page.locator("#at").fill("soon")
        await page.get_by_role("button", name="Start").click()
        await expect(page.locator("[role=alert]")).to_contain_text("This time can’t be used")
        assert await page.locator("[name=draft]:checked").evaluate_all("all => all.map(one => one.value)") == ids[:2]
        await page.locator("#at").fill("18h30")
        await page.get_by_role("button", name="Start").click()
        lines = page.locator(".queue li")
        await expect(lines).to_have_count(2)
        first, second = [str(await one.get_attribute("id")) for one in await lines.all()]
        await page.locator(f"#up-{second}").click()
        await expect(page.locator(".queue li").first).to_have_id(second)
        await page.locator(f"#cancel-{first}").click()
        await page.locator(f"#cancel-{second}").click()
        await expect(page.locator(f"[id='{second}'].state-cancelled")).to_be_visible()
        asked = [one for one in await ask(page, "/publications") if one["account_id"] == made["id"]]
        assert {(one["draft_id"], one["mode"], one["state"]) for one in asked} == {
            (one, "draft", "cancelled") for one in ids[:2]
        }
