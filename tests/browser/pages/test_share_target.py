"""Photos handed over by a phone's share sheet, as the manifest tells it to: read, refused with the reason, or asked for
again where nobody is signed in. That the browser itself sends them, and no other site's page, is the guard's test."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from backend.app import create_app
from backend.sandbox.loopback import serving
from backend.settings import Settings
from backend.users.people import People
from tests.browser.pages.seller import Visit, ask
from tests.fakes import ScriptedReader
from tests.people import PASSWORD

pytestmark = pytest.mark.asyncio(loop_scope="package")

FORM = """({ action, method, enctype, params: { files: [{ name, accept }] } }) => {
  const form = Object.assign(document.createElement("form"), { action, method, enctype, id: "sheet" });
  const files = Object.assign(document.createElement("input"), { type: "file", name, multiple: true });
  form.append(Object.assign(files, { accept: accept.join() }));
  document.body.append(form); }"""


async def share(page: Page, files: list[Path]) -> None:
    """Sends what the manifest says is sent; the page stands where the phone's browser would."""
    link = await page.locator("link[rel=manifest]").get_attribute("href")
    manifest = await page.evaluate("async (link) => (await fetch(link)).json()", link)
    await page.evaluate(FORM, manifest["share_target"])
    await page.locator("#sheet input").set_input_files(files)
    async with page.expect_navigation():
        await page.locator("#sheet").evaluate("form => form.submit()")


async def test_what_a_phone_shares_is_read_or_refused_with_the_reason(
    visit: Visit, closet: Any, tmp_path: Path
) -> None:
    (note := tmp_path / "IMG_note.jpg").write_text("no photo at all")
    async with visit(phone=True, language="fr-FR", expected=("422",)) as page:
        await page.goto("/")
        await share(page, [*closet("shared by phone", 1, 2), note])
        await expect(page.locator(".note-good")).to_have_text("Photos reçues : la lecture a commencé.")
        batch = page.url.rpartition("#batch-")[2]
        card = page.locator(f"#batch-{batch}")
        await expect(card.locator(".actions .primary")).to_be_visible()
        assert (await ask(page, f"/bulk/jobs/{batch}"))["photos"] == {"accepted": 2, "refused": 1}
        await card.locator(".left-out summary").tap()
        await expect(card.locator(".left-out li")).to_contain_text("IMG_note.jpg")
        await expect(card.locator(".left-out li")).to_contain_text("Ce n’est pas une photo.")
        await share(page, [])
        await expect(page.get_by_role("alert")).to_contain_text("Aucune photo n’est arrivée")
        await expect(page.locator("input[name=files]")).to_be_attached()


async def test_what_is_shared_after_the_session_ran_out_is_asked_for_again(
    visit: Visit, settings: Settings, closet: Any, quick_hashes: None
) -> None:
    app = create_app(settings.model_copy(update={"sign_in": "always"}), run_jobs=False, analyzer=ScriptedReader())
    with serving(app) as at:
        people: People = app.state.runtime.people
        marie = await people.add("marie", PASSWORD)
        async with visit(phone=True, language="fr-FR", at=at, expected=("401",)) as page:
            await page.goto("/")
            await sign_in(page)
            await page.goto("/settings/general")
            await people.end_everything(marie.id)
            photos = closet("shared too late", 1, 2)
            await share(page, photos)
            await expect(page.locator(".note-good")).to_contain_text("partagez de nouveau")
            await sign_in(page)
            await expect(page.locator(".batch")).to_have_count(0)
            await share(page, photos)
            await expect(page.locator(".batch")).to_have_count(1)


async def sign_in(page: Page) -> None:
    await page.locator("[name=name]").fill("marie")
    await page.locator("[name=password]").fill(PASSWORD)
    await page.get_by_role("button", name="Se connecter").tap()
    await expect(page.locator("input[name=files]")).to_be_attached()  # the first page is there
