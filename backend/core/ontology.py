"""What a marketplace's own form offers: categories, sizes, colours, conditions, materials and parcels, by id and name.

Owns the reading of the form's answers (as its web API is publicly known to give them, single parts missing or new) and
which of our options each of theirs is. Does not own our options (`catalog.py`), where an ontology is kept
(`drafts/site_catalogs.py`) nor how the answers are listened to (`marketplace/vinted_web/ontology.py`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rapidfuzz import fuzz, process

from backend.core import catalog
from backend.core.catalog import Leaf, SizeOption, Term
from backend.core.listing import Listing
from backend.core.search_words import bare

NEAREST = 3
LIKE = 45
"""Least likeness, of 100, of a name that is suggested."""
_CODES = {
    "color": "colours", "colour": "colours", "condition": "condition", "status": "condition", "material": "materials",
    "package_size": "parcel",
}  # fmt: skip


@dataclass(frozen=True)
class Answered:
    """One answer of the form's web API: the path asked, what was asked for, and the JSON that came."""

    path: str
    asked: Any
    body: Any


@dataclass(frozen=True)
class Option:
    id: int
    title: str


@dataclass(frozen=True)
class Category:
    """A leaf of their tree: its ids and names from the top."""

    ids: tuple[int, ...]
    path: tuple[str, ...]

    @property
    def id(self) -> int:
        return self.ids[-1]


@dataclass(frozen=True)
class Ontology:
    """`options` by our field names; `sizes` by leaf id, for the leaves that were looked at."""

    leaves: tuple[Category, ...] = ()
    options: Mapping[str, tuple[Option, ...]] = field(default_factory=dict)
    sizes: Mapping[int, tuple[Option, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Match:
    """Our option's counterpart, or the names nearest to it where there is none."""

    option: Option | None
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unmapped:
    """A value of a listing that the site does not offer under a name we know."""

    field: str
    name: str
    suggestions: tuple[str, ...]


def read(answers: Iterable[Answered]) -> Ontology:
    """All that these answers tell together; what is not of a known form is passed over."""
    leaves: tuple[Category, ...] = ()
    options: dict[str, tuple[Option, ...]] = {}
    sizes: dict[int, tuple[Option, ...]] = {}
    for answer in answers:
        body = answer.body if isinstance(answer.body, dict) else {}
        if answer.path.endswith("/catalogs"):
            leaves = tuple(_leaves(_list(body.get("catalogs")), (), ())) or leaves
        elif answer.path.endswith("/colors"):
            options["colours"] = tuple(_options(body.get("colors"))) or options.get("colours", ())
        elif answer.path.endswith("/attributes") and (leaf := _asked_leaf(answer.asked)) is not None:
            for code, offered in _attributes(body.get("attributes")):
                if code == "size":
                    sizes[leaf] = offered
                elif code in _CODES and offered:
                    options[_CODES[code]] = offered
    return Ontology(leaves, options, sizes)


def match_term(term: Term, offered: Iterable[Option], language: str) -> Match:
    """By name in any of our languages; on a site of another language by the publicly known id."""
    options = list(offered)
    names = {plain(name) for name in term.names.values()}
    if same := next((o for o in options if plain(o.title) in names), None):
        return Match(same)
    if language not in term.names and (known := next((o for o in options if o.id == term.id), None)):
        return Match(known)
    return Match(None, _nearest(term.name(language), [o.title for o in options]))


def find_category(leaf: Leaf, ontology: Ontology, language: str) -> Category | None:
    """The same way down the tree; or, under the same top, the only leaf of that name or of the kind's."""
    path = leaf.path(language)
    if same := next((c for c in ontology.leaves if _same(c.path, path)), None):
        return same
    under = _under_the_same_top(path, ontology)
    for name in (path[-1], catalog.kinds()[leaf.kind].name(language)):
        named = [c for c in under if _singular(c.path[-1]) == _singular(name)]
        if len(named) == 1:
            return named[0]
    return None


def match_leaf(leaf: Leaf, ontology: Ontology, language: str) -> Match:
    if found := find_category(leaf, ontology, language):
        return Match(Option(found.id, " > ".join(found.path)))
    path = leaf.path(language)
    titles = [" > ".join(c.path) for c in _under_the_same_top(path, ontology) or ontology.leaves]
    return Match(None, _nearest(" > ".join(path), titles))


def as_offered(leaf: Leaf, ontology: Ontology, language: str) -> Leaf | None:
    """Our leaf with the site's own ids and names on the way to it; None where the site has none like it."""
    if (found := find_category(leaf, ontology, language)) is None:
        return None
    return replace(leaf, id=found.id, ids=found.ids, paths={"en": found.path, language: found.path})


def match_size(size: SizeOption, offered: Iterable[Option]) -> Match:
    """By the whole label, or by its first part where only one begins so ("M" and "M / 38 / 10")."""
    options = list(offered)
    if same := next((o for o in options if plain(o.title) == plain(size.label)), None):
        return Match(same)
    starts = [o for o in options if plain(o.title.split("/")[0]) == plain(size.label.split("/")[0])]
    if len(starts) == 1:
        return Match(starts[0])
    return Match(None, _nearest(size.label, [o.title for o in options]))


def unmapped(listing: Listing, ontology: Ontology, language: str) -> tuple[Unmapped, ...]:
    """The listing's values that this site does not offer. What the site was not asked about counts as offered."""
    return tuple(_missing(listing, ontology, language))


def plain(name: str) -> str:
    """Lower case, letters and digits alone: "T-shirts & débardeurs" and "t shirts debardeurs" are one name."""
    return " ".join(re.findall(r"\w+", bare(name)))


def _missing(listing: Listing, ontology: Ontology, language: str) -> Iterator[Unmapped]:
    leaf = catalog.find_leaf(listing.value("audience"), listing.value("category"))
    if leaf is not None and ontology.leaves:
        match = match_leaf(leaf, ontology, language)
        if match.option is None:
            yield Unmapped("category", " > ".join(leaf.path(language)), match.suggestions)
        size = catalog.find_size(leaf, listing.value("size"))
        if match.option and size and (offered := ontology.sizes.get(match.option.id)):
            sized = match_size(size, offered)
            if sized.option is None:
                yield Unmapped("size", size.label, sized.suggestions)
    terms = {
        "condition": catalog.conditions(),
        "colours": catalog.colours(),
        "materials": catalog.materials(),
        "parcel": catalog.parcels(),
    }
    for name, known in terms.items():
        value = listing.value(name)
        for slug in value if isinstance(value, list) else [value]:
            if slug in known and (offered := ontology.options.get(name)):
                match = match_term(known[slug], offered, language)
                if match.option is None:
                    yield Unmapped(name, known[slug].name(language), match.suggestions)


def _under_the_same_top(path: tuple[str, ...], ontology: Ontology) -> list[Category]:
    return [category for category in ontology.leaves if plain(category.path[0]) == plain(path[0])]


def _singular(name: str) -> str:
    """Sites name categories in the plural, kinds are in the singular: "Jeans" is "Jean"."""
    return " ".join(word.removesuffix("s") for word in plain(name).split())


def _same(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    return [plain(name) for name in a] == [plain(name) for name in b]


def _nearest(name: str, titles: list[str]) -> tuple[str, ...]:
    found = process.extract(
        name, titles, scorer=fuzz.token_set_ratio, processor=plain, limit=NEAREST, score_cutoff=LIKE
    )
    return tuple(title for title, _, _ in found)


def _leaves(nodes: list[Any], ids: tuple[int, ...], path: tuple[str, ...]) -> Iterator[Category]:
    for node in nodes:
        option = _option(node)
        if option is None:
            continue
        here = ((*ids, option.id), (*path, option.title))
        below = _list(node.get("catalogs"))
        if below:
            yield from _leaves(below, *here)
        else:
            yield Category(*here)


def _attributes(attributes: Any) -> Iterator[tuple[str, tuple[Option, ...]]]:
    for attribute in _list(attributes):
        if isinstance(attribute, dict) and isinstance(attribute.get("code"), str):
            configuration = attribute.get("configuration")
            offered = configuration.get("options") if isinstance(configuration, dict) else attribute.get("options")
            yield attribute["code"], tuple(_options(offered))


def _options(found: Any) -> Iterator[Option]:
    """Options, also those in groups."""
    for entry in _list(found):
        inner = _list(entry.get("options")) if isinstance(entry, dict) else []
        if inner:
            yield from _options(inner)
        elif option := _option(entry):
            yield option


def _option(entry: Any) -> Option | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), int) or not isinstance(entry.get("title"), str):
        return None
    return Option(entry["id"], entry["title"].strip())


def _asked_leaf(asked: Any) -> int | None:
    """The category in `{"attributes": [{"code": "category", "value": [id]}]}`."""
    for question in _list(asked.get("attributes")) if isinstance(asked, dict) else []:
        if isinstance(question, dict) and question.get("code") == "category":
            value = question.get("value")
            first = value[0] if isinstance(value, list) and value else value
            return first if isinstance(first, int) else None
    return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
