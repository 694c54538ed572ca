"""Where a label says a garment was made.

Owns the words that state an origin, in eight languages, and what of a label's countries counts: one after such a word,
and one alone. Does not own the countries' names (`countries.json`). An address or a designer's country is no origin.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from backend.core.search_words import bare
from backend.vision.embedded import lexicon
from backend.vision.embedded.text_line import TextLine

_PLACE = r"(?:in|en|au|aux|a|w|we|em|na|no|nos|nas)"
_MADE = (
    rf"(?:made|fabrique|fabriquee|confectionne|confectionnee|hergestellt|hecho|hecha|fabricado|fabricada|prodotto"
    rf"|prodotta|fatto|fatta|fabbricato|fabbricata|gemaakt|vervaardigd|geproduceerd|wyprodukowano|wyprodukowane|wykonano"
    rf"|uszyto|feito|feita|produzido|produced|manufactured|assembled)\s*{_PLACE}\b"
)
_ORIGIN = (
    r"(?:product|produkt|produit|producto|prodotto|produto)\s*(?:of|de|du|aus|van)\b"
    r"|(?:country of origin|pays d ?origine|origine|origin|origen|origem|ursprungsland|herkunft|kraj pochodzenia)\s*:"
)
_STATED = re.compile(rf"(?<![a-z])(?:{_MADE}|{_ORIGIN})")
_JOINED = re.compile(r"(?<![a-z])madein(?=[a-z])")
_ARTICLES = frozenset({"the", "la", "le", "les", "l", "il", "el", "of", "de", "du", "der", "die", "republic"})
_LONGEST = 6
"""Words in the longest name with its article."""
_SURE, _OVER_TWO_LINES = 0.95, 0.85


@dataclass(frozen=True)
class Origin:
    """`value` is the country's two letters (ISO 3166-1), None where two are stated; `countries` are all stated."""

    value: str | None
    confidence: float
    lines: tuple[TextLine, ...]
    countries: tuple[str, ...]


@dataclass(frozen=True)
class _Stated:
    country: str
    sure: float
    lines: tuple[TextLine, ...]


def find_origin(lines: Sequence[TextLine]) -> Origin | None:
    """The country these lines state as the origin; open where they state two, None where they state none."""
    stated = [found for i in range(len(lines)) for found in _in_line(lines, i)]
    if not stated:
        return None
    countries = tuple(dict.fromkeys(found.country for found in stated))
    if len(countries) > 1:
        return Origin(None, 0.0, tuple(line for found in stated for line in found.lines), countries)
    best = max(stated, key=lambda found: found.sure)
    return Origin(countries[0], best.sure, best.lines, countries)


def _plain(line: TextLine) -> str:
    return _JOINED.sub("made in ", bare(line.text).replace("'", " "))


def _in_line(lines: Sequence[TextLine], i: int) -> Iterator[_Stated]:
    """The countries that follow the words for origin in a line, or that begin the next one."""
    line, text = lines[i], _plain(lines[i])
    for match in _STATED.finditer(text):
        after = lexicon.tokens(text[match.end() :])
        if country := _first_country(after):
            yield _Stated(country, _SURE * line.score, (line,))
        elif not after and i + 1 < len(lines):
            below = lines[i + 1]
            if country := _first_country(lexicon.tokens(_plain(below)), whole=True):
                yield _Stated(country, _OVER_TWO_LINES * min(line.score, below.score), (line, below))


def _first_country(words: list[str], *, whole: bool = False) -> str | None:
    """The country whose name the words begin with; `whole`: they are nothing else."""
    for length in range(min(_LONGEST, len(words)), 0, -1):
        for start in (0, 1):
            if start and words[0] not in _ARTICLES:
                continue
            country = _countries().get(tuple(words[start : start + length]))
            if country is not None and not (whole and start + length < len(words)):
                return country
    return None


@cache
def _countries() -> dict[tuple[str, ...], str]:
    """Each name by its words, and run together where it has several."""
    names = lexicon.countries()
    return {("".join(words),): code for words, code in names.items() if len("".join(words)) > 3} | dict(names)
