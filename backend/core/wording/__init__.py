"""What listings are written with, a folder a language: names, grammar, templates, words nobody should use.

Owns the languages a listing can be written in, and each one's names of kinds, colours, conditions and materials as
sellers there say them; where a folder has none (French, English) they are the catalog's. Owns no rule (`words.py`),
and no sentence the software says to its reader (`core/texts`), who may well read another language.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from backend.core import catalog

Language = Literal["fr", "en", "de", "es", "it", "nl", "pt", "pl"]
LANGUAGES: Mapping[Language, str] = {
    "fr": "Français",
    "en": "English",
    "de": "Deutsch",
    "es": "Español",
    "it": "Italiano",
    "nl": "Nederlands",
    "pt": "Português",
    "pl": "Polski",
}
"""Each by its own name, as its speakers look for it in a list."""

FIRST: Language = "fr"
"""Where neither a person nor a marketplace says: the marketplace began there."""

Named = Literal["kinds", "conditions", "materials"]
_CATALOG: Mapping[Named, Callable[[], Mapping[str, catalog.Term | catalog.Kind]]] = {
    "kinds": catalog.kinds,
    "conditions": catalog.conditions,
    "materials": catalog.materials,
}


def written(language: str) -> Language:
    """The language a listing is written in when this one is wished for: the same, or English."""
    return next((code for code in LANGUAGES if code == language), "en")


def language_at(base_url: str) -> Language | None:
    """The language of listings on the marketplace at this address; None where it is unknown or can't be written."""
    return next((code for code in LANGUAGES if code == catalog.language_of(base_url, default="")), None)


def of(language: str) -> dict[str, Any]:
    """`words`, `grammar` and `hype` of the language, and `names` where the catalog has none in it."""
    return _read(written(language))


def name(what: Named, slug: str, language: str) -> str:
    """The name of a kind, condition or material of the catalog. Raises KeyError for a slug that is none."""
    own = of(language).get("names")
    found: str = own[what][slug] if own else _CATALOG[what]()[slug].name(written(language))
    return found


def colour(slug: str, language: str, kind: str | None = None) -> str:
    """The colour in agreement with the kind of item (chemise bleue, botas negras), or by itself (bleu, negro)."""
    grammar = of(language)["grammar"]
    forms = grammar["colours"].get(slug) or catalog.colours()[slug].name(written(language)).lower()
    form: str = forms if isinstance(forms, str) else forms[grammar["kinds"].get(kind, "m")]
    return form


def slugs(what: Named) -> tuple[str, ...]:
    """All there are to name."""
    return tuple(_CATALOG[what]())


def every_name(what: Named, slug: str) -> tuple[str, ...]:
    """What it is called in any of the languages."""
    return tuple(dict.fromkeys(name(what, slug, language) for language in LANGUAGES))


@cache
def _read(language: str) -> dict[str, Any]:
    text = files(__name__).joinpath(language, "words.json").read_text(encoding="utf-8")
    stored: dict[str, Any] = json.loads(text)
    return stored
