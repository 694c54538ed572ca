"""Which process runs the jobs of a data folder. Owns the lock file that makes it one living process at a time.

The engine's executor id belongs to the folder, so whoever takes the lock resumes what the one before left unfinished.
"""

import fcntl
import os
from pathlib import Path
from typing import IO


class JobsLock:
    """The right to run this folder's jobs: taken, or tried again later; gone with the process that holds it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "jobs.lock"
        self._file: IO[str] | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    @property
    def executor_id(self) -> str:
        return f"{os.uname().nodename}-{self._path.parent.name}"

    def take(self) -> bool:
        """Takes the lock if it is free; says whether it is ours now."""
        if self._file is None:
            file = self._path.open("a+")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
            self._file = file
        return True

    def somebody_works(self) -> bool:
        """Whether any living process, this one included, holds it."""
        if self.held:
            return True
        if free := self.take():
            self.release()
        return not free

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
