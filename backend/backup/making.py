"""Making a backup while the server runs: the tables as they were at one moment, then the files those rows name.

A photo is written before its row is, and never changed, so every file the rows of that moment name is there. Files that
came since are kept too; what another process clears away meanwhile (old evidence) is left out. Owns the order.
"""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection

from backend.backup import tables
from backend.backup.archive import FORMAT, MANIFEST, ArchiveWriter, opened_size
from backend.backup.envelope import SealingWriter
from backend.backup.installation import DATA_MARK, Installation
from backend.core.errors import BackupRefused, SetupError
from backend.core.files import replacing

Progress = Callable[[str, int, int], None]
"""(what, done, of how many)"""
FILE_COLUMNS = {"photos": ("store_key", "thumbnail_key"), "publications": ("screenshot_key",)}
_SPOOL = 16 << 20


@dataclass
class Made:
    """What a backup holds. `missing`: photos a row names that are not there. `keys` may be empty: then the key is a
    setting, and whoever restores needs it."""

    file: str
    schema: str
    encrypted: bool
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    bytes: int = 0
    seconds: float = 0.0


def back_up(
    installation: Installation,
    target: Path,
    *,
    passphrase: str | None = None,
    overwrite: bool = False,
    progress: Progress = lambda *_: None,
) -> Made:
    """Writes the backup; `target` gets its name once all of it is on the disk. Raises BackupRefused, SetupError."""
    if target.exists() and not overwrite:
        raise BackupRefused(f"{target} is there already. Name another file, or say --overwrite.", code="backup_exists")
    began = time.monotonic()
    try:
        with replacing(target) as file:
            made = _write(installation, file, target, passphrase, progress)
            made.bytes = file.tell()
    except OSError as error:
        raise SetupError(f"The backup can't be written to {target} ({error.strerror or error}).") from error
    made.seconds = round(time.monotonic() - began, 2)
    return made


def _write(
    installation: Installation, file: IO[bytes], target: Path, passphrase: str | None, progress: Progress
) -> Made:
    sealed = SealingWriter(file, passphrase) if passphrase is not None else None
    archive = ArchiveWriter(sealed or file)
    with installation.database.snapshot() as connection:
        schema = tables.revision_of(connection)
        if schema is None:
            raise BackupRefused("There is nothing to back up: no tables yet.", code="nothing_there")
        made = Made(str(target), schema, sealed is not None)
        archive.add_json(MANIFEST, _manifest(schema, connection.dialect.name))
        named = _add_tables(installation, connection, archive, made, progress)
    _add_files(installation, archive, made, progress)
    photos = {name.removeprefix("photos/") for name in archive.checksums}
    made.missing = sorted(named - photos)
    archive.finish()
    if sealed is not None:
        sealed.close()
    return made


def _manifest(schema: str, dialect: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "schema": schema,
        "version": version("vintedbot"),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "database": dialect,
    }


def _add_tables(
    installation: Installation, connection: Connection, archive: ArchiveWriter, made: Made, progress: Progress
) -> set[str]:
    """Adds every table; returns the keys of the photos their rows name."""
    named: set[str] = set()
    ours = str(installation.data)

    def portable(table: str, row: dict[str, Any]) -> dict[str, Any]:
        named.update(row[column] for column in FILE_COLUMNS.get(table, ()) if row.get(column))
        source = row.get("source_path") if table == "photos" else None
        if isinstance(source, str) and source.startswith(f"{ours}{os.sep}"):
            row["source_path"] = DATA_MARK + source.removeprefix(ours)
        return row

    found = tables.tables_of(connection)
    for number, table in enumerate(found):
        progress("tables", number, len(found))
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as spool:
            made.rows[table.name] = tables.dump(connection, table, spool, portable)
            archive.add(f"tables/{table.name}.jsonl.gz", spool, opened_size(spool))
    progress("tables", len(found), len(found))
    return named


def _add_files(installation: Installation, archive: ArchiveWriter, made: Made, progress: Progress) -> None:
    for kind in installation.folders:
        found = list(installation.files(kind))
        made.files[kind] = sum(
            _add_file(archive, f"{kind}/{name}", path, progress, number, len(found))
            for number, (name, path) in enumerate(found)
        )
        progress(kind, len(found), len(found))
    for name, path in installation.keys.items():
        if path.exists():
            _add_file(archive, f"keys/{name}", path, progress, 0, 1)
            made.keys.append(name)


def _add_file(archive: ArchiveWriter, name: str, path: Path, progress: Progress, number: int, of: int) -> bool:
    """Whether it was still there."""
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return False
    with source:
        archive.add(name, source, opened_size(source))
    progress(name.partition("/")[0], number + 1, of)
    return True
