"""What a page sends and gets, listened to and never touched.

Owns the short log of a page's network (for diagnostics) and the first sign of trouble in it (a challenge, a refusal,
an expired session), so that a wait that ran out can say why. Sends nothing itself.
"""

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Error, Page, Request, Response

from backend.core.errors import (
    AccountRestricted,
    SessionExpired,
    VintedBotError,
    VintedNetworkError,
    VintedRateLimitError,
)
from backend.marketplace.vinted_web.challenge import PageFacts, detect, raise_for

KEPT = 400
BODY_LIMIT = 20_000
FORM_CALLS = re.compile(r"/api/v2/(item_upload|photos)\b")
"""What the form needs answered. Other calls may fail on an ordinary page; a 401 that the page itself mends is
followed by a good answer to the same call."""
SIGN_IN_AGAIN = "Sign in again: `vintedbot login`."


@dataclass(frozen=True)
class Entry:
    """One answer, without query, cookies or body: nothing secret reaches a log. `status` 0 means none came."""

    at: float
    method: str
    url: str
    status: int
    detail: str = ""


class Traffic:
    """Listens to a page from its creation on; another host's troubles are not the account's."""

    def __init__(self, page: Page, base_url: str) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._host = urlsplit(base_url).netloc
        self._troubles: dict[str, VintedBotError] = {}
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)

    def raise_trouble(self) -> None:
        """Raises what the marketplace's answers to the form's own calls said, if the last of one was a refusal."""
        for trouble in self._troubles.values():
            raise trouble

    def entries(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self._entries]

    async def _answered(self, response: Response) -> None:
        self._log(response.request, response.status, response.headers.get("content-type", ""))
        parts = urlsplit(response.url)
        if parts.netloc == self._host and FORM_CALLS.match(parts.path):
            self._troubles.pop(parts.path, None)
            try:
                refuse(await facts_of(response, json_due=True), response.headers)
            except VintedBotError as trouble:
                self._troubles[parts.path] = trouble

    def _failed(self, request: Request) -> None:
        self._log(request, 0, request.failure or "")

    def _log(self, request: Request, status: int, detail: str) -> None:
        parts = urlsplit(request.url)
        url = f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.netloc else f"{parts.scheme}:"
        self._entries.append(Entry(round(time.time(), 3), request.method, url, status, detail))


async def facts_of(response: Response, *, json_due: bool) -> PageFacts:
    """An answer's facts; its body is read only where it can matter."""
    content_type = response.headers.get("content-type", "")
    odd = response.status == 403 or (json_due and content_type.startswith("text/html"))
    return PageFacts(
        response.status, response.url, content_type, await _body(response) if odd else "", json_due=json_due
    )


async def _body(response: Response) -> str:
    try:
        async with asyncio.timeout(5):
            return (await response.text())[:BODY_LIMIT]
    except (Error, TimeoutError):
        return ""


def refuse(facts: PageFacts, headers: dict[str, str]) -> None:
    """Raises what an answer of the marketplace means when it is no ordinary one."""
    if challenge := detect(facts):
        raise_for(challenge)
    host = urlsplit(facts.url).netloc
    if facts.status == 429:
        raise VintedRateLimitError(f"{host} asks to slow down (429).", retry_after=retry_after(headers))
    if facts.status == 401:
        raise SessionExpired(f"{host} no longer accepts this account's session. {SIGN_IN_AGAIN}")
    if facts.status == 403:
        raise AccountRestricted(f"{host} denies this account access (403). Look at the account in a browser.")
    if facts.status >= 500:
        raise VintedNetworkError(f"{host} answered {facts.status}.")


def retry_after(headers: dict[str, str]) -> float | None:
    """Retry-After in seconds; a date there is not worth reading, the caller's own pause holds."""
    value = headers.get("retry-after", "").strip()
    return float(value) if value.isdecimal() else None


@dataclass(frozen=True)
class Answer:
    """An answer to one request of the page, its body read as it came. `status` 0: the connection was dropped."""

    status: int
    headers: dict[str, str]
    body: str
    facts: PageFacts

    def json(self) -> Any:
        """The body as JSON, or None."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class AnswerTo:
    """Waits for the answer to the page's next request that matches. Listen first, then act, then await `answer`."""

    def __init__(self, page: Page, matches: Callable[[Request], bool]) -> None:
        self._page = page
        self._matches = matches
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def __enter__(self) -> "AnswerTo":
        self._page.on("response", self._answered)
        self._page.on("requestfailed", self._dropped)
        return self

    def __exit__(self, *_: object) -> None:
        self._page.remove_listener("response", self._answered)
        self._page.remove_listener("requestfailed", self._dropped)
        self.answer.cancel()

    async def _answered(self, response: Response) -> None:
        if not self._matches(response.request):
            return
        body = await _body(response)
        content_type = response.headers.get("content-type", "")
        facts = PageFacts(response.status, response.url, content_type, body, json_due=True)
        self._settle(Answer(response.status, response.headers, body, facts))

    def _dropped(self, request: Request) -> None:
        if self._matches(request):
            self._settle(Answer(0, {}, "", PageFacts(0, request.url)))

    def _settle(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)
