"""Jeans, a kilt and a dress, front and back. Units: 1 is about half a hem's width; y = 0 is the top."""

import numpy as np

from backend.sample.drawing import fabrics
from backend.sample.drawing.cloth import Cloth, Colour, Fabric
from backend.sample.drawing.folds import hang, pulled, rumple
from backend.sample.drawing.noise import Field, blurred
from backend.sample.drawing.outlines import Points, band, both, box, curve, ellipse, symmetric

Rng = np.random.Generator
THREAD = (0.80, 0.52, 0.22)


def jeans(rng: Rng, cloth: Cloth, colour: Colour, back: bool) -> None:
    """Five pockets, tobacco thread, worn pale on the thighs."""
    fabric = fabrics.denim(rng, cloth.shape, colour)
    leg = curve(
        [
            (-0.01, 0.05, 1),
            (0.40, 0.0, 1),
            (0.45, 0.25),
            (0.50, 0.55),
            (0.50, 1.2),
            (0.475, 1.98, 1),
            (0.30, 2.0),
            (0.145, 1.99, 1),
            (0.115, 1.3),
            (0.06, 0.72),
            (-0.01, 0.60, 1),
        ],
        closed=True,
    )
    for side in both(leg)[::-1]:
        cloth.panel(side, fabric, thick=13, edge=22, shade=0.3)
    _fade(cloth, 0.27, 0.85)
    for seam in both(curve([(0.425, 0.10), (0.478, 0.55), (0.478, 1.2), (0.455, 1.95)])):
        cloth.seam(seam, depth=2)
    for hem in both(curve([(0.15, 1.93), (0.30, 1.945), (0.47, 1.925)])):
        cloth.stitches(hem, THREAD, long=7, gap=4, width=2)
        cloth.seam(hem + np.array([0, -0.01], np.float32), depth=1)
    waist = symmetric([(0, -0.035), (0.2, -0.045), (0.385, -0.06, 1), (0.405, 0.05, 1), (0.2, 0.07), (0, 0.08)])
    if not back:
        cloth.panel(ellipse(0, -0.045, 0.375, 0.05), Fabric(_scaled(colour, 0.6)), thick=1, edge=4, shade=0.2)
    (_back_pockets if back else _fly)(cloth, fabric)
    cloth.panel(waist, fabric, thick=7, edge=7, shade=0.36)
    for line in (-0.02, 0.058):
        cloth.stitches(
            curve([(-0.39, line - 0.015), (0, line + 0.012), (0.39, line - 0.015)]), THREAD, long=7, gap=4, width=2
        )
    for x in (-0.30, -0.13, 0.13, 0.30) if not back else (-0.28, 0.0, 0.28):
        cloth.panel(box(x - 0.018, -0.055, x + 0.018, 0.095), fabric, thick=6, edge=4, shade=0.4)
    if back:
        cloth.panel(box(0.10, -0.03, 0.27, 0.06), Fabric((0.62, 0.42, 0.24), shine=0.2), thick=3, edge=3, shade=0.35)
    else:
        cloth.button(0, 0.015, 0.028, (0.72, 0.48, 0.28))
    cloth.fold(pulled(cloth, rng, 0.0, 0.62, 0.3) + rumple(rng, cloth, 1.2, 15))


def _scaled(colour: Colour, by: float) -> Colour:
    return min(1, colour[0] * by), min(1, colour[1] * by), min(1, colour[2] * by)


def _fade(cloth: Cloth, x: float, y: float) -> None:
    """Wear: thighs and knees rubbed pale."""
    for side in (-1, 1):
        cloth.tint(ellipse(side * x, y, 0.10, 0.45), (0.72, 0.78, 0.84), share=0.34, soft=45)


def _fly(cloth: Cloth, fabric: Fabric) -> None:
    cloth.seam(curve([(0, 0.05), (0, 0.60)]), depth=3)
    cloth.stitches(curve([(0.075, 0.06), (0.078, 0.32), (0.055, 0.42), (0.005, 0.50)]), THREAD, long=7, gap=4, width=2)
    for opening in both(curve([(0.19, 0.06), (0.22, 0.17), (0.31, 0.24), (0.435, 0.25)])):
        cloth.seam(opening, depth=4, width=4)
        for off in (0.012, 0.03):
            cloth.stitches(opening + np.array([0, off], np.float32), THREAD, long=7, gap=4, width=2)


def _back_pockets(cloth: Cloth, fabric: Fabric) -> None:
    cloth.seam(curve([(0, 0.05), (0.01, 0.62)]), depth=3)
    for yoke in both(curve([(0.0, 0.22), (0.42, 0.14)])):
        cloth.stitches(yoke, THREAD, long=7, gap=4, width=2)
        cloth.seam(yoke, depth=1.6)
    for pocket in both(
        curve([(0.10, 0.27, 1), (0.385, 0.25, 1), (0.395, 0.53, 1), (0.25, 0.62, 1), (0.105, 0.55, 1)], closed=True)
    ):
        cloth.panel(pocket, fabric, thick=6, edge=6, shade=0.34)
        middle = pocket.mean(0)
        cloth.stitches(
            np.concatenate([pocket, pocket[:1]]) * np.float32(0.93) + middle * np.float32(0.07), THREAD, long=7, gap=4
        )


def skirt(rng: Rng, cloth: Cloth, colour: Colour, back: bool) -> None:
    """A short kilt, pleated, with a waistband and a buckle; a zip at the back."""
    fabric = fabrics.tartan(rng, cloth.shape, colour)
    body = [(0, 0.09), (0.44, 0.07, 1), (0.56, 0.35), (0.66, 0.7), (0.74, 1.04, 1), (0.4, 1.1), (0, 1.12)]
    cloth.panel(symmetric(body), fabric, thick=9, edge=14)
    cloth.fold(_pleats(rng, cloth, 0.05, 1.12, 0.44, 0.74, 11))
    cloth.panel(
        symmetric([(0, 0.01), (0.42, -0.02, 1), (0.44, 0.12, 1), (0, 0.15)]), fabric, thick=7, edge=6, shade=0.4
    )
    cloth.stitches(curve([(-0.425, 0.10), (0, 0.13), (0.425, 0.10)]), _scaled(colour, 0.6), long=5, gap=4, width=1)
    if back:
        cloth.seam(curve([(0, 0.02), (0.005, 0.5)]), depth=4, width=3)
        cloth.panel(box(-0.012, 0.03, 0.012, 0.085), Fabric((0.75, 0.72, 0.66), shine=0.6), thick=4, edge=3, shade=0.4)
    else:
        _strap(cloth, 0.26, 0.06)
        _strap(cloth, 0.28, 0.24)
    cloth.fold(rumple(rng, cloth, 0.6))


def _strap(cloth: Cloth, x: float, y: float) -> None:
    """A leather strap with its buckle."""
    cloth.panel(
        box(x - 0.13, y - 0.028, x + 0.11, y + 0.028), Fabric((0.17, 0.12, 0.10), shine=0.3), thick=6, edge=4, shade=0.4
    )
    steel = Fabric((0.72, 0.70, 0.66), shine=0.8)
    for part in (box(x - 0.03, y - 0.045, x + 0.03, y - 0.031), box(x - 0.03, y + 0.031, x + 0.03, y + 0.045)):
        cloth.panel(part, steel, thick=5, edge=3, shade=0.4)
    for edge in (x - 0.03, x + 0.02):
        cloth.panel(box(edge, y - 0.045, edge + 0.012, y + 0.045), steel, thick=5, edge=3, shade=0.4)


def _pleats(rng: Rng, cloth: Cloth, top: float, bottom: float, waist: float, hem: float, count: int) -> Field:
    """Knife pleats fanning out from waist to hem."""
    height, width = cloth.shape
    y = (np.arange(height, dtype=np.float32)[:, None] - cloth.origin[1]) / cloth.unit
    x = (np.arange(width, dtype=np.float32)[None, :] - cloth.origin[0]) / cloth.unit
    down = np.clip((y - top) / (bottom - top), 0, 1)
    across = x / (waist + (hem - waist) * down**0.8)
    sway = 0.035 * np.sin(down * 5 + across * 3 + float(rng.uniform(0, 6))) * down
    phase = ((across + sway) * count / 2) % 1
    fold = np.where(phase < 0.86, phase / 0.86, (1 - phase) / 0.14)
    pleated: Field = (fold * (5 + 17 * down)).astype(np.float32)
    return blurred(pleated, 1.6)


def dress(rng: Rng, cloth: Cloth, colour: Colour, back: bool) -> None:
    """A printed summer dress with a V-neck, flutter sleeves and a gathered waist, hung up."""
    fabric = fabrics.floral(rng, cloth.shape, colour)
    for sleeve in both(
        curve([(0.26, 0.03, 1), (0.44, 0.10), (0.60, 0.34, 1), (0.47, 0.43), (0.35, 0.44, 1)], closed=True)
    ):
        cloth.panel(sleeve, fabric, thick=8, edge=16)
    deep = 0.10 if back else 0.33
    if not back:
        cloth.panel(_neck_back(), Fabric(_scaled(colour, 0.62)), thick=1, edge=4, shade=0)
    bodice = [
        (0, deep, 1),
        (0.19, 0.01, 1),
        (0.33, 0.06, 1),
        (0.345, 0.30),
        (0.345, 0.44, 1),
        (0.32, 0.58),
        (0.285, 0.76, 1),
        (0, 0.78),
    ]
    cloth.panel(_skirt_part(), fabric, thick=9, edge=18)
    cloth.fold(hang(rng, cloth, top=0.68, bottom=1.9, strength=1.15, wide=0.12))
    cloth.panel(symmetric(bodice), fabric, thick=8, edge=16, shade=0.3)
    neck = curve([(0.0, deep), (0.19, 0.01)]) if not back else curve([(0.0, deep), (0.12, 0.08), (0.19, 0.01)])
    for edge in both(neck):
        cloth.seam(edge + np.array([0.012 * np.sign(edge[:, 0].sum()), 0.018], np.float32), depth=1.2)
    if back:
        cloth.seam(curve([(0, deep), (0, 0.95)]), depth=2.4)
    else:
        for y in (0.42, 0.52, 0.62, 0.72):
            cloth.button(0, y, 0.016, (0.92, 0.88, 0.80))
    tie = curve([(-0.285, 0.765), (0, 0.785), (0.285, 0.765)])
    cloth.panel(band(tie, 0.045), fabric, thick=6, edge=6, shade=0.4)
    cloth.fold(rumple(rng, cloth, 0.45))


def _neck_back() -> Points:
    return curve([(-0.19, 0.01, 1), (0, 0.085), (0.19, 0.01, 1), (0.19, 0.3), (-0.19, 0.3)], closed=True)


def _skirt_part() -> Points:
    return symmetric(
        [
            (0, 0.74),
            (0.285, 0.74, 1),
            (0.42, 1.1),
            (0.53, 1.5),
            (0.61, 1.94, 1),
            (0.42, 1.985),
            (0.21, 1.965),
            (0, 1.99),
        ]
    )
