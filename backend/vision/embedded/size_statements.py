"""What single lines of print say of a size, each in the system it says it in.

Owns how sizes are printed: letters, waists, ages, heights, rows of national numbers, numbers beside a word for size.
Does not own what a number means for a garment (`sizes.py`), nor which sizes there are (`core/catalog.py`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backend.core.search_words import bare
from backend.vision.embedded import lexicon
from backend.vision.embedded.text_line import TextLine


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


ONE_SIZE = "One size"
NATIONS = {
    "fr": "fr", "f": "fr", "be": "fr", "b": "fr", "es": "es", "e": "es", "de": "de", "d": "de", "it": "it", "i": "it",
    "uk": "uk", "gb": "uk", "us": "us", "usa": "us", "eu": "eu", "eur": "eu",
}  # fmt: skip
_KEYS = {
    "taille": "fr", "t": "fr", "talla": "es", "tamanho": "fr", "tam": "fr", "taglia": "it", "tg": "it",
    "grosse": "german", "groesse": "german", "gr": "german", "maat": "german", "rozmiar": "german", "rozm": "german",
    "roz": "german", "size": "size", "sizes": "size", "pointure": "number", "storlek": "number", "str": "number",
}  # fmt: skip
"""Words for size and whose numbers follow them. `german`: German numbers, or French ones as many chains print there."""

_LETTERS = r"(?:[2-9]xl|[2]xs|x{0,6}l|x{0,2}s|m)"
_ELSEWHERE = {
    "p": "S", "ch": "S", "pp": "XS", "g": "L", "tg": "XL", "xg": "XL", "eg": "XL", "gg": "XL",
    "moyen": "M", "moyenne": "M", "mediano": "M", "grande": "L", "pequeno": "S", "petit": "S",
}  # fmt: skip
"""Letters and words of other languages, beside a letter; a few of them by themselves."""
_BY_THEMSELVES = frozenset({"moyen", "mediano", "grande", "pequeno"})
_LETTER = rf"(?:{_LETTERS}|{'|'.join(_ELSEWHERE)})"
_RUN = rf"{_LETTER}(?:(?:\s*[/,–-]\s*|\s+){_LETTER})*(?![\w&']|-[a-z])"
_KEY = rf"\b(?:{'|'.join(sorted(_KEYS, key=len, reverse=True))})\b[\s:.]*"
_NATION = r"\b(?:fr|uk|gb|usa?|eur?|int|mex)\b[\s:.]*"
_YEARS = r"(?:ans?|anos?|anni|years?|yrs?|jahren?|jaar|lat)"
_MONTHS = r"(?:mois|months?|meses|mesi|monate?n?|maanden|miesiecy|mths)"
_TO = r"\s*(?:[-/–]|\b(?:a|to|bis)\b)\s*"
_NUMBER = r"\d{1,3}(?:[.,][0356])?"

_RUN_TOGETHER = re.compile(r"(?<=\d)(?=(?:fr|eur?|uk|gb|usa?|it|de|es|l)[\s.:]?\d)")
"""Where the reader lost a space: `FR 44UK 16`, `W37L30`."""
_THIRDS = re.compile(rf"(?<=\d)\s([12])/([23])\b(?!\s*(?:{_YEARS}|[ay])\b)")
_WORDS = re.compile(r"\b(?:(x{1,3}|extra(?:[\s-]extra)?)[\s-]?)?(small|large)\b|\b(medium|med)\b")

_KEYED_LETTERS = re.compile(rf"(?:{_KEY}|{_NATION})(?={_LETTERS}\b)({_RUN})")
_GLUED_LETTERS = re.compile(r"\W*(?:size|taille|talla|taglia)(x{1,3}l|m|l|xx?s)\W*")
"""`SIZEL`: the space is lost often. Not `SIZES`, which is a word."""
_ALONE_LETTERS = re.compile(rf"\W*({_RUN})\W*")
_LETTERS_THEN_NUMBER = re.compile(
    rf"\W*(?:{_KEY})?({_LETTERS})\s*[(/,-]?\s*(\d\d)(?:\s*[/-]\s*(\d\d))?\b(?!\s*[%°])([)\s].*)?"
)
_NUMBER_THEN_LETTERS = re.compile(
    rf"\W*(?:\d\d\s*[/-]\s*\d\d\s*|\d\d?\s*(?=\()|(?!36)\d\d\s*(?=[mx]))\(?\s*({_LETTERS})\)?\W*"
)
"""`38 M`, `39-40 M`, `2 (M)`; but `40 L` is a long 40 and `36 M` three years."""
_ONE_SIZE = re.compile(
    r"\W*(?:t\.?u\.?|onesize|one size(?: fits (?:all|most))?|(?:taille|t)\W*unique|(?:tallas?|taglia|tg)\W*unica"
    r"|tamanho unico|einheitsgro(?:ss|s|e)e?|rozmiar uniwersalny|maat uniek)\W*"
)

_WAIST = re.compile(
    r"\bw[\s:]?\s?([2-5][\do])\b|\b(\d\d)\s?x\s?l?\s?(?:2[6-9]|3[0-8])\b|\b(\d\d)w\b|\bwaist\s?(\d\d)\s*(?:leg|length|l|inseam)\s?\d\d"
)
_SLASHED_WAIST = re.compile(r"\W*(\d\d)\s*/\s*(2[89]|3[0-6])\W*")

_AGE = re.compile(
    rf"(?<![\d.,/])(\d{{1,2}})(?:{_TO}(\d{{1,2}}))?\s*{_YEARS}\b|^\W*age\s*(\d{{1,2}})(?:{_TO}(\d{{1,2}}))?\W*$"
)
_SHORT_AGE = re.compile(r"(?<![\w.,/])(\d{1,2})(?:\s*[-/]\s*(\d{1,2})\s?[ayt]|\s?y|[at])\b")
_AGE_MONTHS = re.compile(rf"(?<![\d.,/])(\d{{1,2}})(?:{_TO}(\d{{1,2}}))?\s*{_MONTHS}\b")
_SHORT_MONTHS = re.compile(r"(?<![\w.,/])(?:(?:0|1|3|6|9|12|18)\s*[-/]\s*)?(1|3|6|9|12|18|24|36)\s?m\b")
_SAME_AGE = {"24M": "2Y", "36M": "3Y", "1Y": "12M"}
_NO_AGE = _listed(
    "under below less moins unter menos meno inferiore jonger guarantee guaranteed garantie garantia garanzia warranty "
    "since depuis seit not suitable convient geeignet adatto apto from partir ab desde"
)
"""Words about a time that is no size: warnings and guarantees."""
_OF_SIZES = _listed(
    f"{' '.join(_KEYS)} {' '.join(NATIONS)} int mex mx cn ca jp kr cm age ages y a t m to bis x w l s xs xl xxl "
    "baby bebe kids kid child children enfant enfants kinder junior girl girls boy boys fille filles garcon garcons "
    "madchen jungen nina nino bambina bambino old height hauteur stature"
)
_HEIGHT = re.compile(r"\b(\d{2,3})(?:\s*[-/]\s*(\d{2,3}))?\s*cm\b|\b(\d{2,3})\s*[/-]\s*(\d{2,3})\b(?!\s*[%°\w])")
_HEIGHTS = (50, 56, 62, 68, 74, 80, 86, 92, 98, 104, 110, 116, 122, 128, 134, 140, 146, 152, 158, 164, 170, 176)
_BODY = _listed(
    "chest bust waist hip hips inseam leg length sleeve collar poitrine buste hanche hanches ceinture tour longueur "
    "brust taillenumfang bundweite bund hufte huefte torace petto vita fianchi pecho cintura cadera borst heup klatka"
)
"""Measures of an adult's body are no child's height."""

_NATIONAL = re.compile(
    rf"\b(fr|be|es|de|it|uk|gb|usa?|eur?|[fbedi](?=[\s:.]*\d\d\b))[\s:.]*({_NUMBER})(?:\s*[-/]\s*({_NUMBER}))?\b(?!\s*(?:[%°]|cm\b|{_YEARS}\b|{_MONTHS}\b))"
)
_TURNED_NATIONAL = re.compile(rf"(?<![\d.,/%])({_NUMBER})(?:\s*[-/]\s*({_NUMBER}))?\s*(fr|uk|gb|usa?|eur?)\b")
_ONE_NATION = re.compile(r"\W*[fdi]\s?\d\d\W*")
_PARTS = re.compile(r"(?<=[a-z])\s?/|/\s?(?=[a-z])")
_KEYED_NUMBER = re.compile(rf"({_KEY})({_NUMBER})(?:\s*[/-]\s*({_NUMBER}))?\b(?!\s*[%°])")
_GLUED_NUMBER = re.compile(r"\W*t(\d\d)\W*")
_ALONE_NUMBER = re.compile(rf"\W*({_NUMBER})(?:\s*[/-]\s*({_NUMBER}))?\s*(?:[.,])?")
_TEMPERATURES = frozenset({"30", "40", "60", "95"})


@dataclass(frozen=True)
class Said:
    """One statement of a size. `system`: letters, waist, slashed, us-waist, age, height, one, number, size, german or
    a nation; `sure` from how it stands. Two statements of one line are a span, or a contradiction."""

    system: str
    text: str
    sure: float
    line: TextLine


def statements(lines: Sequence[TextLine], *, on_label: bool) -> list[Said]:
    """Everything these lines say of a size; lone letters and numbers count where `on_label`."""
    washing = any("%" in line.text or _care(line) for line in lines)
    found: list[Said] = []
    for i, line in enumerate(lines):
        beside = lines[max(0, i - 1) : i + 2]
        numbers = on_label and not any("%" in near.text or _care(near) for near in beside)
        text = _plain(line.text)
        before = lexicon.tokens(lines[i - 1].text)[-1:] if i else []
        found += _letters(text, line, on_label)
        found += _waists(text, line)
        found += _children(text, line, before)
        found += _national(text, line, on_label)
        found += [
            s for s in _numbers(text, line, numbers) if not (washing and s.sure < 0.8 and s.text in _TEMPERATURES)
        ]
        if _ONE_SIZE.fullmatch(text):
            found.append(Said("one", ONE_SIZE, 0.75 if len(text) <= 4 else 0.9, line))
    return found


def _care(line: TextLine) -> bool:
    return any(len(word) > 2 and word in lexicon.care_words() for word in lexicon.tokens(line.text))


def _plain(text: str) -> str:
    """Folded, with the spaces the reader lost, fractions as decimals and the words for letters as letters."""
    text = text.replace("½", ".5").replace("⅓", " 1/3").replace("⅔", " 2/3")
    text = _RUN_TOGETHER.sub(" ", bare(text))
    text = _THIRDS.sub(lambda m: {"12": ".5", "13": ".3", "23": ".6"}.get(m[1] + m[2], m[0]), text)
    return _WORDS.sub(_as_letters, text)


def _as_letters(word: re.Match[str]) -> str:
    if word[3]:
        return "m"
    times = word[1].count("x") if word[1] and word[1][0] == "x" else (word[1] or "").count("extra")
    return "x" * times + word[2][0]


def letter_size(text: str) -> str:
    """`2XL` and `xxl` are the catalog's `XXL`; from four on it writes the number (`4XL`)."""
    if text in _ELSEWHERE:
        return _ELSEWHERE[text]
    many = int(text[0]) if text[0].isdigit() else text.count("x")
    return (f"{many}X" if many > 3 else "X" * many) + text[-1].upper()


def _letters(text: str, line: TextLine, on_label: bool) -> Iterator[Said]:
    for match in _KEYED_LETTERS.finditer(text):
        yield from _run(match[1], 0.93, line)
    if glued := _GLUED_LETTERS.fullmatch(text):
        yield Said("letters", letter_size(glued[1]), 0.9, line)
    if not on_label:
        return
    if alone := _ALONE_LETTERS.fullmatch(text):
        words = re.findall(rf"{_LETTER}\b", alone[1])
        if words[0] in _BY_THEMSELVES or any(re.fullmatch(_LETTERS, word) for word in words):
            yield from _run(alone[1], 0.87, line)
    if (numbered := _LETTERS_THEN_NUMBER.fullmatch(text)) and _is_adult(numbered):
        yield Said("letters", letter_size(numbered[1]), 0.88, line)
    if turned := _NUMBER_THEN_LETTERS.fullmatch(text):
        yield Said("letters", letter_size(turned[1]), 0.85, line)


def _is_adult(numbered: re.Match[str]) -> bool:
    """Letters with a size of adults, and no length of a leg (`L 34`)."""
    low, high, rest = int(numbered[2]), int(numbered[3] or 0), numbered[4] or ""
    if re.sub(r"\b(?:fr|eur?|uk|gb|usa?|it|de|es|mex|int|cn|ca)\b|[\W\d_]", "", rest):
        return False
    return 34 <= low <= 60 and (numbered[1] != "l" or bool(high) or low >= 38 or rest.startswith(")"))


def _run(text: str, sure: float, line: TextLine) -> list[Said]:
    """One size in several languages (`M/M`, `L/G`), or two; three and more are a list of what is sold."""
    values = dict.fromkeys(letter_size(word) for word in re.findall(rf"{_LETTER}\b", text))
    return [Said("letters", value, sure, line) for value in values] if len(values) < 3 else []


def _waists(text: str, line: TextLine) -> Iterator[Said]:
    if (slashed := _SLASHED_WAIST.fullmatch(text)) and not (int(slashed[1]) >= 34 and int(slashed[2]) > 34):
        yield Said("slashed", f"W{slashed[1]}", 0.8, line)  # but 34/36 is two sizes in one
    for match in _WAIST.finditer(text):
        number = next(part for part in match.groups() if part).replace("o", "0")
        yield Said("waist", f"W{number}", 0.92, line)


def _children(text: str, line: TextLine, before: Sequence[str]) -> Iterator[Said]:
    """Ages, of a span ("7-8 years") the upper end; and heights."""
    words = [w for w in re.findall(r"[a-z]+", text) if not re.fullmatch(rf"{_YEARS}|{_MONTHS}", w)]
    if _NO_AGE.isdisjoint([*words, *before]):
        others = [word for word in words if word not in _OF_SIZES]
        spelt, short = ((_AGE, "Y"), (_AGE_MONTHS, "M")), ((_SHORT_AGE, "Y"), (_SHORT_MONTHS, "M"))
        for pattern, unit in (*(spelt if len(others) <= 3 else ()), *(() if others else short)):
            for age in pattern.finditer(text):
                number = [part for part in age.groups() if part][-1]
                value = f"{int(number)}{unit}"
                yield Said("age", _SAME_AGE.get(value, value), 0.75 if age[1] != number else 0.9, line)
    if _BODY.isdisjoint([*words, *before]) and (height := _HEIGHT.search(text)):
        low, high = (int(part) if part else None for part in (height[1] or height[3], height[2] or height[4]))
        if high is None or (low in _HEIGHTS and high in _HEIGHTS and 0 < high - (low or 0) <= 12):
            yield Said("height", str(high or low), 0.9, line)


def _national(text: str, line: TextLine, on_label: bool) -> Iterator[Said]:
    for part in _PARTS.split(text):
        forward = [(m[1], m[2], m[3]) for m in _NATIONAL.finditer(part)]
        turned = [(m[3], m[1], m[2]) for m in _TURNED_NATIONAL.finditer(part)]
        rows = turned if len(turned) > len(forward) else forward
        alone = on_label and _ONE_NATION.fullmatch(text)
        for nation, *numbers in rows:
            # One letter names a nation only in a row of them, "F 40 D 38 I 44", or alone on a label.
            if len(nation) > 1 or len(rows) > 1 or alone:
                for number in _span(*numbers):
                    said = _numbered(NATIONS[nation], number, 0.9, line)
                    yield said
                    if said.system == "us" and re.fullmatch("2[3-9]|3[0-9]|4[0-4]", number):
                        yield Said("us-waist", f"W{number}", 0.9, line)


def _numbers(text: str, line: TextLine, alone: bool) -> Iterator[Said]:
    if keyed := _KEYED_NUMBER.search(text):
        system = _KEYS[re.sub(r"\W", "", keyed[1])]
        yield from (_numbered(system, number, 0.85, line) for number in _span(keyed[2], keyed[3]))
    elif glued := _GLUED_NUMBER.fullmatch(text):
        yield _numbered("fr", glued[1], 0.85, line)
    elif alone and (bare_one := _ALONE_NUMBER.fullmatch(text)):
        yield from (_numbered("number", number, 0.75, line) for number in _span(bare_one[1], bare_one[2]))


def _span(low: str, high: str | None) -> list[str]:
    """The numbers of `38/40` or `36-37`; none of what is no span (`32/32`)."""
    numbers = [part.replace(",", ".") for part in (low, high) if part]
    return numbers if high is None or 0 < float(numbers[-1]) - float(numbers[0]) <= 6 else []


def _numbered(system: str, number: str, sure: float, line: TextLine) -> Said:
    """A number in its system; what no size of adults reaches is a child's height."""
    if float(number) in _HEIGHTS and float(number) >= 62 and system in {"eu", "size", "german", "fr", "es", "number"}:
        return Said("height" if system != "number" else "bare-height", number, sure, line)
    return Said(system, number, sure, line)
