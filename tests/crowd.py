"""Twenty people at once, each minding their own things: what one of them does, and how a mix-up would show.

Owns the traffic of the concurrency test and of `benchmarks/bench_people.py`. Everything a person keeps carries their
own mark, so that an answer with another's mark in it is a leak whatever it is an answer to.
"""

import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
from sqlmodel import Session

from backend.core.listing import Field
from backend.db.models import Account, Batch, Photo
from backend.drafts import service as drafts
from backend.runtime import Runtime

MARK = re.compile(r"mark-(\d+)-")
DRAFTS = 2


@dataclass
class Tally:
    """What came of it: seconds by what was done, and everything that was wrong."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(map(len, self.seconds.values()))


@dataclass
class Person:
    """One of the crowd: their browser or program, and what they know to be theirs."""

    number: int
    client: httpx.AsyncClient
    drafts: list[str]
    photo: str
    tally: Tally
    dice: random.Random
    overheard: list[str] = field(default_factory=list)
    """Ids of others' drafts."""
    pages: bool = True
    """Whether they have a browser, which alone is shown pages."""
    revisions: dict[str, int] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        return f"mark-{self.number}-"

    async def ask(
        self, what: str, method: str, path: str, wanted: tuple[int, ...] = (200,), **more: object
    ) -> httpx.Response:
        started = time.perf_counter()
        answer = await self.client.request(method, path, **more)  # type: ignore[arg-type]
        self.tally.seconds.setdefault(what, []).append(time.perf_counter() - started)
        if answer.status_code not in wanted:
            self.tally.wrong.append(f"{self.mark} {what}: {answer.status_code} {answer.text[:150]}")
        if others := {found for found in MARK.findall(answer.text) if int(found) != self.number}:
            self.tally.wrong.append(f"{self.mark} {what}: saw things of {sorted(others)}")
        return answer

    async def act(self) -> None:
        """Whatever comes to mind."""
        await self.dice.choice(ACTS)(self)

    async def look(self) -> None:
        found = (await self.ask("list drafts", "GET", "/api/v1/drafts")).json()
        if {draft["id"] for draft in found} != set(self.drafts):
            self.tally.wrong.append(f"{self.mark}: has other drafts than their own")

    async def edit(self) -> None:
        draft = self.dice.choice(self.drafts)
        body = {"revision": self.revisions.get(draft, 2), "fields": {"title": f"{self.mark} {self.dice.random()}"}}
        answer = await self.ask("edit a draft", "PATCH", f"/api/v1/drafts/{draft}", json=body)
        if answer.status_code == 200:
            self.revisions[draft] = answer.json()["revision"]

    async def open_page(self) -> None:
        if not self.pages:
            return await self.look()
        path = self.dice.choice(["/", f"/drafts/{self.drafts[0]}", "/publications", "/accounts", "/security"])
        await self.ask("open a page", "GET", path)
        return None

    async def see_photo(self) -> None:
        answer = await self.ask("see a photo", "GET", f"/api/v1/photos/{self.photo}?size=thumbnail")
        if answer.content != self.mark.encode():
            self.tally.wrong.append(f"{self.mark}: saw another's photo")

    async def change_wishes(self) -> None:
        body = {"hashtags": [f"person{self.number}"]}
        await self.ask("keep preferences", "PUT", "/api/v1/preferences", json=body)
        kept = (await self.ask("read preferences", "GET", "/api/v1/preferences")).json()
        if kept["hashtags"] != body["hashtags"]:
            self.tally.wrong.append(f"{self.mark}: has another's preferences")

    async def read_audit(self) -> None:
        await self.ask("read the audit", "GET", "/api/v1/audit")
        await self.ask("read notifications", "GET", "/api/v1/notifications")

    async def peek(self) -> None:
        """At another's draft, by an id that was overheard."""
        await self.ask("peek at another's", "GET", f"/api/v1/drafts/{self.dice.choice(self.overheard)}", (404,))


ACTS: tuple[Callable[[Person], Awaitable[None]], ...] = (
    Person.look, Person.edit, Person.edit, Person.open_page, Person.see_photo, Person.change_wishes,
    Person.read_audit, Person.peek,
)  # fmt: skip


def furnish(session: Session, runtime: Runtime, user_id: str, number: int) -> tuple[list[str], str]:
    """Drafts, a photo and an account with this person's mark on them; the drafts' ids and the photo's."""
    mark = f"mark-{number}-"
    batch = Batch(user_id=user_id, state="done", source=mark)
    session.add(batch)
    session.flush()
    session.add(Account(user_id=user_id, username=mark, base_url="http://127.0.0.1:9", state="ready"))
    key = runtime.store.put(mark.encode(), ".jpg")
    photo = Photo(user_id=user_id, batch_id=batch.id, position=0, name=mark, source_path=mark, state="accepted",
                  sha256=f"{number:064x}", store_key=key, thumbnail_key=key)  # fmt: skip
    session.add(photo)
    session.flush()
    ids = drafts.open_items(session, batch, [([photo.id], {})] + [([], {})] * (DRAFTS - 1))
    for one in ids:
        drafts.fill(session, one, {"brand": Field(mark, 0.9)}, ())
        drafts.edit(session, user_id, one, 1, {"title": f"{mark} first"})
    return ids, photo.id
