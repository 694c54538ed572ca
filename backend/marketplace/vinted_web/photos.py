"""Photos into the form, one by one, so that their order is ours and none is lost.

Owns the upload: each photo's own answer and its own thumbnail are awaited before the next is given. Does not own
what a photo looks like (`backend/photos`).
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from playwright.async_api import Page, expect

from backend.core.errors import ListingRejected, VintedNetworkError, VintedTimeoutError
from backend.marketplace.vinted_web import selectors
from backend.marketplace.vinted_web.traffic import AnswersTo, refuse

UPLOAD = re.compile(r"^/api/v2/photos/?$")


async def upload(page: Page, photos: Sequence[Path], already: int, patience: float) -> AsyncIterator[int]:
    """Gives the form these photos, behind those it has `already`, and yields how many it has after each.

    Waits at most `patience` seconds for each sign of one. Raises what the marketplace answered, or
    `VintedTimeoutError` when an upload does not end."""
    async with AnswersTo(page, "POST", UPLOAD) as answers:
        for number, photo in enumerate(photos, start=already + 1):
            await _send(page, photo, answers, patience)
            thumbnails = page.locator(selectors.PHOTO_THUMBNAIL)
            try:
                await expect(thumbnails).to_have_count(number, timeout=patience * 1000)
            except AssertionError as error:
                raise VintedTimeoutError(
                    f"Photo {number} ({photo.name}) was sent but its thumbnail does not show."
                ) from error
            yield number


async def count(page: Page) -> int:
    return await page.locator(selectors.PHOTO_THUMBNAIL).count()


async def _send(page: Page, photo: Path, answers: AnswersTo, patience: float) -> None:
    await page.locator(selectors.PHOTOS_INPUT).first.set_input_files(photo)
    try:
        async with asyncio.timeout(patience):
            answer = await answers.following()
    except TimeoutError as error:
        raise VintedTimeoutError(f"The upload of {photo.name} did not end in {patience:g} s.") from error
    if answer.status == 0:
        raise VintedNetworkError(f"The connection dropped while {photo.name} was uploaded.")
    refuse(answer.facts, answer.headers)
    if answer.status >= 400:
        raise ListingRejected(f"The marketplace refused the photo {photo.name} ({answer.status}).")
