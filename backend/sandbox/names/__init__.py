"""What the sandbox marketplace calls categories, sizes, colours, conditions, materials and parcels in each country.

Owns a file a language besides French and English, which are the catalog's. They are a site's own on purpose: other
words than those the product lists first, other capitals and signs, another order of the tree, fewer colours and
materials, and one category (`otherwise`, by id) under a name that nobody expects. Owns no id and no rule.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from backend.core import catalog
from backend.core.catalog import Leaf, SizeOption, Term

FOREIGN = ("de", "es", "it", "nl", "pt", "pl")


def tree(language: str) -> list[dict[str, Any]]:
    """The whole tree as the site's web API gives it."""
    roots = catalog.raw()["tree"]
    if language in FOREIGN:
        order = _read(language)["order"]
        roots = sorted(roots, key=lambda root: order.index(root["en"]))
    return [_node(root, language) for root in roots]


def path(leaf: Leaf, language: str) -> list[str]:
    titles = _titles(language)
    return [titles[number] for number in leaf.ids]


def terms(vocabulary: catalog.Vocabulary, language: str) -> list[tuple[Term, str]]:
    """What this site offers, by its name here."""
    known = catalog.vocabulary(vocabulary).values()
    if language not in FOREIGN:
        return [(term, term.name(language)) for term in known]
    names: Mapping[str, str] = _read(language)[vocabulary]
    return [(term, names[term.slug]) for term in known if term.slug in names]


def name(vocabulary: catalog.Vocabulary, term_id: int | None, language: str) -> str:
    return next((title for term, title in terms(vocabulary, language) if term.id == term_id), "")


def size(option: SizeOption, language: str) -> str:
    """The label of a size: a country may leave out the last of its parts."""
    if language not in FOREIGN:
        return option.label
    words = _read(language)["sizes"]
    if option.value == catalog.ONE_SIZE:
        return str(words["one"])
    first, *rest = option.label.split(" / ")
    if age := catalog.AGE.fullmatch(option.value):
        first = words[age[2]].format(n=age[1])
    return " / ".join([first, *rest][: words["parts"]])


def labels(language: str) -> Mapping[str, str]:
    """The words of the page that are written in this language."""
    return _read(language)["labels"] if language in FOREIGN else {}


def _node(raw: Mapping[str, Any], language: str) -> dict[str, Any]:
    below = [_node(child, language) for child in raw.get("children", ())]
    return {"id": raw["id"], "title": _title(raw, language), "catalogs": below}


def _title(raw: Mapping[str, Any], language: str) -> str:
    if language not in FOREIGN:
        return str(raw[language])
    words = _read(language)
    return str(words["otherwise"].get(str(raw["id"])) or words["tree"][raw["en"]])


@cache
def _titles(language: str) -> dict[int, str]:
    def walk(nodes: Iterable[dict[str, Any]]) -> Iterable[tuple[int, str]]:
        for node in nodes:
            yield node["id"], node["title"]
            yield from walk(node["catalogs"])

    return dict(walk(tree(language)))


@cache
def _read(language: str) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(files(__name__).joinpath(f"{language}.json").read_text(encoding="utf-8"))
    return stored
