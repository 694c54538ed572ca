"""Sizes among lines of text, in the catalog's own values.

Owns what the statements of a label mean for a garment: which of them counts, and the conversion of national sizes.
What could mean two sizes gives two alternatives and no value. Does not own how sizes are printed
(`size_statements.py`), nor the sizes themselves (`core/catalog.py`).

Women's national sizes are offset from each other: FR = ES = DE + 2 = IT - 4 = UK + 28 = US + 32. Men's are the same
number from Germany to Italy; Britain and America print the chest, ten less.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from backend.core import catalog
from backend.core.listing import Alternative
from backend.vision.embedded.printed_words import find_audience
from backend.vision.embedded.size_statements import Said, statements
from backend.vision.embedded.text_line import TextLine

_LETTERS = ("XXS", "XS", "S", "M", "L", "XL", "XXL", "XXXL", "4XL", "5XL", "6XL")
_WOMEN = dict(zip(range(32, 54, 2), _LETTERS, strict=True))
"""By the French number."""
_MEN = dict(zip(range(44, 62, 2), _LETTERS[1:], strict=False))
"""By the continental number."""
_COLLAR = dict(zip(range(37, 47), (x for x in _LETTERS[2:7] for _ in "12"), strict=True))
"""Men's shirts, by the neck in centimetres."""
_TO_FR = {"fr": 0, "es": 0, "de": 2, "it": -4, "uk": 28, "us": 32}
_CHEST = {"uk", "us"}
_FROM_HEIGHT = {
    56: "1M", 62: "3M", 68: "6M", 74: "9M", 80: "12M", 86: "18M", 92: "2Y", 98: "3Y", 104: "4Y", 110: "5Y", 116: "6Y",
    122: "7Y", 128: "8Y", 134: "9Y", 140: "10Y", 146: "11Y", 152: "12Y", 158: "13Y", 164: "14Y", 170: "15Y", 176: "16Y",
}  # fmt: skip
_LONG_SIZES = frozenset({"86", "94", "98", "102", "106", "110", "114"})
"""German sizes of tall men, printed bare as children's heights are."""
_TROUSERS = frozenset({"pants", "jeans", "shorts"})
_SHOES = frozenset({"shoes", "trainers", "boots", "sandals"})
_WOMENS = frozenset({"dress", "mini-dress", "midi-dress", "maxi-dress", "skirt", "blouse", "body"})
_TAILORED = frozenset({"blazer", "outwear", "coat", "jacket", "shirt", "jumper", "longsleeve", "polo"})
"""Kinds whose numbers men's labels bear too."""
_CHILDREN = frozenset({"girls", "boys"})


@dataclass(frozen=True)
class SizeReading:
    """`value` is None where the label was read but could mean any of the alternatives."""

    value: str | None
    confidence: float
    line: TextLine
    alternatives: tuple[Alternative, ...] = ()


@cache
def _known_values() -> frozenset[str]:
    return frozenset(option.value for group in catalog.size_groups().values() for option in group)


def find_size(
    lines: Sequence[TextLine], *, kind: str | None, on_label: bool, audience: str | None = None
) -> SizeReading | None:
    """The size these lines state. `kind` and `audience` (else the lines' own word for it) settle what a number can
    mean; `on_label` lets lone letters and numbers count."""
    if audience is None and (word := find_audience(lines)):
        audience = word.value
    said = statements(lines, on_label=on_label)
    if kind in _SHOES:
        return _shoe_size(said)
    ages = _agreed(_of(said, "age")) if audience not in ("women", "men") else None
    inches = _waist(said, audience) if kind in _TROUSERS else None
    return inches or ages or _agreed(_of(said, "waist")) or _of_the_body(said, kind, audience)


def _of_the_body(said: Sequence[Said], kind: str | None, audience: str | None) -> SizeReading | None:
    """By height, letters or numbers. A height beside letters is the chest, but on children's things."""
    children = audience in _CHILDREN
    letters = _agreed(_of(said, "letters"))
    heights = _heights(said, audience) if kind != "hat" else []
    if heights and (letters is None or children or _too_tall(heights)):
        return _agreed(heights if letters is None or children else [*heights, *_of(said, "letters")])
    if letters:
        return _unless_rows_disagree(letters, said, kind, audience)
    return None if children else _from_numbers(said, kind, audience) or _agreed(_of(said, "one"))


def _of(said: Iterable[Said], *systems: str) -> list[Said]:
    return [s for s in said if s.system in systems]


def _heights(said: Sequence[Said], audience: str | None) -> list[Said]:
    """Children's heights as ages. Without "cm" a low one may be a tall man's size; grown-ups have none."""
    if audience in ("women", "men"):
        return []
    children = audience in _CHILDREN
    found = _of(said, "height") or [s for s in _of(said, "bare-height") if children or 116 <= int(s.text) < 164]
    return [
        Said("height", _FROM_HEIGHT[int(s.text)], s.sure, s.line)
        for s in found
        if int(s.text) in _FROM_HEIGHT and (children or s.sure >= 0.9 or s.text not in _LONG_SIZES)
    ]


def _too_tall(heights: Sequence[Said]) -> bool:
    """No chest of these sizes: a child's label with letters."""
    return all(int(s.text[:-1]) >= 8 and s.text.endswith("Y") for s in heights)


def _waist(said: Sequence[Said], audience: str | None) -> SizeReading | None:
    """Inches of waist; a bare number below any size of trousers is one, and so is what Americans print."""
    if audience in _CHILDREN:
        return None
    if inches := _agreed(_of(said, "waist", "slashed")):
        return inches
    bare = [s for s in _of(said, "number", "size", "fr") if s.text.isdigit() and 23 <= int(s.text) <= 31]
    if bare and not _of(said, "letters"):
        return _agreed([Said("waist", f"W{s.text}", min(s.sure, 0.75), s.line) for s in bare])
    return _agreed(_of(said, "us-waist")) if not _of(said, "uk", "letters") else None


def _unless_rows_disagree(
    letters: SizeReading, said: Sequence[Said], kind: str | None, audience: str | None
) -> SizeReading:
    """Letters, but not against rows of national sizes on other lines: a lone letter is easily misread."""
    rows = _from_numbers(
        [s for s in said if s.system in _TO_FR and s.line is not letters.line], kind or "top", audience
    )
    if rows is None or letters.value in (rows.value, *(a.value for a in rows.alternatives)):
        return letters
    return _open([v for v in (rows.value, letters.value) if v], rows.line)


def _agreed(said: Sequence[Said]) -> SizeReading | None:
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


def _shoe_size(said: Sequence[Said]) -> SizeReading | None:
    """The European number; one with a third lies between two. A British one alone gives alternatives: the European one
    is 33 or 34 more, by maker and audience. American ones differ by audience and are left alone."""
    european = [s for s in _of(said, "eu", "fr", "number", "german", "size", "es") if 18 <= float(s.text) < 49]
    if thirds := [s for s in european if s.text.endswith((".3", ".6"))]:
        near = float(thirds[0].text) // 0.5 / 2
        return _between((near, near + 0.5), thirds[0].line)
    if reading := _agreed(european):
        return reading
    if european:  # a half the site has no tile for
        whole = float(european[0].text) // 1
        return _between((whole, whole + 1), european[0].line)
    british = [s for s in _of(said, "uk") if 3 <= float(s.text) <= 13]
    if not british:
        return None
    low = float(british[0].text) // 1 + 33
    return _between((low, low + 1), british[0].line)


def _between(numbers: Iterable[float], line: TextLine) -> SizeReading | None:
    values = [value for number in numbers if (value := f"{number:g}") in _known_values()]
    return _open(values, line) if values else None


def _from_numbers(said: Sequence[Said], kind: str | None, audience: str | None) -> SizeReading | None:
    """A letter size by numbers: of rows that name their nation first, then of others. A row no size has is left out."""
    said = [s for s in said if s.text.isdigit()]
    if audience == "men" or (audience is None and _chests(said)):
        return _mens(said, kind)
    national = [(s, int(s.text) + _TO_FR[s.system]) for s in _of(said, *_TO_FR)]
    national = [(s, french) for s, french in national if french in _WOMEN]
    plain = [(s, int(s.text)) for s in _of(said, "eu", "number", "size", "german") if 34 <= int(s.text) <= 52]
    plain = [(s, french) for s, french in plain if french in _WOMEN]  # a bare 32 is inches
    rows = national or plain
    if not rows:
        return _english(_of(said, "size"))
    best = max((s for s, _ in rows), key=lambda s: s.sure * s.line.score)
    women = audience == "women" or kind in _WOMENS or _is_womens(national)
    values = [_WOMEN[french] for french in sorted({french for _, french in rows})]
    if national and not _of((s for s, _ in national), "fr", "es", "de"):
        # Beside British rows the European number may be the German or the French one.
        values += [_WOMEN[n] for s, n in plain if s.system == "eu" and _WOMEN[n] not in values]
    elif not national and best.system == "german":
        values += [_WOMEN[n + 2] for _, n in rows if n + 2 in _WOMEN]
    if kind is None or (kind in _TROUSERS and not _of((s for s, _ in national), "uk", "us", "it")):
        # A bare 38 may be a shoe; on trousers it may be the tile M / 38 or, men's or denim, W28 / 38.
        values += [f"W{n - 10}" if kind in _TROUSERS else str(n) for _, n in rows]
    if not women and (kind is None or kind in _TAILORED | _TROUSERS):
        mens = _mens(said, kind)
        values += [*(a.value for a in mens.alternatives), *([mens.value] if mens.value else [])] if mens else []
    return _settled(values, best, loose=not national)


def _settled(values: Iterable[str], best: Said, *, loose: bool) -> SizeReading | None:
    """The one value, or all. Of one, `loose` says that no nation is named: a French 40 may be printed 38."""
    values = [value for value in dict.fromkeys(values) if value in _known_values()]
    if len(values) != 1:
        return _open(values[:3], best.line) if values else None
    sure = best.sure * best.line.score
    if not loose or best.system not in ("eu", "size", "number"):
        return SizeReading(values[0], sure, best.line)
    larger = _LETTERS[_LETTERS.index(values[0]) + 1 :][:1]
    return SizeReading(values[0], min(sure, 0.72), best.line, tuple(Alternative(value, 0.25) for value in larger))


def _is_womens(national: Sequence[tuple[Said, int]]) -> bool:
    """British and American numbers this low, or numbers apart as women's are from land to land."""
    apart = {int(s.text) for s, _ in national}
    agreed = len({french for _, french in national}) == 1
    return bool(_of((s for s, _ in national), *_CHEST)) or (len(apart) > 1 and agreed)


def _chests(said: Sequence[Said]) -> list[Said]:
    return [s for s in _of(said, *_CHEST) if int(s.text) + 10 in _MEN and int(s.text) >= 34]


def _mens(said: Sequence[Said], kind: str | None) -> SizeReading | None:
    """Men's: jackets and knits by the continental number, shirts by the collar too, trousers by that or by inches."""
    rows = _of(said, "fr", "es", "de", "it", "eu", "number", "size", "german")
    values = [_MEN[int(s.text) + 10] for s in _chests(said)] if kind not in _TROUSERS else []
    values += [_MEN[int(s.text)] for s in rows if int(s.text) in _MEN]
    if kind == "shirt":
        values += [_COLLAR[int(s.text)] for s in rows if int(s.text) in _COLLAR]
    if kind in _TROUSERS:
        values += [f"W{int(s.text) - 10}" for s in rows if 36 <= int(s.text) <= 54]
        values += [f"W{s.text}" for s in _of(rows, "number", "size") if 32 <= int(s.text) <= 44]
    if not values:
        return None
    best = max((*rows, *_chests(said)), key=lambda s: s.sure * s.line.score)
    return _settled(values, best, loose=False)


def _english(said: Sequence[Said]) -> SizeReading | None:
    """`SIZE 10` is a British or an American one."""
    values = [_WOMEN[n] for s in said for n in (int(s.text) + 28, int(s.text) + 32) if n in _WOMEN]
    return _open(list(dict.fromkeys(values))[:3], said[0].line) if values else None
