"""What the marketplace kept: a listing's own fields after a submission, and the account's wardrobe.

Owns reading back, never writing. Reads only what the pages themselves show or ask for.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urljoin, urlsplit

from playwright.async_api import Error, Page, Request

from backend.core.errors import VintedBotError, VintedNetworkError, VintedTimeoutError
from backend.marketplace.port import AccountSession, Difference, Mode
from backend.marketplace.vinted_web import selectors
from backend.marketplace.vinted_web.form import Form
from backend.marketplace.vinted_web.session import open_form, visit
from backend.marketplace.vinted_web.traffic import AnswerTo, refuse
from backend.marketplace.vinted_web.values import differences, parse_price

_MEMBER = re.compile(r"^/member/\d+")
_WARDROBE = re.compile(r"/api/v2/wardrobe/[^/]+/items$")
READ_BACK = "read_back"
"""The field name of the difference that says: accepted, but what was stored could not be read."""


@dataclass(frozen=True)
class WardrobeItem:
    id: str
    title: str
    price: Decimal | None
    is_draft: bool


def listing_url(account: AccountSession, listing_id: str, mode: Mode) -> str:
    """Where a person finds it: the listing's page, or the form of a draft, which has no page yet."""
    return f"{account.base_url}/items/{listing_id}" + ("/edit" if mode == "draft" else "")


async def read_stored(page: Page, account: AccountSession, form: Form, listing_id: str) -> tuple[Difference, ...]:
    """Opens the listing's edit form and compares every stored field with what was sent.

    Never raises for the page's sake: the listing is there already, and a failure to look must not undo that."""
    try:
        await open_form(page, account, f"/items/{listing_id}/edit")
        if wrong := differences(form.sent, await form.read()):
            await page.wait_for_load_state("networkidle")
            wrong = differences(form.sent, await form.read())
    except (VintedBotError, Error) as error:
        return (Difference(READ_BACK, "every field", f"could not be read: {error}"),)
    return wrong


async def read_wardrobe(page: Page, account: AccountSession, patience: float) -> list[WardrobeItem]:
    """The first page of the account's own wardrobe, from a page on which it is signed in."""

    with AnswerTo(page, _is_wardrobe) as wardrobe:
        await visit(page, urljoin(account.base_url, await _own_page(page)))
        try:
            async with asyncio.timeout(patience):
                answer = await wardrobe.answer
        except TimeoutError as error:
            raise VintedTimeoutError("The wardrobe's page did not ask for its items in time.") from error
    refuse(answer.facts, answer.headers)
    said = answer.json()
    items = said.get("items") if isinstance(said, dict) else None
    if answer.status != 200 or not isinstance(items, list):
        raise VintedNetworkError(f"The wardrobe could not be read ({answer.status}).")
    return [_item(item) for item in items]


async def _own_page(page: Page) -> str:
    """The address of the signed-in member's page, from the header or the menu behind it."""
    for _ in range(2):
        links = await page.locator(selectors.MEMBER_LINK).evaluate_all("all => all.map(a => a.getAttribute('href'))")
        if found := next((link for link in links if _MEMBER.match(urlsplit(link).path)), None):
            return str(found)
        await page.locator(selectors.USER_MENU).first.click()
        await page.locator(selectors.MEMBER_LINK).first.wait_for(state="attached")
    raise VintedNetworkError("The header does not lead to the account's own page.")


def _is_wardrobe(request: Request) -> bool:
    return request.method == "GET" and _WARDROBE.search(urlsplit(request.url).path) is not None


def _item(item: Mapping[str, Any]) -> WardrobeItem:
    price = item.get("price")
    amount = price.get("amount") if isinstance(price, dict) else price
    return WardrobeItem(
        str(item.get("id")),
        str(item.get("title", "")),
        None if amount is None else parse_price(str(amount)),
        bool(item.get("is_draft")),
    )
