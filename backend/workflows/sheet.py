"""From a ready draft to the sheet a route fills in. Owns the last look before the marketplace, no rule of its own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from backend.core import catalog, readiness
from backend.core.catalog import SizeOption, Term
from backend.core.errors import Conflict
from backend.core.listing import Listing
from backend.core.ontology import Ontology, Option, as_offered, match_size, match_term
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


def as_the_site_has_it(sheet: ListingSheet, offered: Ontology, language: str) -> ListingSheet:
    """The sheet with the site's own names and ids, where its form was listened to; ours for what it lacks."""

    language = offered.spoken(language)

    def there(terms: Iterable[Term], name: str) -> tuple[Term, ...]:
        return tuple(_there(term, offered.options.get(name, ()), language) for term in terms)

    leaf = as_offered(sheet.leaf, offered, language) or sheet.leaf
    size = sheet.size
    if size is not None and (found := match_size(size, offered.sizes.get(leaf.id, ())).option):
        size = SizeOption(size.value, found.id, found.title)
    return replace(
        sheet,
        leaf=leaf,
        size=size,
        condition=there([sheet.condition], "condition")[0],
        colours=there(sheet.colours, "colours"),
        materials=there(sheet.materials, "materials"),
        parcel=there([sheet.parcel], "parcel")[0],
    )


def _there(term: Term, offered: Sequence[Option], language: str) -> Term:
    found = match_term(term, offered, language).option
    if found is None:
        return term
    return replace(term, id=found.id, names=dict.fromkeys(term.names, found.title), as_offered=True)


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
