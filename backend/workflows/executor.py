"""Which executor this process is. Owns the lock files that make an executor id one living process's own.

Two live processes with one id would run a step twice; a process that takes a dead one's slot resumes its work.
"""

import fcntl
import os
from pathlib import Path
from typing import IO

from backend.core.errors import SetupError

_SLOTS = 64


class ExecutorSlot:
    """The lowest free slot of this data folder, held until `release`. `first`: no other process works here."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file, self.number = _take(folder)

    @property
    def first(self) -> bool:
        return self.number == 0

    @property
    def executor_id(self) -> str:
        return f"{os.uname().nodename}-{self.number}"

    def release(self) -> None:
        self._file.close()


def _take(folder: Path) -> tuple[IO[str], int]:
    for number in range(_SLOTS):
        file = (folder / f"executor-{number}.lock").open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        return file, number
    raise SetupError(f"{_SLOTS} processes already work in {folder}. End one of them first.")
