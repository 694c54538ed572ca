"""What a marketplace's own form offers: categories, sizes, colours, conditions, materials and parcels, by id and name.

Owns the reading of the form's answers (as its web API is publicly known to give them, single parts missing or new) and
which of our options each of theirs is, by the names on an open form too. Does not own our options (`catalog.py`),
what sites call them (`site_names`), where an ontology is kept (`drafts/site_catalogs.py`) nor how the answers are
listened to (`marketplace/vinted_web/ontology.py`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rapidfuzz import fuzz, process

from backend.core import catalog, site_names, wording
from backend.core.catalog import Leaf, SizeOption, Term
from backend.core.listing import Listing
from backend.core.site_names import plain

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

    def spoken(self, expected: str) -> str:
        """The language its names are in: a member may read a site in another than its country's."""
        return site_names.spoken({category.path[0] for category in self.leaves}, expected)


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
    """By name, in the site's language or the catalog's. On a site in neither French nor English the id comes first
    where it is publicly known, unless the option bears another of our names: names there are less sure than ids."""
    options = list(offered)
    known = _by_id(term, options, language)
    if language not in term.names and known:
        return Match(known)
    for spoken in (language, *term.names):
        named = fitting(site_names.of(term, spoken), [o.title for o in options])
        if known and known.title in named:
            return Match(known)
        if len(named) == 1:
            return Match(next(o for o in options if o.title == named[0]))
    return Match(None, nearest(site_names.of(term, language)[0], [o.title for o in options]))


def is_another(term: Term, title: str, language: str) -> bool:
    """Whether this is the name of another option of its kind, and not of this one."""
    if fitting(site_names.of(term, language), [title]):
        return False
    others = catalog.vocabulary(term.vocabulary).values()
    return any(fitting(site_names.of(other, language), [title]) for other in others if other.slug != term.slug)


def fitting(names: Iterable[str], titles: Iterable[str]) -> list[str]:
    """The titles that are one of these names, each once; more than one is one too many to choose."""
    wanted = {plain(name) for name in names}
    return list({plain(title): title for title in reversed(list(titles)) if plain(title) in wanted}.values())


def find_category(leaf: Leaf, ontology: Ontology, language: str) -> Category | None:
    """The only one by the same way down the tree; or, of the same audience, the only leaf of its or the kind's name."""
    levels = site_names.levels(leaf, language)
    way = [{plain(name) for name in names} for names in levels]
    same = [c for c in ontology.leaves if _same_way(c.path, way)]
    if same:
        return same[0] if len(same) == 1 else None
    under = _for_the_same(leaf.audience, levels, ontology)
    for names in (levels[-1], [wording.name("kinds", leaf.kind, language)]):
        wanted = {_singular(name) for name in names}
        named = [c for c in under if _singular(c.path[-1]) in wanted]
        if len(named) == 1:
            return named[0]
    return None


def match_leaf(leaf: Leaf, ontology: Ontology, language: str) -> Match:
    if found := find_category(leaf, ontology, language):
        return Match(Option(found.id, " > ".join(found.path)))
    alike = _for_the_same(leaf.audience, site_names.levels(leaf, language), ontology)
    titles = [" > ".join(c.path) for c in alike or ontology.leaves]
    return Match(None, nearest(" > ".join(site_names.path(leaf, language)), titles))


def as_offered(leaf: Leaf, ontology: Ontology, language: str) -> Leaf | None:
    """Our leaf with the site's own ids and names on the way to it; None where the site has none like it."""
    if (found := find_category(leaf, ontology, language)) is None:
        return None
    return replace(leaf, id=found.id, ids=found.ids, paths=dict.fromkeys(leaf.paths, found.path), as_offered=True)


def match_size(size: SizeOption, offered: Iterable[Option]) -> Match:
    """See `sizes_fitting`."""
    options = list(offered)
    named = sizes_fitting(size, [o.title for o in options])
    if len(named) == 1:
        return Match(next(o for o in options if o.title == named[0]))
    return Match(None, nearest(size.label, [o.title for o in options]))


def sizes_fitting(size: SizeOption, titles: Sequence[str]) -> list[str]:
    """By the whole label; an age by its numbers, whatever a site calls years ("8 ans / 128 cm", "8 Jahre / 128 cm");
    "one size" by any of its names; or by the label's first part ("M" and "M / 38 / 10"). Several are none to choose."""
    if same := fitting([size.label], titles):
        return same
    if size.value == catalog.ONE_SIZE:
        return [title for title in titles if plain(title) in site_names.one_size()]
    if catalog.AGE.fullmatch(size.value):
        age = [title for title in titles if _numbers(title) == _numbers(size.label)]
        return age or fitting(size.label.split("/"), titles)
    return [title for title in titles if plain(title.split("/")[0]) == plain(size.label.split("/")[0])]


def unmapped(listing: Listing, ontology: Ontology, language: str) -> tuple[Unmapped, ...]:
    """The listing's values that this site does not offer. What the site was not asked about counts as offered."""
    return tuple(_missing(listing, ontology, language))


def _missing(listing: Listing, ontology: Ontology, language: str) -> Iterator[Unmapped]:
    language = ontology.spoken(language)
    leaf = catalog.find_leaf(listing.value("audience"), listing.value("category"))
    if leaf is not None and ontology.leaves:
        match = match_leaf(leaf, ontology, language)
        if match.option is None:
            yield Unmapped("category", " > ".join(site_names.path(leaf, language)), match.suggestions)
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
                    yield Unmapped(name, site_names.of(known[slug], language)[0], match.suggestions)


def _by_id(term: Term, options: Iterable[Option], language: str) -> Option | None:
    if term.vocabulary not in catalog.PUBLIC_IDS:
        return None
    known = next((o for o in options if o.id == term.id), None)
    return None if known is None or is_another(term, known.title, language) else known


def _numbers(title: str) -> list[str]:
    return sorted(re.findall(r"\d+", title))


def _for_the_same(audience: str, levels: Sequence[Iterable[str]], ontology: Ontology) -> list[Category]:
    """Women's and men's stand under tops of their own, girls' and boys' one level further down."""
    top = [{plain(name) for name in names} for names in levels[: 1 if audience in ("women", "men") else 2]]
    return [c for c in ontology.leaves if _same_way(c.path[: len(top)], top)]


def _singular(name: str) -> str:
    """Sites name categories in the plural, kinds are in the singular: "Jeans" is "Jean"."""
    return " ".join(word.removesuffix("s") for word in plain(name).split())


def _same_way(path: Sequence[str], way: Sequence[set[str]]) -> bool:
    return len(path) == len(way) and all(plain(name) in names for name, names in zip(path, way, strict=True))


def nearest(name: str, titles: Iterable[str]) -> tuple[str, ...]:
    """At most three titles that are something like this name."""
    found = process.extract(
        name, list(titles), scorer=fuzz.token_set_ratio, processor=plain, limit=NEAREST, score_cutoff=LIKE
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
