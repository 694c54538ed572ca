"""`doctor`: what works on this machine, what doesn't, and the fix for each."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import httpx
import typer
from sqlalchemy import text

from backend.cli.terminal import AsJson, carry_out, out, settings_of, show_json
from backend.core.errors import VintedBotError
from backend.core.model_calls import Unmetered
from backend.db.engine import Database
from backend.marketplace.vinted_web.browser import Browsers, find_browser
from backend.photos.store import LocalStore
from backend.runtime import build_analyzer
from backend.settings import Settings, prepare_data_folder

LEAST_FREE_MB = 500
MOST_CLOCK_DRIFT = 60


@dataclass(frozen=True)
class Finding:
    name: str
    ok: bool
    told: str
    seconds: float


def doctor(as_json: AsJson = False) -> None:
    """Checks browser, database, photos' folder, reader, disk and clock; each failure names its fix."""

    async def act() -> list[Finding]:
        settings = settings_of()
        return [await _look(name, check, settings) for name, check in CHECKS.items()]

    findings = carry_out(act, as_json=as_json)
    if as_json:
        show_json([asdict(f) for f in findings])
    else:
        for f in findings:
            out.print(f"[{'green]✓' if f.ok else 'red]✗'}[/] [bold]{f.name}[/]  {f.told}", highlight=False)
    raise typer.Exit(0 if all(f.ok for f in findings) else 4)


async def _look(name: str, check: Callable[[Settings], Awaitable[str]], settings: Settings) -> Finding:
    started = time.perf_counter()
    try:
        told, ok = await check(settings), True
    except VintedBotError as error:
        told, ok = str(error), False
    return Finding(name, ok, told, round(time.perf_counter() - started, 3))


async def _data(settings: Settings) -> str:
    prepare_data_folder(settings)
    return f"{settings.data} can be written to"


async def _database(settings: Settings) -> str:
    database = Database(settings.database)
    try:
        await asyncio.to_thread(database.migrate)
        await database.run(lambda session: session.connection().execute(text("select 1")))
    finally:
        database.close()
    return "SQLite in the data folder" if database.is_sqlite else "PostgreSQL answers"


async def _storage(settings: Settings) -> str:
    store = LocalStore(settings.photo_folder)
    store.delete(store.put(b"probe", ".txt"))
    return f"{settings.photo_folder} keeps photos"


async def _browser(settings: Settings) -> str:
    choice = find_browser(settings.browser)
    browsers = Browsers(settings.browser, contexts=1)
    try:
        async with browsers.context({}, locale="fr-FR"):
            return f"{choice} opens a page"
    finally:
        await browsers.aclose()


async def _reader(settings: Settings) -> str:
    if settings.reader == "embedded":
        await build_analyzer(settings, Unmetered()).aclose()
        return "reads offline, no key needed"
    address = (settings.openai_base_url or "https://api.openai.com/v1").rstrip("/")
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else "none"
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(f"{address}/models", headers={"Authorization": f"Bearer {key}"})
    except httpx.HTTPError as error:
        raise VintedBotError(f"{address} can't be reached ({error}). Check OPENAI_BASE_URL.") from error
    if answer.status_code != httpx.codes.OK:
        raise VintedBotError(f"{address} answers {answer.status_code}. Check OPENAI_API_KEY and OPENAI_BASE_URL.")
    await build_analyzer(settings, Unmetered()).aclose()  # a budget that can't be kept is a fault
    limits = {"day": settings.model_day_budget, "batch": settings.model_batch_budget}
    budget = ", ".join(f"${limit} a {name}" for name, limit in limits.items() if limit is not None)
    return f"{address} answers; model {settings.model}; budget {budget or 'none set'}"


async def _disk(settings: Settings) -> str:
    free = shutil.disk_usage(settings.data).free // 1_000_000
    if free < LEAST_FREE_MB:
        raise VintedBotError(
            f"Only {free} MB are free for {settings.data}. Free some space ({LEAST_FREE_MB} MB or more)."
        )
    return f"{free:,} MB free"


async def _clock(settings: Settings) -> str:
    """Against what was written here before: sessions, signatures and limits depend on a clock that goes forward."""
    newest = max((path.stat().st_mtime for path in settings.data.iterdir()), default=0.0)
    behind = newest - time.time()
    if behind > MOST_CLOCK_DRIFT:
        raise VintedBotError(
            f"This machine's clock is {behind:.0f} s behind its own files. Set it, for instance with: "
            "timedatectl set-ntp true"
        )
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


CHECKS: dict[str, Callable[[Settings], Awaitable[str]]] = {
    "data folder": _data,
    "database": _database,
    "photo storage": _storage,
    "browser": _browser,
    "reader": _reader,
    "disk": _disk,
    "clock": _clock,
}
