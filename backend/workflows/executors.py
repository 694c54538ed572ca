"""Which processes run jobs on one set of tables: each owns a slot by a lock that ends with the process.

A slot's name is the engine's executor id, and stands on every publication a process has under way; whoever asks
`is_alive` learns whether that process still lives. On SQLite a slot is a locked file in the data folder, on PostgreSQL
an advisory lock of a connection. Owns the locks. Owns no job: `engine.py` takes over what a dead executor left.
"""

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from backend.core.errors import SetupError

MOST = 64
_NAME = re.compile(r"executor-(\d{1,2})")
_LOCK_CLASS = 0x56696E74  # "Vint": our own family of advisory locks


class Executors(Protocol):
    """The slots of one set of tables, as one process sees them."""

    @property
    def mine(self) -> str | None:
        """The executor this process is, or None while it is none."""
        ...

    def take(self) -> str:
        """Becomes an executor: the first free slot. Raises SetupError when all are taken."""
        ...

    def is_alive(self, executor: str | None) -> bool:
        """Whether a living process, this one included, is that executor."""
        ...

    def any_alive(self) -> bool: ...

    def still_mine(self) -> bool:
        """Whether the slot has stayed ours: a broken connection gives it away."""
        ...

    def release(self) -> None: ...


def executors_of(url: str, folder: Path) -> Executors:
    """The slots for tables at this address (SQLAlchemy's form), kept below `folder` on SQLite."""
    return FileExecutors(folder) if url.startswith("sqlite") else AdvisoryExecutors(url)


def _name(number: int) -> str:
    return f"executor-{number}"


def _number(executor: str | None) -> int | None:
    match = _NAME.fullmatch(executor or "")
    return int(match[1]) if match else None


class FileExecutors:
    """A slot is a file, locked by its process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: IO[str] | None = None
        self.mine: str | None = None

    def take(self) -> str:
        self._folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, MOST + 1):
            if (file := self._lock(number)) is not None:
                self._held, self.mine = file, _name(number)
                return self.mine
        raise SetupError(f"{MOST} processes run jobs on {self._folder.parent} already.")

    def is_alive(self, executor: str | None) -> bool:
        number = _number(executor)
        if number is None or not self._path(number).exists():
            return False
        if executor == self.mine or (file := self._lock(number)) is None:
            return True
        file.close()
        return False

    def any_alive(self) -> bool:
        numbers = (_number(path.stem) for path in self._folder.glob("*.lock"))
        return any(self.is_alive(_name(number)) for number in numbers if number is not None)

    def still_mine(self) -> bool:
        """A lock on a file that was deleted or replaced keeps nobody out."""
        if self._held is None or self.mine is None:
            return False
        try:
            return self._path(_number(self.mine) or 0).stat().st_ino == os.fstat(self._held.fileno()).st_ino
        except OSError:
            return False

    def release(self) -> None:
        if self._held is not None:
            self._held.close()
        self._held = self.mine = None

    def _path(self, number: int) -> Path:
        return self._folder / f"{_name(number)}.lock"

    def _lock(self, number: int) -> IO[str] | None:
        file = self._path(number).open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file


class AdvisoryExecutors:
    """A slot is an advisory lock of a connection kept for it alone. The server notices within about 15 seconds when the
    machine at its other end is gone."""

    def __init__(self, url: str) -> None:
        self._engine: Engine = create_engine(url, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=1)
        self._held: Connection | None = None
        self.mine: str | None = None

    def take(self) -> str:
        connection = self._engine.connect()
        for option in ("tcp_keepalives_idle = 5", "tcp_keepalives_interval = 5", "tcp_keepalives_count = 2"):
            with suppress(DBAPIError):  # a Unix socket has none, and needs none
                connection.execute(text(f"set {option}"))
        for number in range(1, MOST + 1):
            asked = {"family": _LOCK_CLASS, "number": number}
            if connection.execute(text("select pg_try_advisory_lock(:family, :number)"), asked).scalar():
                self._held, self.mine = connection, _name(number)
                return self.mine
        connection.close()
        raise SetupError(f"{MOST} processes run jobs on this database already.")

    def is_alive(self, executor: str | None) -> bool:
        return _number(executor) in self._living()

    def any_alive(self) -> bool:
        return bool(self._living())

    def still_mine(self) -> bool:
        if self._held is None:
            return False
        try:
            self._held.execute(text("select 1"))
        except DBAPIError:
            return False
        return True

    def release(self) -> None:
        if self._held is not None:
            self._held.invalidate()  # closes the connection itself, and the lock with it
            self._held.close()
        self._held = self.mine = None
        self._engine.dispose()

    def _living(self) -> set[int]:
        query = text(
            "select objid from pg_locks where locktype = 'advisory' and classid = :family and granted and objsubid = 2 "
            "and database = (select oid from pg_database where datname = current_database())"
        )
        with self._engine.connect() as connection:
            return {int(number) for number in connection.execute(query, {"family": _LOCK_CLASS}).scalars()}
