"""The one set of rules for `publish_ready`: what still stands between a listing and the marketplace.

Owns the limits, the closed set of reason codes and the order they are told in. Does not own their sentences
(`texts/`), the marketplace's options (`catalog.py`) or any repair of a listing.

When `check` finds nothing, every datum of `marketplace.port.ListingSheet` is there: title, description, leaf,
brand, size (where the leaf has sizes), condition, colours, materials, price, parcel and photos.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from backend.core import catalog
from backend.core.listing import FIELD_NAMES, Listing
from backend.core.ontology import Unmapped
from backend.core.texts import sentences

# Limits of the web form as reported publicly, and of the official API for title and description.
TITLE_LENGTH = (5, 100)
DESCRIPTION_LENGTH = (5, 2000)
PRICE_RANGE = (Decimal(1), Decimal(30_000))
PHOTOS_MAX = 20
COLOURS_MAX = 2
MATERIALS_MAX = 3
SURE = 0.7
"""A field the seller did not state counts from this confidence on."""


class ReadinessCode(StrEnum):
    """Every reason a listing may not be published yet. A published, closed set: metrics are labelled with it."""

    PHOTOS_MISSING = "photos_missing"
    PHOTOS_TOO_MANY = "photos_too_many"
    CATEGORY_MISSING = "category_missing"
    CATEGORY_NOT_LEAF = "category_not_leaf"
    BRAND_MISSING = "brand_missing"
    SIZE_MISSING = "size_missing"
    SIZE_NOT_OFFERED = "size_not_offered"
    CONDITION_MISSING = "condition_missing"
    CONDITION_UNKNOWN = "condition_unknown"
    COLOURS_TOO_MANY = "colours_too_many"
    COLOURS_REPEATED = "colours_repeated"
    COLOURS_UNKNOWN = "colours_unknown"
    MATERIALS_TOO_MANY = "materials_too_many"
    MATERIALS_REPEATED = "materials_repeated"
    MATERIALS_UNKNOWN = "materials_unknown"
    PRICE_MISSING = "price_missing"
    PRICE_NOT_AN_AMOUNT = "price_not_an_amount"
    PRICE_TOO_LOW = "price_too_low"
    PRICE_TOO_HIGH = "price_too_high"
    PARCEL_MISSING = "parcel_missing"
    PARCEL_UNKNOWN = "parcel_unknown"
    TITLE_MISSING = "title_missing"
    TITLE_TOO_SHORT = "title_too_short"
    TITLE_TOO_LONG = "title_too_long"
    DESCRIPTION_MISSING = "description_missing"
    DESCRIPTION_TOO_SHORT = "description_too_short"
    DESCRIPTION_TOO_LONG = "description_too_long"
    RESTS_ON_FALLBACK = "rests_on_fallback"
    UNSURE = "unsure"
    UNMAPPED = "unmapped"


@dataclass(frozen=True)
class Problem:
    """One reason, the field to put right (a name of `FIELD_NAMES`, or "photos") and the numbers or names in it."""

    code: ReadinessCode
    field: str
    detail: Mapping[str, int | str]


def check(listing: Listing, *, unmapped: Iterable[Unmapped] = ()) -> tuple[Problem, ...]:
    """Everything to put right before this listing may be published; empty when it is ready.

    `unmapped` are its values that the marketplace's own form does not offer, where that is known."""
    return (
        *_photos(len(listing.photos)),
        *_category_and_size(listing),
        *_brand(listing),
        *_option(listing, "condition", catalog.conditions()),
        *_options(listing, "colours", catalog.colours(), COLOURS_MAX),
        *_options(listing, "materials", catalog.materials(), MATERIALS_MAX),
        *_price(listing),
        *_option(listing, "parcel", catalog.parcels()),
        *_text(listing, "title", TITLE_LENGTH),
        *_text(listing, "description", DESCRIPTION_LENGTH),
        *_trust(listing),
        *(
            Problem(ReadinessCode.UNMAPPED, u.field, {"name": u.name, "nearest": ", ".join(u.suggestions) or "–"})
            for u in unmapped
        ),
    )


def message(problem: Problem, language: str) -> str:
    """What to do about it, as a sentence in French or English."""
    texts = sentences(language)
    sentence: str = texts["readiness"][problem.code]
    return sentence.format(field=texts["fields"][problem.field], **problem.detail)


def _problem(name: str, what: str, **detail: int) -> Problem:
    return Problem(ReadinessCode(f"{name}_{what}"), name, detail)


def _photos(count: int) -> Iterator[Problem]:
    if count < 1:
        yield _problem("photos", "missing")
    if count > PHOTOS_MAX:
        yield _problem("photos", "too_many", count=count, maximum=PHOTOS_MAX)


def _category_and_size(listing: Listing) -> Iterator[Problem]:
    if not listing["category"].known:
        yield _problem("category", "missing")
        return
    leaf = catalog.find_leaf(listing.value("audience"), listing.value("category"))
    if leaf is None:
        yield _problem("category", "not_leaf")
    elif leaf.size_group is not None:
        if not listing["size"].known:
            yield _problem("size", "missing")
        elif catalog.find_size(leaf, listing.value("size")) is None:
            yield _problem("size", "not_offered")


def _brand(listing: Listing) -> Iterator[Problem]:
    """ "" is the seller's "no brand"; blanks are nothing at all."""
    brand = listing.value("brand")
    if brand is None or (brand and not str(brand).strip()):
        yield _problem("brand", "missing")


def _option(listing: Listing, name: str, offered: Collection[str]) -> Iterator[Problem]:
    if not listing[name].known:
        yield _problem(name, "missing")
    elif listing.value(name) not in offered:
        yield _problem(name, "unknown")


def _options(listing: Listing, name: str, offered: Collection[str], most: int) -> Iterator[Problem]:
    """None at all is fine: the rules ask for no colour and no material."""
    chosen = listing.value(name) or ()
    if len(chosen) > most:
        yield _problem(name, "too_many", count=len(chosen), maximum=most)
    if len(set(chosen)) < len(chosen):
        yield _problem(name, "repeated")
    if any(slug not in offered for slug in chosen):
        yield _problem(name, "unknown")


def _price(listing: Listing) -> Iterator[Problem]:
    if not listing["price"].known:
        yield _problem("price", "missing")
        return
    lowest, highest = PRICE_RANGE
    price = amount(listing.value("price"))
    if price is None:
        yield _problem("price", "not_an_amount")
    elif price < lowest:
        yield _problem("price", "too_low", minimum=int(lowest))
    elif price > highest:
        yield _problem("price", "too_high", maximum=int(highest))


def amount(value: object) -> Decimal | None:
    """The price as a number of at most two decimals, or None."""
    try:
        number = Decimal(str(value))
        return number if number == number.quantize(Decimal("0.01")) else None
    except InvalidOperation:  # not a number, or one of more digits than any price has
        return None


def _text(listing: Listing, name: str, length: tuple[int, int]) -> Iterator[Problem]:
    count = len(str(listing.value(name) or "").strip())
    shortest, longest = length
    if count == 0:
        yield _problem(name, "missing")
    elif count < shortest:
        yield _problem(name, "too_short", count=count, minimum=shortest)
    elif count > longest:
        yield _problem(name, "too_long", count=count, maximum=longest)


def _trust(listing: Listing) -> Iterator[Problem]:
    """A value may be well formed and still nothing to publish: a guess, or a reading nobody is sure of.

    What only follows from other fields is as sure as they are: those are named, not it."""
    for name in FIELD_NAMES:
        found = listing[name]
        if not found.known:
            continue
        if found.rests_on_fallback:
            yield Problem(ReadinessCode.RESTS_ON_FALLBACK, name, {})
        elif found.confidence < SURE and not found.stated_by_seller and not found.is_derived:
            yield Problem(ReadinessCode.UNSURE, name, {})
