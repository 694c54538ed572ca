"""What may not stand in a title or a description this software writes or takes over from a model.

Owns the rules: no way to get in touch, no links, no hashtags, no measurement or price nobody gave, no orders to a
machine, no hype (the words are in `wording/`), no brand but the item's own. Does not judge what a seller writes.
"""

import re
import unicodedata
from functools import cache

from backend.core import pricing, wording

_RULES = {
    "link": r"https?:|www\.|\w\.(?:com|net|org|shop|store|io|co|eu|me|link|app"
    r"|at|be|ch|de|es|fr|it|lu|nl|pl|pt|uk)(?!\w)",
    "contact": r"[\w.+-]+@\w|(?<!\w)@\w\w|\d(?:[ .()/-]{0,2}\d){7,}"
    r"|(?<!\w)(?:whatsapp|telegram|instagram|snapchat|paypal)(?!\w)",
    "hashtag": r"#\s?\w",
    "measurement": r"\d\s*(?:cm|mm|(?:[cz]ent|mill?)[ií]m[eèé]t(?:er|re|ro|ri)s?|inch(?:es)?|pouces?|zoll|pulgadas?"
    r"|pollic[ei]|polegadas?|duim|cal[ei]|(?:cent|mil)[iy]metr\w*|″|\")(?!\w)",
    "price": r"[€£$]\s?\d|\d\s?(?:[€£$]|euros?(?!\w)|eur(?!\w)|gbp|usd|zł|pln)",
    "markup": r"[<>{}|`\\]|\*\*|\[[^]]*\]\(",
    "order": r"\b(?:ignor\w+|disregard|oublie[sz]?|vergiss|missacht\w*|olvid\w+|dimentic\w+|negeer|vergeet"
    r"|esque[cç]\w+|zignoruj|zapomnij)\b.{0,40}\b(?:instructions?|rules?|consignes?|règles?|prompt|anweisungen|regeln|instrucciones"
    r"|reglas|istruzioni|regole|instructies|regels|instruções|regras"
    r"|instrukcj\w+|zasad\w*|polece\w+)"
    r"|system prompt|as an ai\b|en tant qu.ia\b|als (?:ki|ai)\b|com[oe] (?:un'|una |uma )?ia\b|jako ai\b|language model"
    r"|modèle de langage|sprachmodell|taalmodel|modelo de (?:lenguaje|linguagem)|modello linguistico"
    r"|model\w* językow\w+",
}
"""In every language a listing may be written in: a model may answer in another than it was asked for."""


def faults(text: str, *, brand: str | None) -> tuple[str, ...]:
    """The names of the rules this text breaks, given the item's known brand; empty when it is fit."""
    broken = [name for name, pattern in _compiled().items() if pattern.search(text)]
    if _foreign_brand(text, brand or ""):
        broken.append("brand")
    return tuple(broken)


def visible(line: str) -> str:
    """Control, format and unassigned characters become blanks; joiners inside emoji stay."""
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cn", "Co", "Cs") or c in _INVISIBLE else c for c in line)


_INVISIBLE = frozenset("\u00ad\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\ufeff")


@cache
def _compiled() -> dict[str, re.Pattern[str]]:
    hype = "|".join(re.escape(word) for language in wording.LANGUAGES for word in wording.of(language)["hype"])
    rules = {**_RULES, "hype": rf"(?<!\w)(?:{hype})(?!\w)"}
    return {name: re.compile(pattern, re.IGNORECASE | re.DOTALL) for name, pattern in rules.items()}


def _foreign_brand(text: str, brand: str) -> bool:
    """A brand of the price table, written as brands are, that is not part of the item's own."""
    own = brand.casefold()
    return any(found[0].casefold() not in own for found in _brands().finditer(text))


@cache
def _brands() -> re.Pattern[str]:
    """Names of at least four letters: shorter ones ("Gap", "Mim") are words of other languages."""
    listed = {name for names in pricing.table()["brands"].values() for name in names if len(name) > 3}
    names = sorted(listed - _ORDINARY, key=len, reverse=True)
    return re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, names))})(?!\w)")


_ORDINARY = {
    *("Next", "Only", "Pieces", "Guess", "Theory", "Coach", "Supreme", "Boss", "Champion", "Replay", "Reserved"),
    *("Diesel", "Mango", "Morgan", "Jules", "Brice", "Orchestra", "Warehouse", "Monsoon", "Springfield", "Express"),
    *("Columbia", "Jordan", "Object", "Weekday", "Camper", "Reformation", "Bash", "Kickers", "Temu", "Vans"),
}
"""Brands that are words too: a sentence may begin with them."""
