"""A sandbox marketplace, an account on it, a listing and its photos, and the browser route to put them there."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from playwright import async_api
from playwright.sync_api import Browser, sync_playwright

from backend.core import catalog
from backend.core.modes import Mode
from backend.marketplace.port import AccountSession, Filled, ListingSheet, Outcome, Permit, boot_clock
from backend.marketplace.vinted_web.browser import Browsers, find_browser, launch, launch_arguments
from backend.marketplace.vinted_web.route import VintedWebRoute
from backend.sandbox.server import Sandbox, running_sandbox


@pytest.fixture(scope="module")
def site() -> Iterator[Sandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(site: Sandbox) -> Iterator[Sandbox]:
    """The module's sandbox, empty and well-behaved."""
    site.state.reset()
    site.clear_faults()
    before = site.state.options
    yield site
    site.state.options = before


@pytest.fixture
def kept() -> list[Mapping[str, Any]]:
    """The sessions that visits left behind."""
    return []


@pytest.fixture
def account(sandbox: Sandbox, kept: list[Mapping[str, Any]]) -> AccountSession:
    async def keep(state: Mapping[str, Any]) -> None:
        kept.append(state)

    return AccountSession(sandbox.url, "lea", sandbox.create_account("lea"), keep=keep)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Three photos that nobody can mistake for one another, by name or content."""
    folder = tmp_path_factory.mktemp("photos")
    paths = []
    for name, colour in (("front", "navy"), ("back", "teal"), ("label", "white")):
        path = folder / f"{name}.jpg"
        Image.new("RGB", (320, 400), colour).save(path)
        paths.append(path)
    return tuple(paths)


@pytest.fixture
def sheet(pictures: tuple[Path, ...]) -> ListingSheet:
    leaf = catalog.find_leaf("women", "t-shirt")
    assert leaf is not None
    return ListingSheet(
        title="T-shirt Nike bleu, taille M",
        description="Porté deux fois.\n\nCoton épais, « coupe droite » & col rond.",
        leaf=leaf,
        brand="Nike",
        size=catalog.find_size(leaf, "M"),
        condition=catalog.conditions()["very-good"],
        colours=(catalog.colours()["blue"], catalog.colours()["white"]),
        materials=(catalog.materials()["cotton"], catalog.materials()["elastane"]),
        price=Decimal("12.50"),
        parcel=catalog.parcels()["medium"],
        photos=pictures,
    )


@dataclass
class Journal:
    """Stands where the workflow does: keeps what it was told, in order."""

    sandbox: Sandbox
    steps: list[str] = field(default_factory=list)
    filled: list[Filled] = field(default_factory=list)
    stored_before: list[int] = field(default_factory=list)
    permit: Permit | None = None

    async def before_submit(self, filled: Filled) -> Permit:
        self.filled.append(filled)
        self.stored_before.append(len(self.sandbox.received()["items"]))
        return self.permit or Permit(boot_clock() + 10)

    async def progress(self, step: str) -> None:
        self.steps.append(step)


@pytest.fixture
def journal(sandbox: Sandbox) -> Journal:
    return Journal(sandbox)


class Attempts:
    """The route with the journal tied to it."""

    def __init__(self, route: VintedWebRoute, journal: Journal, account: AccountSession) -> None:
        self.route = route
        self.journal = journal
        self.account = account

    async def put(
        self,
        sheet: ListingSheet,
        mode: Mode,
        account: AccountSession | None = None,
        evidence: Path | None = None,
    ) -> Outcome:
        journal = self.journal
        return await self.route.put(
            account or self.account,
            sheet,
            mode,
            before_submit=journal.before_submit,
            progress=journal.progress,
            evidence=evidence,
        )


@pytest.fixture(scope="module")
def sync_browser() -> Iterator[Browser]:
    """A browser for those who look at the sandbox itself, with no route between."""
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=find_browser().executable, args=launch_arguments())
        yield running
        running.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[async_api.Browser]:
    """The browser of those who look at our own pages."""
    async with async_api.async_playwright() as driver:
        running = await launch(driver, find_browser())
        yield running
        await running.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browsers() -> AsyncIterator[Browsers]:
    pool = Browsers()
    yield pool
    await pool.aclose()


@pytest.fixture
def attempts(browsers: Browsers, journal: Journal, account: AccountSession, tmp_path: Path) -> Attempts:
    route = VintedWebRoute(browsers, diagnostics_dir=tmp_path / "diagnostics", step_timeout=4)
    return Attempts(route, journal, account)
