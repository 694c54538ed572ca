"""Drafts per second into the sandbox marketplace: this project's route against a fresh browser for every listing.

    python benchmarks/bench_publish.py [LISTINGS]

The naive way launches a browser, puts one listing and closes it, as a script would. Both do the same work on the
same form: five photos, every field, the read-back before and after.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.table import Table

from backend.core import catalog
from backend.marketplace.port import AccountSession, Filled, ListingSheet, Permit, boot_clock
from backend.marketplace.vinted_web.browser import Browsers
from backend.marketplace.vinted_web.route import VintedWebRoute
from backend.sandbox.server import Sandbox, running_sandbox

PHOTOS = 5


def draw_photos(folder: Path) -> tuple[Path, ...]:
    """Photos of the size that the intake makes: 2048 px."""
    paths = tuple(folder / f"{n}.jpg" for n in range(PHOTOS))
    for n, path in enumerate(paths):
        Image.effect_noise((1536, 2048), 40 + 10 * n).convert("RGB").save(path, quality=85)
    return paths


def sheet(number: int, photos: tuple[Path, ...]) -> ListingSheet:
    leaf = catalog.find_leaf("women", "t-shirt")
    assert leaf is not None
    colours, materials = catalog.colours(), catalog.materials()
    return ListingSheet(
        f"T-shirt {number}", "Porté deux fois, très bon état.", leaf, "Nike", catalog.find_size(leaf, "M"),
        catalog.conditions()["very-good"], (colours["blue"], colours["white"]), (materials["cotton"],),
        Decimal("12.50"), catalog.parcels()["small"], photos,
    )  # fmt: skip


async def put(browsers: Browsers, sandbox: Sandbox, account: AccountSession, listing: ListingSheet) -> None:
    async def before_submit(_: Filled) -> Permit:
        return Permit(boot_clock() + 60)

    async def progress(_: str) -> None: ...

    route = VintedWebRoute(browsers, diagnostics_dir=None)
    outcome = await route.put(account, listing, "draft", before_submit=before_submit, progress=progress)
    assert outcome.listing_id and not outcome.differences, outcome.differences


async def shared(sandbox: Sandbox, accounts: list[AccountSession], listings: list[ListingSheet], contexts: int) -> None:
    browsers = Browsers(contexts=contexts)
    try:
        await asyncio.gather(
            *(put(browsers, sandbox, accounts[n % contexts], listing) for n, listing in enumerate(listings))
        )
    finally:
        await browsers.aclose()


async def naive(sandbox: Sandbox, accounts: list[AccountSession], listings: list[ListingSheet]) -> None:
    for listing in listings:
        browsers = Browsers(contexts=1)
        await put(browsers, sandbox, accounts[0], listing)
        await browsers.aclose()


async def timed(sandbox: Sandbox, run: Callable[[], Awaitable[None]], expected: int) -> float:
    sandbox.state.reset(keep_accounts=True)
    start = time.perf_counter()
    await run()
    took = time.perf_counter() - start
    assert sandbox.received()["counts"]["drafts"] == expected
    return took


async def main(listings: int) -> None:
    table = Table(title=f"{listings} drafts of {PHOTOS} photos each")
    for column in ("way", "drafts/s", "s per draft", "× naive"):
        table.add_column(column, justify="left" if column == "way" else "right")
    with tempfile.TemporaryDirectory() as folder, running_sandbox() as sandbox:
        photos = draw_photos(Path(folder))
        sheets = [sheet(n, photos) for n in range(listings)]
        accounts = [
            AccountSession(sandbox.url, name, sandbox.create_account(name)) for name in ("ana", "bob", "cai", "dee")
        ]
        base = await timed(sandbox, lambda: naive(sandbox, accounts, sheets), listings)
        rows = [("a fresh browser each", base)]
        for contexts in (1, 2, 4):
            took = await timed(sandbox, lambda n=contexts: shared(sandbox, accounts, sheets, n), listings)
            rows.append((f"one browser, {contexts} at a time", took))
    for way, took in rows:
        table.add_row(way, f"{listings / took:.2f}", f"{took / listings:.2f}", f"{base / took:.2f}")
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 12))
