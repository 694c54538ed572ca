"""The browser route: one listing onto the marketplace through its own form.

Owns a visit's page from opening to closing, and that an attempt (`attempt.py`) goes on after its challenges were
solved (`handover.py`). Keeps nothing but where each account's own page is: the journal is the caller's, through
`before_submit`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from loguru import logger
from playwright.async_api import Error, Page

from backend.core.captcha_solver import TwoCaptchaSolver
from backend.core.catalog import Leaf
from backend.core.errors import AccountRestricted, ChallengeRaised, VintedNetworkError
from backend.core.metrics import count_detected
from backend.core.modes import Mode
from backend.core.ontology import Ontology
from backend.marketplace.port import (
    AccountSession,
    AskOwner,
    BeforeSubmit,
    Difference,
    Filled,
    ListingSheet,
    LookedAt,
    Outcome,
    Permit,
    Progress,
    Wardrobe,
    WardrobeItem,
)
from backend.marketplace.vinted_web.attempt import Attempt, OwnPages, state_of
from backend.marketplace.vinted_web.browser import Browsers, Place
from backend.marketplace.vinted_web.diagnostics import Notes
from backend.marketplace.vinted_web.fields import fields_of
from backend.marketplace.vinted_web.form import Form
from backend.marketplace.vinted_web.handover import Handover
from backend.marketplace.vinted_web.ontology import listen
from backend.marketplace.vinted_web.session import NEW_ITEM, explained, mind_cookie_banner, open_form
from backend.marketplace.vinted_web.stored import (
    own_page,
    read_stored,
    read_wardrobe,
    read_whole_wardrobe,
)
from backend.marketplace.vinted_web.traffic import Traffic

NOWHERE = "about:blank"


class VintedWebRoute:
    """`Route` through the marketplace's web form. `step_timeout`, in seconds, bounds each wait of its own; a `solver`
    is asked before the owner is, where it can help."""

    name = "vinted_web"

    def __init__(
        self,
        browsers: Browsers,
        *,
        diagnostics_dir: Path | None,
        step_timeout: float = 15.0,
        solver: TwoCaptchaSolver | None = None,
    ) -> None:
        self._browsers = browsers
        self._diagnostics_dir = diagnostics_dir
        self._step_timeout = step_timeout
        self._solver = solver
        self._own_pages: OwnPages = {}

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
        place = self._browsers.place()
        notes = Notes(evidence or self._diagnostics_dir, may_trace=evidence is not None)
        async with self._page(account, place, notes) as (page, traffic):
            timeout = self._step_timeout
            attempt = Attempt(
                page,
                traffic,
                account,
                sheet,
                mode,
                timeout=timeout,
                progress=notes.timed(progress),
                own_pages=self._own_pages,
            )
            handover = Handover(
                page,
                traffic,
                place,
                fresh=account.base_url + NEW_ITEM,
                ask_owner=ask_owner,
                solver=self._solver,
                kept=partial(_keep, account, page),
                patience=timeout,
            )

            async def permitted(filled: Filled) -> Permit:
                notes.end_step()  # waiting for the account's limit is no step of the form
                return await before_submit(filled)

            while True:
                try:
                    outcome = await attempt.go_on(permitted)
                    notes.end_step()
                    break
                except ChallengeRaised as challenge:
                    count_detected(challenge.challenge)
                    if ask_owner is not None:
                        await notes.keep(page, traffic, challenge)
                    await handover.overcome(challenge)
                except AccountRestricted as wall:
                    count_detected(wall.challenge)
                    raise
            url = outcome.listing_id and self.listing_url(account, outcome.listing_id, mode)
            return replace(outcome, listing_url=url)

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
            return await read_wardrobe(page, account, await own_page(page))

    async def whole_wardrobe(self, account: AccountSession, progress: LookedAt) -> Wardrobe:
        """See `Route.whole_wardrobe`."""
        async with self._page(account) as (page, traffic), explained(page, traffic, "reading the wardrobe"):
            await open_form(page, account)
            return await read_whole_wardrobe(page, account, await own_page(page), progress)

    async def site_catalog(self, account: AccountSession, leaves: Sequence[Leaf]) -> Ontology:
        """What the form offers this account, and the sizes of these leaves; nothing is stored."""
        async with self._page(account) as (page, traffic), explained(page, traffic, "reading the form's options"):
            return await listen(page, account, leaves, self._step_timeout)

    def listing_url(self, account: AccountSession, listing_id: str, mode: Mode) -> str:
        """Where a person finds it: the listing's page, or the form of a draft, which has no page yet."""
        return f"{account.base_url}/items/{listing_id}" + ("/edit" if mode == "draft" else "")

    @asynccontextmanager
    async def _page(
        self, account: AccountSession, place: Place | None = None, notes: Notes | None = None
    ) -> AsyncIterator[tuple[Page, Traffic]]:
        """A page in a fresh context with the account's session; a failure inside leaves a bundle behind."""
        notes = notes or Notes(self._diagnostics_dir)
        async with self._browsers.context(account.storage_state, locale=account.language, place=place) as context:
            try:
                page = await context.new_page()
                page.set_default_timeout(self._step_timeout * 1000)
                traffic = Traffic(page, account.base_url)
                await mind_cookie_banner(page)
            except Error as error:
                raise VintedNetworkError(f"The browser opened no page: {error.message}", code="browser") from error
            await notes.begin(page, account.storage_state)
            with notes.listening():
                try:
                    yield page, traffic
                except Exception as error:
                    await notes.keep(page, traffic, error)
                    raise
                finally:
                    await _keep(account, page)


async def _keep(account: AccountSession, page: Page) -> None:
    """Hands back the session as the visit left it; a failure to keep it must not hide what the visit came to."""
    if account.keep is None or page.url == NOWHERE or not (state := await state_of(page)):
        return
    try:
        await account.keep(state)
    except Exception as error:  # noqa: BLE001 - the caller's own code, at the edge of an attempt that has ended
        logger.opt(exception=error).warning("session_not_kept")
