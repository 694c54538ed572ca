"""Putting a backup back, into an empty installation: all of it, or nothing.

Everything is taken out into a folder beside its place and checked, digest by digest, before the first row is written.
Then rows, and what they may not go on doing (`aftermath.py`), are one transaction; files are moved to their places
before it is committed, and taken back if it isn't. Killed in between it leaves files without rows, which the next try
accepts: they are the backup's own. Owns this order.
"""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from alembic import command
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlmodel import Session

from backend.backup import tables
from backend.backup.aftermath import Aftermath, hold_what_was_under_way
from backend.backup.archive import ArchiveReader, Entry, Readable
from backend.backup.envelope import OpeningReader, is_sealed
from backend.backup.installation import DATA_MARK, STAGING, Installation, rows_there
from backend.backup.making import Progress
from backend.core.errors import BackupRefused, SetupError
from backend.db.engine import alembic_config

_BLOCK = 1 << 20
_TABLE = ".jsonl.gz"


@dataclass
class Restored:
    """What was in the backup and, unless it was only checked, is now in the installation."""

    file: str
    schema: str
    made_at: str
    encrypted: bool
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    aftermath: Aftermath = field(default_factory=Aftermath)
    seconds: float = 0.0


@dataclass
class _Staged:
    """What was taken out of the backup: entries' names with the files that hold them for now."""

    result: Restored
    at: dict[str, Path] = field(default_factory=dict)
    tables: dict[str, Path] = field(default_factory=dict)


def check(file: Path, *, passphrase: str | None = None, progress: Progress = lambda *_: None) -> Restored:
    """Reads the whole backup, compares every digest, and writes nothing. Raises BackupRefused."""
    began = time.monotonic()
    with _opened(file, passphrase) as (reader, result, position):
        for entry in reader.entries():
            _count(result, entry)
            if entry.kind == "tables":
                result.rows[_table_name(entry)] = tables.count_rows(entry.content)
            progress("check", position(), file.stat().st_size)
    result.seconds = round(time.monotonic() - began, 2)
    return result


def restore(
    installation: Installation,
    file: Path,
    *,
    lone_user: str,
    passphrase: str | None = None,
    progress: Progress = lambda *_: None,
) -> Restored:
    """Puts the backup into the installation, which has to be empty; `lone_user` is whom every start makes.

    Raises BackupRefused (damaged, cut off, wrong passphrase, too new, not empty) or SetupError, and changes nothing."""
    began = time.monotonic()
    try:
        with ExitStack() as stack:
            staged = _stage(installation, file, passphrase, progress, stack)
            _refuse_if_not_empty(installation, staged, lone_user)
            _put_back(installation, staged, lone_user, progress)
    except OSError as error:
        raise SetupError(f"The backup can't be put back ({error.strerror or error}). Nothing was changed.") from error
    staged.result.seconds = round(time.monotonic() - began, 2)
    return staged.result


@contextmanager
def _opened(file: Path, passphrase: str | None) -> Iterator[tuple[ArchiveReader, Restored, Any]]:
    try:
        source = file.open("rb")
    except OSError as error:
        raise BackupRefused(f"The backup {file} can't be read ({error.strerror}).", code="backup_unknown") from error
    with source:
        sealed = is_sealed(source.read(8))
        source.seek(0)
        if sealed and passphrase is None:
            raise BackupRefused("This backup is encrypted: its passphrase is needed.", code="backup_passphrase")
        stream: Readable = OpeningReader(source, passphrase or "") if sealed else source
        reader = ArchiveReader(stream)
        about = reader.manifest
        yield reader, Restored(str(file), str(about.get("schema")), str(about.get("made_at")), sealed), source.tell


def _stage(
    installation: Installation, file: Path, passphrase: str | None, progress: Progress, stack: ExitStack
) -> _Staged:
    """Takes everything out, each kind beside the folder it is for. Raises BackupRefused."""
    folders = _staging_folders(installation, stack)
    with _opened(file, passphrase) as (reader, result, position):
        staged = _Staged(result)
        _known_schema(installation, result.schema, str(reader.manifest.get("version")))
        for number, entry in enumerate(reader.entries()):
            held = folders[entry.kind] / f"{number:08d}"
            with os.fdopen(os.open(held, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                _copy(entry, out)
            _count(result, entry)
            if entry.kind == "tables":
                staged.tables[_table_name(entry)] = held
            elif entry.kind != "keys" or entry.path in installation.keys:
                staged.at[entry.name] = held
            progress("check", position(), file.stat().st_size)
    return staged


def _staging_folders(installation: Installation, stack: ExitStack) -> dict[str, Path]:
    """A folder of its own for each kind, on the disk where it will stay; gone when the stack ends, whatever happens."""
    homes = {kind: folder.parent for kind, folder in installation.folders.items()}
    homes |= {"tables": installation.data, "keys": installation.data}
    made: dict[str, Path] = {}
    for kind, home in homes.items():
        home.mkdir(parents=True, exist_ok=True)
        for left in home.glob(f"{STAGING}{kind}-*"):  # by a process that died while it restored
            shutil.rmtree(left, ignore_errors=True)
        made[kind] = home / f"{STAGING}{kind}-{secrets.token_hex(4)}"
        made[kind].mkdir(mode=0o700)
        stack.callback(shutil.rmtree, made[kind], ignore_errors=True)
    return made


def _copy(entry: Entry, out: IO[bytes]) -> None:
    while piece := entry.content.read(_BLOCK):
        out.write(piece)


def _count(result: Restored, entry: Entry) -> None:
    if entry.kind == "keys":
        result.keys.append(entry.path)
    elif entry.kind != "tables":
        result.files[entry.kind] = result.files.get(entry.kind, 0) + 1


def _table_name(entry: Entry) -> str:
    return entry.path.removesuffix(_TABLE)


def _known_schema(installation: Installation, schema: str, made_by: str) -> None:
    with installation.database.engine.connect() as connection, alembic_config(connection) as config:
        try:
            ScriptDirectory.from_config(config).get_revision(schema)
        except CommandError:
            raise BackupRefused(
                f"This backup was made by version {made_by}, with newer tables ({schema}) than this version knows. "
                "Update VintedBot, then restore it.",
                code="backup_too_new",
            ) from None


def _refuse_if_not_empty(installation: Installation, staged: _Staged, lone_user: str) -> None:
    with installation.database.snapshot() as connection:
        rows = rows_there(connection, lone_user) if tables.revision_of(connection) else 0
    foreign = [
        name
        for kind in installation.folders
        for name, path in installation.files(kind)
        if not _is_the_same(path, staged.at.get(f"{kind}/{name}"))
    ]
    if rows or foreign:
        raise BackupRefused(
            f"{installation.data} is in use: {rows} rows and {len(foreign)} files that are not this backup's. A backup "
            "is put into an empty installation only: choose another folder with --data (and an empty database).",
            code="not_empty",
        )


def _is_the_same(path: Path, staged: Path | None) -> bool:
    return staged is not None and path.stat().st_size == staged.stat().st_size and _equal(path, staged)


def _equal(one: Path, other: Path) -> bool:
    with one.open("rb") as first, other.open("rb") as second:
        while (piece := first.read(_BLOCK)) == second.read(_BLOCK):
            if not piece:
                return True
    return False


def _put_back(installation: Installation, staged: _Staged, lone_user: str, progress: Progress) -> None:
    with ExitStack() as undo:
        with installation.database.connection() as connection:
            _fill(installation, connection, staged, lone_user, progress)
            staged.result.aftermath = hold_what_was_under_way(Session(connection))
            _move_files(installation, staged, undo, progress)
            os.sync()  # once for thousands of files: all on the disk before the rows that name them are
        undo.pop_all()


def _fill(
    installation: Installation, connection: Connection, staged: _Staged, lone_user: str, progress: Progress
) -> None:
    """The tables as the backup's version had them, its rows, and then the tables as this version wants them."""
    for table in reversed(tables.tables_of(connection)):
        table.drop(connection)
    if tables.revision_of(connection):
        connection.exec_driver_sql(f"delete from {tables.VERSION_TABLE}")  # noqa: S608
    with alembic_config(connection) as config:
        command.upgrade(config, staged.result.schema)
        _load(installation, connection, staged, progress)
        command.upgrade(config, "head")


def _load(installation: Installation, connection: Connection, staged: _Staged, progress: Progress) -> None:
    def placed(table: str, row: dict[str, Any]) -> dict[str, Any]:
        source = row.get("source_path") if table == "photos" else None
        if isinstance(source, str) and source.startswith(DATA_MARK):
            row["source_path"] = str(installation.data) + source.removeprefix(DATA_MARK)
        return row

    found = tables.tables_of(connection)
    if unknown := staged.tables.keys() - {table.name for table in found}:
        raise BackupRefused(f"This backup holds tables nobody knows: {', '.join(sorted(unknown))}.")
    for number, table in enumerate(found):
        progress("tables", number, len(found))
        if (held := staged.tables.get(table.name)) is not None:
            with held.open("rb") as source:
                staged.result.rows[table.name] = tables.load(connection, table, tables.lines_of(source), placed)
    progress("tables", len(found), len(found))


def _move_files(installation: Installation, staged: _Staged, undo: ExitStack, progress: Progress) -> None:
    """Each file to its place; `undo` takes back what was moved."""
    for number, (name, held) in enumerate(staged.at.items()):
        kind, _, path = name.partition("/")
        target = installation.target(kind, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        before = target.read_bytes() if kind == "keys" and target.exists() else None
        if before is not None:
            undo.callback(_rewrite, target, before)
        elif not target.exists():
            undo.callback(target.unlink, missing_ok=True)
        shutil.move(held, target)
        progress("files", number + 1, len(staged.at))


def _rewrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
