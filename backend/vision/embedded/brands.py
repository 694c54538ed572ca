"""Brand names among lines of text.

Owns when a name counts: whole words only, over several lines where each is whole, an everyday word only on a label,
alone on its line but for a size and where no sentence goes on in it, a misread one only where it is long or the slip is
plain. Off labels an everyday word is no more than a possibility. Does not own the names (`brands.txt`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from backend.vision.embedded import lexicon
from backend.vision.embedded.text_line import TextLine

_LONGEST = 6
"""Words in the longest name."""

_STACKED = 4
"""Lines a name may be set in, one word a line."""

_FURTHER = 4
"""Words that may stand on a name's line: a sentence that mentions a brand is no label."""

_LONG = 10
"""Letters from which one may be wrong in a name: shorter names are one letter from ordinary words (button, Burton)."""

_FEW_LINES = 4
"""Lines of print on a garment among which an everyday word may be a brand's."""

_CONFIDENT = {"line": 0.95, "inside": 0.88, "near": 0.8, "everyday": 0.8, "print": 0.4}

_TOLD = 0.5

_SIZE = re.compile(r"x{0,3}[sml]|[2-6]xl|\d\d|[wl]\d\d|\d{1,2}[ay]|ans|years|eur?|uk|usa?|fr|size")
_LINE_OF_BRAND = frozenset({"paris", "london", "milano", "jeans", "denim", "kids", "man", "woman"})
"""With sizes, the words that may stand beside an everyday name on its line: a house's town and its lines."""

_STREETS = frozenset(
    "rue avenue boulevard bd place street road strasse via viale corso piazza calle avenida straat ulica rua".split()  # noqa: SIM905
)
"""After one of them a name is a street's (`12 rue de la Halle`)."""

_CAPITAL_L = re.compile(r"(?<=[A-Z])l(?=[A-Z'])|(?<=[A-Z])l$|^l(?=[A-Z]{2})")
_FIGURE = re.compile(r"(?<=[^\W\d])[0158](?=[^\W\d]|$)|^[0158](?=[^\W\d]{2})")
_MEANT = str.maketrans("0158", "OISB")


@dataclass(frozen=True)
class BrandHit:
    name: str
    confidence: float
    line: TextLine

    @property
    def sure(self) -> bool:
        """Whether it may be told; else it is an everyday word that may be a brand's."""
        return self.confidence >= _TOLD


def find_brands(lines: Sequence[TextLine], *, on_label: bool) -> list[BrandHit]:
    """The brands named in these lines, the surest first, each once."""
    best: dict[str, BrandHit] = {}
    for hit in _hits(lines, on_label):
        if hit.name not in best or hit.confidence > best[hit.name].confidence:
            best[hit.name] = hit
    return sorted(best.values(), key=lambda hit: (-hit.confidence, -hit.line.height))


def _hits(lines: Sequence[TextLine], on_label: bool) -> Iterator[BrandHit]:
    at = 0
    while at < len(lines):
        stacked, count = _over_lines(lines, at, on_label)
        for i in range(at, at + count):
            found = list(_in_line(lines, i, on_label))
            yield from (hit for hit in found if stacked is None or hit.name == stacked.name)
        if stacked is not None:
            yield stacked
        at += count


def _over_lines(lines: Sequence[TextLine], at: int, on_label: bool) -> tuple[BrandHit | None, int]:
    """`THE`, `NORTH`, `FACE` below each other: whole lines that make a name together, and how many they are."""
    for count in range(min(_STACKED, len(lines) - at), 1, -1):
        rows = [lexicon.tokens(line.text) for line in lines[at : at + count]]
        brand = lexicon.brands().get(tuple(word for row in rows for word in row))
        if brand is None or not all(rows):
            continue
        if brand.everyday and (not on_label or _is_labels(rows[0]) or _goes_on(lines, at, tuple(rows[0]))):
            continue
        kind = "everyday" if brand.everyday else "inside"
        score = min(line.score for line in lines[at : at + count])
        return BrandHit(brand.name, _CONFIDENT[kind] * score, lines[at]), count
    return None, 1


def _in_line(lines: Sequence[TextLine], i: int, on_label: bool) -> Iterator[BrandHit]:
    """Names inside one line, the longest first; what a name covers is not looked at again."""
    line = lines[i]
    words = lexicon.tokens(line.text)
    taken: set[int] = set()
    for brand, span in _named(words):
        if taken & set(span) or len(words) - len(span) > _FURTHER or _STREETS.intersection(words[: span.start]):
            continue
        if not brand.everyday:
            kind = "line" if len(span) == len(words) else "inside"
        elif (everyday := _everyday(lines, i, span, on_label)) is not None:
            kind = everyday
        else:
            continue
        taken |= set(span)
        yield BrandHit(brand.name, _CONFIDENT[kind] * line.score, line)
    if not taken:
        yield from _misread(lines, i, on_label)


def _named(words: Sequence[str]) -> Iterator[tuple[lexicon.Brand, range]]:
    for length in range(min(_LONGEST, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            brand = lexicon.brands().get(tuple(words[start : start + length]))
            if brand is not None:
                yield brand, range(start, start + length)


def _everyday(lines: Sequence[TextLine], i: int, span: range, on_label: bool) -> str | None:
    """How an everyday word counts as a name here, if it does."""
    words = lexicon.tokens(lines[i].text)
    if on_label:
        beside = [word for at, word in enumerate(words) if at not in span]
        alone = all(_SIZE.fullmatch(word) or word in _LINE_OF_BRAND for word in beside) and "°" not in lines[i].text
        return "everyday" if alone and not _goes_on(lines, i, tuple(words[at] for at in span)) else None
    return "print" if len(span) == len(words) and len(lines) <= _FEW_LINES else None


def _goes_on(lines: Sequence[TextLine], i: int, name: lexicon.Words) -> bool:
    """Whether a sentence goes on in this line: `DRY CLEAN`, `ONLY`; `MADE IN`, `JORDAN`. A name that is a label's own
    word is suspected after any other words, and before those of care."""
    above = lexicon.tokens(lines[i - 1].text) if i else []
    if any(word in lexicon.label_words() for word in name):
        below = lexicon.tokens(lines[i + 1].text)[:1] if i + 1 < len(lines) else []
        return any(word.isalpha() and not _SIZE.fullmatch(word) for word in above) or bool(
            lexicon.care_words().intersection(below)
        )
    return bool(above) and above[-1] in lexicon.label_words() and not _is_named(above[-1])


def _is_labels(words: Sequence[str]) -> bool:
    return all(word in lexicon.label_words() for word in words)


def _is_named(word: str) -> bool:
    """A country or a fibre: what is said of it ends there."""
    return (word,) in lexicon.countries() or (word,) in lexicon.fibres()


def _misread(lines: Sequence[TextLine], i: int, on_label: bool) -> Iterator[BrandHit]:
    """A whole line that is a name but for its spaces, or but for a misread letter."""
    line = lines[i]
    words = lexicon.tokens(line.text)
    joined = "".join(word for word in words if word != "&")
    if len(joined) >= 6 and not _is_labels(words):
        brand = _by_letters().get(joined)
        if brand is not None:
            yield BrandHit(brand.name, _CONFIDENT["inside"] * line.score, line)
            return
        close = {b.name for letters, b in _by_letters().items() if lexicon.near(joined, letters, long=_LONG)}
        if len(close) == 1:
            yield BrandHit(close.pop(), _CONFIDENT["near"] * line.score, line)
            return
    yield from _slipped(lines, i, on_label)


def _slipped(lines: Sequence[TextLine], i: int, on_label: bool) -> Iterator[BrandHit]:
    """One word that is a name of four letters or more once the figure or the small L among its letters is undone
    (`MANG0`, `NlKE`)."""
    line = lines[i]
    text = line.text.strip()
    meant = _FIGURE.sub(lambda m: m[0].translate(_MEANT), _CAPITAL_L.sub("I", text))
    if meant == text or len(text) < 4 or len(re.findall(r"\d", text)) > 1:
        return
    words = lexicon.tokens(meant)
    brand = lexicon.brands().get(tuple(words)) if len(words) == 1 else None
    if brand is None:
        return
    there = [*lines[:i], replace(line, text=meant), *lines[i + 1 :]]
    if not brand.everyday or _everyday(there, i, range(1), on_label) == "everyday":
        yield BrandHit(brand.name, _CONFIDENT["near"] * line.score, line)


@cache
def _by_letters() -> dict[str, lexicon.Brand]:
    """Names by their letters alone; short and everyday ones can't be told without their spaces."""
    joined = {"".join(w for w in words if w != "&"): brand for words, brand in lexicon.brands().items()}
    return {letters: brand for letters, brand in joined.items() if len(letters) >= 6 and not brand.everyday}
