"""Sizes among lines of text, in the catalog's own values.

Owns recognising what is a size (letters, W/L, children's ages and heights, rows of national sizes, shoes) and
converting national sizes where the row says which nation's it is. A number that could mean two sizes gives two
alternatives and no value. Does not own the sizes themselves (`core/catalog.py`).

Women's national sizes are offset from each other: FR = ES = DE + 2 = IT - 4 = UK + 28 = US + 32.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from backend.core import catalog
from backend.core.listing import Alternative
from backend.core.search_words import bare
from backend.vision.embedded import lexicon
from backend.vision.embedded.ocr import TextLine

_FROM_FR = {34: "XS", 36: "S", 38: "M", 40: "L", 42: "XL", 44: "XXL", 46: "XXXL"}
_TO_FR = {"fr": 0, "es": 0, "de": 2, "it": -4, "uk": 28, "us": 32}
_FROM_HEIGHT = {
    62: "3M", 68: "6M", 80: "12M", 86: "18M", 92: "2Y", 98: "3Y", 104: "4Y", 110: "5Y", 116: "6Y", 122: "7Y",
    128: "8Y", 134: "9Y", 140: "10Y", 146: "11Y", 152: "12Y", 164: "14Y",
}  # fmt: skip
_NATIONS = {
    "fr": "fr", "f": "fr", "be": "fr", "b": "fr", "es": "es", "e": "es", "de": "de", "d": "de", "it": "it", "i": "it",
    "uk": "uk", "gb": "uk", "us": "us", "usa": "us", "eu": "eu", "eur": "eu",
}  # fmt: skip
_TROUSERS = frozenset({"pants", "jeans", "shorts"})
_SHOES = frozenset({"shoes", "trainers", "boots", "sandals"})

_LETTERS = r"(?:[2-3]xl|[2]xs|x{0,3}l|x{0,2}s|m)"
_KEY = r"\b(?:size|sizes|taille|talla|taglia|grosse|groesse|gr|maat|rozmiar|tamanho|tam|tg|t)\b[\s:.]*"
_NATION = r"\b(?:fr|be|es|de|it|uk|gb|usa?|eur?|int|mex|cn)\b[\s:.]*"
_YEARS = r"(?:ans?|anos|anni|years?|yrs?|jahre|jaar|lat)"
_MONTHS = r"(?:mois|months?|meses|mesi|monate|maanden|miesiecy|mths)"

_RUN_TOGETHER = re.compile(r"(?<=\d)(?=(?:fr|eur?|uk|gb|usa?|it|de|es|l)[\s.:]?\d)")
"""Where the reader lost a space: `FR 44UK 16`, `W37L30`."""

_KEYED_LETTERS = re.compile(rf"(?:{_KEY}|{_NATION})({_LETTERS})(?![\w/&'-])")
_GLUED_LETTERS = re.compile(r"\W*(?:size|taille|talla|taglia)(x{1,3}l|m|l|xx?s)\W*")
"""`SIZEL`: the space is lost often. Not `SIZES`, which is a word."""
_ALONE_LETTERS = re.compile(rf"\W*({_LETTERS})(?:\s*[/-]\s*({_LETTERS}|3[4-9]|4[0-6]))?\W*")
_WAIST = re.compile(r"\bw\s?(\d\d)\b(?:\W{0,3}l\s?\d\d\b)?|\b(\d\d)\s?x\s?(?:28|30|32|34|36)\b")
_AGE = re.compile(
    rf"\b(?:age\s*)?(\d{{1,2}})(?:\s*[-/]\s*(\d{{1,2}}))?\s*{_YEARS}\b"
    r"|^\W*(?:(?:age|size|taille)\s*)?(?:\d{1,2}\s*[-/]\s*)?(\d{1,2})[ay]\W*$"
    r"|^\W*age\s*(?:\d{1,2}\s*[-/]\s*)?(\d{1,2})\W*$"
)
_AGE_MONTHS = re.compile(
    rf"\b(\d{{1,2}})(?:\s*[-/]\s*(\d{{1,2}}))?\s*{_MONTHS}\b"
    r"|^\W*(?:(?:0|3|6|9|12|18)\s*[-/]\s*)?(3|6|9|12|18|24|36)m\W*$"
)
_SLASHED_WAIST = re.compile(r"\W*(\d\d)\s*/\s*(28|30|32|34|36)\W*")
_WORDS = {"small": "S", "medium": "M", "large": "L", "x-large": "XL", "xlarge": "XL", "extra large": "XL"}
_WORD_LETTERS = re.compile(rf"\W*(?:{_KEY})?({'|'.join(_WORDS)})\W*")
_HEIGHT = re.compile(r"\b(\d{2,3})(?:\s*[-/]\s*(\d{2,3}))?\s*cm\b|^\W*(\d{2,3})\s*/\s*(\d{2,3})\W*$")
_NATIONAL = re.compile(
    r"\b(fr|be|es|de|it|uk|gb|usa?|eur?|[fbedi](?=[\s:.]*\d\d\b))[\s:.]*(\d{1,2}(?:[.,]5)?)\b(?!\s*[%°])"
)
_KEYED_NUMBER = re.compile(rf"{_KEY}(\d\d(?:[.,]5)?)\b(?!\s*[%°])")
_ALONE_NUMBER = re.compile(r"\W*(\d\d(?:[.,]5)?)\s*(?:[.,])?")


@dataclass(frozen=True)
class SizeReading:
    """`value` is None where the label was read but could mean any of the alternatives."""

    value: str | None
    confidence: float
    line: TextLine
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True)
class _Said:
    """One statement of a size: `system` is letters, waist, child, number or a nation; `sure` from how it stands."""

    system: str
    text: str
    sure: float
    line: TextLine


@cache
def _known_values() -> frozenset[str]:
    return frozenset(option.value for group in catalog.size_groups().values() for option in group)


def find_size(lines: Sequence[TextLine], *, kind: str | None, on_label: bool) -> SizeReading | None:
    """The size these lines state. `kind` settles what a bare number can mean; `on_label` lets bare ones count."""
    care = any(word in lexicon.label_words() for line in lines for word in lexicon.tokens(line.text) if len(word) > 2)
    said = [s for line in lines for s in _statements(line, bare_numbers=on_label and not care, bare_letters=on_label)]
    if kind in _SHOES:
        return _shoe_size(said)
    if kind in _TROUSERS and (reading := _agreed([s for s in said if s.system in {"waist", "slashed"}])):
        return reading
    for system in ("child", "waist", "letters"):
        if reading := _agreed([s for s in said if s.system == system]):
            return _unless_rows_disagree(reading, said) if system == "letters" else reading
    return _from_numbers(said, kind)


def _unless_rows_disagree(letters: SizeReading, said: Sequence[_Said]) -> SizeReading:
    """Letters, but not against a row of national sizes beside them: a lone letter is easily misread."""
    rows = _from_numbers([s for s in said if s.system in _TO_FR], "top")
    if rows is None or rows.value == letters.value:
        return letters
    return _open([v for v in (rows.value, letters.value) if v], rows.line)


def _statements(line: TextLine, *, bare_numbers: bool, bare_letters: bool) -> Iterator[_Said]:
    text = _RUN_TOGETHER.sub(" ", bare(line.text))
    for match in _KEYED_LETTERS.finditer(text):
        yield _Said("letters", _letters(match[1]), 0.93, line)
    if glued := _GLUED_LETTERS.fullmatch(text):
        yield _Said("letters", _letters(glued[1]), 0.9, line)
    if bare_letters and (found := _ALONE_LETTERS.fullmatch(text)):
        yield _Said("letters", _letters(found[1]), 0.85, line)
        if found[2] and not found[2].isdigit():
            yield _Said("letters", _letters(found[2]), 0.85, line)
    if bare_letters and (word := _WORD_LETTERS.fullmatch(text)):
        yield _Said("letters", _WORDS[word[1]], 0.88, line)
    if (slashed := _SLASHED_WAIST.fullmatch(text)) and not (int(slashed[1]) >= 34 and int(slashed[2]) > 34):
        yield _Said("slashed", f"W{slashed[1]}", 0.8, line)  # but 34/36 is two sizes in one
    for match in _WAIST.finditer(text):
        yield _Said("waist", f"W{match[1] or match[2]}", 0.92, line)
    yield from _children(text, line)
    national = list(_NATIONAL.finditer(text))
    for match in national:
        # One letter names a nation only in a row of them: "F 40 D 38 I 44".
        if len(match[1]) > 1 or len(national) > 1:
            yield _Said(_NATIONS[match[1]], match[2].replace(",", "."), 0.9, line)
    if keyed := _KEYED_NUMBER.search(text):
        yield _Said("number", keyed[1].replace(",", "."), 0.85, line)
    elif bare_numbers and (alone := _ALONE_NUMBER.fullmatch(text)):
        yield _Said("number", alone[1].replace(",", "."), 0.75, line)


def _letters(text: str) -> str:
    """`2XL` and `xxl` are the catalog's `XXL`."""
    digits = re.match(r"(\d)(x.)", text)
    return ("X" * (int(digits[1]) - 1) + digits[2].upper()) if digits else text.upper()


def _children(text: str, line: TextLine) -> Iterator[_Said]:
    """Ages and heights; of a span ("7-8 years") the upper end, which is what its height stands for."""
    if height := _HEIGHT.search(text):
        value = _FROM_HEIGHT.get(int(height[2] or height[1] or height[4]))
        low = height[1] if height[2] else height[3]
        if value and (low is None or 0 < int(height[2] or height[4]) - int(low) <= 12):
            yield _Said("child", value, 0.9, line)
            return
    for pattern, unit in ((_AGE, "Y"), (_AGE_MONTHS, "M")):
        if age := pattern.search(text):
            number = int(next(part for part in (age[2], age[1], *age.groups()[2:]) if part))
            value = {"24M": "2Y", "36M": "3Y"}.get(f"{number}{unit}", f"{number}{unit}")
            yield _Said("child", value, 0.75 if age[2] else 0.9, line)


def _agreed(said: Sequence[_Said]) -> SizeReading | None:
    """One value if all say the same; a run of sizes or a contradiction gives alternatives only."""
    said = [s for s in said if s.text in _known_values()]
    values = list(dict.fromkeys(s.text for s in said))
    if not values:
        return None
    best = max(said, key=lambda s: s.sure * s.line.score)
    if len(values) == 1:
        return SizeReading(values[0], best.sure * best.line.score, best.line)
    return _open(values[:3], best.line)


def _open(values: Sequence[str], line: TextLine) -> SizeReading:
    share = round(1 / len(values), 2)
    return SizeReading(None, 0.0, line, tuple(Alternative(value, share) for value in values))


def _shoe_size(said: Sequence[_Said]) -> SizeReading | None:
    """The European number. A British one alone gives alternatives: the European one is 33 or 34 more, by maker and
    audience. American ones differ by audience and are left alone."""
    rows = [s for s in said if s.system in {"eu", "fr", "number"}]
    if halves := [s for s in rows if "." in s.text]:
        whole = int(float(halves[0].text))
        return _open([v for v in (str(whole), str(whole + 1)) if v in _known_values()], halves[0].line)
    if european := _agreed([s for s in rows if s.text.isdigit() and 18 <= int(s.text) <= 48]):
        return european
    british = [s for s in said if s.system == "uk" and 3 <= float(s.text) <= 13]
    if not british:
        return None
    low = int(float(british[0].text)) + 33
    return _open([v for v in (str(low), str(low + 1)) if v in _known_values()], british[0].line)


def _from_numbers(said: Sequence[_Said], kind: str | None) -> SizeReading | None:
    """A women's letter size by its French number, from rows that name their nation first, then from bare ones."""
    national = [(s, float(s.text) + _TO_FR[s.system]) for s in said if s.system in _TO_FR]
    weak = [(s, float(s.text)) for s in said if s.system in {"eu", "number"}]
    rows = national or weak
    french = {number for _, number in rows}
    if not rows or not french <= set(_FROM_FR):
        return None
    best = max((s for s, _ in rows), key=lambda s: s.sure * s.line.score)
    values = [_FROM_FR[int(number)] for number in sorted(french)]
    if len(values) > 1:
        return _open(values[:3], best.line)
    number = int(french.pop())
    sure = best.sure * best.line.score
    women = any(s.system in {"uk", "us", "it"} for s, _ in national)
    if kind is None or (kind in _TROUSERS and not women):
        # A bare 38 may be a shoe; on trousers it may be the tile M / 38 or, men's or denim, W28 / 38.
        other = f"W{number - 10}" if kind in _TROUSERS else str(number)
        return _open([v for v in (values[0], other) if v in _known_values()], best.line)
    if not national and best.system == "eu":
        # Some makers print the German number as the European one: 38 is then a French 40.
        larger = _FROM_FR.get(number + 2)
        other_one = (Alternative(larger, 0.25),) if larger else ()
        return SizeReading(values[0], min(sure, 0.72), best.line, other_one)
    return SizeReading(values[0], sure, best.line)
