"""What a vision model is asked to answer, and what becomes of its answer.

Owns the JSON schema (in the strict subset: every property required, nothing additional), its validation, and
the translation into fields: unknown words are dropped with a warning, sizes are read as the offline reader reads them,
what must be printed to be known (brand, size, materials) counts only with the photo that shows it, and words that
break a rule of `core/plain_words.py` are dropped: whatever a photo told the model to say. Does not own the call
(`calls.py`) nor the catalog.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic_core import from_json

from backend.core import catalog, plain_words
from backend.core.listing import Evidence, Field
from backend.core.readiness import COLOURS_MAX, DESCRIPTION_LENGTH, MATERIALS_MAX, TITLE_LENGTH
from backend.core.reading import ItemReading, Role
from backend.vision.completion import MalformedAnswer
from backend.vision.embedded import sizes
from backend.vision.embedded.text_line import TextLine

PRINTED = ("brand", "size", "materials")
WORDS = ("title", "description")
BRAND_LENGTH = 40
BRAND_WORDS = 5
NO_BRAND = {
    *("", "none", "null", "unknown", "n/a", "no brand", "unbranded", "sans marque", "inconnue", "inconnu"),
    *("ohne marke", "keine marke", "unbekannt", "sin marca", "desconocida", "senza marca", "sconosciuta"),
    *("geen merk", "zonder merk", "onbekend", "sem marca", "desconhecida", "bez marki", "brak marki"),
}


class _Said(BaseModel):
    """A value, how sure the model is (0 to 1), and the number of the photo that shows it (from 1)."""

    model_config = ConfigDict(extra="ignore")

    confidence: float
    photo: int | None

    @field_validator("confidence")
    @classmethod
    def _within_bounds(cls, confidence: float) -> float:
        return 0.0 if math.isnan(confidence) else min(max(confidence, 0.0), 1.0)


class SaidText(_Said):
    value: str | None


class SaidList(_Said):
    value: list[str] | None


class Answer(BaseModel):
    """A model's answer about one item, in its own words."""

    model_config = ConfigDict(extra="ignore")

    category: SaidText
    audience: SaidText
    brand: SaidText
    size: SaidText
    colours: SaidList
    materials: SaidList
    condition: SaidText
    title: SaidText
    description: SaidText
    photos: list[str] = []
    """What each photo shows, in their order; empty where it is of no agreed form."""

    @field_validator("photos", mode="before")
    @classmethod
    def _words_or_none(cls, said: Any) -> list[str]:
        return said if isinstance(said, list) and all(isinstance(word, str) for word in said) else []


SAID = tuple(name for name in Answer.model_fields if name != "photos")


def answer_schema() -> dict[str, Any]:
    """The JSON schema of `Answer`, with the catalog's slugs as the only words allowed where we have them."""
    text: dict[str, Any] = {"type": ["string", "null"]}
    return _object(
        {
            "category": _said(_one_of(catalog.kinds())),
            "audience": _said(_one_of(catalog.AUDIENCES)),
            "brand": _said(text),
            "size": _said(text),
            "colours": _said(_some_of(catalog.colours())),
            "materials": _said(_some_of(catalog.materials())),
            "condition": _said(_one_of(catalog.conditions())),
            "title": _said(text),
            "description": _said(text),
            "photos": {"type": "array", "items": {"type": "string", "enum": list(get_args(Role))}},
        }
    )


def parse_answer(text: str) -> tuple[Answer, tuple[str, ...]]:
    """The answer, and a warning `<field>_malformed` for each field left out or not of the agreed form.

    Raises MalformedAnswer where no field is."""
    try:
        said = from_json(text)
    except ValueError:
        raise MalformedAnswer("The vision model's answer is not of the agreed form (no JSON).") from None
    given = said if isinstance(said, dict) else {}
    fields: dict[str, Any] = {}
    for name in SAID:
        kind: type[_Said] = Answer.model_fields[name].annotation  # type: ignore[assignment]
        try:
            fields[name] = kind.model_validate(given.get(name))
        except ValidationError:
            continue
    malformed = tuple(f"{name}_malformed" for name in SAID if name not in fields)
    if not fields:
        raise MalformedAnswer(f"The vision model's answer is not of the agreed form ({len(malformed)} faults).")
    abstains = {"value": None, "confidence": 0.0, "photo": None}
    whole = {name: fields.get(name, abstains) for name in SAID}
    return Answer.model_validate({**whole, "photos": given.get("photos")}), malformed


def to_reading(answer: Answer, photos: Sequence[str], *, source: str) -> ItemReading:
    """The fields of an answer about these photo ids; `source` names the model and the prompt, for the evidence."""
    fields: dict[str, Field] = {}
    warnings: list[str] = []
    for name, translate in _translations(answer).items():
        said: SaidText | SaidList = getattr(answer, name)
        if said.value is None or said.value == []:
            continue
        photo = photos[said.photo - 1] if said.photo is not None and 1 <= said.photo <= len(photos) else None
        value = translate(said.value)
        if value is None:
            warnings.append(f"{name}_unknown")
        elif name in PRINTED and photo is None:
            warnings.append(f"{name}_unseen")
        else:
            fields[name] = Field(value, said.confidence, evidence=(Evidence("model", photo, source),))
            if isinstance(value, list) and len(value) < len(said.value):
                warnings.append(f"{name}_partly_unknown")
    warnings += _drop_unfit_words(fields)
    return ItemReading(tuple(photos), fields, tuple(warnings), _roles(answer.photos, photos))


def _roles(said: Sequence[str], photos: Sequence[str]) -> dict[str, Role]:
    """What each photo shows; nothing where not every photo was told, or in other words: which is meant is not known."""
    known: dict[str, Role] = {role: role for role in get_args(Role)}
    roles = [known.get(word.strip().casefold()) for word in said]
    told = {photo: role for photo, role in zip(photos, roles, strict=False) if role is not None}
    return told if len(told) == len(said) == len(photos) else {}


def _drop_unfit_words(fields: dict[str, Field]) -> list[str]:
    """Takes away a title or description that breaks a rule: plain ones are then composed from the fields."""
    brand = fields["brand"].value if "brand" in fields else None
    unfit = [n for n in WORDS if n in fields and plain_words.faults(str(fields[n].value), brand=brand)]
    for name in unfit:
        del fields[name]
    return [f"{name}_unfit" for name in unfit]


def normalise_size(text: str, leaf: catalog.Leaf | None) -> str | None:
    """A printed size in the catalog's terms ("W30 L32" → "W30", "8 ans" → "8Y"), or None when it has none.

    Read as a label would be: 38 is a shoe's size, a woman's M, or a man's waist in another country's terms."""
    line = TextLine(text, 1.0, (0.0, 0.0, 1.0, 1.0), 1.0)
    if leaf is None:
        reading = sizes.find_size([line], kind=None, on_label=True)
        return reading.value if reading else None
    reading = sizes.find_size([line], kind=leaf.kind, audience=leaf.audience, on_label=True)
    known = catalog.find_size(leaf, reading.value) if reading else None
    return known.value if known else None


def _translations(answer: Answer) -> Mapping[str, Callable[[Any], Any]]:
    """How each field's words become ours; None where they can't."""
    kind = _slug(answer.category.value, catalog.kinds())
    leaf = catalog.find_leaf(_slug(answer.audience.value, catalog.AUDIENCES), kind)
    return {
        "category": lambda said: _slug(said, catalog.kinds()),
        "audience": lambda said: _slug(said, catalog.AUDIENCES),
        "brand": _brand,
        "size": lambda said: normalise_size(said, leaf),
        "colours": lambda said: _slugs(said, catalog.colours(), COLOURS_MAX),
        "materials": lambda said: _slugs(said, catalog.materials(), MATERIALS_MAX),
        "condition": lambda said: _slug(said, catalog.conditions()),
        "title": lambda said: _within(" ".join(plain_words.visible(said).split()), TITLE_LENGTH),
        "description": lambda said: _within(_lines(said), DESCRIPTION_LENGTH),
    }


def _brand(said: str) -> str | None:
    """A name a label could bear: no sentence, no address, and not "no brand", which is for the seller to state."""
    name = " ".join(plain_words.visible(said).split())
    if name.casefold() in NO_BRAND or len(name) > BRAND_LENGTH or len(name.split()) > BRAND_WORDS:
        return None
    if not any(c.isalnum() for c in name) or set(name) & set('{}<>|\\;:!?#@*="') or "://" in name:
        return None
    return None if plain_words.faults(name, brand=name) else name


def _slug(said: str | None, known: Mapping[str, object] | Sequence[str]) -> str | None:
    slug = (said or "").strip().casefold().replace(" ", "-").replace("_", "-")
    return slug if slug in known else None


def _slugs(said: list[str], known: Mapping[str, object], most: int) -> list[str] | None:
    found = [slug for word in said if (slug := _slug(word, known))]
    return list(dict.fromkeys(found))[:most] or None


def _lines(said: str) -> str:
    """Line by line, without invisible characters or empty lines."""
    lines = (" ".join(plain_words.visible(line).split()) for line in said.splitlines())
    return "\n".join(line for line in lines if line)


def _within(text: str, length: tuple[int, int]) -> str | None:
    return text if length[0] <= len(text) <= length[1] else None


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _said(value: dict[str, Any]) -> dict[str, Any]:
    return _object({"value": value, "confidence": {"type": "number"}, "photo": {"type": ["integer", "null"]}})


def _one_of(slugs: Mapping[str, object] | Sequence[str]) -> dict[str, Any]:
    return {"type": ["string", "null"], "enum": [*slugs, None]}


def _some_of(slugs: Mapping[str, object]) -> dict[str, Any]:
    return {"type": ["array", "null"], "items": {"type": "string", "enum": list(slugs)}}
