"""One server and one browser for the tests of all pages, with drafts of a batch they share.

A test that sorts photos has a batch of its own; the others take a draft of the shared batch, each another one.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Browser, Page, async_playwright, expect
from sqlmodel import select

from backend.app import create_app
from backend.core.listing import Alternative, Evidence, Field
from backend.core.reading import ItemReading, PhotoInput
from backend.db.engine import Database
from backend.db.models import Account, Batch, User
from backend.marketplace.vinted_web.browser import find_browser, launch
from backend.sandbox.loopback import serving
from backend.settings import Settings
from tests.browser.pages.seller import DESK, MINUTE, PHONE, Visit, ask, hand_in
from tests.conftest import draw_one
from tests.fakes import ScriptedReader, add_publication, t_shirt
from tests.integration.test_insights import give

expect.set_options(timeout=MINUTE)
MOST_TAKEN = 12


def unsure_t_shirt(photos: list[PhotoInput]) -> ItemReading:
    """A T-shirt whose brand is read off a label, and which might as well be a polo shirt."""
    reading = t_shirt(photos)
    first = photos[0].id
    brand = Field("Kiabi", 0.9, evidence=(Evidence("label", first, "KIABI", (0.2, 0.2, 0.6, 0.4)),))
    kind = Field("t-shirt", 0.9, (Alternative("polo", 0.3),), (Evidence("image", first),))
    return ItemReading(reading.photos, {**reading.fields, "brand": brand, "category": kind})


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        running = await launch(driver, find_browser())
        yield running
        await running.close()


@pytest.fixture(scope="package")
def settings_here(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = tmp_path_factory.mktemp
    return Settings(data=made("data"), inbox=made("inbox"), marketplace="http://127.0.0.1:9")


@pytest.fixture(scope="package")
def app(settings_here: Settings) -> FastAPI:
    return create_app(settings_here, run_jobs=True, analyzer=ScriptedReader(unsure_t_shirt))


@pytest.fixture(scope="package")
def address(app: FastAPI) -> Iterator[str]:
    with serving(app) as url:
        yield url


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def drafts(address: str, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Drafts of one batch, of two photos each, that no test has taken yet."""
    folder = tmp_path_factory.mktemp("shared")
    photos = [
        draw_one(folder / f"{n:02}{shot}.jpg", seed=f"shared{n}{shot}", seconds=n * 600 + shot * 8)
        for n in range(MOST_TAKEN)
        for shot in range(2)
    ]
    batch = await hand_in(address, photos, audience="women")
    found: list[dict[str, Any]] = await ask(address, f"/drafts?batch_id={batch}")
    return found


@pytest.fixture
def draft(drafts: list[dict[str, Any]]) -> dict[str, Any]:
    """A draft for this test alone."""
    assert drafts, "more tests take a draft than there are: raise MOST_TAKEN"
    return drafts.pop()


@pytest.fixture
def visit(browser: Browser, address: str) -> Visit:
    """Opens a page as a seller has it; at its end it must have complained of nothing and asked nobody else."""

    @asynccontextmanager
    async def open_page(
        *,
        phone: bool = False,
        language: str = "en-GB",
        dark: bool = False,
        expected: tuple[str, ...] = (),
        at: str = address,
    ) -> AsyncIterator[Page]:
        context = await browser.new_context(
            base_url=at, viewport=PHONE if phone else DESK, locale=language, has_touch=phone, is_mobile=phone,
            color_scheme="dark" if dark else "light", reduced_motion="reduce",
        )  # fmt: skip
        context.set_default_timeout(MINUTE)
        complaints: list[str] = []
        page = await context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: _note_stranger(complaints, asked.url))
        yield page
        await context.close()
        assert [one for one in complaints if not any(part in one for part in expected)] == []

    return open_page


def _note_stranger(complaints: list[str], url: str) -> None:
    if urlsplit(url).hostname != "127.0.0.1":
        complaints.append(url)


@pytest.fixture
def closet(tmp_path: Path) -> Callable[[str, int, int], list[Path]]:
    """closet("a", 3, 4): photos of three items, four each, minutes apart, that no other test has."""

    def draw(seed: str, items: int, shots: int) -> list[Path]:
        return [
            draw_one(tmp_path / f"IMG_{item:02}{shot}.jpg", seed=f"{seed}{item}{shot}", seconds=item * 600 + shot * 8)
            for item in range(items)
            for shot in range(shots)
        ]

    return draw


@pytest.fixture(scope="package")
def waiting(settings_here: Settings, address: str) -> str:
    """Publications of every kind of end, so that no page is empty; the id of one that waits at a challenge."""
    with Database(settings_here.database).session() as session:
        user = session.exec(select(User)).one()
        account = Account(user_id=user.id, username="marie", base_url="http://127.0.0.1:9", state="session_expired")
        batch = Batch(user_id=user.id, state="done")
        session.add_all([account, batch])
        session.flush()
        for number, state in enumerate(("confirmed", "failed", "rehearsed", "confirmed_with_differences")):
            give(session, (user.id, batch.id, account.id), number, state, ago=number)
        add_publication(session, account, state="needs_person", error_code="uncertain", sheet={"title": "Hat"})
        made = add_publication(session, account, state="needs_person", error_code="challenge", sheet={"title": "Coat"})
        return made.id
