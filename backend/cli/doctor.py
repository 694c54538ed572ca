"""`doctor`: what works on this machine, what doesn't, and the fix for each; `/ready`'s checks, and some more."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import typer

from backend.building import build_analyzer, model_check
from backend.chosen_reader import at_rest
from backend.cli.terminal import AsJson, carry_out, out, settings_of, show_json
from backend.core.errors import SetupError
from backend.core.model_calls import Unmetered
from backend.db.engine import Database
from backend.photos.store import LocalStore
from backend.settings import Settings, prepare_data_folder
from backend.watch import checks
from backend.watch.checks import Check, Part, Probe


def doctor(as_json: AsJson = False) -> None:
    """Checks browser, database, photos' folder, reader, disk and clock; each failure names its fix.

    Example: `vintedbot doctor --json`"""

    async def act() -> list[Check]:
        settings = settings_of()
        return [await checks.check(name, Part(probe(settings))) for name, probe in PROBES.items()]

    findings = carry_out(act, as_json=as_json)
    if as_json:
        show_json([asdict(f) for f in findings])
    else:
        for f in findings:
            mark, took = "green]✓" if f.ok else "red]✗", f"{f.seconds * 1000:.0f} ms"
            out.print(f"[{mark}[/] [bold]{f.name}[/]  {f.told}  [dim]{took}[/]", highlight=False)
    raise typer.Exit(0 if all(f.ok for f in findings) else 4)


async def _data(settings: Settings) -> str:
    prepare_data_folder(settings)
    return f"{settings.data} can be written to"


async def _database(settings: Settings) -> str:
    database = Database(settings.database)
    try:
        await asyncio.to_thread(database.migrate)
        return await checks.database(database)
    finally:
        database.close()


async def _reader(settings: Settings) -> str:
    """The service, and that a reader can be built: a budget that can't be kept is a fault."""
    held = await asyncio.to_thread(at_rest, settings)
    if held.trouble:
        raise SetupError(held.trouble, code="model_key_lost")
    settings = held.settings
    told = await model_check(settings)()
    await build_analyzer(settings, Unmetered()).aclose()
    limits = {
        "day": settings.model_day_budget,
        "day and user": settings.model_user_day_budget,
        "batch": settings.model_batch_budget,
    }
    budget = ", ".join(f"${limit} a {name}" for name, limit in limits.items() if limit is not None)
    return told if settings.reader == "embedded" else f"{told}; budget {budget or 'none set'}"


PROBES: dict[str, Callable[[Settings], Probe]] = {
    "data folder": lambda settings: partial(_data, settings),
    "database": lambda settings: partial(_database, settings),
    "photo storage": lambda settings: partial(checks.storage, LocalStore(settings.photo_folder)),
    "browser": lambda settings: partial(checks.browser_opens, settings.browser),
    "reader": lambda settings: partial(_reader, settings),
    "disk": lambda settings: partial(checks.disk, settings.data),
    "clock": lambda settings: partial(checks.clock, settings.data),
}
