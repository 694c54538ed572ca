"""From a reading and the seller's statements to a whole draft: pure, no tables.

Owns which source wins (the seller's word over any reading) and which fields follow from others (parcel, price,
title, description). Owns no rule about readiness, prices or wording: those are `core.readiness`,
`core.pricing` and `core.words`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from backend.core import catalog, pricing, words
from backend.core.listing import Evidence, Field, Listing, stated

DERIVED = ("parcel", "price", "title", "description")
_PRICE_RULE = TypeAdapter(pricing.PriceRule)


@dataclass(frozen=True)
class Defaults:
    """What the seller states for a whole batch: field values, and how to price."""

    fields: Mapping[str, Any]
    price_rule: pricing.PriceRule

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Defaults":
        """From a batch's `defaults` column: field names, and optionally `price_rule`."""
        fields = {name: value for name, value in stored.items() if name != "price_rule" and value is not None}
        return cls(fields, _PRICE_RULE.validate_python(stored.get("price_rule", {})))


def assemble(reading: Mapping[str, Field], defaults: Defaults, *, photos: tuple[str, ...], language: str) -> Listing:
    """The draft's listing: what was read, the seller's statements on top, and what follows from both."""
    statements = {name: stated(value, detail="batch") for name, value in defaults.fields.items()}
    return derive(Listing({**reading, **statements}, photos, language), defaults.price_rule)


def edit(listing: Listing, changes: Mapping[str, Any], rule: pricing.PriceRule) -> Listing:
    """The seller's corrections. A value of None takes the statement back: the field is derived again or unknown."""
    fields = {name: f for name, f in listing.fields.items() if changes.get(name, ...) is not None}
    fields |= {name: stated(value) for name, value in changes.items() if value is not None}
    return derive(Listing(fields, listing.photos, listing.language), rule)


def derive(listing: Listing, rule: pricing.PriceRule) -> Listing:
    """Fills what follows from the known fields, leaving alone what a seller, a label or a model said."""
    kept = {name: f for name, f in listing.fields.items() if not (name in DERIVED and f.is_derived)}
    listing = Listing(kept, listing.photos, listing.language)
    if not listing["parcel"].known and (
        leaf := catalog.find_leaf(listing.value("audience"), listing.value("category"))
    ):
        parcel = Field(leaf.parcel, 0.8, evidence=(Evidence("default", detail=leaf.path("en")[-1]),))
        listing = listing.with_fields(parcel=parcel)
    if not listing["price"].known and (suggestion := pricing.suggest(listing, rule)):
        listing = listing.with_fields(price=pricing.as_field(suggestion, listing.language))
    composed = {name: f for name, f in words.compose(listing, listing.language).items() if not listing[name].known}
    return listing.with_fields(**composed)
