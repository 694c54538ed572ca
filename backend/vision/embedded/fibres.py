"""What a care label says a garment is made of.

Owns finding whole compositions: percentages with their fibres that add up to 100, lining and padding told from
the outside, and whether names stand before or after their numbers. Anything doubtful is left out. Does not own what
counts as a percentage, a fibre's name or a part (`label_pieces.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from backend.vision.embedded.label_pieces import Part, Piece, read_pieces
from backend.vision.embedded.text_line import TextLine

_MOST = 3
_EXACT, _NEAR = 0.95, 0.88
_LESS_SURELY = 0.8
"""Where another composition stands under a header nobody listed, or the only one does."""
_FINER = {"merino": "wool", "suede": "leather"}
"""`WOOL (MERINO)` is merino."""


@dataclass(frozen=True)
class Composition:
    """Shares by material in percent, the largest first; a fibre the catalog does not have stands under ""."""

    shares: tuple[tuple[str, float], ...]
    lines: tuple[TextLine, ...]
    confidence: float
    part: Part = ""

    @property
    def materials(self) -> list[str]:
        """The catalog's materials, at most three (the marketplace takes no more)."""
        return [slug for slug, _ in self.shares if slug][:_MOST]

    def agrees(self, other: "Composition") -> bool:
        """The same shares, in whatever order equal ones come."""
        return dict(self.shares) == dict(other.shares)


@dataclass
class _Share:
    """One percentage and the names that stand with it: `60 % coton cotton Baumwolle` is one share of one fibre."""

    percent: float
    line: TextLine
    part: Part
    names: list[Piece] = field(default_factory=list)
    kind_of: bool = False

    @property
    def slug(self) -> str | None:
        """The fibre all names agree on. One outside the catalog adds nothing beside one inside ("bamboo viscose")."""
        slugs = {piece.slug for piece in self.names}
        slugs = slugs - {""} or slugs
        slugs -= {_FINER[slug] for slug in slugs if slug in _FINER}
        return slugs.pop() if len(slugs) == 1 else None

    def repeats(self, other: "_Share") -> bool:
        """The same share in the next column's language; `50% cotton 50% recycled cotton` are two."""
        two = self.kind_of != other.kind_of and self.line is other.line
        return (self.part, self.percent, self.slug) == (other.part, other.percent, other.slug) and not two


def find_composition(lines: Sequence[TextLine]) -> Composition | None:
    """The outside's composition, or None where none is whole or two contradict each other."""
    found = [c for named_first, pieces in _stretches(read_pieces(lines)) for c in _read(named_first, pieces)]
    by_part = {part: [c for c in found if c.part == part] for part in ("outer", "", "other")}
    best = by_part["outer"] or by_part[""] or by_part["other"]
    if not best or not all(c.agrees(best[0]) for c in best):
        return None
    doubtful = best[0].part != "outer" and any(not c.agrees(best[0]) for c in by_part["other"])
    if not doubtful and best[0].part != "other":
        return best[0]
    return Composition(best[0].shares, best[0].lines, best[0].confidence * _LESS_SURELY, best[0].part)


def _stretches(pieces: Sequence[Piece]) -> list[tuple[bool | None, list[Piece]]]:
    """Runs of lines that put names and numbers in the same order: True where names come first, None where no line
    tells. A line that does not tell goes with those before it."""
    found: list[tuple[bool | None, list[Piece]]] = []
    for _, group in groupby(pieces, key=lambda piece: id(piece.line)):
        line = list(group)
        order = _named_first(line)
        if found and (order is None or found[-1][0] in (None, order)):
            found[-1] = (found[-1][0] if order is None else order, found[-1][1] + line)
        else:
            found.append((order, line))
    return found


def _named_first(line: Sequence[Piece]) -> bool | None:
    """`COTTON 95% ELASTANE 5%` begins with a name and ends with a number."""
    named = [piece.percent is None for piece in line if piece.percent is not None or piece.slug is not None]
    return named[0] if named and named[0] is not named[-1] else None


def _read(named_first: bool | None, pieces: Sequence[Piece]) -> list[Composition]:
    """The compositions of a stretch. Where no line tells the order, the one that leaves no number without a name."""
    if named_first is not None:
        return list(_compositions(_shares(pieces, named_first=named_first)))
    ways = [_shares(pieces, named_first=way) for way in (False, True)]
    read = [list(_compositions(way)) for way in ways if all(share.names for share in way)]
    found = [composition for way in read for composition in way]
    return found if all(c.agrees(found[0]) for c in found if c.part == found[0].part) else []


def _shares(pieces: Sequence[Piece], *, named_first: bool) -> list[_Share]:
    """Percentages each with the names after it, up to the next or where the statement ends; or with those before it."""
    shares: list[_Share] = []
    waiting: list[Piece] = []
    open_ = False
    for piece in pieces:
        if piece.percent is not None:
            shares.append(_Share(piece.percent, piece.line, piece.part))
            if named_first:
                _name(shares[-1], waiting)
            waiting, open_ = [], not named_first
        elif piece.slug is None and not piece.kind_of:
            waiting, open_ = [], False
        elif open_:
            _name(shares[-1], [piece])
        else:
            waiting.append(piece)
    return [share for share in shares if share.names or not share.kind_of]  # "of which 50% recycled" is no share


def _name(share: _Share, pieces: Sequence[Piece]) -> None:
    share.names += [piece for piece in pieces if piece.slug is not None]
    share.kind_of = share.kind_of or any(piece.kind_of for piece in pieces)


def _compositions(shares: Sequence[_Share]) -> Iterator[Composition]:
    """Runs of shares within one part that reach exactly 100; a share without a known fibre breaks its run."""
    run: list[_Share] = []
    for share in shares:
        if run and share.repeats(run[-1]):
            continue
        if run and (run[0].part != share.part or _total(run) + share.percent > 100):
            run = []
        run = [*run, share] if share.slug is not None else []
        if _total(run) == 100:
            yield _composition(run)
            run = []


def _total(run: Sequence[_Share]) -> float:
    return round(sum(share.percent for share in run), 1)


def _composition(run: Sequence[_Share]) -> Composition:
    shares: dict[str, float] = {}
    for share in run:
        assert share.slug is not None
        shares[share.slug] = shares.get(share.slug, 0) + share.percent
    names = [piece for share in run for piece in share.names]
    lines = tuple(dict.fromkeys(piece.line for piece in names))
    exact = all(piece.exact for piece in names)
    confidence = (_EXACT if exact else _NEAR) * min(line.score for line in lines)
    return Composition(tuple(sorted(shares.items(), key=lambda s: -s[1])), lines, confidence, run[0].part)
