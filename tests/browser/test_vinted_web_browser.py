"""One browser for all: bounded, restarted after it died, contexts closed whatever happens. Real Chromium."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.async_api import Error as PlaywrightError

from backend.core.errors import SetupError, VintedNetworkError
from backend.marketplace.port import AccountSession
from backend.marketplace.vinted_web.browser import Browsers
from backend.marketplace.vinted_web.route import VintedWebRoute

EMPTY: dict[str, list[object]] = {"cookies": [], "origins": []}
STORED: Any = {
    "cookies": [],
    "origins": [{"origin": "http://127.0.0.1", "localStorage": [{"name": "a", "value": "b"}]}],
}


@pytest.fixture
async def browsers() -> AsyncIterator[Browsers]:
    pool = Browsers(contexts=2)
    yield pool
    await pool.aclose()


def chromium_processes() -> list[psutil.Process]:
    """The running Chromiums below this process: neither Debian's shell wrapper nor the children they start."""
    return [p for p in psutil.Process().children(recursive=True) if _is_chromium(p)]


def _is_chromium(process: psutil.Process) -> bool:
    try:
        return "chrom" in Path(process.exe()).name and not any(a.startswith("--type=") for a in process.cmdline())
    except psutil.Error:  # it ended meanwhile
        return False


async def test_one_browser_serves_fresh_contexts_and_ends_with_the_pool() -> None:
    pool = Browsers(contexts=2)
    assert chromium_processes() == []
    for _ in range(2):
        async with pool.context(EMPTY, locale="fr") as context:
            assert await context.cookies() == []
            page = await context.new_page()
            assert await page.evaluate("navigator.language") == "fr"
            await context.add_cookies([{"name": "a", "value": "b", "url": "http://127.0.0.1"}])
        assert len(chromium_processes()) == 1
    await pool.aclose()
    assert chromium_processes() == []


async def test_no_more_contexts_than_allowed_are_open_at_once(browsers: Browsers) -> None:
    open_now, most = 0, 0

    async def use() -> None:
        nonlocal open_now, most
        async with browsers.context(EMPTY, locale="fr") as context:
            open_now += 1
            most = max(most, open_now)
            await context.new_page()
            open_now -= 1

    await asyncio.gather(*(use() for _ in range(5)))
    assert most == 2


async def test_a_browser_that_died_is_started_again(browsers: Browsers) -> None:
    async with browsers.context(EMPTY, locale="fr") as context:
        await context.new_page()
        (first,) = chromium_processes()
        gone = asyncio.Event()
        assert context.browser is not None
        context.browser.on("disconnected", lambda _: gone.set())
        os.kill(first.pid, signal.SIGKILL)
        await asyncio.wait_for(gone.wait(), 10)
    async with browsers.context(EMPTY, locale="fr") as context:
        assert await (await context.new_page()).evaluate("1 + 1") == 2
    assert first.pid not in [p.pid for p in chromium_processes()]


async def test_calls_the_browser_died_in_fail_and_hang_nobody(browsers: Browsers) -> None:
    """The driver forgets some of them, and without more than Playwright does they are never answered."""
    for delay in (0.0, 0.05, 0.1, 0.2, 0.3):
        async with browsers.context(EMPTY, locale="fr") as context:
            assert context.browser is not None
            under_way = [asyncio.ensure_future(context.browser.new_context(storage_state=STORED)) for _ in range(3)]
            await asyncio.sleep(delay)
            for process in psutil.Process().children(recursive=True):
                if "chrom" in process.name():
                    process.kill()
            _, hung = await asyncio.wait(under_way, timeout=60)
            assert not hung
            assert all(isinstance(call.exception(), PlaywrightError | None) for call in under_way)


async def test_a_context_is_closed_and_its_place_given_back_after_a_failure(browsers: Browsers) -> None:
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with browsers.context(EMPTY, locale="fr") as context:
                browser = context.browser
                raise ZeroDivisionError
    assert browser is not None and browser.contexts == []


async def test_a_browser_that_does_not_start_is_a_setup_error() -> None:
    pool = Browsers("/bin/false")
    with pytest.raises(SetupError, match="does not start"):
        async with pool.context(EMPTY, locale="fr"):
            pass
    await pool.aclose()


async def test_an_unreachable_marketplace_is_named(browsers: Browsers) -> None:
    route = VintedWebRoute(browsers, diagnostics_dir=None, step_timeout=5)
    cookie = {"name": "a", "value": "b", "domain": "127.0.0.1", "path": "/", "expires": -1,
              "httpOnly": False, "secure": False, "sameSite": "Lax"}  # fmt: skip
    account = AccountSession("http://127.0.0.1:9", "lea", {"cookies": [cookie], "origins": []})
    with pytest.raises(VintedNetworkError, match=r"127\.0\.0\.1:9"):
        await route.check_session(account)
