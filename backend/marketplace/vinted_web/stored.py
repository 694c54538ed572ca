"""What the marketplace kept: a listing's own fields after a submission, and the account's wardrobe.

Owns reading back, never writing. Reads only what the pages themselves show or ask for.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from playwright.async_api import Error, Page

from backend.core.errors import VintedBotError, VintedNetworkError
from backend.core.retry_utils import pause
from backend.marketplace.port import AccountSession, Difference, ListingState, LookedAt, Wardrobe, WardrobeItem
from backend.marketplace.vinted_web import selectors
from backend.marketplace.vinted_web.challenge import PageFacts
from backend.marketplace.vinted_web.form import Form
from backend.marketplace.vinted_web.session import check_signed_in, open_form, visit
from backend.marketplace.vinted_web.traffic import refuse
from backend.marketplace.vinted_web.values import differences, parse_price

_MEMBER = re.compile(r"^/member/\d+")
_PER_PAGE = 96
_MOST_PAGES = 60
_BETWEEN_PAGES = 1.0
"""Seconds; somebody who scrolls through their wardrobe is no quicker."""
ASK = """async path => {
    const answer = await fetch(path, {headers: {accept: 'application/json'}});
    const headers = Object.fromEntries(answer.headers);
    return {status: answer.status, type: headers['content-type'] ?? '', headers, body: await answer.text()};
}"""
READ_BACK = "read_back"
"""The field name of the difference that says: accepted, but what was stored could not be read."""


async def read_stored(
    page: Page, account: AccountSession, form: Form, sent: Mapping[str, str], listing_id: str
) -> tuple[Difference, ...]:
    """Opens the listing's edit form and compares every stored field with what was `sent`, as the form showed it.

    Never raises for the page's sake: the listing is there already, and a failure to look must not undo that."""
    try:
        await open_form(page, account, f"/items/{listing_id}/edit")
        if wrong := differences(sent, await form.read(sent)):
            await page.wait_for_load_state("networkidle")
            wrong = differences(sent, await form.read(sent))
    except (VintedBotError, Error) as error:
        return (Difference(READ_BACK, "every field", f"could not be read: {error}"),)
    return wrong


async def read_wardrobe(page: Page, account: AccountSession, own: str) -> list[WardrobeItem]:
    """The newest listings and drafts of the account's own wardrobe, which is on its page `own`.

    Goes there as this account and asks, from there, for what it shows."""
    await _enter(page, account, own)
    return (await _read_page(page, account, own, 1))[0]


async def read_whole_wardrobe(page: Page, account: AccountSession, own: str, progress: LookedAt) -> Wardrobe:
    """All of it, page after page at a person's pace; `progress` is awaited after each with the count so far."""
    await _enter(page, account, own)
    return await _read_pages(page, account, own, progress)


async def _read_pages(page: Page, account: AccountSession, own: str, progress: LookedAt) -> Wardrobe:
    """Whole only if there were as many as each page told: what goes from a page that was read moves another, unread,
    up to it."""
    found: dict[str, WardrobeItem] = {}
    number, pages, told = 0, 1, set[int]()
    ended = False
    while not ended and number < min(pages, _MOST_PAGES):
        if number:
            await pause(_BETWEEN_PAGES)
        number += 1
        items, pages, total = await _read_page(page, account, own, number)
        found |= {item.id: item for item in items}
        told |= set() if total is None else {total}
        await progress(len(found))
        ended = not items
    return Wardrobe(tuple(found.values()), whole=(ended or number >= pages) and told <= {len(found)})


async def _enter(page: Page, account: AccountSession, own: str) -> None:
    await visit(page, account.base_url + own)
    await check_signed_in(page, account)


async def _read_page(
    page: Page, account: AccountSession, own: str, number: int
) -> tuple[list[WardrobeItem], int, int | None]:
    """One page of the wardrobe, how many pages there are (more than are looked at, where that isn't told), and how many
    items, where it is."""
    query = f"?page={number}&per_page={_PER_PAGE}&order=newest_first"
    answer = await page.evaluate(ASK, f"/api/v2/wardrobe/{own.rsplit('/', 1)[1]}/items{query}")
    refuse(PageFacts(answer["status"], page.url, answer["type"], answer["body"], json_due=True), answer["headers"])
    try:
        read = json.loads(answer["body"])
        counts = read.get("pagination", {})
        pages, total = int(counts.get("total_pages", _MOST_PAGES + 1)), counts.get("total_entries")
        items = [_item(item, account.base_url) for item in read["items"]]
        told = None if total is None else int(total)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VintedNetworkError(f"The wardrobe could not be read ({answer['status']}).") from error
    if number == 1 and told and not items:
        raise VintedNetworkError(f"The wardrobe says that it holds {told} listings, and shows none.")
    return items, pages, told


async def own_page(page: Page) -> str:
    """The path of the signed-in member's page, from the header or the menu behind it: `/member/<id>`."""
    for _ in range(2):
        links = await page.locator(selectors.MEMBER_LINK).evaluate_all("all => all.map(a => a.pathname)")
        if found := next((match[0] for link in links if (match := _MEMBER.match(link))), None):
            return str(found)
        await page.locator(selectors.USER_MENU).first.click()
        await page.locator(selectors.MEMBER_LINK).first.wait_for(state="attached")
    raise VintedNetworkError("The header does not lead to the account's own page.")


def _item(item: Mapping[str, Any], base_url: str) -> WardrobeItem:
    price = item.get("price")
    amount = price.get("amount") if isinstance(price, dict) else price
    path = str(item.get("path") or "")
    return WardrobeItem(
        str(item["id"]),
        str(item.get("title", "")),
        None if amount is None else parse_price(str(amount)),
        bool(item.get("is_draft")),
        len(item["photos"]) if isinstance(item.get("photos"), list) else None,
        _state(item),
        base_url + path if path.startswith("/") and not path.startswith("//") else None,
    )


def _state(item: Mapping[str, Any]) -> ListingState:
    """Closed means that nobody can buy it any more, sold or not; a reserved one is for sale."""
    if item.get("item_closing_action") == "sold":
        return "sold"
    if item.get("is_draft"):
        return "draft"
    return "hidden" if item.get("is_hidden") or item.get("is_closed") else "live"
