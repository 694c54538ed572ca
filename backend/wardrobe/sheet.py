"""The wardrobe as a table: its columns, and what a piece says in each. CSV, XLSX and JSON show the same.

Owns the columns and which of them a seller may change by importing. Owns no file format (`core/spreadsheets.py`) and no
import (`importing.py`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

from sqlmodel import Session

from backend.accounts import service as accounts
from backend.core.listing import FIELD_NAMES, Listing
from backend.core.spreadsheets import to_csv, to_xlsx
from backend.db.models import Draft, Piece
from backend.drafts.schemas import FIELDS
from backend.wardrobe import as_exported, pieces, search
from backend.wardrobe.search import Wanted

Format = Literal["csv", "xlsx", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: Mapping[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
TOLD = (
    *("id", "draft_id", "revision", "listing_id", "account", "state", "listing_url", "listed_on", "seen_on"),
    *("listing_title", "listing_price"),
)
"""Columns that say how it is; an import reads the first three to know what is meant, and changes none."""
OWN = ("purchase_cost", "reference", "notes", "sold_price", "sold_on")
CHANGEABLE = (*OWN, *FIELD_NAMES)
AS_EXPORTED = "as_exported"
"""Says of every cell that may be changed what it was, for an import: `as_exported.py`."""
COLUMNS = (*TOLD, *CHANGEABLE, AS_EXPORTED)
NO_BRAND = "(no brand)"


def values_of(piece: Piece | None, draft: Draft | None, account: str = "") -> dict[str, Any]:
    """What stands in each column: text, a list, or None. There is a piece, a draft, or both."""
    listing = Listing({} if draft is None else FIELDS.validate_python(draft.fields))
    told = dict.fromkeys(COLUMNS) if piece is None else _of_piece(piece, account)
    fields = {name: listing.value(name) for name in FIELD_NAMES}
    fields["brand"] = NO_BRAND if fields["brand"] == "" else fields["brand"]
    of_draft = {} if draft is None else {"revision": draft.revision, "purchase_cost": draft.purchase_cost}
    values = {name: {**told, "draft_id": draft and draft.id, **of_draft, **fields}.get(name) for name in COLUMNS}
    return values | {AS_EXPORTED: as_exported.marked(CHANGEABLE, cells(values))}


def _of_piece(piece: Piece, account: str) -> dict[str, Any]:
    return {
        "id": piece.id,
        "listing_id": piece.listing_id,
        "account": account,
        "state": piece.state,
        "listing_url": piece.url,
        "listed_on": piece.listed_at and piece.listed_at.date().isoformat(),
        "seen_on": piece.seen_at and piece.seen_at.date().isoformat(),
        "listing_title": piece.title,
        "listing_price": pieces.price_of(piece.cents),
        "reference": piece.reference or None,
        "notes": piece.notes or None,
        "sold_price": pieces.price_of(piece.sold_cents),
        "sold_on": piece.sold_on and piece.sold_on.isoformat(),
    }


def cells(values: Mapping[str, Any]) -> dict[str, str]:
    """The same as text, one cell each."""
    return {name: _cell(value) for name, value in values.items()}


def _cell(value: Any) -> str:
    return "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def rows(session: Session, user_id: str, wanted: Wanted) -> Iterator[dict[str, Any]]:
    names = {account.id: account.username for account in accounts.accounts_of(session, user_id, removed=True)}
    for piece, draft in search.every(session, user_id, wanted):
        yield values_of(piece, draft, names.get(piece.account_id, ""))


def export(session: Session, user_id: str, wanted: Wanted, kind: Format) -> bytes:
    """All that is wanted, as a file. The pieces are to be caught up with before."""
    return written(list(rows(session, user_id, wanted)), kind)


def written(found: Sequence[Mapping[str, Any]], kind: Format) -> bytes:
    if kind == "json":
        return json.dumps(found, ensure_ascii=False, indent=1).encode()
    return (to_csv if kind == "csv" else to_xlsx)(COLUMNS, map(cells, found))
