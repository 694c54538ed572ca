"""What a seller does on any page, and how a test waits for it and asks the API about it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Page, Route, expect

PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 860}
MINUTE = 60_000
"""How long the busiest machine is waited for, in milliseconds."""
Visit = Callable[..., AbstractAsyncContextManager[Page]]
SHIFTS = """window.shifts = 0; window.shifted = []; new PerformanceObserver((list) => list.getEntries().forEach(
  ({ value, sources }) => { window.shifts += value;
    window.shifted.push(...sources.map(({ node, previousRect, currentRect }) =>
      `${previousRect.y} to ${currentRect.y}: ${(node?.outerHTML ?? node?.data ?? "").slice(0, 60)}`)); }
  )).observe({ type: "layout-shift" });"""


async def ask(where: Page | str, path: str) -> Any:
    """What the API says, at the page's server or at this address."""
    address = where if isinstance(where, str) else f"http://{urlsplit(where.url).netloc}"
    async with httpx.AsyncClient(base_url=address, timeout=MINUTE / 1000) as client:
        return (await client.get(f"/api/v1{path}")).json()


async def hand_in(address: str, photos: list[Path], **stated: str) -> str:
    """Hands the photos in and waits until their drafts are read. Returns the batch."""
    files = [("files", (photo.name, photo.read_bytes())) for photo in photos]
    async with httpx.AsyncClient(base_url=address, timeout=MINUTE / 1000, headers={"Origin": address}) as client:
        answer = await client.post("/api/v1/ingest", files=files, data={"defaults": json.dumps(stated)})
        assert answer.status_code == 202, answer.text
        batch = str(answer.json()["batch_id"])
        async with asyncio.timeout(MINUTE / 1000):
            while not (await client.get(f"/api/v1/bulk/jobs/{batch}")).json()["finished"]:
                await asyncio.sleep(0.05)
    return batch


async def read(page: Page, press: Awaitable[None]) -> str:
    """Presses the button and waits until what arrived is read. Returns the batch."""
    async with page.expect_response(lambda answer: answer.url.endswith("/finish") and answer.ok) as answer:
        await press
    batch = (await (await answer.value).json())["batch_id"]
    await expect(page.locator(f"#batch-{batch} .actions .primary")).to_be_visible(timeout=MINUTE)
    return str(batch)


async def tab_to(page: Page, css: str) -> None:
    """Goes there as one does without a mouse; fails where the keyboard does not lead."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("css => document.activeElement?.matches(css)", css):
            return
    raise AssertionError(f"Tab does not come to {css}")


async def choose(page: Page, press: Awaitable[None], photos: list[Path]) -> None:
    """Opens the system's file chooser by this press, and picks these photos there."""
    async with page.expect_file_chooser() as chooser:
        await press
    await (await chooser.value).set_files(photos)


async def lose_the_answer(route: Route) -> None:
    """What is asked for is done, and nobody hears of it."""
    await route.fetch()
    await route.abort()
