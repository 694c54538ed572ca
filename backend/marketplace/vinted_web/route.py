"""The browser route: one listing onto the marketplace through its own form.

Owns the order of an attempt: arrive as the right account, fill, read back, (submit once, read back what was stored).
Keeps no state: the journal is the caller's, through `before_submit`.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from loguru import logger
from playwright.async_api import Error, Page

from backend.core.errors import VintedBotError, VintedNetworkError
from backend.marketplace.port import (
    AccountSession,
    AskOwner,
    BeforeSubmit,
    Difference,
    Filled,
    ListingSheet,
    Mode,
    Outcome,
    Progress,
    WardrobeItem,
)
from backend.marketplace.vinted_web.browser import Browsers
from backend.marketplace.vinted_web.diagnostics import save_bundle
from backend.marketplace.vinted_web.fields import fields_of
from backend.marketplace.vinted_web.form import Form
from backend.marketplace.vinted_web.session import explained, mind_cookie_banner, open_form
from backend.marketplace.vinted_web.stored import read_stored, read_wardrobe
from backend.marketplace.vinted_web.submission import ready, submit
from backend.marketplace.vinted_web.traffic import Traffic

NOWHERE = "about:blank"
PROOF_PATIENCE = 2
"""The proof of a submission may take so many times as long as any other step."""


class VintedWebRoute:
    """`Route` through the marketplace's web form. `step_timeout`, in seconds, bounds each wait."""

    name = "vinted_web"

    def __init__(
        self,
        browsers: Browsers,
        *,
        diagnostics_dir: Path | None,
        step_timeout: float = 15.0,
    ) -> None:
        self._browsers = browsers
        self._diagnostics_dir = diagnostics_dir
        self._step_timeout = step_timeout

    async def put(
        self,
        account: AccountSession,
        sheet: ListingSheet,
        mode: Mode,
        *,
        before_submit: BeforeSubmit,
        progress: Progress,
        ask_owner: AskOwner | None = None,
        evidence: Path | None = None,
    ) -> Outcome:
        """See `Route.put`. A refusal answered to the click is raised as what it is: nothing was stored."""
        async with self._page(account) as (page, traffic):
            form = Form(fields_of(page, sheet, account.language, self._step_timeout))
            await progress("opening")
            before: list[WardrobeItem] = []
            async with explained(page, traffic, "opening the form"):
                await open_form(page, account)
                if mode != "dry_run":
                    before = await read_wardrobe(page, account)
                    await open_form(page, account)
            async with explained(page, traffic, "filling the form"):
                await form.fill(progress)
                await progress("read_back")
                held = await form.check()
                filled = Filled(await _picture(page), held, tuple(item.id for item in before))
                button = None if mode == "dry_run" else await ready(page, mode)
            missing = tuple(Difference(name, "given", "no such field in this category") for name in form.missing)
            if button is None or mode == "dry_run":
                return Outcome(None, None, filled.screenshot, missing, await _state(page))
            permit = await before_submit(filled)
            await progress("submitting")
            listing_id = await submit(page, button, mode, permit, self._step_timeout * PROOF_PATIENCE)
            await progress("stored")
            stored = await read_stored(page, account, form, form.sent, listing_id)
            url = self.listing_url(account, listing_id, mode)
            return Outcome(listing_id, url, await _picture(page), (*missing, *stored), await _state(page))

    async def read_back(
        self, account: AccountSession, sheet: ListingSheet, shown: Mapping[str, str], listing_id: str
    ) -> tuple[Difference, ...]:
        """See `Route.read_back`."""
        async with self._page(account) as (page, _):
            form = Form(fields_of(page, sheet, account.language, self._step_timeout))
            return await read_stored(page, account, form, shown, listing_id)

    async def check_session(self, account: AccountSession) -> str:
        """The name signed in with this account's session. Raises what `put` would on arriving."""
        async with self._page(account) as (page, traffic), explained(page, traffic, "checking the session"):
            return await open_form(page, account)

    async def list_wardrobe(self, account: AccountSession) -> list[WardrobeItem]:
        """The account's newest listings and drafts, as its own wardrobe page shows them, newest first."""
        async with self._page(account) as (page, traffic), explained(page, traffic, "reading the wardrobe"):
            await open_form(page, account)
            return await read_wardrobe(page, account)

    def listing_url(self, account: AccountSession, listing_id: str, mode: Mode) -> str:
        """Where a person finds it: the listing's page, or the form of a draft, which has no page yet."""
        return f"{account.base_url}/items/{listing_id}" + ("/edit" if mode == "draft" else "")

    async def aclose(self) -> None:
        await self._browsers.aclose()

    @asynccontextmanager
    async def _page(self, account: AccountSession) -> AsyncIterator[tuple[Page, Traffic]]:
        """A page in a fresh context with the account's session; a failure inside leaves a bundle behind."""
        async with self._browsers.context(account.storage_state, locale=account.language) as context:
            try:
                page = await context.new_page()
            except Error as error:
                raise VintedNetworkError(f"The browser opened no page: {error.message}", code="browser") from error
            page.set_default_timeout(self._step_timeout * 1000)
            traffic = Traffic(page, account.base_url)
            await mind_cookie_banner(page)
            try:
                yield page, traffic
            except VintedBotError as error:
                if self._diagnostics_dir is not None:
                    await save_bundle(page, traffic, error, self._diagnostics_dir)
                raise
            finally:
                await _keep(account, page)


async def _picture(page: Page) -> bytes:
    """The whole page as JPEG; empty when the browser can't draw it, which is no reason to lose a proof."""
    try:
        return await page.screenshot(full_page=True, type="jpeg", quality=70)
    except Error:
        return b""


async def _keep(account: AccountSession, page: Page) -> None:
    """Hands back the session as the visit left it; a failure to keep it must not hide what the visit came to."""
    if account.keep is None or page.url == NOWHERE or not (state := await _state(page)):
        return
    try:
        await account.keep(state)
    except Exception as error:  # noqa: BLE001 - the caller's own code, at the edge of an attempt that has ended
        logger.opt(exception=error).warning("session_not_kept")


async def _state(page: Page) -> Mapping[str, Any] | None:
    try:
        return dict(await page.context.storage_state())
    except Error:
        return None
