"""What marketplaces call things on their forms, in every language listings are written in: the names we accept.

Owns, a file a language, the names of categories (`categories`, by our tree's English names), and what sites call a
condition, colour, material, parcel or "one size" besides the names that listings use (`core/wording`) and the
catalog's French and English ones, which are not repeated here. Owns no rule of comparing (`ontology.py`). A name may
stand for two colours: then it alone chooses neither.
"""

import json
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from backend.core import catalog, wording
from backend.core.catalog import Leaf, Term
from backend.core.search_words import bare

Names = tuple[str, ...]
"""The name we say first, then others that mean the same."""

_JOINING = frozenset(("and", "et", "und", "y", "e", "en", "i"))


def levels(leaf: Leaf, language: str) -> tuple[Names, ...]:
    """The names accepted for each category on the way to this one, from the top."""
    if leaf.as_offered:
        return tuple((name,) for name in leaf.path(language))
    table = _read(language).get("categories", {})
    pairs = zip(leaf.path("en"), leaf.path(language), strict=True)
    return tuple(tuple(table.get(english, (name,))) for english, name in pairs)


def path(leaf: Leaf, language: str) -> tuple[str, ...]:
    """The way to this category in the language's own words."""
    return tuple(names[0] for names in levels(leaf, language))


def of(term: Term, language: str) -> Names:
    """The names accepted for a condition, colour, material or parcel."""
    if term.as_offered:
        return (term.name(language),)
    more: list[str] = _read(language).get(term.vocabulary, {}).get(term.slug, [])
    return tuple(dict.fromkeys((_name(term, language, more), *more)))


@cache
def one_size() -> frozenset[str]:
    """What "one size" is called anywhere, plain."""
    return frozenset(plain(name) for language in wording.LANGUAGES for name in _read(language)["one_size"])


def spoken(tops: Iterable[str], expected: str) -> str:
    """The language a form is in, by the names at the top of its tree: the one expected, unless they are another's."""
    shown = {plain(name) for name in tops}
    known = {
        language: sum(any(plain(name) in shown for name in names) for names in _tops(language))
        for language in (expected, *wording.LANGUAGES)
    }
    best = max(known, key=lambda language: known[language])  # the one expected comes first
    return best if known[best] > 1 else expected


@lru_cache(maxsize=20_000)
def plain(name: str) -> str:
    """Without case, accents, signs or an "and": "T-shirts & Débardeurs" and "t shirts et debardeurs" are one name."""
    words = "".join(c if c.isalnum() else " " for c in bare(name)).split()
    return " ".join([word for word in words if word not in _JOINING] or words)


def _name(term: Term, language: str, more: list[str]) -> str:
    """As listings in the language name it; parcels are named by sites alone."""
    if language in term.names or language not in wording.LANGUAGES:
        return term.name(language)
    if term.vocabulary == "colours":
        return wording.colour(term.slug, language)
    return more[0] if term.vocabulary == "parcels" else wording.name(term.vocabulary, term.slug, language)


def _tops(language: str) -> list[Names]:
    table = _read(language).get("categories", {})
    return [tuple(table.get(root["en"], (root.get(language, root["en"]),))) for root in catalog.raw()["tree"]]


@cache
def _read(language: str) -> dict[str, Any]:
    """Nothing but "one size" for French and English, whose names are the catalog's, and nothing for a language that no
    listing is written in: such a site is looked at in English."""
    code = language if language in wording.LANGUAGES else "en"
    stored: dict[str, Any] = json.loads(files(__name__).joinpath(f"{code}.json").read_text(encoding="utf-8"))
    return stored
