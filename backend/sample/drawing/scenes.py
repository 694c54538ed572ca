"""Whole pictures: a garment laid out or hung up, a part of it from near, a label from very near.

Owns framing. Owns no garment (`tops.py`, `bottoms.py`, `shoes.py`) and no words (`designs.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from backend.sample.drawing.camera import lay, snap
from backend.sample.drawing.cloth import Cloth, Colour, Fabric, Picture
from backend.sample.drawing.folds import rumple
from backend.sample.drawing.labels import Label, sew_on
from backend.sample.drawing.noise import Shape, smooth
from backend.sample.drawing.outlines import band, box, curve, ellipse
from backend.sample.drawing.surfaces import ground

Rng = np.random.Generator
Draw = Callable[[Rng, Cloth, Colour, bool], None]
Weave = Callable[[Rng, Shape, Colour, float], Fabric]

SHAPE: Shape = (1600, 1200)
"""A phone held upright."""

WOOD = (0.66, 0.47, 0.29)


@dataclass(frozen=True)
class Framing:
    """Where the garment's origin lies, in pixels, and how many pixels a garment unit measures."""

    x: float
    y: float
    unit: float

    def closer(self, x: float, y: float, by: float) -> "Framing":
        """Enlarged `by` so much, with the garment's point (x, y) in the middle of the picture."""
        unit = self.unit * by
        return Framing(SHAPE[1] / 2 - x * unit, SHAPE[0] / 2 - y * unit, unit)


SIDEWAYS_ON = Framing(70, 500, 530)
"""For a shoe, two units long, seen from the side."""


def whole(
    rng: Rng, draw: Draw, colour: Colour, surface: str, framing: Framing, *, back: bool = False, tilt: float = 1.0
) -> Image.Image:
    """The garment on its surface; before a wall it hangs on a hanger."""
    hung = surface == "wall"
    scene = ground(rng, surface, SHAPE)
    if hung:
        scene = _hanger(scene, framing)
    cloth = Cloth(SHAPE, x=framing.x, y=framing.y, unit=framing.unit)
    draw(rng, cloth, colour, back)
    sway = [smooth(rng, SHAPE, (520, 520)) * 8 for _ in range(2)]
    cloth.bend(sway[0], sway[1], float(rng.uniform(-1.2, 1.2) if hung else rng.uniform(-6, 6)))
    return snap(rng, lay(cloth, scene, lift=2.2 if hung else 1.0), tilt=tilt)


def label_at_the_collar(rng: Rng, weave: Weave, colour: Colour, surface: str, label: Label) -> Image.Image:
    """A label from near, sewn in below a collar or waistband."""
    cloth = Cloth(SHAPE, x=SHAPE[1] / 2, y=SHAPE[0] / 2, unit=600)
    fabric = weave(rng, SHAPE, colour, 3)
    cloth.panel(
        curve([(-1.4, -0.78, 1), (0, -0.66), (1.4, -0.78, 1), (1.4, 1.6, 1), (-1.4, 1.6, 1)], closed=True),
        fabric,
        thick=16,
    )
    edge = curve([(-1.5, -0.95), (0, -0.83), (1.5, -0.95)])
    cloth.panel(band(edge, 0.30), fabric, thick=26, edge=24, shade=0.4)
    for line in (-0.90, -0.58):
        cloth.stitches(curve([(-1.5, line), (0, line + 0.12), (1.5, line)]), _thread(colour), long=16, gap=11, width=3)
    cloth.fold(rumple(rng, cloth, 2.0))
    sew_on(rng, cloth, label, SHAPE[1] // 2, 680)
    return _close(rng, cloth, surface)


def label_at_the_seam(rng: Rng, weave: Weave, colour: Colour, surface: str, label: Label) -> Image.Image:
    """A care label from near, caught in a side seam."""
    cloth = Cloth(SHAPE, x=SHAPE[1] / 2, y=SHAPE[0] / 2, unit=600)
    fabric = weave(rng, SHAPE, colour, 3)
    cloth.panel(box(-1.4, -1.7, 1.4, 1.7), fabric, thick=16)
    cloth.fold(rumple(rng, cloth, 2.6))
    sew_on(rng, cloth, label, SHAPE[1] // 2 + 50, SHAPE[0] // 2)
    left = (50 - label.width / 2) / 600
    cloth.panel(box(-1.4, -1.7, left + 0.06, 1.7), fabric, thick=18, edge=16, shade=0.42)
    cloth.stitches(curve([(left - 0.02, -1.6), (left - 0.02, 1.6)]), _thread(colour), long=16, gap=11, width=3)
    return _close(rng, cloth, surface)


def _close(rng: Rng, cloth: Cloth, surface: str) -> Image.Image:
    sway = [smooth(rng, SHAPE, (700, 700)) * 7 for _ in range(2)]
    cloth.bend(sway[0], sway[1], float(rng.uniform(-4, 4)))
    return snap(rng, lay(cloth, ground(rng, surface, SHAPE)), tilt=0.6)


def _thread(colour: Colour) -> Colour:
    """A shade lighter on dark cloth, darker on light."""
    by = 0.72 if sum(colour) > 1.4 else 1.5
    return min(1, colour[0] * by), min(1, colour[1] * by), min(1, colour[2] * by)


def _hanger(scene: Picture, framing: Framing) -> Picture:
    """A wooden hanger on a nail."""
    hanger = Cloth(SHAPE, x=framing.x, y=framing.y, unit=framing.unit)
    hook = curve([(0, 0.02), (0, -0.07), (0.055, -0.12), (0.045, -0.19), (-0.01, -0.205), (-0.05, -0.17)])
    steel = Fabric((0.62, 0.62, 0.63), shine=0.9)
    hanger.panel(band(hook, 0.014), steel, thick=5, edge=3, shade=0)
    hanger.panel(ellipse(-0.01, -0.20, 0.018, 0.018), steel, thick=5, edge=3, shade=0.3)
    arms = curve([(-0.42, 0.13), (-0.2, 0.035), (0, 0.0), (0.2, 0.035), (0.42, 0.13)])
    hanger.panel(band(arms, 0.06), Fabric(WOOD, shine=0.25), thick=10, edge=8, shade=0)
    return lay(hanger, scene, lift=1.6)
