"""Arriving on a page as the right account: what may stand in the way, and what each obstacle means.

Owns opening pages, the cookie banner, who is signed in, and turning what went wrong into an error a person can act
on. Does not own the form.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from playwright.async_api import Error, Frame, Page, Response
from playwright.async_api import TimeoutError as PlaywrightTimeout

from backend.core import wording
from backend.core.errors import (
    ListingRejected,
    SessionExpired,
    SessionMissing,
    VintedNetworkError,
    VintedTimeoutError,
    WrongAccount,
)
from backend.core.waiting import until_one_ends
from backend.marketplace.port import AccountSession
from backend.marketplace.vinted_web import selectors
from backend.marketplace.vinted_web.challenge import WALLS, Challenge, PageFacts, detect, raise_for
from backend.marketplace.vinted_web.traffic import SIGN_IN_AGAIN, Traffic, facts_of, refuse

SIGN_IN_PATHS = ("/member/login", "/member/signup", "/login", "/session-refresh")
NEW_ITEM = "/items/new"
SESSION_REFRESH = "/session-refresh"
SMALLEST_CHALLENGE = 40  # pixels; the frame of an invisible widget is smaller or hidden
DENIED_LOOKS = 8
LONGEST_WORK = 300.0
"""Seconds that opening or filling a form may take in all: some calls to a hung page have no limit of their own."""
SETTLING = 200  # milliseconds in which a page that has just loaded shows its challenge


async def mind_cookie_banner(page: Page) -> None:
    """Dismisses the cookie banner whenever it comes: it covers what is below."""
    await page.add_locator_handler(page.locator(selectors.COOKIE_BANNER).first, lambda: _dismiss_cookies(page))


async def open_form(page: Page, account: AccountSession, path: str = NEW_ITEM, *, stay: bool = False) -> str:
    """Opens the form as `account` and returns the signed-in name. Raises whatever stands in the way.

    With `stay` a page that shows the form by now is not loaded again."""
    if not account.storage_state.get("cookies"):
        raise SessionMissing(f"No session is kept for this account on {account.base_url}. {SIGN_IN_AGAIN}")
    if not (stay and urlsplit(page.url).path == path and await page.locator(selectors.FORM).first.is_visible()):
        await visit(page, account.base_url + path)
    await _arrive(page, path)
    return await check_signed_in(page, account)


async def language_of(page: Page, expected: str) -> str:
    """The language the page says it is in, where listings can be in it: a member may read a site in another than its
    country's (vinted.be in Dutch)."""
    said = str(await page.evaluate("document.documentElement.lang")).split("-")[0].lower()
    return said if said in wording.LANGUAGES else expected


async def visit(page: Page, url: str) -> None:
    """Goes to a page of the marketplace; raises when it can't be reached, refuses, or is a challenge."""
    try:
        response = await page.goto(url, wait_until="domcontentloaded")
    except PlaywrightTimeout as error:
        raise VintedTimeoutError(f"{url} did not load in time.") from error
    except Error as error:
        raise VintedNetworkError(f"{url} can't be reached: {_first_line(error)}") from error
    await _judge(page, response)


async def _judge(page: Page, response: Response | None) -> None:
    if response is None:
        return
    answer = await facts_of(response, json_due=False)
    if answer.status >= 400:
        if answer.status == 403 and not detect(answer):
            await _let_it_show(page, answer)
        refuse(await _with_page(page, answer), response.headers)
        raise VintedNetworkError(f"{answer.url} answered {answer.status}.")
    await raise_challenge(page)


async def _let_it_show(page: Page, answer: PageFacts) -> None:
    """Gives a refusal's page a moment to show its challenge, which its script may bring: else it is a plain refusal."""
    for _ in range(DENIED_LOOKS):
        if detect(await _with_page(page, answer)):
            return
        await page.wait_for_timeout(SETTLING)


async def raise_challenge(page: Page) -> None:
    """Raises if the page a person would see is a challenge or the sign-in page."""
    if challenge := detect(await _with_page(page, PageFacts(200, page.url))):
        raise_for(challenge)


async def standing(page: Page, document: PageFacts | None) -> Challenge | None:
    """The challenge that can be solved on the page as it is now; `document` is the answer that brought it."""
    found = detect(await _with_page(page, document or PageFacts(200, page.url)))
    return None if found in WALLS else found


async def challenge_gone(page: Page, traffic: Traffic) -> bool:
    """Whether the page has none any more, seen twice once it has loaded: between two documents it shows nothing."""
    for _ in range(2):
        if await standing(page, traffic.document):
            return False
        await page.wait_for_load_state("domcontentloaded")
        await page.wait_for_timeout(SETTLING)
    return await standing(page, traffic.document) is None


async def _with_page(page: Page, answer: PageFacts) -> PageFacts:
    frames = [frame.url for frame in page.frames if frame != page.main_frame and await _can_be_seen(frame)]
    marks = await _marks(page)
    return PageFacts(answer.status, page.url, answer.content_type, answer.body, frames, marks, answer.json_due)


async def _marks(page: Page) -> list[str]:
    """The marks of a challenge that can be seen. An ordinary page, which every visit meets, is asked once for all."""
    some = page.locator(selectors.either(*selectors.CHALLENGE_MARKS.values())).filter(visible=True)
    if not await some.count():
        return []
    return [mark for mark, css in selectors.CHALLENGE_MARKS.items() if await page.locator(css).first.is_visible()]


async def _can_be_seen(frame: Frame) -> bool:
    """Whether a frame takes room on the page: invisible captcha frames stand on ordinary pages too."""
    try:
        element = await frame.frame_element()
        box = await element.bounding_box()
        return box is not None and min(box["width"], box["height"]) >= SMALLEST_CHALLENGE and await element.is_visible()
    except Error:
        return False


async def _arrive(page: Page, path: str) -> None:
    """Waits until the form shows, or the page has gone elsewhere; a session refresh comes back by itself."""
    form = page.locator(selectors.FORM).first
    with suppress(PlaywrightTimeout):
        await until_one_ends(
            form.wait_for(), page.wait_for_url(lambda url: not _is_on_the_way(url, path), wait_until="commit")
        )
    if _is_on_the_way(page.url, path) and await form.is_visible():
        return
    await raise_challenge(page)
    host, place = urlsplit(page.url).netloc, urlsplit(page.url).path
    if place.startswith(SIGN_IN_PATHS):
        raise SessionExpired(f"{host} asks this account to sign in again. {SIGN_IN_AGAIN}")
    if place == path:
        raise VintedTimeoutError(f"The form on {host}{path} did not show in time.")
    if not await page.locator(selectors.USER_MENU).first.is_visible():
        raise SessionExpired(f"{host} sent us from {path} to {place}, signed out. {SIGN_IN_AGAIN}")
    raise VintedNetworkError(f"{host} sent us from {path} to {place} instead of showing the form.")


def _is_on_the_way(url: str, path: str) -> bool:
    return urlsplit(url).path in (path, SESSION_REFRESH)


async def check_signed_in(page: Page, account: AccountSession) -> str:
    """The signed-in name, from the header. Raises `SessionExpired` when there is none, `WrongAccount` for another."""
    host = urlsplit(account.base_url).netloc
    avatar = page.locator(selectors.USER_AVATAR).first
    try:
        await avatar.wait_for(state="attached")
    except PlaywrightTimeout as error:
        raise SessionExpired(f"{host} shows nobody signed in. {SIGN_IN_AGAIN}") from error
    name = (await avatar.get_attribute("alt") or "").strip()
    if account.username is not None and name.casefold() != account.username.casefold():
        raise WrongAccount(
            f"{host} has {name!r} signed in, not {account.username!r}. Nothing was done. "
            f"Sign in as {account.username!r}: `vintedbot login`."
        )
    return name


async def _dismiss_cookies(page: Page) -> None:
    for css in selectors.COOKIE_DISMISS:
        button = page.locator(css).first
        if await button.is_visible():
            await button.click()
            return


@asynccontextmanager
async def explained(page: Page, traffic: Traffic, doing: str) -> AsyncIterator[None]:
    """Says why a wait ran out or a field stayed empty: a challenge, a refusal of a call the page made, a lost
    browser, or plain slowness.

    For work before the point of no return only."""
    try:
        async with asyncio.timeout(LONGEST_WORK):
            yield
    except TimeoutError as error:
        raise VintedTimeoutError(f"The page hung while {doing}.") from error
    except ListingRejected:
        traffic.raise_trouble()
        await _raise_where_we_are(page)
        raise
    except PlaywrightTimeout as error:
        traffic.raise_trouble()
        await _raise_where_we_are(page)
        raise VintedTimeoutError(f"The page did not answer in time while {doing}: {_first_line(error)}") from error
    except Error as error:
        traffic.raise_trouble()
        raise VintedNetworkError(f"The browser failed while {doing}: {_first_line(error)}", code="browser") from error


async def _raise_where_we_are(page: Page) -> None:
    place = urlsplit(page.url)
    if place.path.startswith(SIGN_IN_PATHS):
        raise SessionExpired(f"{place.netloc} asks this account to sign in again. {SIGN_IN_AGAIN}")
    with suppress(Error):
        await raise_challenge(page)


def _first_line(error: Error) -> str:
    return error.message.strip().splitlines()[0] if error.message.strip() else type(error).__name__
