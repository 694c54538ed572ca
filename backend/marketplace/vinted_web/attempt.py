"""One attempt on one page, in steps that can be gone on with after a challenge was solved.

Owns the order (arrive as the right account, fill, read back, submit once, read back what was stored) and where it
stands, so that nothing is done twice that must not be: photos are not given again, and the button is pressed again
only after the marketplace's own answer to the last press said that nothing was stored. Does not own solving.
"""

from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from playwright.async_api import Error, Locator, Page

from backend.core.errors import SessionExpired, UncertainError
from backend.core.modes import Mode
from backend.marketplace.port import (
    AccountSession,
    BeforeSubmit,
    Difference,
    Filled,
    ListingSheet,
    Outcome,
    Progress,
    WardrobeItem,
)
from backend.marketplace.vinted_web.door import Door
from backend.marketplace.vinted_web.fields import fields_of
from backend.marketplace.vinted_web.form import Form
from backend.marketplace.vinted_web.session import explained, language_of, open_form, raise_challenge
from backend.marketplace.vinted_web.stored import own_page, read_stored, read_wardrobe
from backend.marketplace.vinted_web.submission import ready, submit
from backend.marketplace.vinted_web.traffic import Traffic

OwnPages = MutableMapping[tuple[str, str | None], str]
"""The path of each account's own page, by address and name, as the header gave it once: it spares a visit."""

PROOF_PATIENCE = 2
"""The proof of a submission may take so many times as long as any other step."""


class Attempt:
    """`timeout`, in seconds, bounds each wait."""

    def __init__(
        self,
        page: Page,
        traffic: Traffic,
        account: AccountSession,
        sheet: ListingSheet,
        mode: Mode,
        *,
        timeout: float,
        progress: Progress,
        own_pages: OwnPages,
    ) -> None:
        self._page, self._traffic = page, traffic
        self._account, self._sheet, self._mode = account, sheet, mode
        self._timeout = timeout
        self._tell = progress
        self._own_pages = own_pages
        self._before: list[WardrobeItem] | None = [] if mode == "dry_run" else None
        self._form: Form | None = None
        self._door: Door | None = None
        self._document = 0
        self._complete = False

    async def go_on(self, before_submit: BeforeSubmit) -> Outcome:
        """From where it stands to the end; address and session are the route's to add.

        Raises what `Route.put` raises; after a challenge was solved it is called again."""
        async with explained(self._page, self._traffic, "opening the form"):
            self._door = self._door or await Door.install(self._page)
            form = await self._opened()
        async with explained(self._page, self._traffic, "filling the form"):
            filled, button = await self._filled(form)
        missing = tuple(Difference(name, "given", "no such field in this category") for name in form.missing)
        if button is None or self._mode == "dry_run":
            return Outcome(None, None, filled.screenshot, missing)
        permit = await before_submit(filled)
        await self._tell("submitting")
        try:
            listing_id = await submit(
                self._page, button, self._mode, self._door, permit, self._timeout * PROOF_PATIENCE
            )
        except UncertainError:
            if not self._door.close():  # surely nothing left: a challenge may have come in the request's place
                with suppress(Error):  # no page any more
                    await raise_challenge(self._page)
            raise
        await self._tell("stored")
        stored = await read_stored(self._page, self._account, form, form.sent, listing_id)
        shown = await picture(self._page) if stored else b""  # else it looks as it did before the click
        return Outcome(listing_id, None, shown, (*missing, *stored))

    async def _opened(self) -> Form:
        """The form, still the same one if its document is; on another document everything is to be filled again."""
        if self._form is not None and self._document == self._traffic.documents:
            return self._form
        await self._tell("opening")
        if self._before is None:
            self._before = await self._wardrobe()
        await open_form(self._page, self._account, stay=True)
        self._document, self._complete = self._traffic.documents, False
        language = self._account.language
        spoken = await language_of(self._page, language)
        self._form = Form(fields_of(self._page, self._sheet, language, self._timeout, spoken=spoken))
        return self._form

    async def _wardrobe(self) -> list[WardrobeItem]:
        account = (self._account.base_url, self._account.username)
        if known := self._own_pages.pop(account, None):
            with suppress(SessionExpired):  # the form, unlike other pages, renews a session that can be renewed
                return await self._wardrobe_on(known)
        await open_form(self._page, self._account, stay=True)
        return await self._wardrobe_on(await own_page(self._page))

    async def _wardrobe_on(self, own: str) -> list[WardrobeItem]:
        wardrobe = await read_wardrobe(self._page, self._account, own)
        if self._account.username is not None:
            self._own_pages[self._account.base_url, self._account.username] = own
        return wardrobe

    async def _filled(self, form: Form) -> tuple[Filled, Locator | None]:
        if not self._complete:
            await form.fill(self._step)
            self._complete = True
        await self._step("read_back")
        held = await form.check()
        before = tuple(item.id for item in self._before or ())
        filled = Filled(await picture(self._page), held, before)
        return filled, None if self._mode == "dry_run" else await ready(self._page, self._mode)

    async def _step(self, step: str) -> None:
        """Begins a step, unless a challenge came meanwhile: it is no use to run into it."""
        self._traffic.raise_challenge()
        await self._tell(step)


async def picture(page: Page) -> bytes:
    """The whole page as JPEG; empty when the browser can't draw it, which is no reason to lose a proof."""
    try:
        return await page.screenshot(full_page=True, type="jpeg", quality=70)
    except Error:
        return b""


async def state_of(page: Page) -> Mapping[str, Any] | None:
    """The session as the page's browser holds it; None where there is no browser any more."""
    try:
        return dict(await page.context.storage_state())
    except Error:
        return None
