"""Photos into the form, one by one, so that their order is ours and none is lost.

Owns the upload: each photo's own answer and its own thumbnail are awaited before the next is given. Does not own
what a photo looks like (`backend/photos`).
"""

import asyncio
import re
from pathlib import Path

from playwright.async_api import Page, expect

from backend.core.errors import ListingRejected, VintedNetworkError, VintedTimeoutError
from backend.marketplace.vinted_web import selectors
from backend.marketplace.vinted_web.traffic import AnswerTo, refuse

UPLOAD = re.compile(r"^/api/v2/photos/?$")


async def upload(page: Page, photo: Path, number: int, patience: float) -> None:
    """Gives the form its photo of this number, and waits at most `patience` seconds for each sign of it.

    Raises what the marketplace answered, or `VintedTimeoutError` when the upload does not end."""
    await _send(page, photo, patience)
    try:
        await expect(page.locator(selectors.PHOTO_THUMBNAIL)).to_have_count(number, timeout=patience * 1000)
    except AssertionError as error:
        raise VintedTimeoutError(f"Photo {number} ({photo.name}) was sent but its thumbnail does not show.") from error


async def count(page: Page) -> int:
    return await page.locator(selectors.PHOTO_THUMBNAIL).count()


async def _send(page: Page, photo: Path, patience: float) -> None:
    async with AnswerTo(page, "POST", UPLOAD) as upload:
        await page.locator(selectors.PHOTOS_INPUT).first.set_input_files(photo)
        try:
            async with asyncio.timeout(patience):
                answer = await upload.answer
        except TimeoutError as error:
            raise VintedTimeoutError(f"The upload of {photo.name} did not end in {patience:g} s.") from error
    if answer.status == 0:
        raise VintedNetworkError(f"The connection dropped while {photo.name} was uploaded.")
    refuse(answer.facts, answer.headers)
    if answer.status >= 400:
        raise ListingRejected(f"The marketplace refused the photo {photo.name} ({answer.status}).")
