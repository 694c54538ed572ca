"""What is known of an item: fields with a value, a confidence and evidence, or honestly unknown.

Owns the vocabulary every layer shares. Owns no rule about when a listing is good enough
(`readiness.py`), no ids (`catalog.py`), no storage.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Source = Literal["seller", "label", "image", "model", "template", "price_table", "default", "fallback"]
"""Who says so. `seller`: typed in, or stated for the whole batch; `label`: words read on a photo;
`image`: seen by the embedded reader; `model`: a vision model; `template`: composed from known
fields; `price_table`: `pricing.py`; `default`: follows from another field (the parcel of a category);
`fallback`: a guess that must never be published."""

DERIVED_SOURCES = frozenset({"default", "price_table", "template"})

FIELD_NAMES = (
    "category",
    "audience",
    "brand",
    "size",
    "colours",
    "materials",
    "condition",
    "price",
    "parcel",
    "title",
    "description",
)
"""`category` is a kind of garment (a slug of `catalog.kinds`), `audience` women, men, girls or boys: the
two together name a leaf of the marketplace's tree. `colours` and `materials` are lists of slugs,
`size` is a value of the leaf's size group, `price` a decimal string in the marketplace's currency.
`brand` is a name, or "" for an explicit "no brand"."""


TOLD_NAMES = ("country",)
"""What a reading tells beside them though no form asks for it: `country`, where a label says the thing was made, in two
letters (ISO 3166-1). It is shown with its evidence and never published."""


@dataclass(frozen=True)
class Evidence:
    """Where a value was seen. `photo` is a photo's id (its name when nothing is stored), `box` is
    left, top, right, bottom as shares of the photo's width and height."""

    source: Source
    photo: str | None = None
    detail: str = ""
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Alternative:
    value: Any
    confidence: float


@dataclass(frozen=True)
class Field:
    """One field of a listing. `value` is None when unknown; `confidence` runs from 0 to 1."""

    value: Any = None
    confidence: float = 0.0
    alternatives: tuple[Alternative, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    @property
    def known(self) -> bool:
        return self.value is not None and self.value != []

    @property
    def rests_on_fallback(self) -> bool:
        return any(e.source == "fallback" for e in self.evidence)

    @property
    def usable(self) -> bool:
        """Known, and not a guess: what words and prices may be made from."""
        return self.known and not self.rests_on_fallback

    @property
    def is_derived(self) -> bool:
        """It follows from other fields alone, and is made again when they change."""
        return bool(self.evidence) and all(e.source in DERIVED_SOURCES for e in self.evidence)

    @property
    def stated_by_seller(self) -> bool:
        return any(e.source == "seller" for e in self.evidence)


UNKNOWN = Field()


def stated(value: Any, detail: str = "") -> Field:
    """A field the seller states: certain, and never overwritten by a later reading."""
    return Field(value, 1.0, evidence=(Evidence("seller", detail=detail),))


@dataclass(frozen=True)
class Listing:
    """A whole item as far as it is known: fields by name, photo ids in order, the language of its words."""

    fields: Mapping[str, Field] = field(default_factory=dict)
    photos: tuple[str, ...] = ()
    language: str = "fr"

    def __getitem__(self, name: str) -> Field:
        return self.fields.get(name, UNKNOWN)

    def value(self, name: str) -> Any:
        return self[name].value

    def with_fields(self, **fields: Field) -> "Listing":
        return replace(self, fields={**self.fields, **fields})
