"""A watched folder: photos put there become a batch, as if they had been dropped on the page.

Owns when a file counts as wholly there, and moving what was taken to the subfolder `taken`. Owns no batch: what is
found is handed to `take`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path

from loguru import logger

from backend.core.errors import VintedBotError
from backend.photos.batches import IncomingFile

TAKEN = "taken"
LOOK_EVERY = 2.0
Seen = Mapping[Path, tuple[int, int]]
Take = Callable[[list[IncomingFile]], Awaitable[None]]


async def watch(inbox: Path, take: Take, *, every: float = LOOK_EVERY) -> None:
    """Looks at the folder for ever. A look at which nothing has changed since the one before means all has arrived."""
    before: Seen = {}
    while True:
        now = await asyncio.to_thread(look, inbox)
        if now and now == before:
            await _take(inbox, sorted(now), take)
        before = now
        await asyncio.sleep(every)


async def _take(inbox: Path, paths: list[Path], take: Take) -> None:
    """Hands the files on; what can't be taken now is put back, to be taken at another look."""
    files: list[IncomingFile] = []
    try:
        files = await asyncio.to_thread(set_aside, inbox, paths)
        await take(files)
    except (OSError, VintedBotError) as error:
        logger.bind(inbox=str(inbox)).warning("inbox_not_taken: {}", error)
        for file in files:
            file.path.rename(inbox / file.folder / file.name)


def look(inbox: Path) -> Seen:
    """The files there, with size and time of change; hidden ones and those taken are none."""
    found = {}
    for path in inbox.rglob("*"):
        parts = path.relative_to(inbox).parts
        if parts[0] == TAKEN or any(part.startswith(".") for part in parts) or not path.is_file():
            continue
        stat = path.stat()
        found[path] = (stat.st_size, stat.st_mtime_ns)
    return found


def set_aside(inbox: Path, paths: list[Path]) -> list[IncomingFile]:
    """Moves the files to a subfolder of the moment, never over another file; there they stay, for their owner."""
    home = inbox / TAKEN / f"{datetime.now().astimezone():%Y-%m-%d %H.%M.%S.%f}"
    files = []
    for path in paths:
        below = path.relative_to(inbox)
        target = home / below
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
        folder = "" if str(below.parent) == "." else str(below.parent)
        files.append(IncomingFile(target, below.name, folder))
    return files
