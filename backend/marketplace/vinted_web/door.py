"""The door between a page and the marketplace: no submission leaves the browser but the one that is permitted now.

A page may send by itself: the site's form renews a session that ran out and sends once more, and a click that was
queued while the process slept is carried out when it wakes. So every request that would store a listing is held at the
door, from the page's first moment on, and goes on only under an open permit, once. Owns that decision, made as late as
can be. Owns no click and no answer (`submission.py`).
"""

import asyncio
import re
from contextlib import suppress
from typing import Any, Self
from urllib.parse import urlsplit

from playwright.async_api import CDPSession, Error, Page

from backend.marketplace.port import Permit

SUBMISSIONS = re.compile(r"/api/v2/item_upload/(items|drafts)(/.*)?$")
WRITES = ("POST", "PUT", "PATCH")


class Door:
    """One page's door; closed until a permit opens it for one request."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session
        self._permit: Permit | None = None
        self.sent = False
        self.turned_back = asyncio.Event()
        """A request came and was not let out, though the permit had not been used."""

    @classmethod
    async def install(cls, page: Page) -> Self:
        session = await page.context.new_cdp_session(page)
        door = cls(session)
        session.on("Fetch.requestPaused", door._decide)
        patterns = [
            {"urlPattern": f"*/api/v2/item_upload/{what}*", "requestStage": "Request"} for what in ("items", "drafts")
        ]
        await session.send("Fetch.enable", {"patterns": patterns})
        return door

    def open(self, permit: Permit) -> None:
        """Lets one submission out, as long as the permit is good."""
        self._permit, self.sent = permit, False
        self.turned_back.clear()

    def close(self) -> bool:
        """Lets nothing out any more. Returns whether anything had left under the last permit."""
        self._permit = None
        return self.sent

    async def _decide(self, event: dict[str, Any]) -> None:
        request = {"requestId": event["requestId"]}
        with suppress(Error):  # the page is gone, and its request with it
            if self._is_submission(event["request"]) and not self._lets_out():
                await self._session.send("Fetch.failRequest", {**request, "errorReason": "Aborted"})
            else:
                await self._session.send("Fetch.continueRequest", request)

    def _is_submission(self, request: dict[str, Any]) -> bool:
        return request["method"] in WRITES and SUBMISSIONS.search(urlsplit(request["url"]).path) is not None

    def _lets_out(self) -> bool:
        if self._permit is not None and not self.sent and not self._permit.expired:
            self.sent = True
            return True
        if not self.sent:
            self.turned_back.set()
        return False
