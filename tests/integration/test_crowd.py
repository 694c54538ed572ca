"""Twenty people at once over one running server: nothing of anybody's shows up at anybody else's."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import FastAPI

from backend.app import create_app
from backend.runtime import Runtime
from backend.settings import Settings
from tests.crowd import Person, Tally, furnish
from tests.fakes import ScriptedReader
from tests.people import UNHURRIED, bearer, browser, new_user, visitor

pytestmark = pytest.mark.usefixtures("quick_hashes")
PEOPLE, ACTS_EACH = 20, 6


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    built = create_app(settings.model_copy(update=UNHURRIED), run_jobs=False, analyzer=ScriptedReader())
    async with built.router.lifespan_context(built):
        yield built


async def test_twenty_at_once_see_their_own_things_alone(app: FastAPI) -> None:
    runtime: Runtime = app.state.runtime
    tally, people = Tally(), []
    async with AsyncExitStack() as stack:
        for number in range(PEOPLE):
            user = await new_user(runtime, f"person{number}")
            ids, photo = await runtime.database.run(furnish, runtime, user.id, number)
            if number % 2:
                client = await stack.enter_async_context(browser(app, user.name))
            else:
                client = await stack.enter_async_context(visitor(app, **await bearer(runtime, user.name)))
            pages = bool(number % 2)
            people.append(Person(number, client, ids, photo, tally, random.Random(number), pages=pages))

        async def mind_their_own(person: Person) -> None:
            for _ in range(ACTS_EACH):
                await person.act()

        for person in people:  # what each overhears is the next one's
            person.overheard = people[(person.number + 1) % PEOPLE].drafts
        await asyncio.gather(*map(mind_their_own, people))
    assert tally.wrong == []
    assert tally.requests > PEOPLE * ACTS_EACH


async def test_a_mix_up_would_be_seen() -> None:
    def mixed_up(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[{"id": "d", "title": "mark-8-coat"}])

    async with httpx.AsyncClient(transport=httpx.MockTransport(mixed_up), base_url="http://x") as client:
        person = Person(7, client, ["d"], "p", Tally(), random.Random(1))
        await person.look()
    assert person.tally.wrong == ["mark-7- list drafts: saw things of ['8']"]
