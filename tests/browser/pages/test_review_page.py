"""Reviewing a draft: it saves itself, is undone, shows its evidence, and loses nothing typed."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from backend.db.engine import Database
from backend.db.models import Draft
from backend.settings import Settings
from tests.browser.pages.seller import SHIFTS, Visit, ask, lose_the_answer

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_a_draft_saves_itself_and_undoes(visit: Visit, draft: dict[str, Any]) -> None:
    async with visit(
        expected=("409", "403", "ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "htmx:sendError", "htmx:afterRequest")
    ) as page:
        await _edit_elsewhere(page, draft["id"], {"condition": "good"})
        await page.goto(f"/drafts/{draft['id']}")
        before = await page.locator("#edit [name=revision]").input_value()
        await page.dispatch_event("body", "keydown", {"key": "&", "code": "Digit1"})  # 1 on a French keyboard
        await expect(page.locator("#condition-new-with-tags")).to_be_checked()
        await expect(page.locator("#edit [name=revision]")).not_to_have_value(before)
        await expect(page.locator("#field-condition .standing")).to_contain_text("said by you")
        await _what_is_not_saved_says_why(page)
        await page.get_by_label("Price", exact=True).fill("14.50")
        await page.get_by_label("Title", exact=True).focus()
        await expect(page.locator(".draft-head .price")).to_have_text("€14.50")
        await expect(page.locator("#field-price .standing")).to_contain_text("said by you")
        await page.get_by_role("button", name="Polo").click()
        await expect(page.locator("#category")).to_have_value("polo")
        await page.locator("#brand").fill("qqq")
        await expect(page.locator("brand-search [role=status]")).to_contain_text("Not in our list")
        await page.locator("#brand").fill("zar")
        await page.get_by_role("option", name="Zara", exact=True).click()
        await expect(page.locator("#field-brand .standing")).to_contain_text("said by you")
        before = await page.locator("#edit [name=revision]").input_value()
        await page.get_by_role("combobox", name="Search: dress").fill("robe")
        await page.locator("category-search [role=option]").first.click()
        await expect(page.locator("#category")).to_have_value("maxi-dress")
        await expect(page.locator("#edit [name=revision]")).not_to_have_value(before)
        await page.locator("[data-key=u]").click()
        await expect(page.locator("#category")).to_have_value("polo")
        await page.locator("[data-key=u]").click()
        await expect(page.locator("#brand")).to_have_value("Kiabi")
        await page.get_by_label("Title", exact=True).fill("Mine")
        await _edit_elsewhere(page, draft["id"], {"title": "Theirs, meanwhile"})
        await page.get_by_label("Title", exact=True).blur()
        await expect(page.locator("[role=alert]")).to_contain_text("Nothing you typed is lost")
        await expect(page.locator(".theirs")).to_contain_text("Theirs, meanwhile")
        await page.get_by_label("Title", exact=True).fill("Mine, after all")
        await page.locator(".bar .primary").click()  # the change is saved by the script first, then the button goes on
        await page.wait_for_url(re.compile("said=(approved|all_reviewed)"))
        stored = await ask(page, f"/drafts/{draft['id']}")
        assert (stored["fields"]["title"]["value"], stored["state"]) == ("Mine, after all", "approved")


async def _what_is_not_saved_says_why(page: Page) -> None:
    """And is sent again once the server is in reach."""
    saved = page.locator(".saved")
    await page.context.set_offline(True)
    await page.get_by_label("Price", exact=True).fill("11")
    await page.get_by_label("Price", exact=True).blur()
    await expect(saved).to_contain_text("out of reach")
    await page.context.set_offline(False)
    await expect(page.locator(".draft-head .price")).to_have_text("€11")
    await page.route("**/drafts/*", lose_the_answer, times=1)
    await page.get_by_label("Price", exact=True).fill("13")
    await page.get_by_label("Price", exact=True).blur()
    await expect(saved).to_contain_text("out of reach")
    await page.get_by_label("Price", exact=True).fill("15")
    await page.locator("[name=parcel][value=large]").check(force=True)
    await expect(page.locator(".draft-head .price")).to_have_text("€15")
    await expect(page.locator("#field-parcel .standing")).to_contain_text("said by you")
    await expect(page.locator("[role=alert]")).to_have_count(0)
    await expect(page.locator("#field-description .standing")).not_to_contain_text("said by you")
    token = page.locator("#edit [name=token]")
    kept = await token.input_value()
    await token.evaluate("token => (token.value = 'old')")
    await page.get_by_label("Price", exact=True).fill("12")
    await page.get_by_label("Price", exact=True).blur()
    await expect(saved).to_contain_text("Load it again")
    await token.evaluate("(token, kept) => (token.value = kept)", kept)


async def test_a_change_made_while_another_is_being_saved_is_kept(visit: Visit, draft: dict[str, Any]) -> None:

    async def slowly(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    async with visit() as page:
        await page.goto(f"/drafts/{draft['id']}")
        await expect(page.locator(".scripted #edit")).to_be_attached()
        await page.route(f"**/drafts/{draft['id']}", slowly)
        await page.locator("[name=condition][value=very-good]").check(force=True)
        await page.locator("[name=parcel][value=large]").check(force=True)
        await page.locator("[data-key=u]").click()  # waits until both are saved, and takes back the last
        await page.wait_for_url("**said=undone*")
        kept = await ask(page, f"/drafts/{draft['id']}")
        assert kept["fields"]["condition"]["value"] == "very-good"
        assert kept["fields"]["parcel"]["value"] == draft["fields"]["parcel"]["value"] != "large"
        assert kept["revision"] >= draft["revision"] + 3, "two changes, and one taken back"
        derived = {name: kept["fields"][name]["evidence"][0]["source"] for name in ("title", "description", "price")}
        assert "seller" not in derived.values(), derived


async def _edit_elsewhere(page: Page, draft_id: str, fields: dict[str, Any]) -> None:
    revision = (await (await page.context.request.get(f"/api/v1/drafts/{draft_id}")).json())["revision"]
    answer = await page.context.request.patch(
        f"/api/v1/drafts/{draft_id}", data={"revision": revision, "fields": fields}
    )
    assert answer.ok


async def test_evidence_is_shown_where_it_was_read(visit: Visit, draft: dict[str, Any]) -> None:
    async with visit(phone=True) as page:
        await page.goto(f"/drafts/{draft['id']}")
        await page.locator("#field-brand .standing").tap()
        await expect(page.locator("#why-brand")).to_be_visible()
        await expect(page.locator("#why-brand")).to_contain_text("Read on photo 1: “KIABI”")
        await page.get_by_role("link", name="Say the item's condition.").tap()
        await expect(page.locator("#field-condition")).to_be_in_viewport()
        await expect(page.locator("#condition-new-with-tags")).to_be_focused()


async def test_evidence_and_preview_follow_the_eye_and_the_hand(visit: Visit, draft: dict[str, Any]) -> None:
    """At a look, without anything moving; and what is typed stands in the preview before it is saved."""
    async with visit() as page:
        await page.add_init_script(SHIFTS)
        await page.goto(f"/drafts/{draft['id']}")
        await expect(page.locator(".scripted #edit")).to_be_attached()
        await page.evaluate("window.shifts = 0")
        await page.locator("#field-brand .standing").hover()
        await expect(page.locator("#field-brand .peek")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("#field-brand .peek")).to_be_hidden()
        await page.locator("#condition-label").hover()
        await page.locator("#brand").focus()
        await page.keyboard.press("Shift+Tab")
        await expect(page.locator("#field-brand .standing")).to_be_focused()
        await expect(page.locator("#field-brand .peek")).to_be_visible()
        assert await page.evaluate("window.shifts") == 0
        shown = asyncio.Event()

        async def saves_wait(route: Route) -> None:
            await shown.wait()
            await route.continue_()

        await page.route(f"**/drafts/{draft['id']}", saves_wait)
        price = page.get_by_label("Price", exact=True)
        suggested = await price.input_value()
        await page.get_by_label("Title", exact=True).fill("Mine, half typed")
        await price.press_sequentially("7")
        preview = page.locator("#preview")
        await expect(preview).to_contain_text("Mine, half typed")
        await expect(preview.locator("[data-of=price]")).to_have_text(f"€7{suggested}")
        assert (await ask(page, f"/drafts/{draft['id']}"))["fields"]["price"]["value"] == suggested, "not saved yet"
        shown.set()
    async with visit(phone=True, language="fr-FR", dark=True) as page:
        await page.goto(f"/drafts/{draft['id']}")
        await page.get_by_role("button", name="Aperçu").tap()
        await expect(page.locator("#preview")).to_be_visible()
        await expect(page.locator("#edit")).to_be_hidden()
        await page.get_by_role("button", name="Champs").tap()
        await expect(page.locator("#edit")).to_be_visible()


HIDE = """(hidden) => { Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange")); }"""


async def test_a_draft_being_read_comes_by_itself(visit: Visit, draft: dict[str, Any], settings_here: Settings) -> None:
    """Also on a phone that slept meanwhile."""

    def put(state: str) -> None:
        with Database(settings_here.database).session() as session:
            session.get_one(Draft, draft["id"]).state = state

    put("reading")
    async with visit() as page:
        await page.goto(f"/drafts/{draft['id']}")
        await expect(page.locator("#live")).to_contain_text("being read")
        await page.evaluate(HIDE, True)
        put("open")
        await page.evaluate(HIDE, False)
        await expect(page.locator("#edit")).to_be_visible()
