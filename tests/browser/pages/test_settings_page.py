"""Settings: previewed, saved and put back; a model chosen."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.pages.seller import Visit, ask

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize("phone", [False, True])
async def test_settings_are_previewed_saved_and_put_back(visit: Visit, phone: bool) -> None:
    # A preview may be under way when the form is sent.
    left_behind = ("htmx:sendError", "htmx:sendAbort", "htmx:afterRequest")
    async with visit(phone=phone, dark=phone, expected=("422", *left_behind)) as page:
        await page.goto("/settings")
        await page.locator("main").get_by_role("link", name=re.compile("^Titles and descriptions")).last.click()
        title = page.get_by_label("Own template for titles")
        await title.fill("{{ brand }} – {{ sze }}")
        await expect(page.locator("#title_template-fault")).to_have_text(re.compile("Line 1: there is no “sze”"))
        await expect(title).to_have_value("{{ brand }} – {{ sze }}")
        await page.get_by_role("button", name="Save").click()
        await expect(title).to_have_attribute("aria-invalid", "true")
        await title.fill("{{ brand }} – {{ size }}")
        await expect(page.locator("#preview")).to_contain_text("Zara – M")
        await expect(page.locator("#title_template-fault")).to_be_hidden()
        await page.get_by_text("Minimal", exact=True).click()
        await expect(page.locator("#preview .preview-text")).to_contain_text("Robe Zara, taille M")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator(".note-good")).to_have_text("Saved.")
        kept = await ask(page, "/preferences")
        assert (kept["tone"], kept["title_template"]) == ("minimal", "{{ brand }} – {{ size }}")
        await page.get_by_role("button", name="Back to the defaults").click()
        await expect(page.locator(".note-good")).to_have_text("Back to the defaults.")
        assert (await ask(page, "/preferences"))["title_template"] is None
        await page.goto("/settings/reader")
        await page.get_by_role("button", name="Test it").click()
        await expect(page.locator(".note-good")).to_contain_text("It reads: answered in")
        await choose_a_model(page)
        await page.goto("/admin")
        await expect(page.locator(".check", has_text="Database")).to_contain_text("SQLite")
        await page.goto("/admin/log?event=request")
        await page.locator(".log summary").first.click()
        await expect(page.locator(".log pre").first).to_contain_text('"event": "request_answered"')


async def choose_a_model(page: Page) -> None:
    """By taps: what was typed stays while a test is told, and a key is never shown again."""
    key, address = page.get_by_label("Key", exact=True), page.get_by_label("Address", exact=True)
    await expect(address).to_be_hidden()
    await page.get_by_text("A vision model", exact=True).click()
    await page.get_by_text("Ollama", exact=True).click()
    await expect(address).to_have_value("http://localhost:11434/v1")
    await expect(page.get_by_label("Model", exact=True)).to_have_value("qwen2.5vl")
    await address.fill("http://127.0.0.1:9/v1")
    await key.fill("sk-typed-on-the-page-0123")
    await page.get_by_role("button", name="Test this").click()
    told = expect(page.locator("#trial"))
    await told.to_contain_text("Nothing answers at this address.", timeout=60_000)  # the client is loaded for it first
    await expect(key).to_have_value("sk-typed-on-the-page-0123")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".note-good")).to_have_text("Saved. It holds from the next batch on.")
    await expect(key).to_have_value("")
    await expect(page.locator("#key-hint")).to_contain_text("ends in 0123")
    await expect(page.locator(".foot")).to_contain_text("127.0.0.1:9")
    await page.get_by_role("button", name="Back to what the environment says").click()
    await expect(page.locator(".note-good")).to_contain_text("Forgotten")
    await expect(address).to_be_hidden()
