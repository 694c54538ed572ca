"""Garments for the upper body, front and back: T-shirt, hoodie, shirt, padded jacket.

Units: 1 is about half the width across the sleeves; y = 0 is the collar's height.
"""

import numpy as np

from backend.sample.drawing import fabrics
from backend.sample.drawing.cloth import Cloth, Colour, Fabric
from backend.sample.drawing.folds import hang, pulled, rumple
from backend.sample.drawing.outlines import Points, band, both, box, curve, ellipse, mirrored, symmetric

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
    _hood(cloth, fabric, colour, back)
    if not back:
        for cord in both(curve([(0.075, 0.085), (0.095, 0.24), (0.07, 0.40), (0.085, 0.50)])):
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


def padded_jacket(rng: Rng, cloth: Cloth, colour: Colour, back: bool) -> None:
    """Quilted across, hooded, with a zip and welt pockets."""
    fabric = fabrics.nylon(rng, cloth.shape, colour)
    _long_sleeves(cloth, fabric, fabric)
    side = [(0.42, 0.03), (0.66, 0.15, 1), (0.62, 0.46, 1), (0.615, 0.9), (0.645, 1.74, 1), (0.3, 1.76), (0, 1.765)]
    cloth.panel(symmetric([(0, 0.05), (0.2, -0.02, 1), *side]), fabric, thick=24, edge=34, shade=0.42)
    _quilting(cloth)
    _hood(cloth, fabric, colour, back)
    if not back:
        _zip(cloth, 0.13, 1.75)
        for pocket in both(curve([(0.36, 0.98), (0.46, 1.28)])):
            cloth.panel(band(pocket, 0.045), fabric, thick=9, edge=5, shade=0.5)
    cloth.fold(rumple(rng, cloth, 1.3) + pulled(cloth, rng, 0.62, 0.5) + pulled(cloth, rng, -0.62, 0.5))


def _quilting(cloth: Cloth) -> None:
    """Seams across body and sleeves, the down swelling between them."""
    for y in np.arange(0.27, 1.72, 0.165):
        cloth.swollen_seam(curve([(-0.64, float(y)), (0, float(y) + 0.02), (0.64, float(y))]))
    for t in np.arange(0.16, 1.0, 0.115):
        x, y = 0.60 + 0.28 * float(t) ** 0.8, 0.12 + 1.22 * float(t)
        for line in both(curve([(x - 0.125, y + 0.075), (x, y + 0.01), (x + 0.115, y - 0.045)])):
            cloth.swollen_seam(line)


def _zip(cloth: Cloth, top: float, bottom: float) -> None:
    cloth.panel(box(-0.022, top, 0.022, bottom), Fabric((0.13, 0.13, 0.13)), thick=5, edge=3, shade=0.5)
    for x in (-0.006, 0.006):
        cloth.stitches(curve([(x, top), (x, bottom)]), (0.55, 0.54, 0.50), long=3, gap=3, width=4)
    cloth.panel(
        box(-0.014, top + 0.02, 0.014, top + 0.10), Fabric((0.6, 0.59, 0.56), shine=0.6), thick=6, edge=3, shade=0.5
    )


def darker(colour: Colour, by: float) -> Colour:
    return min(1, colour[0] * by), min(1, colour[1] * by), min(1, colour[2] * by)


def _around(outline: Points, scale: float) -> Points:
    """The outline grown or shrunk about its middle, closed."""
    middle: Points = outline.mean(0)
    closed: Points = np.concatenate([outline, outline[:1]])
    return middle + (closed - middle) * np.float32(scale)


def _hood(cloth: Cloth, fabric: Fabric, colour: Colour, back: bool) -> None:
    """Laid flat, it comes to a point; from the front its two edges meet below a narrow opening."""
    whole = [(0, -0.60), (0.10, -0.56), (0.225, -0.36), (0.29, -0.12), (0.27, 0.07, 1), (0.13, 0.10), (0, 0.11)]
    cloth.panel(symmetric(whole), fabric, thick=14, edge=26, shade=0.4)
    if back:
        cloth.seam(curve([(0, -0.60), (0.005, 0.11)]), depth=2.2)
        return
    cloth.panel(
        symmetric([(0, -0.47), (0.085, -0.40), (0.13, -0.2), (0.08, 0.02), (0, 0.1)]),
        Fabric(darker(colour, 0.5)),
        thick=-8,
        edge=14,
    )
    half = curve(
        [
            (0.0, 0.15, 1),
            (0.045, -0.02),
            (0.085, -0.2),
            (0.06, -0.36),
            (0.0, -0.46, 1),
            (0.03, -0.58, 1),
            (0.16, -0.48),
            (0.255, -0.27),
            (0.30, -0.06),
            (0.275, 0.08, 1),
            (0.14, 0.13),
        ],
        closed=True,
    )
    for side in both(half)[::-1]:
        cloth.panel(side, fabric, thick=11, edge=18, shade=0.36)
    for edge in both(curve([(0.045, 0.10), (0.088, -0.03), (0.127, -0.2), (0.10, -0.37), (0.045, -0.46)])):
        cloth.stitches(edge, darker(colour, 0.78), long=6, gap=4, width=1)


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
