"""Categories, sizes, colours, conditions, materials, parcels and country domains, and how to name them.

Owns the mapping between our slugs and the marketplace's labels and ids. The tree in `catalog.json` is a
small one: only women 1904, women's shoes 16, women's trainers 2632 and the ids of colours, conditions,
parcels and letter sizes are publicly reported; the other ids belong to our own sandbox. On the real
site the form is driven by labels, in any language (`site_names`), and ids are the seller's session's to look up.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal
from urllib.parse import urlsplit

from backend.core.errors import Conflict

Language = Literal["fr", "en"]
Vocabulary = Literal["colours", "conditions", "materials", "parcels"]
AUDIENCES = ("women", "men", "girls", "boys")
PUBLIC_IDS = ("colours", "conditions", "parcels")
"""The vocabularies whose ids are publicly reported; those of materials are our sandbox's own."""
ONE_SIZE = "One size"
AGE = re.compile(r"(\d+)([MY])")
"""A size's value that is an age, in months or years."""


@dataclass(frozen=True)
class Term:
    """An option of the marketplace: our slug, its id there, its names. `as_offered`: id and names are a site's own."""

    slug: str
    id: int
    names: Mapping[str, str]
    vocabulary: Vocabulary
    as_offered: bool = False

    def name(self, language: str) -> str:
        return self.names.get(language, self.names["en"])


@dataclass(frozen=True)
class Kind:
    """A kind of garment: what a photo can show. `parent` is the coarser kind, if any."""

    slug: str
    names: Mapping[str, str]
    parent: str | None = None

    def name(self, language: str) -> str:
        return self.names.get(language, self.names["en"])


@dataclass(frozen=True)
class SizeOption:
    """`value` is ours ("M", "W30", "42", "8Y"); `label` is what the form shows ("M / 38 / 10")."""

    value: str
    id: int
    label: str


@dataclass(frozen=True)
class Leaf:
    """A leaf category: its way down the tree, by id and by name, and what follows from it. `as_offered`: ids and names
    are the site's own."""

    id: int
    kind: str
    audience: str
    ids: tuple[int, ...]
    paths: Mapping[str, tuple[str, ...]]
    size_group: str | None
    parcel: str
    as_offered: bool = False

    def path(self, language: str) -> tuple[str, ...]:
        return self.paths.get(language, self.paths["en"])


@dataclass(frozen=True)
class Domain:
    domain: str
    country: str
    language: str
    currency: str

    @property
    def in_euros(self) -> bool:
        """As every price is that we suggest, show and type into a form."""
        return self.currency == "EUR"


@cache
def raw() -> dict[str, Any]:
    """The catalog as stored: `tree`, `sizes`, `kinds`, `colours`, `conditions`, `materials`, `parcels`, `domains`."""
    stored: dict[str, Any] = json.loads(files("backend.core").joinpath("catalog.json").read_text(encoding="utf-8"))
    return stored


def _terms(name: Vocabulary) -> dict[str, Term]:
    return {t["slug"]: Term(t["slug"], t["id"], {"en": t["en"], "fr": t["fr"]}, name) for t in raw()[name]}


@cache
def colours() -> dict[str, Term]:
    return _terms("colours")


@cache
def conditions() -> dict[str, Term]:
    return _terms("conditions")


@cache
def materials() -> dict[str, Term]:
    return _terms("materials")


@cache
def parcels() -> dict[str, Term]:
    return _terms("parcels")


def vocabulary(name: Vocabulary) -> Mapping[str, Term]:
    return {"colours": colours, "conditions": conditions, "materials": materials, "parcels": parcels}[name]()


@cache
def kinds() -> dict[str, Kind]:
    return {k["slug"]: Kind(k["slug"], {"en": k["en"], "fr": k["fr"]}, k.get("parent")) for k in raw()["kinds"]}


def terms_of(field: str) -> Mapping[str, Term | Kind]:
    """The options of a field that has a closed set of them, by slug; empty for any other field."""
    offered: dict[str, Callable[[], Mapping[str, Term | Kind]]] = {
        "category": kinds, "condition": conditions, "parcel": parcels, "colours": colours, "materials": materials,
    }  # fmt: skip
    return offered[field]() if field in offered else {}


@cache
def size_groups() -> dict[str, tuple[SizeOption, ...]]:
    return {
        group: tuple(SizeOption(o["value"], o["id"], o["label"]) for o in options)
        for group, options in raw()["sizes"].items()
    }


@cache
def domains() -> dict[str, Domain]:
    return {d["domain"]: Domain(**d) for d in raw()["domains"]}


def _walk(
    node: dict[str, Any], audience: str | None, ids: tuple[int, ...], fr: tuple[str, ...], en: tuple[str, ...]
) -> Iterator[Leaf]:
    audience = node.get("audience", audience)
    ids, fr, en = (*ids, node["id"]), (*fr, node["fr"]), (*en, node["en"])
    if "kind" in node:
        assert audience is not None, f"leaf {node['id']} stands outside every audience"
        yield Leaf(node["id"], node["kind"], audience, ids, {"fr": fr, "en": en}, node["sizes"], node["parcel"])
    for child in node.get("children", ()):
        yield from _walk(child, audience, ids, fr, en)


@cache
def leaves() -> dict[tuple[str, str], Leaf]:
    """Every leaf category by (audience, kind)."""
    found = (leaf for root in raw()["tree"] for leaf in _walk(root, None, (), (), ()))
    return {(leaf.audience, leaf.kind): leaf for leaf in found}


def find_leaf(audience: str | None, kind: str | None) -> Leaf | None:
    """The leaf for this audience and kind of garment; a kind the audience lacks falls back to its parent kind."""
    while kind is not None and audience is not None:
        if leaf := leaves().get((audience, kind)):
            return leaf
        known = kinds().get(kind)
        kind = known.parent if known else None
    return None


def find_size(leaf: Leaf, value: str | None) -> SizeOption | None:
    """The option of the leaf's size group that bears this value."""
    if leaf.size_group is None or value is None:
        return None
    return next((o for o in size_groups()[leaf.size_group] if o.value == value), None)


def site_address(base_url: str) -> str:
    """The one way to write a marketplace's address: "https://Vinted.fr/" → "https://www.vinted.fr"."""
    parts = urlsplit(base_url.strip().rstrip("/"))
    host = parts.netloc.lower()
    return f"{parts.scheme.lower()}://{'www.' if host in domains() else ''}{host}{parts.path}"


def language_of(base_url: str, *, default: str) -> str:
    """The language of the marketplace at this address ("https://www.vinted.de" → "de"), or `default` if unknown."""
    domain = _domain_at(base_url)
    return domain.language if domain else default


def sites_in_euros() -> dict[str, str]:
    """The addresses of the marketplaces whose prices are in euros, each with its domain."""
    return {f"https://www.{domain.domain}": domain.domain for domain in domains().values() if domain.in_euros}


def check_in_euros(base_url: str) -> None:
    """Raises Conflict (`not_in_euros`) for a marketplace known to take another currency: 16 € would be 16 zł there."""
    domain = _domain_at(base_url)
    if domain is not None and not domain.in_euros:
        raise Conflict(
            f"{domain.domain} takes {domain.currency}, and every price here is in euros: it can't be published there. "
            "Choose a site in euros.",
            code="not_in_euros",
        )


def _domain_at(base_url: str) -> Domain | None:
    return domains().get((urlsplit(base_url).hostname or "").removeprefix("www."))
