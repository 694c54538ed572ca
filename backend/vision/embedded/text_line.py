"""One line of print as it was read. Owns the shape alone, so that the rules about words need no reader of photos."""

from dataclasses import dataclass

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class TextLine:
    """`box` is left, top, right, bottom and `height` the print's height, as shares of the photo."""

    text: str
    score: float
    box: Box
    height: float
