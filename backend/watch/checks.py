"""Does each part work? One check a part, each with how long it took and why not; `/ready` and `doctor` ask these.

Owns the checks and what they say. Knows no settings: it is handed parts and values. A check changes nothing that stays.
"""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from loguru import logger
from sqlalchemy import text

from backend.core.errors import SetupError, VintedBotError
from backend.core.redaction import hide
from backend.db.engine import Database
from backend.marketplace.vinted_web.browser import Browsers, find_browser
from backend.photos.store import PhotoStore
from backend.vision.presets import ON_THE_PAGE

LEAST_FREE_MB = 500
MOST_CLOCK_DRIFT = 60
PATIENCE = 10.0
"""Seconds after which a part that has not answered does not work."""
KEPT_FOR = 30.0
"""Seconds for which what a costly check found is told again, so that being asked often costs little."""

Probe = Callable[[], Awaitable[str]]
"""Says what works. Raises an error of ours that says what does not, and what to do."""


@dataclass(frozen=True)
class Check:
    """What a probe found. Where it is not `needed`, the rest works without."""

    name: str
    ok: bool
    told: str
    seconds: float
    needed: bool = True


@dataclass(frozen=True)
class Part:
    """A part to be asked. A `costly` one is asked every half minute at most, or when `of` gives something else: what
    was found is about that."""

    probe: Probe
    needed: bool = True
    costly: bool = False
    of: Callable[[], object] = lambda: None


class Checks:
    """The parts of one process."""

    def __init__(self, parts: Mapping[str, Part]) -> None:
        self._parts = parts
        self._kept: dict[str, tuple[float, object, Check]] = {}

    async def look(self) -> list[Check]:
        """All of them at once, in their order."""
        return list(await asyncio.gather(*(self._look(name, part) for name, part in self._parts.items())))

    async def _look(self, name: str, part: Part) -> Check:
        at, of, kept = self._kept.get(name, (0.0, None, None))
        if kept is not None and time.monotonic() - at < KEPT_FOR and of is part.of():
            return kept
        found = await check(name, part)
        if part.costly:
            self._kept[name] = (time.monotonic(), part.of(), found)
        return found


async def check(name: str, part: Part) -> Check:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            told, ok = hide(await part.probe()), True
    except VintedBotError as error:
        told, ok = str(error), False
    except TimeoutError:
        told, ok = f"It did not answer within {PATIENCE:.0f} s.", False
    except Exception as error:  # noqa: BLE001 - diagnostics: one part's fault must not hide what the others say
        logger.opt(exception=True).error("check_crashed: {}: {}", name, type(error).__name__)
        told, ok = hide(f"An unforeseen fault: {error!r}. The log says where it happened: vintedbot logs."), False
    return Check(name, ok, told, round(time.perf_counter() - started, 4), part.needed)


async def database(of: Database) -> str:
    await of.run(lambda session: session.connection().execute(text("select 1")))
    return "SQLite in the data folder" if of.is_sqlite else "PostgreSQL answers"


async def storage(store: PhotoStore) -> str:
    await asyncio.to_thread(lambda: store.delete(store.put(b"probe", ".txt")))
    return "keeps photos"


async def jobs(somebody_works: Callable[[], bool]) -> str:
    if not await asyncio.to_thread(somebody_works):
        raise SetupError("No process runs the jobs. Start one: vintedbot serve.")
    return "a process runs jobs"


async def browser_found(explicit: str | None) -> str:
    """Whether there is one to start; `browser_opens` starts it."""
    choice = await asyncio.to_thread(find_browser, explicit)
    return f"{choice.executable or choice.name} is there"


async def browser_opens(explicit: str | None) -> str:
    choice = find_browser(explicit)
    browsers = Browsers(explicit, contexts=1)
    try:
        async with browsers.context({}, locale="fr-FR"):
            return f"{choice.executable or choice.name} opens a page"
    finally:
        await browsers.aclose()


async def model(address: str, key: str | None, name: str) -> str:
    """Whether the service answers and takes the key. It costs nothing."""
    place = address.rstrip("/")
    try:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            answer = await client.get(f"{place}/models", headers={"Authorization": f"Bearer {key or 'none'}"})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SetupError(
            f"{place} can't be reached ({error}). Check OPENAI_BASE_URL, or the address {ON_THE_PAGE}."
        ) from error
    if answer.status_code != httpx.codes.OK:
        raise SetupError(
            f"{place} answers {answer.status_code}. Check OPENAI_API_KEY and OPENAI_BASE_URL, or key and address "
            f"{ON_THE_PAGE}."
        )
    return f"{place} answers; model {name}"


async def offline_reader() -> str:
    return "reads offline, no key needed"


async def disk(data: Path) -> str:
    free = shutil.disk_usage(data).free // 1_000_000
    if free < LEAST_FREE_MB:
        raise SetupError(f"Only {free} MB are free for {data}. Free some space ({LEAST_FREE_MB} MB or more).")
    return f"{free:,} MB free"


def _newest_file(folder: Path) -> float:
    """When something here was last written. What vanishes meanwhile, and a link that leads nowhere, says nothing."""
    newest = 0.0
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            newest = max(newest, path.stat().st_mtime)
    return newest


async def clock(data: Path) -> str:
    """Against what was written here before: sessions, signatures and limits depend on a clock that goes forward."""
    behind = await asyncio.to_thread(_newest_file, data) - time.time()
    if behind > MOST_CLOCK_DRIFT:
        raise SetupError(
            f"This machine's clock is {behind:.0f} s behind its own files. Set it, for instance with: "
            "timedatectl set-ntp true"
        )
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
