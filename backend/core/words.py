"""A listing's title and description, made of its known fields by the templates in `wording/`, or the seller's own.

Owns which fields are used, how sizes and shares are said, and the certainty of the result. Does not own the wording
and its grammar (`wording/`, `seller_template.py`), and invents nothing: what is unknown, or a mere guess, is left out.
Hashtags are only ever the seller's.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from jinja2 import PackageLoader, StrictUndefined, Template
from jinja2.sandbox import SandboxedEnvironment

from backend.core import catalog, seller_template, wording
from backend.core.errors import BadRequest
from backend.core.listing import UNKNOWN, Evidence, Field, Listing
from backend.core.readiness import DESCRIPTION_LENGTH, TITLE_LENGTH
from backend.core.search_words import bare

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
    language = wording.written(language or listing.language)
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
    texts = wording.of(language)["words"]
    colours = [slug for slug in known.get("colours", ()) if slug in catalog.colours()]
    condition = known.get("condition", "")
    audience, brand = known.get("audience", ""), str(known.get("brand", "")).replace("#", "")
    name = wording.name("kinds", kind.slug, language)
    return {
        "kind": name,
        "shoes": "shoes" in (kind.slug, kind.parent),
        "brand": brand,
        "audience": texts["audiences"].get(audience, ""),
        "child": (texts.get("children") or texts["audiences"])[audience] if audience in _CHILDREN else "",
        "size": _size(str(known.get("size", "")), language),
        "one_size": known.get("size") == catalog.ONE_SIZE,
        "agreed": texts["and"].join(wording.colour(slug, language, kind.slug) for slug in colours),
        "colours": [wording.colour(slug, language) for slug in colours],
        "condition": wording.name("conditions", condition, language) if condition in catalog.conditions() else "",
        "worn": condition == _WORN,
        "article": _article(kind.slug, brand or name, language),
        "materials": _materials(listing["materials"], language) if "materials" in known else [],
        "photos": len(listing.photos),
    }


def _article(kind: str, before: str, language: str) -> str:
    """un, une, des; a, an; "a pair of" for what comes in two."""
    grammar = wording.of(language)["grammar"]
    articles, form = grammar["articles"], grammar["kinds"][kind]
    vowel = f"{form} before a vowel" if before[:1].lower() in "aeio" else form
    article: str = articles.get(vowel, articles[form])
    return article


def _size(value: str, language: str) -> str:
    """ "8Y" is eight years and "3M" three months, "38.5" is 38,5 in most languages; most others say themselves."""
    texts = wording.of(language)["words"]
    if age := catalog.AGE.fullmatch(value):
        said = texts["ages"][age[2]]
        return str(said.get(age[1], said["other"]).format(n=age[1]))
    if value == catalog.ONE_SIZE:
        return str(texts["one_size"])
    return value.replace(".", texts["decimal"]) if re.fullmatch(r"\d+\.\d+", value) else value


def _materials(field: Field, language: str) -> list[str]:
    """The materials' names, with their shares where the evidence gives one for each and they total 100."""
    texts = wording.of(language)["words"]
    slugs = [slug for slug in field.value if slug in catalog.materials()]
    names = [wording.name("materials", slug, language) for slug in slugs]
    if texts.get("nouns") != "capital":
        names = [name.lower() for name in names]
    shares = material_shares("\n".join(e.detail for e in field.evidence))
    if shares.keys() != set(field.value) or len(slugs) != len(field.value):
        return names
    return [texts["share"].format(name=name, n=shares[slug]) for name, slug in zip(names, slugs, strict=True)]


def material_shares(label: str) -> dict[str, int]:
    """Percentages by material read from a label's words, such as "60% coton 40% polyester" or "Baumwolle: 60 %, …", in
    our slugs or any language's names. Empty unless each percentage has its material, none two, and they total 100."""
    slugs = _materials_by_name()
    name = "|".join(sorted(map(re.escape, slugs), key=len, reverse=True))
    number = r"(\d{1,3})\s*%"
    for pattern, share, word in ((rf"{number}\s*({name})\b", 0, 1), (rf"\b({name})\s*:?\s*{number}", 1, 0)):
        found = re.findall(pattern, bare(label))
        shares = {slugs[pair[word]]: int(pair[share]) for pair in found}
        agreed = all(shares[slugs[pair[word]]] == int(pair[share]) for pair in found)
        if agreed and len(found) == label.count("%") and sum(shares.values()) == 100:
            return shares
    return {}


@cache
def _materials_by_name() -> dict[str, str]:
    """Slugs by name, bare; no name is two materials', whatever the languages."""
    named = {slug: (slug, *wording.every_name("materials", slug)) for slug in catalog.materials()}
    return {bare(name): slug for slug, names in named.items() for name in names}


def _cut(text: str, most: int) -> str:
    """At most `most` characters, ending with a whole word; a single longer word leaves nothing."""
    if len(text) <= most:
        return text
    return (re.match(rf"(?s)(.{{0,{most}}})\s", text) or [""])[0].rstrip(" \n,")


@cache
def _template(name: str, language: str) -> Template:
    return _environment().get_template(f"{language}/{name}.j2")


@cache
def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=PackageLoader("backend.core", "wording"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # plain text, not HTML
    )
    environment.filters |= {"lower_first": seller_template.lower_first, "upper_first": seller_template.upper_first}
    return environment
