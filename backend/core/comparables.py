"""What the seller's own items say about a price: those like this one, brought to its condition.

Owns which items are comparable and how far they count. Owns no table of prices (`pricing.py`) and no query
(`backend/drafts/own_prices.py`). What something sold for says most, then prices the seller chose or published at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from backend.core.listing import Listing
from backend.core.pricing import Comparison, brand_tier, condition_times

MOST = 12
"""Comparable items looked at, the latest first."""
HALF_AT = 3
"""So many items count as much as the table does; each more counts a little more."""
_CHILDREN = ("girls", "boys")


@dataclass(frozen=True)
class OwnItem:
    """An item of the seller's with a price that is their word, or what it sold for."""

    kind: str
    audience: str | None
    brand: str | None
    condition: str | None
    price: Decimal
    sold: bool = False


def compare(listing: Listing, own: Iterable[OwnItem]) -> Comparison | None:
    """The seller's items of the same kind, for grown-ups or for children alike, of the same brand where there are two,
    otherwise of brands of its tier; sold ones first, then the latest. A sold one counts twice. None where there are
    none."""
    if not listing["category"].usable:
        return None
    alike = [
        item for item in own if item.kind == listing.value("category") and _child(item.audience) == _child_of(listing)
    ]
    brand = str(listing.value("brand") or "") if listing["brand"].usable else None
    same = [item for item in alike if brand and item.brand and item.brand.casefold() == brand.casefold()]
    chosen = same if len(same) > 1 else [item for item in alike if _tier(item.brand) == _tier(brand)]
    if not chosen:
        return None
    chosen = sorted(chosen, key=lambda item: not item.sold)[:MOST]
    sold = [item for item in chosen if item.sold]
    here = condition_times(listing.value("condition") if listing["condition"].usable else None)
    prices = [item.price * here / condition_times(item.condition) for item in (*chosen, *sold)]
    weight = Decimal(len(prices)) / (len(prices) + HALF_AT)
    return Comparison(len(chosen), Decimal(median(prices)).quantize(Decimal("0.01")), weight, len(sold))


def _child(audience: str | None) -> bool:
    return audience in _CHILDREN


def _child_of(listing: Listing) -> bool:
    return listing["audience"].usable and _child(listing.value("audience"))


def _tier(brand: str | None) -> str:
    """Of no brand and of an unknown one too: each is like its like."""
    return "unknown" if brand is None else brand_tier(brand) if brand else "none"
