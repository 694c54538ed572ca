"""From a ready draft to the sheet a route fills in. Owns the last look before the marketplace, no rule of its own."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from backend.core import catalog, readiness
from backend.core.errors import Conflict
from backend.core.listing import Listing
from backend.marketplace.port import ListingSheet


def to_sheet(listing: Listing, photos: Sequence[Path]) -> ListingSheet:
    """Raises Conflict (`draft_not_ready`) when the listing isn't ready: no route ever sees a gap."""
    if problems := readiness.check(listing):
        raise Conflict("; ".join(readiness.message(p, listing.language) for p in problems), code="draft_not_ready")
    leaf = catalog.find_leaf(listing.value("audience"), listing.value("category"))
    assert leaf is not None, "readiness lets no listing without a leaf category through"
    return ListingSheet(
        title=listing.value("title").strip(),
        description=listing.value("description").strip(),
        leaf=leaf,
        brand=listing.value("brand"),
        size=catalog.find_size(leaf, listing.value("size")),
        condition=catalog.conditions()[listing.value("condition")],
        colours=tuple(catalog.colours()[slug] for slug in listing.value("colours") or ()),
        materials=tuple(catalog.materials()[slug] for slug in listing.value("materials") or ()),
        price=Decimal(str(listing.value("price"))),
        parcel=catalog.parcels()[listing.value("parcel")],
        photos=tuple(photos),
    )


def summary(sheet: ListingSheet) -> Mapping[str, Any]:
    """The sheet as JSON: what was, or would be, sent."""
    return {
        "title": sheet.title,
        "description": sheet.description,
        "category": list(sheet.leaf.path("en")),
        "brand": sheet.brand,
        "size": sheet.size.label if sheet.size else None,
        "condition": sheet.condition.slug,
        "colours": [c.slug for c in sheet.colours],
        "materials": [m.slug for m in sheet.materials],
        "price": str(sheet.price),
        "parcel": sheet.parcel.slug,
        "photos": len(sheet.photos),
    }
