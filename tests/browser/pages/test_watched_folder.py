"""The watched folder: a photo put there shows up on the open page as a batch, without anybody touching it."""

import shutil
from typing import Any

import pytest
from playwright.async_api import expect

from backend.settings import Settings
from tests.browser.pages.seller import Visit, ask

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_what_is_put_into_the_watched_folder_shows_up_as_a_batch(
    visit: Visit, closet: Any, settings_here: Settings
) -> None:
    async with visit() as page:
        await page.goto("/")
        newest = page.locator(".batch").first
        before = await newest.get_attribute("id") if await newest.count() else ""
        assert settings_here.inbox is not None
        for photo in closet("watched", 1, 2):
            shutil.copy(photo, settings_here.inbox)
        await expect(newest).not_to_have_id(before or "")
        await expect(newest.locator(".actions .primary")).to_be_visible()
        batch = str(await newest.get_attribute("id")).removeprefix("batch-")
        assert (await ask(page, f"/bulk/jobs/{batch}"))["photos"] == {"accepted": 2}
        assert [path.name for path in settings_here.inbox.iterdir()] == ["taken"], "the originals stay their owner's"
