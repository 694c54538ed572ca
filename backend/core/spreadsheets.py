"""Rows as files for spreadsheets, and back: CSV and XLSX out, CSV in.

Owns the one place where a cell is kept from being a formula: whatever a spreadsheet would calculate gets an apostrophe
before it, which is taken off again on the way in. Owns no column and no meaning.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import xlsxwriter

from backend.core.errors import BadRequest

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_SEPARATORS = ",;\t"
_CELL_MAX = 32_767
_BOM = "\ufeff"

Rows = Iterable[Mapping[str, str]]


class Row(NamedTuple):
    """A row of a CSV file, by the number of its line. A short one lacks the columns it doesn't reach; `surplus` says
    that there is text beyond the last column, so that nobody knows which cell belongs where."""

    number: int
    cells: dict[str, str]
    surplus: bool = False


def guarded(cell: str) -> str:
    """The text as a cell that no spreadsheet calculates."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) or _is_guarded(cell) else cell


def unguarded(cell: str) -> str:
    """What `guarded` was given."""
    return cell[1:] if _is_guarded(cell) else cell


def _is_guarded(cell: str) -> bool:
    return cell.startswith("'") and cell.lstrip("'").startswith(_FORMULA_STARTS)


def to_csv(columns: Sequence[str], rows: Rows) -> bytes:
    """UTF-8 with a mark that tells spreadsheets so."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([guarded(row.get(name, "")) for name in columns] for row in rows)
    return (_BOM + out.getvalue()).encode()


def to_xlsx(columns: Sequence[str], rows: Rows) -> bytes:
    """One sheet, its first row kept in sight; every cell is text."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(columns) - 1, 16)
        bold = book.add_format({"bold": True})
        for across, name in enumerate(columns):
            sheet.write_string(0, across, name, bold)
        for down, row in enumerate(rows, 1):
            for across, name in enumerate(columns):
                sheet.write_string(down, across, guarded(row.get(name, ""))[:_CELL_MAX])
    return out.getvalue()


def from_csv(raw: bytes, *, most: int) -> tuple[list[str], list[Row]]:
    """The columns, and each row that holds anything. Separated by comma, semicolon or tab, in UTF-8, UTF-16 or as
    Windows writes it.

    Raises BadRequest (`csv_unreadable`, `csv_too_long`, `column_twice`)."""
    text = decoded(raw)
    separator = max(_SEPARATORS, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        rows = []
        for cells in reader:
            if any(cells):
                named = {name: unguarded(cell.strip()) for name, cell in zip(header, cells, strict=False)}
                rows.append(Row(reader.line_num, named, any(cell.strip() for cell in cells[len(header) :])))
            if len(rows) > most:
                raise BadRequest(f"More than {most} lines. Split the file.", code="csv_too_long")
    except csv.Error as error:
        raise BadRequest(f"This is no CSV file: {error}.", code="csv_unreadable") from None
    if len(header) < 2:
        raise BadRequest("The first line of a CSV file names its columns.", code="csv_unreadable")
    if twice := {name for name in header if name and header.count(name) > 1}:
        raise BadRequest(f"Named twice: {', '.join(sorted(twice))}. Keep one of each.", code="column_twice")
    return header, rows


def decoded(raw: bytes) -> str:
    """A CSV file's text, whichever of the three encodings it came in. Raises BadRequest (`csv_unreadable`)."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    if "\0" in text:
        raise BadRequest("This is no text. Save the table as CSV first.", code="csv_unreadable")
    return text
