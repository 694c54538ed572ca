"""A listing's title and description, composed from its known fields by the templates in `texts/`, or the seller's own.

Owns which fields are used, the agreement of colours with the kind of item, and the certainty of the result.
Does not own the wording (`texts/`, `seller_template.py`), and invents nothing: what is unknown, or a mere guess, is
left out. Hashtags are only ever the seller's.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from jinja2 import PackageLoader, StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

from backend.core import catalog, seller_template
from backend.core.errors import BadRequest
from backend.core.listing import UNKNOWN, Evidence, Field, Listing
from backend.core.readiness import DESCRIPTION_LENGTH, TITLE_LENGTH
from backend.core.search_words import bare
from backend.core.texts import offered, sentences

_TITLE_USES = ("category", "audience", "brand", "colours", "size")
_DESCRIPTION_USES = (*_TITLE_USES, "condition", "materials")
_CHILDREN = ("girls", "boys")
_WORN = "satisfactory"
"""The condition that means signs of wear in the marketplace's own words; a description says so."""
HASHTAGS_MAX = 10

Tone = Literal["plain", "friendly", "minimal"]


@dataclass(frozen=True)
class Style:
    """How a seller wants words: a tone, or templates of their own, and hashtags at the description's end.

    Raises BadRequest for a template or a hashtag that can't be used, naming what is wrong with it."""

    tone: Tone = "plain"
    title_template: str | None = None
    description_template: str | None = None
    hashtags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for source in (self.title_template, self.description_template):
            if source is not None:
                seller_template.placeholders(source)
        if len(self.hashtags) > HASHTAGS_MAX or any(not re.fullmatch(r"\w{2,30}", tag) for tag in self.hashtags):
            raise BadRequest(
                f"At most {HASHTAGS_MAX} hashtags, each of 2 to 30 letters or digits, without #.", code="bad_hashtags"
            )


PLAIN = Style()


def compose(listing: Listing, language: str | None = None, style: Style = PLAIN) -> dict[str, Field]:
    """`title` and `description` from what is known, in `language` (the listing's own by default).

    Each is unknown where too little is known to say: without a category, or with nothing but a word of four
    letters. Whether they may replace words that are there already is the caller's to decide."""
    language = offered(language or listing.language)
    facts = _facts(listing, language)
    if facts is None:
        return {"title": UNKNOWN, "description": UNKNOWN}
    title, title_uses = _written("title", style.title_template, facts, language, _TITLE_USES)
    text, text_uses = _written(
        f"description.{style.tone}", style.description_template, facts, language, _DESCRIPTION_USES
    )
    title = _cut(" ".join(title.split()), TITLE_LENGTH[1])
    lines = [" ".join(line.split()) for line in text.splitlines()]
    tags = " ".join(f"#{tag}" for tag in style.hashtags)
    room = DESCRIPTION_LENGTH[1] - (len(tags) + 1 if tags else 0)
    described = _cut("\n".join(line for line in lines if line), room)
    return {
        "title": _field(title, TITLE_LENGTH[0], listing, title_uses),
        "description": _field(
            f"{described}\n{tags}" if tags and described else described, DESCRIPTION_LENGTH[0], listing, text_uses
        ),
    }


def _written(
    name: str, own: str | None, facts: dict[str, Any], language: str, uses: tuple[str, ...]
) -> tuple[str, tuple[str, ...]]:
    """The text by our template or the seller's own, and the fields it rests on."""
    if own is None:
        return _template(name, language).render(facts), uses
    said = {
        "kind": facts["kind"],
        "brand": facts["brand"],
        "audience": facts["audience"],
        "size": facts["size"],
        "colour": facts["agreed"],
        "colours": ", ".join(facts["colours"]),
        "condition": facts["condition"],
        "materials": ", ".join(facts["materials"]),
        "photos": facts["photos"],
    }
    used = (seller_template.PLACEHOLDERS[name] for name in seller_template.placeholders(own))
    return seller_template.render(own, said), ("category", *(field for field in used if field))


def _field(text: str, shortest: int, listing: Listing, uses: Iterable[str]) -> Field:
    """As sure as the least sure field it is made of."""
    used = [name for name in dict.fromkeys(uses) if listing[name].usable]
    if len(text) < shortest:
        return UNKNOWN
    confidence = min(listing[name].confidence for name in used)
    return Field(text, confidence, evidence=(Evidence("template", detail=", ".join(used)),))


def _facts(listing: Listing, language: str) -> dict[str, Any] | None:
    """What the templates may say, already named in `language`; None without a category the catalog knows."""
    known = {name: listing.value(name) for name in _DESCRIPTION_USES if listing[name].usable}
    kind = catalog.kinds().get(known.get("category", ""))
    if kind is None:
        return None
    texts = sentences(language)["words"]
    colours = [slug for slug in known.get("colours", ()) if slug in catalog.colours()]
    condition = catalog.conditions().get(known.get("condition", ""))
    audience = texts["audiences"].get(known.get("audience"), "")
    return {
        "kind": kind.name(language),
        "shoes": "shoes" in (kind.slug, kind.parent),
        "brand": str(known.get("brand", "")).replace("#", ""),
        "audience": audience,
        "child": audience if known.get("audience") in _CHILDREN else "",
        "size": _size(str(known.get("size", "")), language),
        "agreed": texts["and"].join(_colour(slug, language, kind.slug) for slug in colours),
        "colours": [_colour(slug, language) for slug in colours],
        "condition": condition.name(language) if condition else "",
        "worn": condition is not None and condition.slug == _WORN,
        "article": _article(kind.slug, kind.name(language), language),
        "materials": _materials(listing["materials"], language) if "materials" in known else [],
        "photos": len(listing.photos),
    }


def _article(kind: str, name: str, language: str) -> str:
    """un, une, des; a, an; "a pair of" for what comes in two."""
    grammar = sentences(language)["grammar"]
    if "articles" in grammar:
        article: str = grammar["articles"][grammar["kinds"].get(kind, "m")]
        return article
    if kind in grammar["pairs"]:
        return "a pair of"
    return "an" if name[:1].lower() in "aeiou" else "a"


def _size(value: str, language: str) -> str:
    """ "8Y" is eight years and "3M" three months; most others say themselves."""
    if age := re.fullmatch(r"(\d+)([MY])", value):
        return str(sentences(language)["words"]["ages"][age[2]].format(n=age[1]))
    return str(sentences(language)["words"]["sizes"].get(value, value))


def _colour(slug: str, language: str, kind: str | None = None) -> str:
    """The colour in agreement with the kind of item (chemise bleue, chaussures noires), or by itself (bleu)."""
    grammar = sentences(language)["grammar"]
    forms = grammar["colours"].get(slug, catalog.colours()[slug].name(language).lower())
    form: str = forms if isinstance(forms, str) else forms[grammar["kinds"].get(kind, "m")]
    return form


def _materials(field: Field, language: str) -> list[str]:
    """The materials' names, with their shares where the evidence gives one for each and they total 100."""
    terms = [catalog.materials()[slug] for slug in field.value if slug in catalog.materials()]
    names = [term.name(language).lower() for term in terms]
    shares = material_shares("\n".join(e.detail for e in field.evidence))
    if shares.keys() != set(field.value) or len(terms) != len(field.value):
        return names
    texts = sentences(language)["words"]
    return [texts["share"].format(name=name, n=shares[term.slug]) for name, term in zip(names, terms, strict=True)]


def material_shares(label: str) -> dict[str, int]:
    """Percentages by material read from a label's words, such as "60% coton 40% polyester" or "cotton: 60 %, …", in
    our slugs or the catalog's names. Empty unless each percentage has its material, none two, and they total 100."""
    slugs = {bare(name): t.slug for t in catalog.materials().values() for name in (t.slug, *t.names.values())}
    name = "|".join(sorted(map(re.escape, slugs), key=len, reverse=True))
    number = r"(\d{1,3})\s*%"
    for pattern, share, word in ((rf"{number}\s*({name})\b", 0, 1), (rf"\b({name})\s*:?\s*{number}", 1, 0)):
        found = re.findall(pattern, bare(label))
        shares = {slugs[pair[word]]: int(pair[share]) for pair in found}
        agreed = all(shares[slugs[pair[word]]] == int(pair[share]) for pair in found)
        if agreed and len(found) == label.count("%") and sum(shares.values()) == 100:
            return shares
    return {}


def _cut(text: str, most: int) -> str:
    """At most `most` characters, ending with a whole word; a single longer word leaves nothing."""
    if len(text) <= most:
        return text
    return (re.match(rf"(?s)(.{{0,{most}}})\s", text) or [""])[0].rstrip(" \n,")


@cache
def _template(name: str, language: str) -> Template:
    return _environment().get_template(f"{name}.{language}.j2")


@cache
def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=PackageLoader("backend.core", "texts"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # plain text, not HTML
    )
    environment.filters |= {"lower_first": seller_template.lower_first, "upper_first": seller_template.upper_first}
    return environment
