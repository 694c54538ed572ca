"""An open page, shown to its account's owner elsewhere and acted on from there.

Owns the pictures (Chromium's own screencast, so a still page costs nothing), the inputs (Chromium's own, so the page
sees a person's: they are trusted, and reach frames of other sites) and when both end. Does not own who may look
(`backend/api`), how long a page stays open (`backend/workflows/live.py`) nor what a challenge is (`session.py`).
"""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NoReturn

from playwright.async_api import CDPSession, Error, Page
from playwright.async_api import TimeoutError as PlaywrightTimeout

from backend.core.errors import VintedNetworkError
from backend.marketplace.port import KEYS, InputEvent
from backend.marketplace.vinted_web.session import challenge_gone, standing
from backend.marketplace.vinted_web.traffic import Traffic

FRAMES_A_SECOND = 15
QUALITY = 60
WIDEST, HIGHEST = 1280, 960
LOOK_EVERY = 0.5
"""Seconds for which an answer to "does a challenge stand?" holds for the inputs that follow."""
ACT_WITHIN = 10.0


class Viewer:
    """One who looks: has the newest picture waiting, never a queue of them."""

    def __init__(self) -> None:
        self._newest: bytes | None = None
        self._news = asyncio.Event()
        self._over = False

    def show(self, picture: bytes) -> None:
        self._newest = picture
        self._news.set()

    def end(self) -> None:
        self._over = True
        self._news.set()

    async def next(self) -> bytes | None:
        """The newest picture not yet seen, awaited; None when there will be no more."""
        while not self._over:
            if (picture := self._newest) is not None:
                self._newest = None
                self._news.clear()
                return picture
            await self._news.wait()
        return None


class LivePage:
    """`OpenPage` on a page in a browser of this process."""

    def __init__(self, page: Page, door: CDPSession, traffic: Traffic, challenge: str) -> None:
        self.challenge = challenge
        self._page, self._door, self._traffic = page, door, traffic
        self._viewers: set[Viewer] = set()
        self._newest: bytes | None = None
        self._looked_at = -LOOK_EVERY
        self._stands = True
        self._pressed = False
        self._over = False
        door.on("Page.screencastFrame", self._framed)
        page.on("close", self._gone)
        page.on("crash", self._gone)

    async def frames(self) -> AsyncIterator[bytes]:
        """See `OpenPage.frames`. A viewer who is slow misses pictures; the newest one is never missed."""
        viewer = Viewer()
        self._viewers.add(viewer)
        try:
            if self._over:
                return
            if len(self._viewers) == 1:
                await self._cast()
            elif self._newest is not None:
                viewer.show(self._newest)
            while (picture := await viewer.next()) is not None:
                yield picture
        finally:
            self._viewers.discard(viewer)
            if not self._viewers:
                with suppress(Error):
                    await self._door.send("Page.stopScreencast")

    async def act(self, event: InputEvent) -> None:
        """See `OpenPage.act`. Does nothing once the challenge is gone: the page is nobody's to steer then."""
        if self._over:
            self._raise_gone()
        letting_go = event.kind == "up" and self._pressed
        if not letting_go and not await self._may_act():
            return
        try:
            async with asyncio.timeout(ACT_WITHIN):
                await self._do(event)
        except (Error, TimeoutError):
            if self._over or self._page.is_closed():
                self._raise_gone()

    async def solved(self) -> bool:
        """See `OpenPage.solved`."""
        if self._over or self._page.is_closed():
            self._raise_gone()
        try:
            gone = await challenge_gone(self._page, self._traffic)
        except PlaywrightTimeout:
            return False
        except Error:  # it is on its way to another document, or gone for good
            if self._over or self._page.is_closed():
                self._raise_gone()
            return False
        self._stands = not gone
        return gone

    async def close(self) -> None:
        """No more pictures and inputs; the page itself stays, with no button held down."""
        with suppress(Error):
            if self._pressed:
                await self._page.mouse.up()
            await self._door.detach()
        self._gone(self._page)
        self._page.remove_listener("close", self._gone)
        self._page.remove_listener("crash", self._gone)

    async def _cast(self) -> None:
        """Starts the screencast, which begins with a picture of the page as it is."""
        picture = {"format": "jpeg", "quality": QUALITY, "maxWidth": WIDEST, "maxHeight": HIGHEST}
        try:
            await self._door.send("Page.startScreencast", picture)
        except Error:
            self._raise_gone()

    async def _framed(self, event: dict[str, Any]) -> None:
        """Hands the picture on; the next one comes only after this one's receipt, which bounds their rate."""
        self._newest = base64.b64decode(event["data"])
        for viewer in self._viewers:
            viewer.show(self._newest)
        await asyncio.sleep(1 / FRAMES_A_SECOND)
        with suppress(Error):
            await self._door.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    async def _may_act(self) -> bool:
        if time.monotonic() - self._looked_at >= LOOK_EVERY:
            with suppress(Error):
                self._stands = await standing(self._page, self._traffic.document) is not None
            self._looked_at = time.monotonic()
        return self._stands

    async def _do(self, event: InputEvent) -> None:
        mouse, keyboard = self._page.mouse, self._page.keyboard
        if event.kind == "text":
            await keyboard.insert_text(event.text)
            return
        if event.kind == "key":
            if event.text in KEYS or (len(event.text) == 1 and " " <= event.text <= "~"):
                await keyboard.press(event.text)
            return
        size = self._page.viewport_size or {"width": WIDEST, "height": HIGHEST}
        await mouse.move(event.x * size["width"], event.y * size["height"])
        if event.kind == "wheel":
            await mouse.wheel(0, event.delta_y)
        elif event.kind in ("down", "up"):
            self._pressed = event.kind == "down"
            await (mouse.down() if self._pressed else mouse.up())

    def _gone(self, _: Page) -> None:
        self._over = True
        for viewer in self._viewers:
            viewer.end()

    def _raise_gone(self) -> NoReturn:
        raise VintedNetworkError("The page is no longer open.", code="browser")


@asynccontextmanager
async def shown_live(page: Page, traffic: Traffic, challenge: str) -> AsyncIterator[LivePage]:
    """The page as an `OpenPage`, for as long as the `with` lasts. Raises `VintedNetworkError` when it is gone."""
    try:
        door = await page.context.new_cdp_session(page)
    except Error as error:
        raise VintedNetworkError(f"The page can't be shown: {error.message}", code="browser") from error
    view = LivePage(page, door, traffic, challenge)
    try:
        yield view
    finally:
        await view.close()
