"""The pieces of a care label: percentages, names of fibres, and where one statement ends and another begins.

Owns putting right what readers of print make of percentages (`1OO%`, `95°/o`, `60%COTTON40%`), which words count as a
fibre's name, and under which part of a garment they stand. Does not own how pieces make a composition (`fibres.py`)
nor the lists (`fibres.json`, `garment_parts.json`, `label_words.txt`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from rapidfuzz.distance import Levenshtein

from backend.core.search_words import bare
from backend.vision.embedded import lexicon
from backend.vision.embedded.text_line import TextLine

Part = Literal["", "outer", "inner", "other"]
"""The garment's outside by name, something else of it, or what stands under a header nobody listed; "" without one."""

_ACCENT_LOST = re.compile(r"(?<=\w{3})&(?=\w)|(?<!\S)&(?=\w{6})")
"""What the reader makes of an accented capital now and then: `POLI&STER`, `&LASTHANNE`."""
_SIGN = re.compile(r"(?<=[\dOoIl])\s?[°ºoO]\s?/\s?[oO0](?![A-Za-z])")
_FIGURES = re.compile(r"(?<![A-Za-z\d])(?=[OoIl|]*\d|[Il|][Oo]{2}\s*%)([\dOoIl|]{1,3})(?=\s*%)")
_GAP = re.compile(r"(?<!\d)(?<!\d[.,])(\d) (\d)(?=\s*%)")
_AS_FIGURES = str.maketrans("OoIl|", "00111")
_NUMBER = r"(?<!\d)(?<!\d[.,])\d{1,3}(?:[.,]\d)?"
_PERCENT = re.compile(rf"({_NUMBER})\s*%|%\s*({_NUMBER})(?!\s*%|[\d.,])")
_LONE_NUMBER = re.compile(r"\s*\d{1,3}\s*")

_LONG, _LONGER = 6, 7
"""Letters from which one may be wrong in a fibre's name: right beside a percentage, and elsewhere in its share."""
_JOINED = 8
"""Letters from which a word may be several run together."""
_SHORT = 3

_EVERYDAY = frozenset(
    """
    la down ante lin pelle metal metallic textile villa leer seta piel camel paper straw simili glass milk
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
"""Fibres that are also words of care and address: with those of up to three letters they count beside a percentage or
between other names alone (`LAVER A LA MAIN`, `UPSIDE DOWN`)."""

_KINDS_OF = frozenset(
    """
    recycled recycle recyclee recycles reciclado reciclada riciclato riciclata recyceltes recycelter recycelte recycelt
    gerecycled gerecycleerd recyklingu
    """.split()  # noqa: SIM905
)
"""Two shares of one line, one of them so called, are two and not the same in another language."""

_PLAIN = frozenset(
    """
    organic bio biologique biologico biologica organico organica biologisch premium pure pur pura puro extra fine fin
    extrafine combed peigne virgin vierge vergine virgen super soft responsible certified better
    """.split()  # noqa: SIM905
)
"""Words that may stand between a percentage and its fibre."""

_LINKS = frozenset("the with avec without sans and und oder par for from eco".split())  # noqa: SIM905
"""Label words that end nothing."""

_CODES = {
    "co": "cotton", "pl": "polyester", "pes": "polyester", "ea": "elastane", "el": "elastane", "vi": "viscose",
    "cv": "viscose", "wo": "wool", "wv": "wool", "pa": "polyamide", "li": "linen", "se": "silk", "pan": "acrylic",
    "pc": "acrylic", "md": "modal", "ws": "cashmere",
}  # fmt: skip
"""Trade codes; on a line that spells a name out they are languages (`PL 80% BAWELNA`)."""


@dataclass(frozen=True)
class Piece:
    """A percentage, a fibre's name (`slug`, "" if not in the catalog), or neither: there a statement ends."""

    line: TextLine
    percent: float | None = None
    slug: str | None = None
    part: Part = ""
    kind_of: bool = False
    exact: bool = True


@dataclass(frozen=True)
class _Word:
    """Words of a line that are one thing: a percentage, a fibre, a part, an end, a word between, or nothing known."""

    what: Literal["percent", "fibre", "part", "end", "between", "unknown"]
    text: str = ""
    percent: float = 0.0
    slug: str = ""
    part: Part = ""
    exact: bool = True


def read_pieces(lines: Sequence[TextLine]) -> list[Piece]:
    """The pieces in reading order, each with the part of the garment it stands under."""
    pieces: list[Piece] = []
    part: Part = ""
    for line, text in _signs_joined(lines):
        words = _words(text)
        if any(word.what == "percent" for word in words):
            found, part = _of_shares(words, line, part, text)
            pieces += found
            continue
        header = _header(words)
        if header is not None:
            part = header
        if header is not None or any(word.what == "end" for word in words):
            pieces.append(Piece(line, part=part))
        else:
            pieces += _of_names(words, line, part)
    return pieces


def _signs_joined(lines: Sequence[TextLine]) -> Iterator[tuple[TextLine, str]]:
    """Each line with its text put right; a percent sign of the next line stands with its number."""
    texts = [_put_right(line.text) for line in lines]
    for i, line in enumerate(lines[1:], 1):
        if _LONE_NUMBER.fullmatch(texts[i - 1]) and re.match(r"\s*%(?!\s*\d)", texts[i]) and line.text:
            texts[i - 1], texts[i] = f"{texts[i - 1]}%", texts[i].lstrip()[1:]
    return zip(lines, texts, strict=True)


def _put_right(text: str) -> str:
    text = _SIGN.sub("%", _ACCENT_LOST.sub("", text))
    text = _FIGURES.sub(lambda found: found[1].translate(_AS_FIGURES), text)
    return _GAP.sub(r"\1\2", bare(text))


def _words(text: str) -> list[_Word]:
    """What the line consists of; the words between percentages are looked up, the longest names first."""
    found: list[_Word] = []
    at = 0
    for match in _PERCENT.finditer(text):
        found += _named(lexicon.tokens(text[at : match.start()]))
        share = float((match[1] or match[2]).replace(",", "."))
        found.append(_Word("percent", percent=share) if 0 < share <= 100 else _Word("end"))
        at = match.end()
    found += _named(lexicon.tokens(text[at:]))
    if any(word.what == "percent" for word in found):
        found = [_beside(found, i) for i in range(len(found))]
    if not any(word.what == "fibre" and len(word.text) > _SHORT for word in found):
        found = [_coded(found, i) for i in range(len(found))]
    return [word for i, word in enumerate(found) if word.what != "fibre" or _counts(found, i)]


def _named(words: list[str]) -> list[_Word]:
    words = [part for word in words for part in _taken_apart(word)]
    found, i = [], 0
    while i < len(words):
        length, word = _word_at(words, i)
        found.append(word)
        i += length
    return found


def _word_at(words: list[str], i: int) -> tuple[int, _Word]:
    for length in (3, 2, 1):
        run = tuple(words[i : i + length])
        text = " ".join(run)
        if (part := lexicon.garment_parts().get(run)) is not None:
            return len(run), _Word("part", text, part=part)
        if (slug := lexicon.fibres().get(run)) is not None:
            return len(run), _Word("fibre", text, slug=slug)
    word = words[i]
    if word in _PLAIN or word in _KINDS_OF or word in _LINKS:
        return 1, _Word("between", word)
    if word in lexicon.label_words() and len(word) > 2:
        return 1, _Word("end", word)
    slugs = {slug for name, slug in _single_names().items() if _near(word, name)}
    return 1, _Word("fibre", word, slug=slugs.pop(), exact=False) if len(slugs) == 1 else _Word("unknown", word)


@cache
def _single_names() -> dict[str, str]:
    return {words[0]: slug for words, slug in lexicon.fibres().items() if len(words) == 1}


def _near(read: str, name: str) -> bool:
    """Near, with its first letter lost (`ÉLASTHANNE` is often read without its accented capital), or with figures for
    letters."""
    if any(c.isdigit() for c in read) and not read.isdigit() and len(name) > _SHORT and lexicon.looks_like(read, name):
        return True
    return lexicon.near(read, name, long=_LONGER) or (len(name) >= _JOINED and read == name[1:])


def _taken_apart(word: str) -> list[str]:
    """`cottoncotonbaumwolle` by its names, where it consists of nothing else."""
    if len(word) < _JOINED or word in _single_names():
        return [word]
    known = {name for name in _single_names() if len(name) > _SHORT} | _KINDS_OF | _PLAIN
    ways: dict[int, list[str]] = {0: []}
    for end in range(1, len(word) + 1):
        for start, way in list(ways.items()):
            if word[start:end] in known and (end not in ways or len(way) + 1 < len(ways[end])):
                ways[end] = [*way, word[start:end]]
    parts = ways.get(len(word), [word])
    return parts if any(part in _single_names() for part in parts) else [word]


def _beside(words: Sequence[_Word], i: int) -> _Word:
    """An unknown word right beside a percentage with one letter wrong (`COTTOM`): few but fibres stand there."""
    word = words[i]
    around = [words[j].what for j in (i - 1, i + 1) if 0 <= j < len(words)]
    if word.what != "unknown" or len(word.text) < _LONG or not {"percent", "between"} & set(around):
        return word
    slugs = {slug for name, slug in _single_names().items() if _one_wrong(word.text, name)}
    return replace(word, what="fibre", slug=slugs.pop(), exact=False) if len(slugs) == 1 else word


def _one_wrong(read: str, name: str) -> bool:
    if len(read) != len(name) or read[0] != name[0]:
        return False
    ends_alike = read[-1] == name[-1] or {read[-1], name[-1]} == {"m", "n"}
    return ends_alike and Levenshtein.distance(read, name, score_cutoff=1) <= 1


def _coded(words: Sequence[_Word], i: int) -> _Word:
    word = words[i]
    near_percent = any(words[j].what == "percent" for j in (i - 1, i + 1) if 0 <= j < len(words))
    if near_percent and word.text in _CODES:
        return replace(word, what="fibre", slug=_CODES[word.text])
    return word


def _counts(words: Sequence[_Word], i: int) -> bool:
    """A short or everyday name right beside a percentage, or with nothing but names at both sides."""
    if len(words[i].text) > _SHORT and words[i].text not in _EVERYDAY:
        return True
    before = words[i - 1].what if i else "fibre"
    after = words[i + 1].what if i + 1 < len(words) else "fibre"
    return "percent" in (before, after) or {before, after} <= {"fibre", "between"}


def _of_shares(words: Sequence[_Word], line: TextLine, part: Part, text: str) -> tuple[list[Piece], Part]:
    """The pieces of a line that holds a percentage, and the part that goes on after it."""
    stated = [i for i, word in enumerate(words) if word.what == "percent"]
    if part != "" or not any(word.what == "part" for word in words[: stated[-1]]):
        part = _strange_header(words, text) or part
    pieces: list[Piece] = []
    ended = False
    for i, word in enumerate(words):
        if word.what == "part" and not ended and i > stated[-1] and part == "":
            # `100% POLYESTER LINING`: whether it names this one or the next can't be told, so neither is the outside.
            pieces, part = [replace(piece, part="inner") for piece in pieces], "inner"
        elif word.what == "part" and not ended:
            part = word.part
        ended = word.what == "end" or (ended and word.what != "percent")
        if word.what == "percent":
            pieces.append(Piece(line, percent=word.percent, part=part))
            if _unnamed(words[i + 1 :]):
                pieces.append(Piece(line, part=part))
        elif word.what == "fibre":
            pieces.append(Piece(line, slug=word.slug, part=part, exact=word.exact))
        elif word.what in ("part", "end"):
            pieces.append(Piece(line, part=part))
        elif word.text in _KINDS_OF:
            pieces.append(Piece(line, part=part, kind_of=True))
    return pieces, part


def _unnamed(after: Sequence[_Word]) -> bool:
    """Words follow the percentage, none of them a fibre (`100% AUTHENTIC`): what the next line says is not its name."""
    upto = next((i for i, word in enumerate(after) if word.what in ("percent", "part")), len(after))
    unknown = any(word.what == "unknown" and len(word.text) > 2 for word in after[:upto])
    return unknown and not any(word.what == "fibre" for word in after[:upto])


def _strange_header(words: Sequence[_Word], text: str) -> Part | None:
    """`WAISTBAND TAPE: 100% POLYESTER`: of another part, whichever it is."""
    said = re.match(r"\W*([^\d%:]{4,40}):", text)
    head = words[: next((i for i, word in enumerate(words) if word.what == "percent"), 0)]
    return "other" if said and head and all(word.what == "unknown" for word in head) else None


def _header(words: Sequence[_Word]) -> Part | None:
    """The part a line without a percentage names, where it says little else."""
    parts = [word for word in words if word.what == "part"]
    if not parts or any(word.what in ("end", "fibre") for word in words):
        return None
    others = sum(word.what == "unknown" and len(word.text) > 2 for word in words)
    return parts[0].part if others < len(parts) else None


def _of_names(words: Sequence[_Word], line: TextLine, part: Part) -> Iterator[Piece]:
    """Names that go on from a line before, in other languages; a sentence that mentions a fibre is none."""
    names = [word for word in words if word.what == "fibre"]
    if sum(word.what == "unknown" and len(word.text) > 2 for word in words) > len(names):
        return
    for word in words:
        if word.what == "fibre":
            yield Piece(line, slug=word.slug, part=part, exact=word.exact)
        elif word.text in _KINDS_OF:
            yield Piece(line, part=part, kind_of=True)
