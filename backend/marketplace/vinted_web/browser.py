"""Which browser, and one of it: started when first needed, shared, restarted if it died, closed at the end.

A call to a browser that dies just then may never be answered, since Playwright's driver forgets it: so the driver goes
with its browser, and every call still under way fails at once.

Owns finding and running Chromium. Does not own what happens on a page. Nothing here hides that the browser is
automated: no fingerprint is changed and no proxy is used.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import playwright
from playwright.async_api import Browser, BrowserContext, Error, Playwright, StorageState, async_playwright

from backend.core import runs
from backend.core.errors import SetupError, VintedNetworkError

QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
    "--disable-quic",
)
SYSTEM_HEADLESS = ("chromium-headless-shell", "chromium", "google-chrome")
SYSTEM_HEADED = ("chromium", "google-chrome")
_MISSING = (
    "No browser was found. Install one: `playwright install chromium-headless-shell`, or on Debian "
    "`apt-get install --no-install-recommends chromium-headless-shell`. "
    "To use another, set its path (VINTEDBOT_BROWSER)."
)
_MISSING_HEADED = (
    "No browser with a window was found. Install one: `playwright install chromium`, or on Debian "
    "`apt-get install --no-install-recommends chromium`."
)


@dataclass(frozen=True)
class BrowserChoice:
    """A browser to launch. `executable` is None for Playwright's own, which finds itself by `channel`."""

    name: str
    executable: Path | None = None
    channel: str | None = None


def find_browser(explicit: str | None = None, *, headed: bool = False) -> BrowserChoice:
    """The browser to use: the one set, Playwright's own if installed, then the system's. Raises `SetupError`."""
    if explicit:
        path = shutil.which(explicit)
        if path is None:
            raise SetupError(f"The browser set as {explicit!r} is not an executable file here.")
        return BrowserChoice(Path(path).name, Path(path))
    if not headed and _playwright_has("chromium-headless-shell"):
        return BrowserChoice("playwright chromium-headless-shell")
    if _playwright_has("chromium"):
        return BrowserChoice("playwright chromium", channel="chromium")
    for name in SYSTEM_HEADED if headed else SYSTEM_HEADLESS:
        if found := shutil.which(name):
            return BrowserChoice(name, Path(found))
    raise SetupError(_MISSING_HEADED if headed else _MISSING)


def _playwright_has(name: str) -> bool:
    """Whether Playwright's own build is installed: its registry leaves a marker beside each finished download."""
    package = Path(playwright.__file__).parent / "driver" / "package"
    listed = json.loads((package / "browsers.json").read_text(encoding="utf-8"))["browsers"]
    revision = next(b["revision"] for b in listed if b["name"] == name)
    folder = _playwright_registry(package) / f"{name.replace('-', '_')}-{revision}"
    return (folder / "INSTALLATION_COMPLETE").exists()


def _playwright_registry(package: Path) -> Path:
    if told := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        return package / ".local-browsers" if told == "0" else Path(told)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "ms-playwright"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "ms-playwright"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ms-playwright"


def launch_arguments() -> list[str]:
    """Chromium's flags: quiet, and without its sandbox only where it can't have one (root)."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*QUIET, *(["--no-sandbox"] if root else [])]


async def launch(driver: Playwright, choice: BrowserChoice, *, headless: bool = True) -> Browser:
    """Starts the chosen browser; the process's own signal handlers stay in charge. Raises `SetupError`."""
    try:
        return await driver.chromium.launch(
            executable_path=choice.executable,
            channel=choice.channel,
            headless=headless,
            args=launch_arguments(),
            env=runs.marked_environment(),
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )
    except Error as error:
        raise SetupError(f"The browser {choice.name} does not start: {error.message.splitlines()[0]}") from error


class Place:
    """One of the browser's places, held from entering to leaving, but for while it is `lent`."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self._held = False

    async def __aenter__(self) -> Self:
        await self._free.acquire()
        self._held = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._give_up()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Inside, others may have the place; the page stays open. What fails inside does not wait for it again."""
        self._give_up()
        yield
        await self.__aenter__()

    def _give_up(self) -> None:
        if self._held:
            self._held = False
            self._free.release()


class Browsers:
    """One headless browser a process, on one event loop; at most `contexts` accounts at work in it at a time."""

    def __init__(self, explicit: str | None = None, *, contexts: int = 2) -> None:
        self._explicit = explicit
        self._slots = asyncio.Semaphore(contexts)
        self._starting = asyncio.Lock()
        self._driver: Playwright | None = None
        self._browser: Browser | None = None

    def place(self) -> Place:
        """For who wants to lend its place: to be handed to `context`."""
        return Place(self._slots)

    @asynccontextmanager
    async def context(
        self, storage_state: Mapping[str, Any], *, locale: str, place: Place | None = None
    ) -> AsyncIterator[BrowserContext]:
        """A fresh context with this session, closed on the way out whatever happened inside."""
        async with place or self.place():
            context = await self._open(cast(StorageState, dict(storage_state)), locale)
            try:
                yield context
            finally:
                await _close_quietly(context)

    async def aclose(self) -> None:
        async with self._starting:
            if self._browser is not None:
                await _close_quietly(self._browser)
            await self._let_go()

    async def _open(self, storage_state: StorageState, locale: str) -> BrowserContext:
        for last in (False, True):
            browser = await self._running()
            try:
                return await browser.new_context(storage_state=storage_state, locale=locale)
            except Error as error:
                if browser.is_connected() or last:
                    raise VintedNetworkError(f"The browser opened no page: {error.message}", code="browser") from error
        raise AssertionError("unreachable")

    async def _running(self) -> Browser:
        async with self._starting:
            if self._browser is None or not self._browser.is_connected():
                await self._let_go()
                self._driver = await _start_driver()
                self._browser = await launch(self._driver, find_browser(self._explicit))
                self._browser.once("disconnected", self._buried)
            return self._browser

    async def _buried(self, browser: Browser) -> None:
        if browser is self._browser:
            await self._let_go()

    async def _let_go(self) -> None:
        driver, self._driver, self._browser = self._driver, None, None
        if driver is not None:
            await driver.stop()


async def _start_driver() -> Playwright:
    """Playwright's driver, a Node.js of its own. Raises `SetupError`: a minimal Debian lacks a library it needs."""
    try:
        return await async_playwright().start()
    except Exception as error:  # the driver's death comes as whatever its connection met first
        raise SetupError(
            f"Playwright's driver does not start ({_first_line(error)}). On Debian: apt-get install libatomic1"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


async def _close_quietly(thing: Browser | BrowserContext) -> None:
    """A browser that died is closed already."""
    try:
        await thing.close()
    except Error:
        return
