"""What a seller should know about how an item was read, in words: a reading's warnings as sentences.

Owns which warning codes are told and what a disagreement is about. Does not own the sentences (`texts/`) nor what is
still in the way of publishing (`readiness.py`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from backend.core import catalog
from backend.core.listing import UNKNOWN, Field
from backend.core.texts import sentences

_DISAGREEMENT = "_disagreement"


def remarks(warnings: Iterable[str], fields: Mapping[str, Field], language: str) -> tuple[str, ...]:
    """A sentence for each warning that has one, once each; a disagreement the seller has settled is told no more."""
    return tuple(dict.fromkeys(_told(warnings, fields, language)))


def value_name(name: str, value: Any, language: str) -> str:
    """A field's value as people read it: the catalog's names instead of our slugs."""
    if isinstance(value, list):
        return ", ".join(value_name(name, one, language) for one in value)
    term = catalog.terms_of(name).get(value)
    return term.name(language).lower() if term else str(value)


def _told(warnings: Iterable[str], fields: Mapping[str, Field], language: str) -> Iterator[str]:
    texts = sentences(language)
    for warning in warnings:
        code = warning.split(":")[0]
        if code in texts["warnings"]:
            yield texts["warnings"][code]
            continue
        name = code.removesuffix(_DISAGREEMENT)
        field = fields.get(name, UNKNOWN)
        if name != code and field.alternatives and not field.stated_by_seller and name in texts["fields"]:
            yield texts["disagreement"].format(
                field=texts["fields"][name],
                label=value_name(name, field.value, language),
                model=value_name(name, field.alternatives[0].value, language),
            )
