"""From a reading and the seller's statements to a whole draft: pure, no tables.

Owns which source wins (the seller's word over any reading) and which fields follow from others (parcel, price,
title, description). Owns no rule about readiness, prices or wording: those are `core.readiness`,
`core.pricing`, `core.comparables` and `core.words`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from backend.core import catalog, pricing, words
from backend.core.comparables import OwnItem, compare
from backend.core.listing import Alternative, Evidence, Field, Listing, stated

DERIVED = ("parcel", "price", "title", "description")
_PRICE_RULE = TypeAdapter(pricing.PriceRule)


@dataclass(frozen=True)
class Defaults:
    """What the seller states for a whole batch: field values, and how to price."""

    fields: Mapping[str, Any]
    price_rule: pricing.PriceRule | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Defaults":
        """From a batch's `defaults` column: field names, and optionally `price_rule`."""
        fields = {name: value for name, value in stored.items() if name != "price_rule" and value is not None}
        rule = stored.get("price_rule")
        return cls(fields, None if rule is None else _PRICE_RULE.validate_python(rule))


@dataclass(frozen=True)
class Ways:
    """How what follows is made: the seller's wishes, what the item cost, the month, and their items to compare with.

    A price is explained in the language they read, `told_in`: the listing's own where they chose none."""

    rule: pricing.PriceRule = pricing.ANY_PRICE
    style: words.Style = words.PLAIN
    told_in: str | None = None
    cost: Decimal | None = None
    month: int | None = None
    own: tuple[OwnItem, ...] = ()

    def circumstances(self, listing: Listing) -> pricing.Circumstances:
        return pricing.Circumstances(self.cost, self.month, compare(listing, self.own))


def assemble(
    reading: Mapping[str, Field],
    defaults: Defaults,
    ways: Ways,
    *,
    photos: tuple[str, ...],
    language: str,
    said: Mapping[str, Field] | None = None,
) -> Listing:
    """The draft's listing: what was read, the seller's statements on top (those for the batch, then those for this
    item, `said` before it was read), and what follows from all."""
    statements = {name: stated(value, detail="batch") for name, value in defaults.fields.items()}
    return derive(Listing({**reading, **statements, **(said or {})}, photos, language), ways)


def rewrite(listing: Listing, name: str, ways: Ways) -> Listing:
    """One derived field made anew from what is known now, whoever wrote it; its old value stays as an alternative.

    Every other field stays as it is. Where nothing can be made, the listing is returned unchanged."""
    before = listing[name]
    others = {n: f for n, f in listing.fields.items() if n != name}
    made = derive(Listing(others, listing.photos, listing.language), ways)[name]
    if not made.known:
        return listing
    kept = (Alternative(before.value, before.confidence),) if before.known and before.value != made.value else ()
    return listing.with_fields(**{name: replace(made, alternatives=(*kept, *made.alternatives))})


def edit(listing: Listing, changes: Mapping[str, Any], ways: Ways) -> Listing:
    """The seller's corrections. A value of None takes the statement back: the field is derived again or unknown."""
    fields = {name: f for name, f in listing.fields.items() if changes.get(name, ...) is not None}
    fields |= {name: stated(value) for name, value in changes.items() if value is not None}
    return derive(Listing(fields, listing.photos, listing.language), ways)


def derive(listing: Listing, ways: Ways) -> Listing:
    """Fills what follows from the known fields, leaving alone what a seller, a label or a model said."""
    kept = {name: f for name, f in listing.fields.items() if not (name in DERIVED and f.is_derived)}
    listing = Listing(kept, listing.photos, listing.language)
    if not listing["parcel"].known and (
        leaf := catalog.find_leaf(listing.value("audience"), listing.value("category"))
    ):
        parcel = Field(leaf.parcel, 0.8, evidence=(Evidence("default", detail=leaf.path("en")[-1]),))
        listing = listing.with_fields(parcel=parcel)
    if not listing["price"].known and (suggestion := pricing.suggest(listing, ways.rule, ways.circumstances(listing))):
        listing = listing.with_fields(price=pricing.as_field(suggestion, ways.told_in or listing.language))
    composed = words.compose(listing, listing.language, ways.style)
    return listing.with_fields(**{name: f for name, f in composed.items() if not listing[name].known})
