"""What each cell of a row said when the table was taken out, as one short mark a column: so that bringing it back tells
what its seller changed in the table from what changed here since.

Owns the marks, and when two cells say the same. Owns no column (`sheet.py`) and no import (`importing.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import blake2s

from backend.wardrobe import pieces

LISTS = ("colours", "materials")
_MONEY = ("price", "purchase_cost", "sold_price")
_DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S")
_LONG = 5
"""Characters of a mark."""


def marked(columns: Sequence[str], cells: Mapping[str, str]) -> str:
    """The marks of these columns in a row, for a column of its own. It begins with a word for the columns, which says
    what the marks are of; by its `v` no spreadsheet takes it for a number."""
    return f"v{_short(' '.join(columns))}." + "".join(mark(name, cells[name]) for name in columns)


def marks(columns: Sequence[str], told: str) -> dict[str, str]:
    """The mark of each column; {} where the row says none, or none of just these columns."""
    head, _, rest = told.strip().partition(".")
    if head != f"v{_short(' '.join(columns))}" or len(rest) != _LONG * len(columns):
        return {}
    return {name: rest[n * _LONG : (n + 1) * _LONG] for n, name in enumerate(columns)}


def mark(column: str, cell: str) -> str:
    return _short(f"{column}={said(column, cell)}")


def said(column: str, cell: str) -> str:
    """What the cell says, however it is written: a spreadsheet writes 12.50 as 12,5, and a day its own way."""
    text = cell.replace("\r\n", "\n").strip()
    if column in _MONEY:
        cents = pieces.cents_typed(text)
        return text if cents is None else str(cents)
    if column in LISTS:
        return ",".join(listed(text))
    if column == "sold_on":
        day = day_of(text)
        return day.isoformat() if day else text
    return text


def listed(cell: str) -> list[str]:
    """The values of a cell that holds several."""
    return [part.strip() for part in cell.split(",") if part.strip()]


def day_of(text: str) -> date | None:
    """A day as somebody writes it; None for what is none."""
    for form in _DAYS:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None


def _short(text: str) -> str:
    return blake2s(text.encode(), digest_size=3).hexdigest()[:_LONG]
