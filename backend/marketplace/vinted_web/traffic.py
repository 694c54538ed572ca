"""What a page sends and gets, listened to and never touched.

Owns the short log of a page's network (for diagnostics) and the first sign of trouble in it (a challenge, a refusal,
an expired session), so that a wait that ran out can say why. Sends nothing itself.
"""

import asyncio
import base64
import json
import re
import time
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import CDPSession, Error, Page, Request, Response

from backend.core.errors import (
    AccountRestricted,
    ChallengeRaised,
    SessionExpired,
    VintedBotError,
    VintedNetworkError,
    VintedRateLimitError,
)
from backend.core.retry_utils import retry_after
from backend.marketplace.vinted_web.challenge import PageFacts, detect, raise_for

KEPT = 400
BODY_LIMIT = 20_000
BODY_PATIENCE = 5
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
        self._page = page
        self._troubles: dict[str, VintedBotError] = {}
        self.documents = 0
        """How many documents the page has loaded: another number, another document."""
        self.document: PageFacts | None = None
        """The answer that brought the present one."""
        page.on("response", self._note_document)
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)

    def raise_trouble(self) -> None:
        """Raises what the marketplace's answers to the form's own calls said, if the last of one was a refusal."""
        for trouble in self._troubles.values():
            raise trouble

    def raise_challenge(self) -> None:
        """The same, of challenges only: other refusals the page may still mend by itself."""
        for trouble in self._troubles.values():
            if isinstance(trouble, ChallengeRaised):
                raise trouble

    def forgive(self) -> None:
        """What stood in the way is gone: the refusals so far say nothing any more."""
        self._troubles.clear()

    def entries(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self._entries]

    async def _note_document(self, response: Response) -> None:
        with suppress(Error):  # a frame that is gone already
            if not response.request.is_navigation_request() or response.frame != self._page.main_frame:
                return
            if 300 <= response.status < 400:
                return
            self.documents += 1
            number = self.documents
            facts = await facts_of(response, json_due=False)
            if number == self.documents:
                self.document = facts

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
        async with asyncio.timeout(BODY_PATIENCE):
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


class AnswersTo:
    """The answers to the page's requests of this method and path, each once. Enter, act, await `following()`.

    The answer is held at the browser's door until its body is read: a page that leaves at once on an answer would
    otherwise take the body with it, and with it the proof. The page itself sees no difference."""

    def __init__(self, page: Page, method: str, path: re.Pattern[str]) -> None:
        self._page = page
        self._method = method
        self._path = path
        self._door: CDPSession | None = None
        self._answers: asyncio.Queue[Answer] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        self._door = await self._page.context.new_cdp_session(self._page)
        self._door.on("Fetch.requestPaused", self._paused)
        await self._door.send("Fetch.enable", {"patterns": [{"urlPattern": "*/api/*", "requestStage": "Response"}]})
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._door is not None
        self._door.remove_listener("Fetch.requestPaused", self._paused)
        with suppress(Error):
            await self._door.detach()  # lets go of whatever is still held

    async def following(self) -> Answer:
        """The next answer, awaited."""
        return await self._answers.get()

    async def _paused(self, event: dict[str, Any]) -> None:
        assert self._door is not None
        request = {"requestId": event["requestId"]}
        with suppress(Error):
            if self._is_it(event["request"]):
                self._answers.put_nowait(await self._read(event, request))
            await self._door.send("Fetch.continueRequest", request)

    def _is_it(self, request: dict[str, Any]) -> bool:
        return request["method"] == self._method and self._path.search(urlsplit(request["url"]).path) is not None

    async def _read(self, event: dict[str, Any], request: dict[str, Any]) -> Answer:
        url, status = event["request"]["url"], event.get("responseStatusCode", 0)
        headers = {h["name"].lower(): h["value"] for h in event.get("responseHeaders", ())}
        body = await self._body(request) if status else ""
        facts = PageFacts(status, url, headers.get("content-type", ""), body, json_due=True)
        return Answer(status, headers, body, facts)

    async def _body(self, request: dict[str, Any]) -> str:
        """The body, or "" for one that breaks off or does not end."""
        assert self._door is not None
        try:
            async with asyncio.timeout(BODY_PATIENCE):
                said = await self._door.send("Fetch.getResponseBody", request)
        except (Error, TimeoutError):
            return ""
        raw = base64.b64decode(said["body"]) if said["base64Encoded"] else said["body"].encode()
        return raw.decode("utf-8", "replace")
