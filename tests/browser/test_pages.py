"""The pages in a real browser, on a phone's screen: from photos chosen to drafts approved and rehearsed."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from backend.app import create_app
from backend.marketplace.vinted_web.browser import find_browser, launch
from backend.sandbox.loopback import serving
from backend.settings import Settings
from tests.fakes import ScriptedReader

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def address(settings: Settings, reader: ScriptedReader) -> Iterator[str]:
    with serving(create_app(settings, run_jobs=True, analyzer=reader)) as url:
        yield url


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        running = await launch(driver, find_browser())
        yield running
        await running.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about or asked of others than this machine; empty at each test's end."""
    return []


@pytest.fixture
async def page(browser: Browser, address: str, complaints: list[str]) -> AsyncIterator[Page]:
    context = await browser.new_context(base_url=address, viewport=PHONE, locale="fr-FR", has_touch=True)
    context.set_default_timeout(10_000)
    opened = await context.new_page()
    opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda asked: _note_stranger(complaints, asked.url))
    yield opened
    await context.close()
    assert complaints == []


def _note_stranger(complaints: list[str], url: str) -> None:
    if urlsplit(url).hostname != "127.0.0.1":
        complaints.append(url)


async def hand_in(page: Page, closet: Path) -> None:
    await page.goto("/")
    await page.locator("input[name=files]").set_input_files(sorted(closet.iterdir()))
    await hand_in_chosen(page)
    await expect(page.locator(".card.status-ready")).to_have_count(2, timeout=20_000)


async def hand_in_chosen(page: Page) -> None:
    await page.get_by_label("Rayon").select_option("women")
    await page.get_by_label("État", exact=True).select_option("very-good")
    await page.get_by_role("button", name="Lire les photos").click()


async def test_chosen_photos_become_draft_cards_without_a_reload(page: Page, closet: Path) -> None:
    (closet / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photo")
    loads: list[str] = []
    page.on("load", lambda _: loads.append(page.url))
    await page.goto("/")
    await page.locator("input[name=files]").set_input_files(sorted(closet.iterdir())[:4])
    await page.locator("input[name=files]").set_input_files(sorted(closet.iterdir()))  # some a second time
    await expect(page.locator(".chosen-count")).to_have_text("7 photos choisies · 0,1 Mo")
    await hand_in_chosen(page)
    await expect(page.locator(".drop-said")).to_have_text("Photos reçues. La lecture a commencé ci-dessous.")
    await expect(page.locator(".card.status-ready")).to_have_count(2, timeout=20_000)
    await expect(page.locator(".batch .state")).to_have_text("terminé")
    await expect(page.locator(".card-title").first).to_contain_text("T-shirt Kiabi")
    await page.get_by_text("1 fichier laissé de côté").click()
    await expect(page.locator(".left-out li")).to_contain_text("broken.jpg")
    assert await page.locator(".cover img").first.evaluate("image => image.naturalWidth") > 0
    assert len(loads) == 1
    assert await page.locator(".drop-chosen").is_hidden(), "ready for the next heap"


async def test_a_draft_is_corrected_and_approved(page: Page, closet: Path) -> None:
    await hand_in(page, closet)
    await page.locator(".card a").first.click()
    await page.get_by_label("Prix").fill("14,50")
    await page.get_by_label("Titre").press("Enter")  # saves, and presses none of the buttons in between
    await expect(page.locator(".note-good")).to_have_text("Enregistré.")
    await expect(page.locator(".draft-head .price")).to_have_text("14,50 €")
    await expect(page.locator("#field-price .standing")).to_have_text("dit par vous")
    await page.get_by_role("button", name="Approuver").click()
    await expect(page.locator(".draft-head .status")).to_have_text("Approuvée")


async def test_what_is_missing_leads_to_its_field(page: Page, closet: Path, complaints: list[str]) -> None:
    await hand_in(page, closet)
    await page.locator(".card a").first.click()
    await page.get_by_label("État", exact=True).select_option("")
    await page.get_by_role("button", name="Approuver").click()
    await page.get_by_role("link", name="Indiquez l'état de l'article.").click()
    assert all("409" in complaint for complaint in complaints)
    complaints.clear()
    await expect(page.locator("#field-condition")).to_be_in_viewport()
    await page.get_by_label("État", exact=True).select_option("good")
    await page.get_by_role("button", name="Approuver").click()
    await expect(page.locator(".draft-head .status")).to_have_text("Approuvée")


async def test_a_server_that_went_away_keeps_the_choice(page: Page, closet: Path, complaints: list[str]) -> None:
    await page.goto("/")
    await page.locator("input[name=files]").set_input_files(sorted(closet.iterdir()))
    await page.route("**/api/v1/ingest", lambda route: route.abort())
    await page.get_by_role("button", name="Lire les photos").click()
    await expect(page.locator(".drop-said")).to_contain_text("réessayez")
    assert [c for c in complaints if "ERR_FAILED" not in c] == []
    complaints.clear()
    await page.unroute("**/api/v1/ingest")
    await hand_in_chosen(page)
    await expect(page.locator(".card.status-ready")).to_have_count(2, timeout=20_000)


async def test_everything_reads_without_script_and_nothing_sticks_out(
    page: Page, browser: Browser, address: str, closet: Path
) -> None:
    await hand_in(page, closet)
    draft = await page.locator(".card a").first.get_attribute("href")
    for language in ("fr", "en"):
        context = await browser.new_context(
            base_url=address, viewport={"width": 360, "height": 700}, java_script_enabled=False, locale=language
        )
        plain = await context.new_page()
        for path in ("/", draft or "", "/publications", "/nothing"):
            await plain.goto(path)
            assert await plain.locator("h1").count() == 1, path
            for name, box in (("header", plain.locator("header.top")), ("main", plain.locator("main"))):
                found = await box.bounding_box()
                assert found is not None
                assert found["x"] + found["width"] <= 360, (path, name)
        await plain.goto("/")
        assert await plain.locator(".card").count() == 2
        await context.close()


async def test_wide_content_never_scrolls_the_page_sideways(page: Page, closet: Path) -> None:
    await hand_in(page, closet)
    await page.set_viewport_size({"width": 360, "height": 700})
    draft = await page.locator(".card a").first.get_attribute("href")
    for path in ("/", f"{draft}?lang=en", f"{draft}?lang=fr", "/publications"):
        await page.goto(path)
        wide = await page.locator("html").evaluate("root => root.scrollWidth")
        assert wide <= 360, (path, wide)


async def test_keys_alone_reach_a_draft(page: Page, closet: Path) -> None:
    await hand_in(page, closet)
    await page.goto("/")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    for _ in range(12):
        await page.keyboard.press("Tab")
        if await page.locator(".card a:focus-visible").count():
            break
    await page.keyboard.press("Enter")
    await expect(page.locator(".draft-head h1")).to_contain_text("T-shirt")
