"""A process that reads batches slowly, to be killed: `work` in a process of its own.

With a folder it hands it in; either way it ends when no batch is unfinished. Each photo looked at is a line in
DATA/looks.log, each item read one in DATA/read.log."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from backend.cli.photos import hand_in
from backend.core.reading import ItemReading, PhotoInput, Sight
from backend.photos import batches
from backend.runtime import running
from backend.settings import Settings
from tests.fakes import t_shirt


class SlowReader:
    """Takes a moment for each photo and each item, and keeps logs that survive it. It sees nothing on single photos."""

    name = "slow"

    def __init__(self, data: Path) -> None:
        self._log, self._looks = data / "read.log", data / "looks.log"

    async def describe_photo(self, photo: PhotoInput) -> Sight | None:
        await asyncio.sleep(0.1)
        with self._looks.open("a") as log:
            log.write(f"{photo.name}\n")
        return None

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        await asyncio.sleep(0.3)
        with self._log.open("a") as log:
            log.write(f"{photos[0].name}\n")
        return t_shirt(photos)

    async def aclose(self) -> None:
        return None


async def _read(data: Path, folder: Path | None) -> None:
    async with running(Settings(data=data), run_jobs=True, analyzer=SlowReader(data)) as runtime:
        if folder is not None:
            await hand_in(runtime, folder, {"audience": "women", "condition": "good"})
        while await runtime.database.look(batches.unfinished):
            await asyncio.sleep(0.05)


def work(data: Path, folder: Path | None) -> None:
    asyncio.run(_read(data, folder))
