"""A challenge that stands in an attempt's way, given to who can solve it: a service if there is one, else the owner.

Owns who is asked, in which order and how often, and that the page is ready to be gone on with afterwards. Does not own
what a challenge is (`challenge.py`), the service (`core/captcha_solver.py`), the owner's view (`live_view.py`), nor
what the attempt does next (`attempt.py`).

How an answer of the service gets into the page (`HAND_IN`): it is written into the fields that the widget made for it
(`inject_captcha_solution` tells them of the change), which a page that watches its fields takes up by itself; the
function that the widget's `data-callback` names is called with it; and where neither moves the page within
`NOTICED_WITHIN`, the form around the field is sent.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

from loguru import logger
from playwright.async_api import Error, Page

from backend.core.captcha_solver import (
    ANSWER_FIELDS,
    SolverBusy,
    SolverRefused,
    TwoCaptchaSolver,
    inject_captcha_solution,
)
from backend.core.errors import ChallengeRaised, VintedNetworkError
from backend.marketplace.port import AskOwner
from backend.marketplace.vinted_web import selectors
from backend.marketplace.vinted_web.browser import Place
from backend.marketplace.vinted_web.live_view import shown_live
from backend.marketplace.vinted_web.session import challenge_gone, standing
from backend.marketplace.vinted_web.traffic import Traffic

MOST = 5
"""So many challenges may stand in one attempt's way."""
SHOWN_WITHIN = 3.0
NOTICED_WITHIN = 2.0
LOOK_EVERY = 0.1
CALL_BACK = """([widget, answer]) => {
    const name = document.querySelector(widget)?.dataset.callback;
    if (name && typeof window[name] === 'function') window[name](answer);
}"""
HAND_IN = "fields => document.querySelector(fields)?.form?.requestSubmit()"


class Handover:
    """What one attempt does about its challenges. `kept` is awaited after each one solved: the page has new cookies."""

    def __init__(
        self,
        page: Page,
        traffic: Traffic,
        place: Place,
        *,
        fresh: str,
        ask_owner: AskOwner | None,
        solver: TwoCaptchaSolver | None,
        kept: Callable[[], Awaitable[None]],
        patience: float,
    ) -> None:
        self._page, self._traffic, self._place = page, traffic, place
        self._fresh = fresh
        self._ask_owner, self._solver, self._kept = ask_owner, solver, kept
        self._patience = patience
        self._left = MOST
        self._unseen = False

    async def overcome(self, challenge: ChallengeRaised) -> None:
        """Returns once the challenge is gone. Raises it where nobody is to be asked, and what `AskOwner` raises."""
        if self._left == 0 or (self._ask_owner is None and self._solver is None):
            raise challenge
        self._left -= 1
        try:
            kind = await self._shown() or await self._shown_anew(challenge)
            if kind is not None and not await self._bought(kind):
                await self._asked(kind, challenge)
        except Error as error:
            raise VintedNetworkError(f"The browser failed at a challenge: {error.message}", code="browser") from error
        self._traffic.forgive()
        await self._kept()

    async def _shown(self) -> str | None:
        """The challenge as the page shows it, at once or in a moment: an answer comes before the page acts on it."""
        until = time.monotonic() + SHOWN_WITHIN
        while time.monotonic() < until:
            with suppress(Error):  # on its way from one document to another
                if kind := await standing(self._page, self._traffic.document):
                    return kind
            await asyncio.sleep(LOOK_EVERY)
        return None

    async def _shown_anew(self, challenge: ChallengeRaised) -> str | None:
        """For a challenge that only an answer spoke of: a person would load the page again, once, to see it."""
        if self._unseen:
            raise challenge
        self._unseen = True
        await self._page.goto(self._fresh, wait_until="domcontentloaded")
        return await self._shown()

    async def _asked(self, kind: str, challenge: ChallengeRaised) -> None:
        if self._ask_owner is None:
            raise challenge
        async with shown_live(self._page, self._traffic, kind) as view, self._place.lent():
            await self._ask_owner(view)

    async def _bought(self, kind: str) -> bool:
        """Whether the service's answer made the challenge go away."""
        if self._solver is None or (sitekey := await self._sitekey(kind)) is None:
            return False
        async with self._place.lent():
            answer = await _order(self._solver, sitekey, self._page.url)
        if answer is None:
            return False
        await inject_captcha_solution(self._page, answer)
        await self._page.evaluate(CALL_BACK, [selectors.CAPTCHA_WIDGET, answer])
        if await self._gone(NOTICED_WITHIN):
            return True
        await self._page.evaluate(HAND_IN, ANSWER_FIELDS)
        if await self._gone(self._patience):
            return True
        logger.warning("captcha_answer_not_taken: the page stayed as it was")
        return False

    async def _sitekey(self, kind: str) -> str | None:
        """The sitekey of an hCaptcha on the page: in its widget, or in its frame's address."""
        has_field = await self._page.locator(selectors.HCAPTCHA_ANSWER).count() > 0
        if kind != "hcaptcha" and not (kind == "widget" and has_field):
            return None
        widget = self._page.locator(selectors.CAPTCHA_WIDGET).first
        if await widget.count() and (key := await widget.get_attribute("data-sitekey")):
            return key
        for frame in self._page.frames:
            parts = urlsplit(frame.url)
            if found := parse_qs(parts.query).get("sitekey") or parse_qs(parts.fragment).get("sitekey"):
                return found[0]
        return None

    async def _gone(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        if await challenge_gone(self._page, self._traffic):
                            return True
                    except Error:
                        if self._page.is_closed():
                            raise
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            return False


async def _order(solver: TwoCaptchaSolver, sitekey: str, pageurl: str) -> str | None:
    """The service's answer, or None: then a person has to."""
    try:
        return await solver.solve_hcaptcha(sitekey, pageurl)
    except (SolverBusy, SolverRefused) as error:
        logger.warning("captcha_not_solved: {}", error)
        return None
