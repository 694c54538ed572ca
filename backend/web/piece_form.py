"""The form with a seller's own words about a piece: what it sold for and when, a reference, notes.

Owns which of them change: those typed over what the form showed, so that a page left open takes back nothing that came
meanwhile. Owns no rule of a piece (`backend/wardrobe/pieces.py`) and no page (`wardrobe.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from sqlmodel import Session
from starlette.datastructures import FormData

from backend.core.errors import BadRequest, Conflict
from backend.db.models import Piece
from backend.db.scope import get_owned
from backend.wardrobe import pieces
from backend.web.form_text import text_of

WORDS = ("sold_price", "sold_on", "reference", "notes")


@dataclass(frozen=True)
class Typed:
    """A word as the form showed it, and as its seller left it."""

    was: str
    said: str


def stands(piece: Piece) -> dict[str, str]:
    """The words as the form shows them."""
    price, day = pieces.price_of(piece.sold_cents) or "", piece.sold_on.isoformat() if piece.sold_on else ""
    return dict(zip(WORDS, (price, day, piece.reference, piece.notes), strict=True))


def typed(form: FormData) -> dict[str, Typed]:
    """What was typed: each word that differs from the one sent along as `was_…`."""
    found = {name: Typed(text_of(form, f"was_{name}"), text_of(form, name)) for name in WORDS if name in form}
    if price := found.get("sold_price"):
        found["sold_price"] = replace(price, said=price.said.replace(",", "."))  # as a French page shows it
    return {name: one for name, one in found.items() if one.was != one.said}


def change(session: Session, user_id: str, piece_id: str, given: Mapping[str, Typed]) -> None:
    """Makes of the piece what was typed. Raises NotFound, BadRequest (`bad_sale`, `note_too_long`), and Conflict
    (`piece_changed`) where one of these words is another by now than the form showed."""
    now = stands(get_owned(session, Piece, user_id, piece_id))
    if any(one.was != now[name] != one.said for name, one in given.items()):
        raise Conflict("The piece has changed since the page was opened. Look again.", code="piece_changed")
    wanted = {name: one.said for name, one in given.items() if one.said != now[name]}
    if {"reference", "notes"} & wanted.keys():
        pieces.note(session, user_id, piece_id, reference=wanted.get("reference"), notes=wanted.get("notes"))
    if {"sold_price", "sold_on"} & wanted.keys():
        sale = {**now, **wanted}
        _sell(session, user_id, piece_id, sale["sold_price"], sale["sold_on"])


def _sell(session: Session, user_id: str, piece_id: str, price: str, day: str) -> None:
    if not price and not day:
        pieces.take_sale_back(session, user_id, piece_id)
        return
    try:
        on = date.fromisoformat(day) if day else None
    except ValueError:
        raise BadRequest("This is no day.", code="bad_sale") from None
    pieces.sell(session, user_id, piece_id, pieces.cents_typed(price) or 0, on)
