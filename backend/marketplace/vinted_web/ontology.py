"""What the form offers an account, learned by opening it and listening: nothing is asked for that it doesn't ask.

Owns which answers are listened to and the choosing of categories that makes the form ask for their sizes. Owns no
meaning of the answers (`core/ontology.py`), and stores nothing: every submission is held at the door.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from loguru import logger
from playwright.async_api import Error, Page, Response

from backend.core.catalog import Leaf
from backend.core.errors import ListingRejected, VintedTimeoutError
from backend.core.ontology import Answered, Ontology, as_offered, read
from backend.marketplace.port import AccountSession
from backend.marketplace.vinted_web import selectors
from backend.marketplace.vinted_web.door import Door
from backend.marketplace.vinted_web.fields import category
from backend.marketplace.vinted_web.panels import Panel
from backend.marketplace.vinted_web.session import open_form

LISTENED_TO = re.compile(r"/api/v2/item_upload/(catalogs|colors|attributes)$")


class Ear:
    """Keeps the form's answers as they come; another host's are not the form's."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.answers: list[Answered] = []
        self._host = urlsplit(base_url).netloc
        self._came = asyncio.Event()
        page.on("response", self._hear)

    async def wait_for(self, path: str, *, more_than: int, seconds: float) -> bool:
        """Whether there were more answers to this path than so many, within so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.count(path) <= more_than:
                    self._came.clear()
                    await self._came.wait()
        return self.count(path) > more_than

    def count(self, path: str) -> int:
        return sum(answer.path.endswith(path) for answer in self.answers)

    async def _hear(self, response: Response) -> None:
        parts = urlsplit(response.url)
        if parts.netloc != self._host or not LISTENED_TO.search(parts.path) or not response.ok:
            return
        try:
            body = await response.json()
            asked = json.loads(response.request.post_data or "null")
        except (Error, ValueError) as error:  # the page went on, or it was no JSON
            logger.debug("form_answer_unread: {}: {}", parts.path, error)
            return
        self.answers.append(Answered(parts.path, asked, body))
        self._came.set()


async def listen(page: Page, account: AccountSession, leaves: Sequence[Leaf], patience: float) -> Ontology:
    """Opens the form, and chooses each of these leaves in it; `patience`, in seconds, bounds each wait.

    A leaf this site does not have is passed over: that is what is to be found out. Raises VintedTimeoutError when no
    tree comes, and what opening the form raises."""
    await Door.install(page)
    ear = Ear(page, account.base_url)
    await open_form(page, account)
    if not await ear.wait_for("/catalogs", more_than=0, seconds=patience):
        raise VintedTimeoutError("The form loaded no tree of categories that could be listened to.")
    panel = Panel(page, "category", selectors.CATEGORY, patience)
    tree = read(ear.answers)
    for leaf in leaves:
        before = ear.count("/attributes")
        if (offered := as_offered(leaf, tree, tree.spoken(account.language))) is None:
            continue
        try:
            await panel.choose(category(offered, account.language))
        except ListingRejected as refused:
            logger.info("leaf_not_chosen: {}: {}", offered.path(account.language), refused)
            with suppress(ListingRejected):
                await panel.close()
            continue
        await ear.wait_for("/attributes", more_than=before, seconds=patience / 3)
    return read(ear.answers)
