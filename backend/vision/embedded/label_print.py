"""Whether print is a label's: the words labels carry, and none that speak to anybody.

Owns telling a label's lines from a page's, a screen's or a bill's by their words. Does not own how much of a photo they
cover or what else it shows (`photo_facts.py`).
"""

import re
from collections.abc import Sequence

from backend.vision.embedded import lexicon
from backend.vision.embedded.brands import find_brands
from backend.vision.embedded.fibres import find_composition
from backend.vision.embedded.origin import find_origin
from backend.vision.embedded.sizes import find_size
from backend.vision.embedded.text_line import TextLine

_KNOWN, _KNOWN_BESIDE_PROOF = 0.3, 0.15
"""Least share of a label's words that labels carry: letters, pages and screens have fewer. Less is asked where a line
states nothing but a composition or an origin: the rest may be in languages nobody listed."""

_TALK = frozenset(
    """
    is are was you your me my we please ignore must total visit thank thanks hello category
    est vous votre je mon merci bonjour sie ich bitte danke hola gracias usted grazie ciao obrigado dziekujemy
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
"""Words of letters, screens and bills: labels name things, they hardly speak to anybody."""
_SPEAKS, _OFTEN, _SPEAKS_BESIDE_PROOF = 2, 0.06, 5
"""From so many of them, and this share of all words, print is no label; beside a proof it takes more."""

_LINKS = frozenset("the and with for from of in by und et avec par".split())  # noqa: SIM905
"""Listed as labels' words, and everybody's: they speak neither for a label nor against one."""

_UNITS = frozenset(
    "eur eu usa us uk gb fr de it es mex cn chn cm jp int ans mois years months jahre anni anos lat y".split()  # noqa: SIM905
)
"""Nations and units: known beside a size, where else they are words like others (`contact us`)."""
_SIZE = re.compile(r"\d{1,3}|x{0,3}[sl]|m|[2-5]xl|[wl]\d\d")
_CUT = re.compile(r"[wl]\d\d|x{1,3}[sl]|[2-5]xl")
_LONE = re.compile(r"[sml]")
_FEW = 3
"""Lines of a label that may bear a name nobody listed and a size."""
_WELL_READ = 0.9


def is_labels(lines: Sequence[TextLine], *, on_garment: bool) -> bool:
    """Whether these lines are a label's. `on_garment`: a garment is plainly seen, on which a brand may be printed."""
    proved = _states_a_fact(lines)
    if _speaks(lines, _SPEAKS_BESIDE_PROOF if proved else _SPEAKS):
        return False
    words, known = _counted(lines)
    brands = find_brands(lines, on_label=True)
    named = sum(len(lexicon.tokens(hit.name)) for hit in brands)
    if known + named < (_KNOWN_BESIDE_PROOF if proved else _KNOWN) * words:
        return False
    if on_garment:
        return proved or (bool(brands) and find_size(lines, kind=None, on_label=True) is not None)
    if proved or known >= 2 or bool(brands):
        return True
    return find_size(lines, kind=None, on_label=_is_small_and_plain(lines)) is not None


def _states_a_fact(lines: Sequence[TextLine]) -> bool:
    """Whether lines say a whole composition and nothing else, or begin by saying where the thing was made."""
    composition = find_composition(lines)
    if composition is not None and all(_is_plain(line) for line in composition.lines):
        return True
    origin = find_origin(lines)
    return origin is not None and all(_is_plain(line) for line in origin.lines)


def _is_plain(line: TextLine) -> bool:
    """Whether labels' words are all there is on a line."""
    countries = {word for name in lexicon.countries() for word in name}
    listed = lexicon.label_words() | countries
    return all(word in listed or not word.isalpha() or len(word) <= 2 for word in lexicon.tokens(line.text))


def _speaks(lines: Sequence[TextLine], most: int) -> bool:
    words = [word for line in lines for word in lexicon.tokens(line.text)]
    talk = sum(word in _TALK for word in words)
    return talk >= most and talk >= _OFTEN * len(words)


def _counted(lines: Sequence[TextLine]) -> tuple[int, int]:
    """How many words there are, stray letters and single figures aside, and how many of them labels carry."""
    counted = known = 0
    for line in lines:
        words = lexicon.tokens(line.text)
        for i, word in enumerate(words):
            if word in _LINKS:
                continue
            carried = _is_carried(words, i)
            counted += carried or len(word) > 1
            known += carried
    return counted, known


def _is_carried(words: Sequence[str], i: int) -> bool:
    """A label's word; a size's letter counts alone on its line or beside its nation, a nation or unit beside a size."""
    word = words[i]
    around = [words[j] for j in (i - 1, i + 1) if 0 <= j < len(words)]
    if word in _UNITS and any(_SIZE.fullmatch(other) for other in around):
        return True
    if _LONE.fullmatch(word):
        return not around or bool(_UNITS & set(around))
    if len(word) == 1:
        return False
    return word.isdigit() or word in lexicon.label_words() or _CUT.fullmatch(word) is not None


def _is_small_and_plain(lines: Sequence[TextLine]) -> bool:
    """A name nobody listed and a size: few lines, all read well."""
    return 1 < len(lines) <= _FEW and all(line.score >= _WELL_READ for line in lines)
