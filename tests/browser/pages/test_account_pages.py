"""Accounts and notifications in a real browser, on a phone's screen: added by paste, told by the bell, seen."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Page, expect

from backend.accounts import service as accounts
from backend.app import create_app
from backend.db.engine import Database
from backend.notifications import service
from backend.sandbox.loopback import serving
from backend.settings import Settings
from backend.users.service import local_user
from tests.browser.pages.seller import Visit
from tests.fakes import ScriptedReader

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.fixture
def own_address(settings: Settings, reader: ScriptedReader) -> Iterator[str]:
    """A server of the test's own."""
    with serving(create_app(settings, run_jobs=False, analyzer=reader)) as url:
        yield url


async def has_no_sideways_scroll(shown: Page) -> bool:
    return bool(await shown.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


async def test_an_account_is_added_paused_and_told_about_on_a_phone(
    visit: Visit, own_address: str, settings: Settings
) -> None:
    async with visit(phone=True, language="fr-FR", at=own_address) as page:
        await add_and_pause(page)
        await see_what_is_told(page, settings)


async def add_and_pause(page: Page) -> None:
    await page.goto("/accounts")
    await expect(page.locator(".places").get_by_role("link", name="Réglages")).to_be_in_viewport(ratio=1)
    assert await has_no_sideways_scroll(page)
    await page.get_by_label("Site", exact=True).select_option(label="127.0.0.1:9")
    await page.get_by_label("Nom sur le site").fill("marie")
    await page.locator("#cookies-new").fill("Cookie: access_token_web=a; anon_id=b")
    await page.locator("#add").get_by_role("button", name="Garder la session").click()
    await expect(page.locator(".note-good")).to_contain_text("chiffrée")
    await expect(page.locator(".publication h2")).to_contain_text("marie")
    await page.get_by_role("button", name="Mettre en pause").click()
    await expect(page.locator(".publication")).to_contain_text("en pause")
    assert await has_no_sideways_scroll(page)


async def see_what_is_told(page: Page, settings: Settings) -> None:
    await page.goto("/notifications")
    await expect(page.locator(".empty")).to_be_visible()
    database = Database(settings.database)
    with database.session() as session:
        user_id = local_user(session).id
        account_id = accounts.choose(session, user_id, None).id
        service.notify(session, user_id, "session", account_id=account_id)
        service.notify(session, user_id, "done_batch", episode="b", count=3, ready=2)
    database.close()
    await expect(page.locator(".publication")).to_have_count(2)  # by itself
    await page.evaluate("document.querySelector('notification-bell').look()")
    await expect(page.locator(".bell-count")).to_have_text("2")
    assert await has_no_sideways_scroll(page)
    await page.locator(".publication", has_text="Annonces préparées").get_by_role("button", name="Vu").click()
    await expect(page.locator(".bell-count")).to_have_text("1")
    await page.locator(".publication", has_text="Reconnectez").get_by_role("button", name="Y aller").click()
    await expect(page).to_have_url(f"{page.url.split('/accounts')[0]}/accounts#{account_id}")
    await expect(page.locator(".bell-count")).to_be_hidden()


@pytest.mark.parametrize("width", [320, 390])
async def test_no_page_scrolls_sideways(visit: Visit, waiting: str, width: int) -> None:
    async with visit(phone=True, language="fr-FR") as page:
        await page.set_viewport_size({"width": width, "height": 700})
        for path in ("/", "/accounts", "/notifications", "/publications"):
            await page.goto(path)
            assert await has_no_sideways_scroll(page), path
