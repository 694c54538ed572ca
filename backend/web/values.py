"""Fields of a draft as a person reads them: values and choices by name, evidence as sentences.

Owns no rule and no name of its own: names are the catalog's, labels and reasons the core's texts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from backend.core import catalog, readiness
from backend.core.listing import FIELD_NAMES, TOLD_NAMES, Evidence, Field
from backend.db.models import Photo
from backend.web.language import Words

WORTH_OFFERING = 0.01
"""An alternative that would show as 0 % is none."""

Level = Literal["sure", "unsure", "unknown"]


@dataclass(frozen=True)
class Crop:
    """The part of a photo where something was read, in the photo's pixels, with a little around it."""

    href: str
    width: int
    height: int
    x: int
    y: int
    across: int
    down: int


@dataclass(frozen=True)
class Seen:
    """One piece of evidence: a sentence, and the number of the photo it is on."""

    sentence: str
    photo: int | None = None
    crop: Crop | None = None
    picture: str | None = None


@dataclass(frozen=True)
class Choice:
    value: Any
    text: str
    percent: str


@dataclass(frozen=True)
class FieldView:
    """One field with what speaks for it and what is still wrong with it."""

    name: str
    label: str
    value: Any
    text: str
    percent: str
    level: Level
    stated: bool
    seen: tuple[Seen, ...]
    alternatives: tuple[Choice, ...]
    problems: tuple[str, ...]
    to_confirm: bool


def picture(photo: Photo, size: str = "full") -> str:
    """The address of a photo's picture; another one once the photo was turned, so that a browser may keep each."""
    key = (photo.store_key or "").replace("/", "")[:10]
    return f"/api/v1/photos/{photo.id}?size={size}&v={key}"


def value_text(words: Words, name: str, value: Any) -> str:
    """A value in words; "" when there is none."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(value_text(words, name, one) for one in value)
    if name == "price":
        return words.money(str(value))
    if name == "brand" and value == "":
        return words("brand.none")
    if name in ("audience", *TOLD_NAMES):
        return words.known(f"{name}.{value}") or str(value)
    term = catalog.terms_of(name).get(value)
    return term.name(words.language) if term else str(value)


def options(words: Words, name: str) -> list[tuple[str, str]]:
    """(slug, name) of every option, as a list to choose from shows them."""
    if name == "audience":
        return [(slug, words(f"audience.{slug}")) for slug in catalog.AUDIENCES]
    named = [(slug, term.name(words.language)) for slug, term in catalog.terms_of(name).items()]
    return sorted(named, key=lambda option: option[1]) if name in ("category", "materials") else named


def sizes(fields: Mapping[str, Field]) -> list[tuple[str, str]]:
    """The sizes the draft's category offers, or none while that is open or has no sizes."""
    leaf = catalog.find_leaf(_value(fields, "audience"), _value(fields, "category"))
    if leaf is None or leaf.size_group is None:
        return []
    return [(option.value, option.label) for option in catalog.size_groups()[leaf.size_group]]


def field_views(
    words: Words,
    fields: Mapping[str, Field],
    photos: Sequence[Photo],
    problems: Sequence[readiness.Problem],
) -> dict[str, FieldView]:
    numbered = {photo.id: (number, photo) for number, photo in enumerate(photos, 1)}
    names = (*FIELD_NAMES, *TOLD_NAMES)
    return {name: _view(words, name, fields.get(name, Field()), numbered, problems) for name in names}


def _view(
    words: Words,
    name: str,
    field: Field,
    photos: Mapping[str, tuple[int, Photo]],
    problems: Sequence[readiness.Problem],
) -> FieldView:
    mine = [p for p in problems if p.field == name]
    sure = field.stated_by_seller or field.confidence >= readiness.SURE
    return FieldView(
        name=name,
        label=words.field(name),
        value=field.value,
        text=value_text(words, name, field.value),
        percent=words.percent(field.confidence),
        level="unknown" if not field.known else "sure" if sure and not field.rests_on_fallback else "unsure",
        stated=field.stated_by_seller,
        seen=tuple(_seen(words, name, evidence, photos) for evidence in field.evidence),
        alternatives=tuple(
            Choice(a.value, value_text(words, name, a.value), words.percent(a.confidence))
            for a in field.alternatives
            if a.value != field.value and a.confidence >= WORTH_OFFERING
        ),
        problems=tuple(readiness.message(p, words.language) for p in mine),
        to_confirm=any(
            p.code in (readiness.ReadinessCode.UNSURE, readiness.ReadinessCode.RESTS_ON_FALLBACK) for p in mine
        ),
    )


def _seen(words: Words, name: str, evidence: Evidence, photos: Mapping[str, tuple[int, Photo]]) -> Seen:
    number, photo = photos.get(evidence.photo or "", (None, None))
    sentence = _sentence(words, evidence, number)
    if photo is None:
        return Seen(sentence, number)
    return Seen(sentence, number, _crop(evidence, photo), picture(photo, "thumbnail"))


def _sentence(words: Words, evidence: Evidence, number: int | None) -> str:
    detail = evidence.detail
    if evidence.source == "seller":
        return words("source.seller.batch" if detail == "batch" else "source.seller")
    if evidence.source == "template":
        used = (words.field(name).lower() for name in detail.split(", ") if name in FIELD_NAMES)
        return words("source.template", detail=", ".join(used))
    if evidence.source in ("price_table", "default", "fallback"):
        return words(f"source.{evidence.source}", detail=detail)
    where = words("source.photo", n=number) if number else words("source.photos")
    sentence = words(f"source.{evidence.source}", where=where)
    return f"{sentence} {words('source.words', detail=detail)}" if detail else sentence


def _crop(evidence: Evidence, photo: Photo) -> Crop | None:
    """The evidence's box with a margin, or None where there is no box."""
    if evidence.box is None or not photo.width or not photo.height:
        return None
    left, top, right, bottom = evidence.box
    margin_x, margin_y = (right - left) * 0.15 + 0.01, (bottom - top) * 0.35 + 0.01
    x, y = max(0.0, left - margin_x), max(0.0, top - margin_y)
    across, down = min(1.0, right + margin_x) - x, min(1.0, bottom + margin_y) - y
    width, height = photo.width, photo.height
    return Crop(
        picture(photo),
        width,
        height,
        int(x * width),
        int(y * height),
        max(1, int(across * width)),
        max(1, int(down * height)),
    )


def _value(fields: Mapping[str, Field], name: str) -> Any:
    return fields.get(name, Field()).value
