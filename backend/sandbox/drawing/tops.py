"""Garments for the upper body, front and back: T-shirt, hoodie, shirt, field jacket.

Units: 1 is about half the width across the sleeves; y = 0 is the collar's height.
"""

import numpy as np

from backend.sandbox.drawing import fabrics
from backend.sandbox.drawing.cloth import Cloth, Colour, Fabric
from backend.sandbox.drawing.folds import hang, pulled, rumple
from backend.sandbox.drawing.outlines import Points, band, both, box, curve, ellipse, mirrored, symmetric

Rng = np.random.Generator

TEE_SLEEVE = curve(
    [
        (0.50, 0.06),
        (0.66, 0.13),
        (0.82, 0.31),
        (0.94, 0.50, 1),
        (0.84, 0.575),
        (0.71, 0.63, 1),
        (0.62, 0.52),
        (0.55, 0.42, 1),
    ],
    closed=True,
)
LONG_SLEEVE = curve(
    [
        (0.46, 0.06),
        (0.62, 0.15),
        (0.76, 0.45),
        (0.88, 0.95),
        (0.945, 1.36, 1),
        (0.86, 1.40),
        (0.755, 1.40, 1),
        (0.69, 1.0),
        (0.60, 0.58),
        (0.54, 0.44, 1),
    ],
    closed=True,
)


def t_shirt(rng: Rng, cloth: Cloth, colour: Colour, back: bool) -> None:
    """Crew neck, short sleeves, a pocket on the chest."""
    fabric = fabrics.jersey(rng, cloth.shape, colour)
    dip = 0.045 if back else 0.155
    neck = [(0.0, dip), (0.11, dip - 0.015), (0.19, dip * 0.42), (0.235, -0.012, 1)]
    side = [
        (0.43, 0.045),
        (0.635, 0.125, 1),
        (0.59, 0.42, 1),
        (0.575, 0.8),
        (0.57, 1.2),
        (0.585, 1.62, 1),
        (0.3, 1.635),
        (0, 1.64),
    ]
    for sleeve in both(TEE_SLEEVE):
        cloth.panel(sleeve, fabric, thick=9, edge=22)
    for hem in both(curve([(0.915, 0.47), (0.82, 0.54), (0.685, 0.59)])):
        cloth.seam(hem, depth=1.2)
    if not back:
        _inside_back(cloth, colour, (0.225, 0.105))
    cloth.panel(symmetric([*neck, *side]), fabric, thick=10, edge=26, shade=0.38)
    for arm in both(curve([(0.628, 0.12), (0.572, 0.25), (0.58, 0.42)])):
        cloth.seam(arm)
    _neck_band(rng, cloth, colour, neck)
    if not back:
        pocket = curve(
            [(0.17, 0.50, 1), (0.43, 0.485, 1), (0.435, 0.74, 1), (0.31, 0.80, 1), (0.18, 0.755, 1)], closed=True
        )
        cloth.panel(pocket, fabric, thick=2.5, edge=4, shade=0.22)
        cloth.stitches(curve([(0.18, 0.525), (0.425, 0.51)]), darker(colour, 0.85), long=5, gap=4, width=1)
    cloth.stitches(curve([(-0.575, 1.578), (0, 1.595), (0.575, 1.578)]), darker(colour, 0.84), long=6, gap=4, width=1)
    cloth.seam(curve([(-0.58, 1.585), (0, 1.602), (0.58, 1.585)]), depth=1.2)
    cloth.fold(rumple(rng, cloth, 0.9) + pulled(cloth, rng, 0.55, 0.45) + pulled(cloth, rng, -0.55, 0.45))


def hoodie(rng: Rng, cloth: Cloth, colour: Colour, back: bool) -> None:
    """Hood up and flattened, kangaroo pocket, ribbed cuffs and hem."""
    fabric = fabrics.fleece(rng, cloth.shape, colour)
    rib = fabrics.ribbed(rng, cloth.shape, darker(colour, 0.95))
    _long_sleeves(cloth, fabric, rib)
    body = [
        (0, 0.0),
        (0.22, -0.01, 1),
        (0.45, 0.05),
        (0.63, 0.14, 1),
        (0.60, 0.45, 1),
        (0.60, 0.85),
        (0.605, 1.42, 1),
        (0, 1.44),
    ]
    cloth.panel(symmetric(body), fabric, thick=14, edge=34, shade=0.4)
    cloth.panel(symmetric([(0, 1.42), (0.60, 1.41, 1), (0.575, 1.57, 1), (0, 1.585)]), rib, thick=8, edge=12, shade=0.3)
    for arm in both(curve([(0.625, 0.13), (0.575, 0.28), (0.59, 0.45)])):
        cloth.seam(arm, depth=2.2)
    hood = [
        (0, -0.46),
        (0.17, -0.43),
        (0.29, -0.28),
        (0.31, -0.08),
        (0.25, 0.07, 1),
        (0.12, 0.13 if not back else 0.07),
        (0, 0.16 if not back else 0.075),
    ]
    cloth.panel(symmetric(hood), fabric, thick=13, edge=26, shade=0.4)
    if back:
        cloth.seam(curve([(0, -0.46), (0.005, 0.07)]), depth=2.2)
    else:
        opening = [(0, -0.34), (0.11, -0.31), (0.185, -0.19), (0.185, -0.06), (0.10, 0.06), (0, 0.115)]
        cloth.panel(symmetric(opening), Fabric(darker(colour, 0.52)), thick=-9, edge=20, shade=0)
        cloth.stitches(_around(symmetric(opening), 1.10), darker(colour, 0.75), long=6, gap=4, width=1)
        for cord in both(curve([(0.085, 0.085), (0.10, 0.24), (0.075, 0.40), (0.09, 0.50)])):
            cloth.panel(band(cord, 0.022), Fabric((0.93, 0.92, 0.90)), thick=6, edge=3, shade=0.35)
        pocket = symmetric([(0, 0.93), (0.27, 0.93, 1), (0.44, 1.24, 1), (0.44, 1.40, 1), (0, 1.41)])
        cloth.panel(pocket, fabric, thick=6, edge=9, shade=0.32)
        for side in both(curve([(0.245, 0.945), (0.415, 1.25)])):
            cloth.stitches(side, darker(colour, 0.72), long=6, gap=4, width=1)
    cloth.fold(rumple(rng, cloth, 1.25) + pulled(cloth, rng, 0.58, 0.48) + pulled(cloth, rng, -0.58, 0.48))


def shirt(rng: Rng, cloth: Cloth, colour: Colour, back: bool) -> None:
    """Striped poplin, pointed collar, buttons down the front, hung up."""
    fabric = fabrics.poplin(rng, cloth.shape, colour)
    _long_sleeves(cloth, fabric, fabric)
    side = [
        (0.40, 0.04),
        (0.60, 0.14, 1),
        (0.565, 0.45, 1),
        (0.55, 0.9),
        (0.565, 1.5),
        (0.50, 1.64),
        (0.25, 1.73),
        (0, 1.75),
    ]
    if not back:
        _inside_back(cloth, colour, (0.19, 0.085))
    cloth.panel(symmetric([(0, 0.03 if back else 0.13), (0.17, -0.02, 1), *side]), fabric, thick=8, edge=20, shade=0.38)
    for arm in both(curve([(0.595, 0.13), (0.54, 0.28), (0.56, 0.45)])):
        cloth.seam(arm)
    if back:
        cloth.seam(curve([(-0.575, 0.24), (0, 0.26), (0.575, 0.24)]))
        cloth.panel(
            symmetric([(0, -0.085), (0.15, -0.06), (0.185, 0.0, 1), (0.1, 0.045), (0, 0.05)]), fabric, thick=6, edge=6
        )
    else:
        cloth.panel(box(-0.045, 0.12, 0.045, 1.735), fabric, thick=3, edge=3, shade=0.3)
        for edge in (-0.033, 0.033):
            cloth.stitches(curve([(edge, 0.13), (edge, 1.73)]), darker(colour, 0.8), long=5, gap=4, width=1)
        for y in np.arange(0.2, 1.7, 0.205):
            cloth.button(0, float(y), 0.021, (0.96, 0.95, 0.93))
        for wing in both(
            curve(
                [(0.17, -0.05, 1), (0.215, 0.05), (0.19, 0.235, 1), (0.02, 0.125, 1), (0.10, 0.05), (0.15, -0.02, 1)],
                closed=True,
            )
        ):
            cloth.panel(wing, fabric, thick=6, edge=6, shade=0.4)
        cloth.panel(box(0.16, 0.46, 0.40, 0.76), fabric, thick=2, edge=3, shade=0.22)
    cloth.fold(hang(rng, cloth, top=0.2, bottom=1.8, strength=0.42, wide=0.19) + rumple(rng, cloth, 0.55))


def field_jacket(rng: Rng, cloth: Cloth, colour: Colour, back: bool) -> None:
    """Cotton jacket with a collar, flap pockets and a covered zip."""
    fabric = fabrics.twill(rng, cloth.shape, colour)
    _long_sleeves(cloth, fabric, fabric)
    side = [(0.42, 0.04), (0.64, 0.15, 1), (0.605, 0.46, 1), (0.60, 0.9), (0.625, 1.66, 1), (0.3, 1.68), (0, 1.685)]
    if not back:
        _inside_back(cloth, darker(colour, 0.8), (0.20, 0.10))
    cloth.panel(
        symmetric([(0, 0.03 if back else 0.14), (0.18, -0.03, 1), *side]), fabric, thick=14, edge=26, shade=0.42
    )
    for arm in both(curve([(0.635, 0.14), (0.58, 0.28), (0.60, 0.46)])):
        cloth.seam(arm, depth=2.4)
        cloth.stitches(
            arm - np.array([0.02 * np.sign(arm[0, 0]), 0], np.float32), darker(colour, 1.25), long=6, gap=4, width=1
        )
    cloth.seam(curve([(-0.62, 0.98), (0, 1.0), (0.62, 0.98)]), depth=2)
    cloth.seam(curve([(-0.63, 1.60), (0, 1.62), (0.63, 1.60)]))
    if back:
        cloth.seam(curve([(-0.60, 0.30), (0, 0.32), (0.60, 0.30)]))
        cloth.panel(
            symmetric([(0, -0.12), (0.17, -0.10), (0.22, 0.0, 1), (0.1, 0.055), (0, 0.06)]), fabric, thick=9, edge=8
        )
    else:
        cloth.panel(box(-0.075, 0.13, 0.075, 1.68), fabric, thick=5, edge=4, shade=0.36)
        cloth.stitches(curve([(0.058, 0.14), (0.058, 1.67)]), darker(colour, 1.3), long=6, gap=4, width=1)
        for y in (0.28, 0.58, 0.88, 1.18, 1.48):
            cloth.button(0, y, 0.026, (0.24, 0.22, 0.17))
        for left, top, right, bottom in ((0.19, 0.50, 0.49, 0.86), (0.19, 1.10, 0.53, 1.54)):
            for pocket in both(box(left, top, right, bottom)):
                cloth.panel(pocket, fabric, thick=5, edge=5, shade=0.34)
            flap = curve(
                [
                    (left - 0.01, top - 0.02, 1),
                    (right + 0.01, top - 0.02, 1),
                    (right + 0.01, top + 0.1, 1),
                    ((left + right) / 2, top + 0.14, 1),
                    (left - 0.01, top + 0.1, 1),
                ],
                closed=True,
            )
            for lid in both(flap):
                cloth.panel(lid, fabric, thick=5, edge=4, shade=0.4)
                cloth.stitches(_around(lid, 0.9), darker(colour, 1.28), long=5, gap=4, width=1)
            for x in (-(left + right) / 2, (left + right) / 2):
                cloth.button(x, top + 0.085, 0.02, (0.24, 0.22, 0.17))
        for wing in both(
            curve(
                [(0.17, -0.09, 1), (0.25, 0.05), (0.27, 0.24, 1), (0.06, 0.16, 1), (0.12, 0.05), (0.14, -0.04, 1)],
                closed=True,
            )
        ):
            cloth.panel(wing, fabric, thick=9, edge=8, shade=0.42)
            cloth.stitches(_around(wing, 0.88), darker(colour, 1.28), long=5, gap=4, width=1)
    cloth.fold(rumple(rng, cloth, 1.2) + pulled(cloth, rng, 0.6, 0.5) + pulled(cloth, rng, -0.6, 0.5))


def darker(colour: Colour, by: float) -> Colour:
    return min(1, colour[0] * by), min(1, colour[1] * by), min(1, colour[2] * by)


def _around(outline: Points, scale: float) -> Points:
    """The outline grown or shrunk about its middle, closed."""
    middle: Points = outline.mean(0)
    closed: Points = np.concatenate([outline, outline[:1]])
    return middle + (closed - middle) * np.float32(scale)


def _long_sleeves(cloth: Cloth, fabric: Fabric, cuff: Fabric) -> None:
    for sleeve in both(LONG_SLEEVE):
        cloth.panel(sleeve, fabric, thick=12, edge=24)
    for end in both(
        curve(
            [(0.925, 1.35, 1), (0.935, 1.49, 1), (0.86, 1.51), (0.775, 1.50, 1), (0.765, 1.375, 1), (0.85, 1.37)],
            closed=True,
        )
    ):
        cloth.panel(end, cuff, thick=9, edge=10, shade=0.35)


def _neck_band(rng: Rng, cloth: Cloth, colour: Colour, neck: list[tuple[float, ...]]) -> None:
    half = curve(neck)
    line = np.concatenate([mirrored(half), half[1:]])
    cloth.panel(band(line, 0.05), fabrics.ribbed(rng, cloth.shape, colour), thick=4, edge=5, shade=0.15)
    cloth.seam(band(line, 0.05)[len(line) :], depth=1.2)


def _inside_back(cloth: Cloth, colour: Colour, half: tuple[float, float]) -> None:
    """What the neck opening shows: the inside of the back, in shadow, with its label."""
    cloth.panel(ellipse(0, 0.045, *half), Fabric(darker(colour, 0.66)), thick=1, edge=5, shade=0)
    cloth.panel(box(-0.07, -0.01, 0.07, 0.045), Fabric((0.95, 0.95, 0.93)), thick=1.5, edge=2, shade=0.3)
