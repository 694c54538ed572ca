"""The point of no return: one click, and what came of it.

Owns the click and the proof. `submit` returns an id only on positive proof; it raises a definite error only where the
marketplace's own answer says that it did not accept, and `UncertainError` for everything else. It never clicks twice.

What counts as a definite refusal: an answer of 400, 401, 403, 404, 422 or 429 to the form's own request, or a 200 whose
body carries validation errors. Each says that nothing was stored, so its error is raised as what it is
(`ListingRejected`, `VintedRateLimitError`, `ChallengeRaised`, `AccountRestricted`, `SessionExpired`). A 5xx, a dropped
connection, a timeout, a lost browser or an acceptance without an id prove nothing: `UncertainError`.
"""

import asyncio
import re
from contextlib import suppress
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.async_api import Error, Locator, Page

from backend.core.errors import ListingRejected, NotClicked, UncertainError
from backend.marketplace.port import Permit
from backend.marketplace.vinted_web import selectors
from backend.marketplace.vinted_web.door import Door
from backend.marketplace.vinted_web.traffic import Answer, AnswersTo, refuse

Press = Literal["draft", "publish"]
BUTTONS = {"draft": selectors.SAVE_DRAFT, "publish": selectors.PUBLISH}
REQUESTS = {
    "draft": re.compile(r"/api/v2/item_upload/drafts/?$"),
    "publish": re.compile(r"/api/v2/item_upload/(items|drafts/[^/]+/completion)/?$"),
}
REFUSALS = (400, 401, 403, 404, 422, 429)
_TOO_LATE = "This process was held up for too long between its last look and the click, so nothing was sent."
_LISTING = re.compile(r"^/items/(\d+)")


async def ready(page: Page, press: Press) -> Locator:
    """The button, seen to be clickable, without a click: what can fail before the point of no return fails here."""
    button = page.locator(BUTTONS[press]).first
    await button.click(trial=True)
    return button


async def submit(page: Page, button: Locator, press: Press, door: Door, permit: Permit, patience: float) -> str:
    """Clicks once and returns the id of the listing or draft; waits `patience` seconds for the proof.

    The permit is looked at before the click, and again at the door when the request is about to leave. Raises
    `NotClicked` when it had expired, and nothing left."""
    async with AnswersTo(page, "POST", REQUESTS[press]) as answers:
        answered = asyncio.ensure_future(answers.following())
        moved = asyncio.ensure_future(page.wait_for_url(_is_listing, wait_until="commit", timeout=patience * 1000))
        turned_back = asyncio.ensure_future(door.turned_back.wait())
        try:
            if permit.expired:
                raise NotClicked(_TOO_LATE)
            door.open(permit)
            await button.click(no_wait_after=True)
            proofs: set[asyncio.Future[Any]] = {answered, moved, turned_back}
            await asyncio.wait(proofs, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            if door.turned_back.is_set():
                raise NotClicked(_TOO_LATE)
            answer = answered.result() if answered.done() else None
        except Error as error:
            raise UncertainError(f"The browser failed at the click: {error.message.splitlines()[0]}") from error
        finally:
            for wait in (answered, moved, turned_back):
                wait.cancel()
            await asyncio.gather(answered, moved, turned_back, return_exceptions=True)
    return await _proof(page, press, answer, patience)


async def _proof(page: Page, press: Press, answer: Answer | None, patience: float) -> str:
    if answer is not None:
        if listing_id := accepted_id(answer):
            await _leave(page, patience)
            return listing_id
        raise_refusal(answer)
    if found := _LISTING.match(urlsplit(page.url).path):
        return found[1]
    raise UncertainError(f"The button was clicked ({press}), and {_what_came(answer)}.")


def _what_came(answer: Answer | None) -> str:
    if answer is None:
        return "no answer came in time"
    if answer.status == 0:
        return "the connection dropped before the answer"
    return f"the answer ({answer.status}) names no listing"


def raise_refusal(answer: Answer) -> None:
    """Raises if the answer itself says that nothing was stored."""
    said = answer.json()
    if answer.status in REFUSALS:
        if messages := _messages(said):
            raise ListingRejected(f"The marketplace refused the listing: {messages}.")
        refuse(answer.facts, answer.headers)
        raise ListingRejected(f"The marketplace refused the listing ({answer.status}).")
    if answer.status == 200 and isinstance(said, dict) and said.get("errors"):
        raise ListingRejected(f"The marketplace refused the listing: {_messages(said)}.")


def accepted_id(answer: Answer) -> str | None:
    """The id in an acceptance: `{"item": {"id": …}}`, or `draft` in its place."""
    said = answer.json()
    if not 200 <= answer.status < 300 or not isinstance(said, dict):
        return None
    stored = said.get("item") or said.get("draft")
    return str(stored["id"]) if isinstance(stored, dict) and stored.get("id") else None


def _messages(said: Any) -> str:
    """The field messages of a validation error: `{"errors": [{"field", "value"}]}`."""
    errors = said.get("errors") if isinstance(said, dict) else None
    if not isinstance(errors, list):
        return ""
    return "; ".join(f"{e.get('field')}: {e.get('value')}" for e in errors if isinstance(e, dict))


def _is_listing(url: str) -> bool:
    return _LISTING.match(urlsplit(url).path) is not None


async def _leave(page: Page, patience: float) -> None:
    """Lets the page finish its redirect: the proof is there already, this is for the picture."""
    with suppress(Error):
        await page.wait_for_url(lambda url: urlsplit(url).path != "/items/new", timeout=patience * 500)
