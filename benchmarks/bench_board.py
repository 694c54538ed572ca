"""The photo board with five hundred photos, in a real browser: first paint, long tasks, and the time of one move.

    python benchmarks/bench_board.py [PHOTOS]

A real server with SQLite and a batch of small drawn photos, four to an item; Chromium at a desk and as a phone (four
times slower processor). A move is seen when the photo stands in its new place, and sure when the board is as the server
has it.
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright
from rich.console import Console
from rich.table import Table

from backend.app import create_app
from backend.db.models import Batch
from backend.marketplace.vinted_web.browser import find_browser, launch
from backend.photos import batches
from backend.runtime import Runtime
from backend.sandbox.loopback import serving
from backend.settings import Settings
from tests.conftest import draw_one
from tests.fakes import ScriptedReader

PHOTOS = 500
WATCH = """window.tasks = []; new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((one) =>
  one.duration))).observe({ type: "longtask", buffered: true });"""
LOADED = """() => ({ paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
  bytes: performance.getEntriesByType("navigation")[0].decodedBodySize,
  pictures: performance.getEntriesByType("resource").filter(({ name }) => name.includes("/photos/")).length,
  nodes: document.querySelectorAll("*").length, tasks: window.tasks })"""
MOVE = """([photo, item]) => new Promise((done) => {
  window.tasks = [];
  const begin = performance.now();
  const there = () => document.querySelector(`#p-${photo}`)?.closest("[data-place]")?.id === item;
  const board = document.querySelector("photo-board");
  const revision = board.dataset.revision;
  let seen = null;
  const look = () => {
    if (there()) seen ??= performance.now() - begin;
    if (board.dataset.revision === revision) return requestAnimationFrame(look);
    const sure = performance.now() - begin;
    setTimeout(() => done({ seen, sure, tasks: window.tasks }), 100);
  };
  requestAnimationFrame(look);
  board.chosen.clear();
  board.chosen.add(photo);
  board.put(item.replace("item-", ""));
})"""


async def hand_in(runtime: Runtime, folder: Path, photos: int) -> str:
    """A batch of so many photos, read."""
    files = [draw_one(folder / f"IMG_{n:04}.jpg", seed=n, seconds=n // 4 * 600 + n % 4 * 8) for n in range(photos)]
    incoming = [batches.IncomingFile(file, file.name) for file in files]
    batch: Batch = await runtime.database.run(
        batches.create_batch, runtime.user_id, incoming, source="bench", defaults={}, language="en"
    )
    await runtime.jobs.read_batch(batch.id, batch.user_id)
    while not (await runtime.database.run(batches.progress, runtime.user_id, batch.id)).finished:  # noqa: ASYNC110
        await asyncio.sleep(0.5)
    return batch.id


async def look(browser: Browser, address: str, path: str, *, phone: bool) -> dict[str, Any]:
    viewport = {"width": 360, "height": 740} if phone else {"width": 1280, "height": 860}
    context = await browser.new_context(base_url=address, viewport=viewport, is_mobile=phone, has_touch=phone)
    page = await context.new_page()
    if phone:
        session = await context.new_cdp_session(page)
        await session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    await page.add_init_script(WATCH)
    await page.goto(path, wait_until="networkidle")
    figures = await page.evaluate(LOADED)
    moves = [await move(page, n) for n in range(5)]
    middle = sorted(moves, key=lambda one: one["sure"])[2]
    await page.evaluate("window.tasks = []")
    for _ in range(20):
        await page.mouse.wheel(0, 900)
        await page.wait_for_timeout(50)
    scrolled = await page.evaluate("window.tasks")
    await context.close()
    return {
        **figures,
        "move seen": middle["seen"],
        "move sure": middle["sure"],
        "move_tasks": middle["tasks"],
        "scroll_tasks": scrolled,
    }


async def move(page: Page, number: int) -> dict[str, Any]:
    """One photo of an item into the next."""
    photo = await page.locator(".item").nth(number * 2).locator(".tile").first.get_attribute("data-photo")
    item = await page.locator(".item").nth(number * 2 + 1).get_attribute("id")
    found: dict[str, Any] = await page.evaluate(MOVE, [photo, item])
    return found


def longest(tasks: list[float]) -> str:
    return f"{len(tasks)} ({max(tasks):.0f} ms)" if tasks else "none"


async def main(photos: int) -> None:
    folder = Path(tempfile.mkdtemp())
    app = create_app(Settings(data=folder / "data"), run_jobs=True, analyzer=ScriptedReader())
    with serving(app) as address:
        batch = await asyncio.to_thread(lambda: asyncio.run(hand_in(app.state.runtime, folder / "photos", photos)))
        async with async_playwright() as driver:
            browser = await launch(driver, find_browser())
            table = Table(f"{photos} photos", "desk", "phone", box=None)
            desk, phone = [await look(browser, address, f"/batches/{batch}", phone=one) for one in (False, True)]
            await browser.close()
    for name, unit in (
        ("paint", "ms"),
        ("bytes", ""),
        ("nodes", ""),
        ("pictures", "loaded"),
        ("move seen", "ms"),
        ("move sure", "ms"),
    ):
        table.add_row(name, *(f"{one[name]:,.0f} {unit}" for one in (desk, phone)))
    for name in ("tasks", "move_tasks", "scroll_tasks"):
        table.add_row(f"long {name}".replace("_tasks", ": tasks"), longest(desk[name]), longest(phone[name]))
    Console().print(table)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else PHOTOS))
