"""A watched folder: photos put there become a batch, as if they had been dropped on the page.

Owns when a file counts as wholly there, and moving what was taken to the subfolder `taken`. As long as it is not known
whether they became a batch, a mark with the batch's id lies beside them; where they did not, they are put back. Owns no
batch: what is found is handed to `take`.
"""

import asyncio
import stat
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from loguru import logger

from backend.core.errors import VintedBotError
from backend.db.models import new_id
from backend.photos.batches import IncomingFile

TAKEN = "taken"
LOOK_EVERY = 2.0
MARK = ".batch-"
LEFT_SECONDS = 60.0
"""A mark of this age is not being worked on by anybody: whoever set it has died."""

Seen = Mapping[Path, tuple[int, int]]
Take = Callable[[str, list[IncomingFile]], Awaitable[None]]
"""Makes the batch of that id."""
IsTaken = Callable[[str], Awaitable[bool]]
"""Whether there is a batch of that id."""


async def watch(inbox: Path, take: Take, is_taken: IsTaken, *, most: int, every: float = LOOK_EVERY) -> None:
    """Looks at the folder for ever, and takes `most` files at a time. A look at which nothing has changed since the one
    before means all has arrived."""
    before: Seen = {}
    doubtful = True
    while True:
        try:
            if doubtful:
                doubtful = await _settle_left(inbox, is_taken)
            now = await asyncio.to_thread(look, inbox)
            if now and now == before:
                await _take_all(inbox, sorted(now), take, is_taken, most)
            before = now
        except Exception as error:  # noqa: BLE001 - the watch's edge: it goes on, whatever was in the way
            doubtful = True
            expected = isinstance(error, (OSError, VintedBotError))
            logger.opt(exception=not expected).bind(inbox=str(inbox)).warning("inbox_not_taken: {}", error)
        await asyncio.sleep(every)


async def _take_all(inbox: Path, paths: Sequence[Path], take: Take, is_taken: IsTaken, most: int) -> None:
    """Hands the files on; what can't be taken now is put back, to be taken at another look."""
    for start in range(0, len(paths), most):
        batch_id = new_id()
        home = inbox / TAKEN / f"{datetime.now().astimezone():%Y-%m-%d %H.%M.%S.%f}"
        try:
            files = await asyncio.to_thread(set_aside, inbox, paths[start : start + most], home, batch_id)
            if files:
                await take(batch_id, files)
        except Exception:
            await _settle(inbox, home / f"{MARK}{batch_id}", is_taken)
            raise
        await _settle(inbox, home / f"{MARK}{batch_id}", is_taken)


async def _settle_left(inbox: Path, is_taken: IsTaken) -> bool:
    """Settles what somebody left half done; whether some may still be."""
    await asyncio.to_thread(inbox.mkdir, parents=True, exist_ok=True)
    marks = await asyncio.to_thread(lambda: [(mark, mark.stat().st_mtime) for mark in inbox.glob(f"{TAKEN}/*/{MARK}*")])
    old = [mark for mark, at in marks if time.time() - at > LEFT_SECONDS]
    for mark in old:
        await _settle(inbox, mark, is_taken)
    return len(old) < len(marks)


async def _settle(inbox: Path, mark: Path, is_taken: IsTaken) -> None:
    """The files beside the mark are in their batch, or put back."""
    if not await is_taken(mark.name.removeprefix(MARK)):
        await asyncio.to_thread(put_back, inbox, mark.parent)
    await asyncio.to_thread(_forget, mark)


def look(inbox: Path) -> Seen:
    """The files there, with size and time of change; hidden ones and those taken are none."""
    found = {}
    for path in inbox.rglob("*"):
        parts = path.relative_to(inbox).parts
        if parts[0] == TAKEN or any(part.startswith(".") for part in parts):
            continue
        try:
            there = path.stat()
        except OSError:  # its owner has taken it away, or lets nobody look at it
            continue
        if stat.S_ISREG(there.st_mode):
            found[path] = (there.st_size, there.st_mtime_ns)
    return found


def set_aside(inbox: Path, paths: Sequence[Path], home: Path, batch_id: str) -> list[IncomingFile]:
    """Moves the files to the new folder `home`, with a mark; there they stay, for their owner."""
    home.mkdir(parents=True)
    (home / f"{MARK}{batch_id}").touch()
    files = []
    for path in paths:
        below = path.relative_to(inbox)
        target = home / below
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.rename(target)
        except FileNotFoundError:  # its owner has taken it away
            continue
        folder = "" if str(below.parent) == "." else str(below.parent)
        files.append(IncomingFile(target, below.name, folder))
    return files


def put_back(inbox: Path, home: Path) -> None:
    """Moves the files to where they were, never over another."""
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.name.startswith(MARK):
            target = inbox / path.relative_to(home)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(_free(target))


def _free(path: Path) -> Path:
    names = (path, *(path.with_stem(f"{path.stem} ({n})") for n in range(2, 1000)))
    return next(name for name in names if not name.exists())


def _forget(mark: Path) -> None:
    """The mark, and its folder where that holds no file."""
    mark.unlink(missing_ok=True)
    folders = [path for path in sorted(mark.parent.rglob("*"), reverse=True) if path.is_dir()]
    for folder in (*folders, mark.parent):
        if folder.is_dir() and not any(folder.iterdir()):  # it is not there where it could not be made
            folder.rmdir()
