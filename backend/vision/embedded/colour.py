"""A garment's colours, from its pixels.

Owns the prototypes of the catalog's colours in CIELAB, the vote of the garment's pixels, and when a vote is clear
enough to be a value. Does not own which pixels are the garment's (`mask.py`).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.core.listing import Alternative
from backend.vision.embedded.mask import Mask

Floats = NDArray[np.float32]

# Lightness 0..100 and the two colour axes, as cloth looks on a phone's photo rather than as on a colour card.
_PROTOTYPES: tuple[tuple[str, tuple[float, float, float]], ...] = (
    ("black", (12, 0, 0)),
    ("black", (22, 0, -1)),
    ("grey", (40, 0, -3)),  # phones see grey a little blue
    ("grey", (55, 0, -3)),
    ("grey", (68, 0, -2)),
    ("white", (83, 0, 0)),
    ("white", (95, 0, 1)),
    ("cream", (88, 1, 13)),
    ("beige", (74, 4, 16)),
    ("beige", (63, 6, 19)),
    ("brown", (30, 9, 12)),
    ("brown", (42, 14, 22)),
    ("brown", (48, 10, 9)),
    ("navy", (17, 3, -16)),
    ("navy", (25, 4, -22)),
    ("blue", (35, 8, -38)),
    ("blue", (45, 0, -32)),
    ("blue", (50, -5, -22)),
    ("blue", (38, -2, -17)),
    ("blue", (44, -1, -11)),  # denim
    ("blue", (56, -2, -11)),
    ("light-blue", (70, -3, -10)),
    ("light-blue", (72, -5, -16)),
    ("light-blue", (82, -4, -10)),
    ("light-blue", (62, -5, -17)),
    ("turquoise", (60, -28, -14)),
    ("turquoise", (48, -22, -16)),
    ("turquoise", (72, -32, -6)),
    ("mint", (83, -22, 8)),
    ("mint", (76, -20, 6)),
    ("mint", (82, -11, 1)),
    ("green", (48, -34, 26)),
    ("green", (60, -40, 40)),
    ("green", (40, -26, 10)),
    ("green", (50, -13, 4)),
    ("green", (80, -17, 48)),
    ("green", (74, -32, 52)),
    ("green", (82, -28, 50)),
    ("dark-green", (22, -12, 6)),
    ("dark-green", (30, -17, 10)),
    ("khaki", (36, -4, 14)),
    ("khaki", (48, -5, 20)),
    ("khaki", (28, -3, 10)),
    ("yellow", (85, -3, 60)),
    ("yellow", (88, -6, 38)),
    ("mustard", (62, 12, 55)),
    ("mustard", (70, 8, 58)),
    ("orange", (62, 45, 55)),
    ("orange", (55, 48, 48)),
    ("apricot", (78, 18, 28)),
    ("coral", (64, 44, 26)),
    ("coral", (58, 34, 18)),
    ("red", (42, 56, 34)),
    ("red", (35, 48, 26)),
    ("red", (50, 62, 36)),
    ("red", (45, 36, 18)),
    ("burgundy", (22, 26, 9)),
    ("burgundy", (28, 34, 12)),
    ("pink", (52, 60, 2)),
    ("pink", (60, 48, -4)),
    ("pink", (45, 52, 6)),
    ("pink", (38, 46, 4)),
    ("rose", (78, 18, 4)),
    ("rose", (70, 26, 4)),
    ("rose", (62, 20, 6)),
    ("rose", (66, 10, 5)),
    ("purple", (30, 28, -28)),
    ("purple", (38, 34, -24)),
    ("purple", (25, 22, -12)),
    ("purple", (21, 13, -14)),
    ("lilac", (70, 15, -16)),
    ("lilac", (60, 16, -18)),
)
_SLUGS = tuple(slug for slug, _ in _PROTOTYPES)
_NAMES = tuple(dict.fromkeys(_SLUGS))
_POINTS = np.array([point for _, point in _PROTOTYPES], np.float32)
# Where each colour's prototypes begin once those of one colour stand together, in the order of the names.
_ORDER = sorted(range(len(_SLUGS)), key=lambda at: _NAMES.index(_SLUGS[at]))
_BEGINS = [[_SLUGS[at] for at in _ORDER].index(name) for name in _NAMES]
# A difference in lightness is often only light and shade: it counts half.
_WEIGHTS = np.array([0.5, 1.0, 1.0], np.float32)

_BLUR = 4.0
"""How far from the border between two colours, in units of CIELAB, a pixel's vote is divided between them."""
_BRIGHTEST, _MOST_GAIN = 95.0, 1.2
"""A photo whose lightest parts are darker than this was taken in poor light and is brightened, at most so much."""
_COLOURLESS = 20.0
"""Chroma below which the lightest parts pass for white."""

_LEAD, _LEAST = 0.15, 0.3
"""By how much of the vote the first colour must lead the second to be the garment's, and how much it must have."""
_SECOND, _BOTH, _APART = 0.25, 0.6, 35.0
"""Two colours are named where the second has so much, both together so much, and they are so far apart in CIELAB."""
_MANY, _EACH, _UNLIKE = 0.25, 0.12, 16.0
"""A garment is multicoloured where the first has less, and three have still so much and are so far apart."""
_NAVY_OR_BLACK = 0.3
"""Poor light can't tell these two apart: left open from this ratio of the second to the first."""


@dataclass(frozen=True)
class ColourReading:
    """`value` is at most two slugs, the larger first, or None where the vote is open."""

    value: tuple[str, ...] | None
    confidence: float
    alternatives: tuple[Alternative, ...]


def vote(rgb: NDArray[np.uint8], mask: Mask) -> dict[str, float]:
    """The share of the garment's pixels that are of each colour, in no order; shares add up to 1.

    A pixel between two colours counts for both, by how near it is to each."""
    pixels = _lab(rgb, mask) * _gain(rgb)
    distances = np.stack([np.square((pixels - point) * _WEIGHTS).sum(axis=1) for point in _POINTS])
    by_colour = np.minimum.reduceat(distances[_ORDER], _BEGINS, axis=0)
    nearness = np.exp((by_colour.min(axis=0) - by_colour) / (2 * _BLUR**2))
    shares = (nearness / nearness.sum(axis=0)).mean(axis=1)
    return {slug: float(share) for slug, share in zip(_NAMES, shares, strict=True)}


def _gain(rgb: NDArray[np.uint8]) -> float:
    """How much brighter the photo would be in good light, told by its lightest parts if they have no colour."""
    pixels = _lab(rgb, np.ones(rgb.shape[:2], bool))
    light = np.percentile(pixels[:, 0], 98)
    colour = float(np.median(np.hypot(*pixels[pixels[:, 0] >= light, 1:].T)))
    return min(_MOST_GAIN, max(1.0, _BRIGHTEST / max(float(light), 1.0))) if colour < _COLOURLESS else 1.0


def histogram(rgb: NDArray[np.uint8], mask: Mask | None) -> Floats:
    """The colours of the garment (of the whole photo without a mask) as shares of 8 * 8 * 8 cells of CIELAB."""
    pixels = _lab(rgb, mask if mask is not None else np.ones(rgb.shape[:2], bool))
    counts, _ = np.histogramdd(pixels, bins=(8, 8, 8), range=((0, 100), (-64, 64), (-64, 64)))
    return np.asarray(counts.ravel() / max(1.0, counts.sum()), np.float32)


def _lab(rgb: NDArray[np.uint8], mask: Mask) -> Floats:
    """The mask's pixels in CIELAB on a small copy, without the outline, where garment and background mix."""
    scale = min(1.0, 160 / max(rgb.shape[:2]))
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    inside = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    core = cv2.erode(inside, np.ones((3, 3), np.uint8))
    kept = core if core.sum() > 50 else inside
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return np.asarray(lab[kept.astype(bool)], np.float32)


def decide(shares: dict[str, float]) -> ColourReading:
    """One colour, two, `multi`, or nothing but alternatives."""
    ranked = sorted(shares.items(), key=lambda s: -s[1])
    alternatives = tuple(Alternative(slug, round(share, 3)) for slug, share in ranked[:3] if share >= 0.05)
    (first, most), (second, next_) = ranked[:2]
    unlike: list[str] = []
    for slug in (slug for slug, share in ranked if share >= _EACH):
        if all(_apart(slug, other) >= _UNLIKE for other in unlike):
            unlike.append(slug)
    if most < _MANY and len(unlike) >= 3:
        return ColourReading(("multi",), 0.7, alternatives)
    if next_ >= _SECOND and most + next_ >= _BOTH and _apart(first, second) >= _APART:
        return ColourReading((first, second), round(min(0.9, most + next_), 3), alternatives)
    in_the_dark = {first, second} == {"navy", "black"} and next_ > _NAVY_OR_BLACK * most
    if in_the_dark or most - next_ < _LEAD or most < _LEAST:
        return ColourReading(None, round(most, 3), alternatives)
    return ColourReading((first,), round(min(0.97, 0.82 + (most - next_) / 4), 3), alternatives)


def _apart(first: str, second: str) -> float:
    """How far two colours are from each other at their nearest; little where one may be the other in another light."""
    a, b = ([point for slug, point in _PROTOTYPES if slug == wanted] for wanted in (first, second))
    return min(float(np.linalg.norm(np.subtract(p, q) * _WEIGHTS)) for p in a for q in b)
