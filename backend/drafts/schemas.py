"""The shapes drafts take outside the tables: stored fields, and what the API and CLI show and accept."""

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, field_validator
from pydantic import Field as Described

from backend.core import catalog
from backend.core.listing import FIELD_NAMES, TOLD_NAMES, Field
from backend.core.plain_words import visible
from backend.core.pricing import PriceRule

FIELDS: TypeAdapter[dict[str, Field]] = TypeAdapter(dict[str, Field])
"""Fields by name ↔ the JSON in `drafts.fields`."""


class FieldsPatch(BaseModel):
    """The seller's corrections: only the fields named change; null takes a statement back."""

    model_config = ConfigDict(extra="forbid")

    category: str | None = None
    audience: str | None = None
    brand: Annotated[str, Described(max_length=60)] | None = None
    size: str | None = None
    colours: list[str] | None = None
    materials: list[str] | None = None
    condition: str | None = None
    price: Decimal | None = None
    parcel: str | None = None
    title: Annotated[str, Described(max_length=100)] | None = None
    description: Annotated[str, Described(max_length=2000)] | None = None
    purchase_cost: Annotated[Decimal, Described(description="What the item cost; a floor of its price.")] | None = None

    @field_validator("category", "audience", "condition", "parcel")
    @classmethod
    def _known_slug(cls, value: str | None, info: Any) -> str | None:
        return value if value is None else _one_of(value, _slugs(info.field_name), info.field_name)

    @field_validator("colours", "materials")
    @classmethod
    def _known_slugs(cls, values: list[str] | None, info: Any) -> list[str] | None:
        if values is None:
            return None
        return list(dict.fromkeys(_one_of(v, _slugs(info.field_name), info.field_name) for v in values))

    @field_validator("brand", "title", "description", "size")
    @classmethod
    def _clean_text(cls, value: str | None, info: Any) -> str | None:
        """Without invisible characters; only a description has lines. Blanks alone are nothing at all."""
        if not value:
            return value
        lines = value.replace("\r\n", "\n").split("\n") if info.field_name == "description" else [value]
        cleaned = "\n".join(" ".join(visible(line).split()) for line in lines).strip()
        if not cleaned:
            raise ValueError("nothing can be seen in it")
        return cleaned

    @field_validator("price", "purchase_cost")
    @classmethod
    def _in_cents(cls, value: Decimal | None) -> Decimal | None:
        if value is None:
            return None
        if not 0 < value < 1_000_000 or value != round(value, 2):
            raise ValueError("a price is above 0 and has at most two decimals")
        return round(value, 2).normalize() if value == value.to_integral_value() else round(value, 2)

    @field_validator("price", "purchase_cost", mode="before")
    @classmethod
    def _decimal(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = value.strip().replace(",", ".")
            try:
                return Decimal(value)
            except InvalidOperation:
                raise ValueError(f"{value!r} is not a price") from None
        return value

    def changes(self) -> dict[str, Any]:
        """Field → new value, for the fields that were named; prices as decimal strings."""
        named = self.model_dump(include=self.model_fields_set)
        for name in ("price", "purchase_cost"):
            if named.get(name) is not None:
                named[name] = f"{named[name]:f}"
        return {name: value.strip() if isinstance(value, str) else value for name, value in named.items()}


def _slugs(field_name: str) -> list[str]:
    known: dict[str, Collection[str]] = {
        "category": catalog.kinds(),
        "audience": catalog.AUDIENCES,
        "condition": catalog.conditions(),
        "parcel": catalog.parcels(),
        "colours": catalog.colours(),
        "materials": catalog.materials(),
    }
    return list(known[field_name])


def _one_of(value: str, allowed: list[str], name: str) -> str:
    if value not in allowed:
        raise ValueError(f"{value!r} is no {name}; one of: {', '.join(allowed)}")
    return value


class BatchDefaults(FieldsPatch):
    """What a seller may state for a whole batch, and how to price it."""

    title: None = None
    description: None = None
    price: None = None
    purchase_cost: None = None
    price_rule: PriceRule | None = None

    def stored(self) -> dict[str, Any]:
        """As a batch keeps it; null for what is left open this time, though it is usually stated."""
        return self.model_dump(exclude_unset=True, mode="json")


class ProblemOut(BaseModel):
    """Something still in the way of publishing; `code` is `core.readiness.ReadinessCode`."""

    code: str
    field: str
    message: str


class PhotoOut(BaseModel):
    id: str
    name: str
    url: str
    thumbnail_url: str
    width: int
    height: int
    role: str | None = Described(None, description="front, back, view, detail, label or flaw, where a reader told.")
    role_source: str | None = Described(None, description="Who says so: model or image.")


class DraftOut(BaseModel):
    """A draft as the API gives it. `revision` must be sent back with a change; `remarks` are `warnings` in words."""

    id: str
    batch_id: str
    revision: int
    state: str
    language: str
    publish_ready: bool
    problems: list[ProblemOut]
    warnings: list[str]
    remarks: list[str]
    photos: list[PhotoOut]
    fields: dict[str, Any]
    confidence: float
    purchase_cost: str | None
    created_at: datetime
    updated_at: datetime


def shown_fields(fields: dict[str, Field]) -> dict[str, Any]:
    """Fields as JSON with every name present, unknown ones included, in the order sellers think."""
    stored = FIELDS.dump_python(fields, mode="json")
    unknown = FIELDS.dump_python({"": Field()}, mode="json")[""]
    return {name: stored.get(name, unknown) for name in (*FIELD_NAMES, *TOLD_NAMES)}
