"""What an installation consists of, as a backup sees it: tables, folders of files, keys.

Owns which files count and whether anything is there. Owns no row.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from backend.backup.tables import tables_of
from backend.core.files import PARTIAL
from backend.db.engine import Database

STAGING = ".restoring-"
"""What is being restored waits in folders of this name, until all of it was checked."""
DATA_MARK = "{data}"
"""Stands in a backup for the data folder in a path of a file of ours."""


@dataclass(frozen=True)
class Installation:
    """`folders` by the kind of their entries in a backup (`archive.KINDS`); `keys` by file name."""

    database: Database
    data: Path
    folders: Mapping[str, Path]
    keys: Mapping[str, Path]

    def files(self, kind: str) -> Iterator[tuple[str, Path]]:
        """Name below the folder, with slashes, and path, of each file there; those half-written are none."""
        folder = self.folders[kind]
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not path.is_symlink() and PARTIAL not in name and STAGING not in name:
                yield name, path

    def target(self, kind: str, name: str) -> Path:
        return self.keys[name] if kind == "keys" else self.folders[kind] / name


def rows_there(connection: Connection, lone_user: str) -> int:
    """How many rows there are; the user `lone_user`, whom every start makes, is none while nothing else is there."""
    counted = 0
    for table in tables_of(connection):
        query = select(func.count()).select_from(table)
        if table.name == "users":
            query = query.where(table.c.name != lone_user)
        counted += connection.execute(query).scalar_one()
    return counted
