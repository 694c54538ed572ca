"""What a care label says a garment is made of.

Owns finding whole compositions: percentages with their fibres that add up to 100, lining and padding told from
the outside. Anything doubtful is left out. Does not own the fibres' names (`fibres.json`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from backend.vision.embedded import lexicon
from backend.vision.embedded.text_line import TextLine

Part = Literal["", "outer", "inner"]

_INNER = frozenset(
    """
    lining doublure futter innenfutter forro fodera voering podszewka padding filling fullung rembourrage garnissage
    relleno imbottitura vulling wypelnienie trim trimming trims ribs rib contrast contraste decoration broderie
    embroidery pocket poche sole outsole insole semelle
    """.split()  # noqa: SIM905 - a list of words reads best as words
)
"""Words after which a composition is not the garment's outside."""

_OUTER = frozenset(
    """
    shell outer exterior exterieur exterieure oberstoff obermaterial aussenmaterial buitenstof tessuto esterno tela
    principal upper body corps
    """.split()  # noqa: SIM905
)

_ACCENT_LOST = re.compile(r"(?<=\w{3})&(?=\w)|(?<!\S)&(?=\w{6})")
"""What the reader makes of an accented capital now and then: `POLI&STER`, `&LASTHANNE`."""

_LONG = 7
"""Letters from which one may be wrong in a fibre's name: beside a percentage few other words stand."""

_MOST = 3
_EXACT, _NEAR = 0.95, 0.88


@dataclass(frozen=True)
class Composition:
    """Shares by material in percent, the largest first; a fibre the catalog does not have stands under ""."""

    shares: tuple[tuple[str, int], ...]
    lines: tuple[TextLine, ...]
    confidence: float
    part: Part = ""

    @property
    def materials(self) -> list[str]:
        """The catalog's materials, at most three (the marketplace takes no more)."""
        return [slug for slug, _ in self.shares if slug][:_MOST]


@dataclass(frozen=True)
class _Piece:
    """A word of interest on a label: a percentage, a fibre (`slug`, "" if not in the catalog), or a part's name."""

    line: TextLine
    percent: int | None = None
    slug: str | None = None
    part: Part = ""
    exact: bool = True


@dataclass
class _Share:
    """One percentage and the names that stand with it: `60 % coton cotton Baumwolle` is one share of one fibre."""

    percent: int
    names: list[_Piece] = field(default_factory=list)
    part: Part = ""

    @property
    def slug(self) -> str | None:
        """The fibre all names agree on. One outside the catalog adds nothing beside one inside ("bamboo viscose")."""
        slugs = {piece.slug for piece in self.names}
        slugs = slugs - {""} or slugs
        return slugs.pop() if len(slugs) == 1 else None


def find_composition(lines: Sequence[TextLine]) -> Composition | None:
    """The outside's composition, or None where none is whole or two contradict each other."""
    pieces = [piece for line in lines for piece in _pieces(line)]
    found = list(_compositions(_shares(pieces))) or list(_compositions(_shares_named_first(pieces)))
    outer = [c for c in found if c.part != "inner"] or found
    if not outer or any(dict(c.shares) != dict(outer[0].shares) for c in outer):
        return None
    return outer[0]


def _pieces(line: TextLine) -> Iterator[_Piece]:
    words = lexicon.tokens(_ACCENT_LOST.sub("", line.text))
    i = 0
    while i < len(words):
        length, piece = _piece_at(words, i, line)
        if piece is not None:
            yield piece
        i += length


def _piece_at(words: list[str], i: int, line: TextLine) -> tuple[int, _Piece | None]:
    """The piece that begins at word `i`, if any, and how many words it takes."""
    pair = words[i : i + 2]
    if "%" in pair and len(pair) == 2:
        number = pair[0] if pair[1] == "%" else pair[1]
        if number.isdigit() and 0 < int(number) <= 100:
            return 2, _Piece(line, percent=int(number))
    if words[i] in _INNER or words[i] in _OUTER:
        return 1, _Piece(line, part="inner" if words[i] in _INNER else "outer")
    for length in (3, 2, 1):
        slug = lexicon.fibres().get(tuple(words[i : i + length]))
        if slug is not None:
            return length, _Piece(line, slug=slug)
    slugs = {slug for listed, slug in lexicon.fibres().items() if len(listed) == 1 and _near(words[i], listed[0])}
    return 1, _Piece(line, slug=slugs.pop(), exact=False) if len(slugs) == 1 else None


def _near(read: str, listed: str) -> bool:
    """Near, or with its first letter lost: `ÉLASTHANNE` is often read without its accented capital."""
    return lexicon.near(read, listed, long=_LONG) or (len(listed) >= 8 and read == listed[1:])


def _shares(pieces: Sequence[_Piece]) -> list[_Share]:
    """`60 % cotton`: percentages each with the names that follow, up to the next percentage or part."""
    shares: list[_Share] = []
    part: Part = ""
    open_ = False
    for piece in pieces:
        if piece.part:
            part, open_ = piece.part, False
        elif piece.percent is not None:
            shares.append(_Share(piece.percent, part=part))
            open_ = True
        elif open_:
            shares[-1].names.append(piece)
    return shares


def _shares_named_first(pieces: Sequence[_Piece]) -> list[_Share]:
    """`cotton 60 %`: percentages each with the names before it."""
    shares: list[_Share] = []
    part: Part = ""
    names: list[_Piece] = []
    for piece in pieces:
        if piece.part:
            part, names = piece.part, []
        elif piece.percent is not None:
            shares.append(_Share(piece.percent, names, part))
            names = []
        else:
            names.append(piece)
    return shares


def _compositions(shares: Sequence[_Share]) -> Iterator[Composition]:
    """Runs of shares within one part that reach exactly 100; a share without a known fibre breaks its run."""
    run: list[_Share] = []
    for share in shares:
        if run and run[-1].part == share.part and (run[-1].percent, run[-1].slug) == (share.percent, share.slug):
            continue  # the same share in the next column's language
        if run and run[0].part != share.part:
            run = []
        run = [*run, share] if share.slug is not None else []
        total = sum(s.percent for s in run)
        if total == 100:
            yield _composition(run)
        if total >= 100:
            run = []


def _composition(run: Sequence[_Share]) -> Composition:
    shares: dict[str, int] = {}
    for share in run:
        assert share.slug is not None
        shares[share.slug] = shares.get(share.slug, 0) + share.percent
    names = [piece for share in run for piece in share.names]
    lines = tuple(dict.fromkeys(piece.line for piece in names))
    exact = all(piece.exact for piece in names)
    confidence = (_EXACT if exact else _NEAR) * min(line.score for line in lines)
    return Composition(tuple(sorted(shares.items(), key=lambda s: -s[1])), lines, confidence, run[0].part)
