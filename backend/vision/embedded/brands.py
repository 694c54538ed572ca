"""Brand names among lines of text.

Owns when a name counts: whole words only, an everyday word only alone on its line on a label, a misread one only
where it is long. Does not own the names (`brands.txt`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from backend.vision.embedded import lexicon
from backend.vision.embedded.text_line import TextLine

_LONGEST = 6
"""Words in the longest name."""

_FURTHER = 4
"""Words that may stand on a name's line: a sentence that mentions a brand is no label."""

_LONG = 10
"""Letters from which one may be wrong in a name: shorter names are one letter from ordinary words (button, Burton)."""

_CONFIDENT = {"line": 0.95, "inside": 0.88, "near": 0.8, "everyday": 0.8}


@dataclass(frozen=True)
class BrandHit:
    name: str
    confidence: float
    line: TextLine


def find_brands(lines: Sequence[TextLine], *, on_label: bool) -> list[BrandHit]:
    """The brands named in these lines, the surest first, each once."""
    best: dict[str, BrandHit] = {}
    for hit in _hits(lines, on_label):
        if hit.name not in best or hit.confidence > best[hit.name].confidence:
            best[hit.name] = hit
    return sorted(best.values(), key=lambda hit: (-hit.confidence, -hit.line.height))


def _hits(lines: Sequence[TextLine], on_label: bool) -> Iterator[BrandHit]:
    for i, line in enumerate(lines):
        words = lexicon.tokens(line.text)
        found = list(_in_words(words, line, on_label=on_label, few_lines=len(lines) <= 4))
        yield from found
        if not found and i + 1 < len(lines):
            yield from _over_two_lines(words, lexicon.tokens(lines[i + 1].text), line)


def _in_words(words: list[str], line: TextLine, *, on_label: bool, few_lines: bool) -> Iterator[BrandHit]:
    """Names inside one line, the longest first; what a name covers is not looked at again."""
    taken: set[int] = set()
    for length in range(min(_LONGEST, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            span = range(start, start + length)
            brand = lexicon.brands().get(tuple(words[start : start + length]))
            if brand is None or taken & set(span):
                continue
            alone = length == len(words)
            if brand.everyday and not (alone and (on_label or few_lines)):
                continue
            if len(words) - length > _FURTHER:
                continue
            taken |= set(span)
            kind = "everyday" if brand.everyday else "line" if alone else "inside"
            yield BrandHit(brand.name, _CONFIDENT[kind] * line.score, line)
    if not taken:
        yield from _run_together(words, line)


def _run_together(words: list[str], line: TextLine) -> Iterator[BrandHit]:
    """A whole line that is a name but for its spaces, or but for a misread letter."""
    joined = "".join(word for word in words if word != "&")
    if len(joined) < 6 or all(word in lexicon.label_words() for word in words):
        return
    brand = _by_letters().get(joined)
    if brand is not None:
        yield BrandHit(brand.name, _CONFIDENT["inside"] * line.score, line)
        return
    close = {b.name for letters, b in _by_letters().items() if lexicon.near(joined, letters, long=_LONG)}
    if len(close) == 1:
        yield BrandHit(close.pop(), _CONFIDENT["near"] * line.score, line)


def _over_two_lines(first: list[str], second: list[str], line: TextLine) -> Iterator[BrandHit]:
    """`TOMMY` above `HILFIGER`: two whole lines that make a name together."""
    brand = lexicon.brands().get((*first, *second))
    if brand is not None and not brand.everyday:
        yield BrandHit(brand.name, _CONFIDENT["inside"] * line.score, line)


@cache
def _by_letters() -> dict[str, lexicon.Brand]:
    """Names by their letters alone; short and everyday ones can't be told without their spaces."""
    joined = {"".join(w for w in words if w != "&"): brand for words, brand in lexicon.brands().items()}
    return {letters: brand for letters, brand in joined.items() if len(letters) >= 6 and not brand.everyday}
