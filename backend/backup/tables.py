"""Rows out of the tables and back, in one form for SQLite and PostgreSQL.

A row is a JSON object by column: instants in UTC without a zone, bytes in base64, JSON columns as they are. Columns are
read off the database, not off our models, so a backup of an older schema can be made and read. Owns the form. Owns no
meaning: what a restored row may not go on doing is `aftermath.py`'s.
"""

import base64
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any, cast

from sqlalchemy import Column, Connection, DateTime, LargeBinary, MetaData, Table, func, inspect, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from backend.backup.archive import Readable
from backend.backup.envelope import damaged

VERSION_TABLE = "alembic_version"
_ROWS_AT_ONCE = 500
Change = Callable[[str, dict[str, Any]], dict[str, Any]]
"""(table, row) → the row as it is to be written."""


def unchanged(_: str, row: dict[str, Any]) -> dict[str, Any]:
    return row


def revision_of(connection: Connection) -> str | None:
    """The schema's revision; None where there are no tables of ours."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.execute(text(f"select version_num from {VERSION_TABLE}")).scalar()  # noqa: S608
    return found


def tables_of(connection: Connection) -> list[Table]:
    """Our tables as they are, each after those its rows point to."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != VERSION_TABLE]


def dump(connection: Connection, table: Table, out: IO[bytes], change: Change = unchanged) -> int:
    """Writes every row, in the order of its key, as compressed lines; returns how many."""
    rows = 0
    query = select(table).order_by(*table.primary_key.columns)
    streamed = connection.execution_options(stream_results=True, yield_per=_ROWS_AT_ONCE)
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=6) as lines:
        for row in streamed.execute(query).mappings():
            written = change(table.name, {column.name: _portable(row[column]) for column in table.columns})
            lines.write(json.dumps(written, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
            rows += 1
    return rows


def count_rows(source: Readable) -> int:
    return sum(1 for _ in lines_of(source))


def lines_of(source: Readable) -> Iterator[dict[str, Any]]:
    """The rows of a dump. Raises BackupRefused."""
    try:
        with gzip.GzipFile(fileobj=cast(IO[bytes], source), mode="rb") as lines:
            for line in lines:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise damaged("a row is none")
                yield row
    except (OSError, EOFError, ValueError) as error:
        raise damaged(f"a table can't be read: {error}") from None


def load(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]], change: Change = unchanged) -> int:
    """Puts the rows into the empty table, a few hundred at a time; returns how many. Raises BackupRefused."""
    count = 0
    try:
        remaining = iter(rows)
        while some := list(islice(remaining, _ROWS_AT_ONCE)):
            values = [_native(connection, table, change(table.name, dict(row))) for row in some]
            connection.execute(table.insert(), values)
            count += len(values)
    except (SQLAlchemyError, KeyError, ValueError, TypeError) as error:
        why = error.orig if isinstance(error, DBAPIError) else error
        raise damaged(f"a row of {table.name} can't be stored: {why}") from error
    _continue_numbering(connection, table)
    return count


def _portable(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes | memoryview) else value


def _native(connection: Connection, table: Table, row: dict[str, Any]) -> dict[str, Any]:
    if unknown := row.keys() - set(table.columns.keys()):
        raise ValueError(f"there is no column {', '.join(sorted(unknown))}")
    zoned = connection.dialect.name != "sqlite"
    return {name: _stored(table.columns[name], value, zoned=zoned) for name, value in row.items()}


def _stored(column: Column[Any], value: Any, *, zoned: bool) -> Any:
    if value is None:
        return None
    if isinstance(column.type, DateTime):
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if zoned and column.type.timezone else moment
    return base64.b64decode(value, validate=True) if isinstance(column.type, LargeBinary) else value


def _continue_numbering(connection: Connection, table: Table) -> None:
    """PostgreSQL counts rows apart from them: the next row gets a number of its own. SQLite looks by itself."""
    key = table.autoincrement_column
    if connection.dialect.name == "sqlite" or key is None:
        return
    highest = connection.execute(select(func.max(key))).scalar()
    sequence = connection.execute(select(func.pg_get_serial_sequence(table.name, key.name))).scalar()
    if sequence and highest:
        connection.execute(select(func.setval(sequence, highest)))
