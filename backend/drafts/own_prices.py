"""The seller's own items with a price that is their word: what `core/comparables.py` compares with.

Owns the query: drafts whose piece of the wardrobe was sold (at what it sold for), with a confirmed publication (at the
price that was sent), or whose price the seller stated. Reads publications and pieces, owns none.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, or_, select

from backend.core.comparables import OwnItem
from backend.core.listing import Field, Listing
from backend.core.readiness import amount
from backend.db.models import Draft, Piece, Publication
from backend.db.scope import owned
from backend.drafts.schemas import FIELDS

LOOKED_AT = 300
"""Sold ones first, then the latest drafts, are looked at; comparable ones among them are the latest too."""
_LISTED = ("draft", "publish")
"""Modes that leave something on the marketplace; a dry run is no price of anything."""


def own_items(session: Session, user_id: str, *, but: str) -> tuple[OwnItem, ...]:
    """The user's items with a price of their word, the latest first, without the draft `but`."""
    confirmed = select(Publication.draft_id, Publication.sheet).where(
        Publication.user_id == user_id, Publication.state == "confirmed", col(Publication.mode).in_(_LISTED)
    )
    sent = {draft_id: sheet.get("price") for draft_id, sheet in session.exec(confirmed)}
    of_draft = (col(Piece.draft_id).is_not(None), col(Piece.sold_cents).is_not(None))
    sales = select(Piece.draft_id, Piece.sold_cents).where(Piece.user_id == user_id, *of_draft)
    sold = {draft_id: Decimal(cents) / 100 for draft_id, cents in session.exec(sales) if cents}
    query = owned(Draft, user_id).where(Draft.id != but, col(Draft.state).in_(("open", "approved")))
    edited = col(Draft.revision) > 1  # nobody stated a price of a draft that was never edited
    listed = col(Draft.id).in_(confirmed.with_only_columns(col(Publication.draft_id)))
    was_sold = col(Draft.id).in_(sales.with_only_columns(col(Piece.draft_id)))
    latest = (was_sold.desc(), col(Draft.updated_at).desc())
    drafts = session.exec(query.where(or_(edited, listed, was_sold)).order_by(*latest).limit(LOOKED_AT))
    return tuple(item for draft in drafts for item in _item(draft, sent.get(draft.id), sold.get(draft.id)))


def _item(draft: Draft, sent: Any, sold: Decimal | None) -> Iterator[OwnItem]:
    listing = Listing(FIELDS.validate_python(draft.fields))
    price = sold or (amount(sent) if sent is not None else _stated_price(listing["price"]))
    if price is None or price <= 0 or not listing["category"].usable:
        return
    known = {name: listing.value(name) if listing[name].usable else None for name in ("audience", "brand", "condition")}
    yield OwnItem(
        listing.value("category"), known["audience"], known["brand"], known["condition"], price, sold is not None
    )


def _stated_price(price: Field) -> Any:
    return amount(price.value) if price.stated_by_seller else None
