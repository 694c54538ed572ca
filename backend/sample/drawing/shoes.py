"""Leather trainers: the pair from above, and one from the side. Units: a shoe is about 2 long."""

import numpy as np

from backend.sample.drawing import fabrics
from backend.sample.drawing.cloth import Cloth, Colour, Fabric
from backend.sample.drawing.folds import rumple
from backend.sample.drawing.outlines import Points, Waypoints, band, curve, ellipse

Rng = np.random.Generator
RUBBER = (0.93, 0.92, 0.88)
ACCENT = (0.13, 0.36, 0.25)
LACE = Fabric((0.95, 0.95, 0.93))

SOLE: Waypoints = [
    (0.0, 0.0),
    (0.27, 0.10),
    (0.40, 0.42),
    (0.39, 0.80),
    (0.30, 1.22),
    (0.32, 1.68),
    (0.20, 1.95),
    (0.0, 2.0),
]
INNER: Waypoints = [(-0.20, 1.95), (-0.31, 1.68), (-0.27, 1.22), (-0.33, 0.80), (-0.35, 0.42), (-0.23, 0.10)]


def pair_from_above(rng: Rng, cloth: Cloth, colour: Colour, back: bool) -> None:
    """Two shoes side by side, toes up; `back` turns them heels up."""
    for side in (1, -1):
        _from_above(rng, cloth, colour, side, back)
    cloth.fold(rumple(rng, cloth, 0.25))


def _from_above(rng: Rng, cloth: Cloth, colour: Colour, side: int, back: bool) -> None:
    upper = fabrics.leather(rng, cloth.shape, colour)

    def place(points: Points) -> Points:
        turned = points * np.array([side, -1 if back else 1], np.float32) + np.array([0, 2 if back else 0], np.float32)
        return turned + np.array([side * 0.47, 0], np.float32)

    def scaled(by: float, squeeze: float = 1.0) -> Points:
        outline = curve([*SOLE, *INNER], closed=True)
        middle = np.array([0.01, 1.0], np.float32)
        return place((outline - middle) * np.array([by, by * squeeze], np.float32) + middle)

    cloth.panel(scaled(1.0), Fabric(RUBBER, shine=0.1), thick=9, edge=7, shade=0.3)
    cloth.panel(scaled(0.90, 1.045), upper, thick=34, edge=62, shade=0.45)
    toe = place(curve([(-0.30, 0.55), (-0.20, 0.63), (0.02, 0.66), (0.22, 0.63), (0.34, 0.55)]))
    cloth.seam(toe, depth=4, width=3)
    cloth.stitches(toe + np.array([0, 0.02], np.float32), (0.8, 0.8, 0.78), long=6, gap=4, width=1)
    for dot_x in np.linspace(-0.12, 0.14, 4):
        for dot_y in np.linspace(0.22, 0.46, 4):
            cloth.tint(place(ellipse(float(dot_x), float(dot_y), 0.012, 0.012)), (0.35, 0.35, 0.34))
    collar = place(
        curve([(0.0, 1.16), (0.19, 1.30), (0.235, 1.62), (0.0, 1.86), (-0.225, 1.62), (-0.17, 1.30)], closed=True)
    )
    cloth.panel(collar, Fabric(ACCENT), thick=12, edge=10, shade=0.4)
    inside = (collar - collar.mean(0)) * np.float32(0.78) + collar.mean(0)
    cloth.panel(inside, Fabric((0.34, 0.33, 0.31)), thick=-26, edge=22, shade=0.3)
    heel = place(
        curve([(-0.19, 1.80, 1), (0.0, 1.90), (0.19, 1.80, 1), (0.17, 1.93), (0.0, 1.975), (-0.17, 1.93)], closed=True)
    )
    cloth.panel(heel, Fabric(ACCENT, shine=0.3), thick=7, edge=7, shade=0.35)
    tongue = place(curve([(-0.135, 0.64, 1), (0.14, 0.64, 1), (0.165, 1.34), (0.0, 1.40), (-0.155, 1.34)], closed=True))
    cloth.panel(tongue, upper, thick=13, edge=18, shade=0.4)
    for stay in (place(curve([(0.125, 0.64), (0.155, 1.22)])), place(curve([(-0.12, 0.64), (-0.145, 1.22)]))):
        cloth.panel(band(stay, 0.06 if side == 1 else -0.06), upper, thick=7, edge=5, shade=0.35)
    for y in np.linspace(0.72, 1.18, 6):
        lace = place(curve([(-0.15, float(y)), (0.0, float(y) + 0.035), (0.16, float(y))]))
        cloth.panel(band(lace, 0.042), LACE, thick=7, edge=5, shade=0.45)


def one_from_the_side(rng: Rng, cloth: Cloth, colour: Colour, back: bool) -> None:
    """Toe to the left."""
    upper = fabrics.leather(rng, cloth.shape, colour)
    body = curve(
        [
            (0.05, 0.93),
            (0.10, 0.76),
            (0.34, 0.63),
            (0.62, 0.52),
            (0.88, 0.33),
            (1.08, 0.14, 1),
            (1.17, 0.07),
            (1.27, 0.12, 1),
            (1.42, 0.28),
            (1.62, 0.30),
            (1.80, 0.16),
            (1.90, 0.13, 1),
            (1.97, 0.30),
            (1.985, 0.60),
            (1.96, 0.95, 1),
        ],
        closed=True,
    )
    cloth.panel(body, upper, thick=30, edge=50, shade=0.3)
    lining = curve([(1.27, 0.13), (1.42, 0.29), (1.62, 0.31), (1.80, 0.17), (1.89, 0.14)])
    cloth.panel(band(lining, 0.05), Fabric(ACCENT), thick=8, edge=7, shade=0.3)
    heel = curve(
        [(1.74, 0.22, 1), (1.90, 0.14, 1), (1.975, 0.32), (1.985, 0.56, 1), (1.80, 0.58), (1.735, 0.40)], closed=True
    )
    cloth.panel(heel, Fabric(ACCENT, shine=0.3), thick=9, edge=8, shade=0.35)
    toe = curve([(0.10, 0.90), (0.20, 0.76), (0.42, 0.66), (0.55, 0.72), (0.60, 0.93)])
    cloth.seam(toe, depth=4, width=3)
    stay = curve(
        [(0.50, 0.70, 1), (0.92, 0.34, 1), (1.10, 0.16, 1), (1.21, 0.26, 1), (1.06, 0.46), (0.78, 0.74, 1)], closed=True
    )
    cloth.panel(stay, upper, thick=8, edge=6, shade=0.32)
    cloth.stitches(
        np.concatenate([stay, stay[:1]]) * np.float32(0.95) + stay.mean(0) * np.float32(0.05),
        (0.75, 0.75, 0.72),
        long=6,
        gap=4,
        width=1,
    )
    for x, y in np.linspace((0.62, 0.585), (1.08, 0.20), 6):
        lace = curve([(float(x) - 0.035, float(y) - 0.05), (float(x) + 0.06, float(y) + 0.035)])
        cloth.panel(band(lace, 0.042), LACE, thick=8, edge=5, shade=0.45)
    wave = curve([(1.28, 0.90), (1.42, 0.70), (1.62, 0.62), (1.735, 0.56)])
    cloth.panel(band(wave, 0.07), Fabric(ACCENT, shine=0.2), thick=5, edge=4, shade=0.3)
    sole = curve(
        [
            (0.02, 0.90, 1),
            (0.6, 0.925),
            (1.3, 0.925),
            (2.0, 0.90, 1),
            (2.02, 1.02),
            (1.95, 1.09, 1),
            (1.0, 1.10),
            (0.14, 1.09),
            (0.02, 1.02),
        ],
        closed=True,
    )
    cloth.panel(sole, Fabric(RUBBER, shine=0.15), thick=16, edge=12, shade=0.45)
    cloth.seam(curve([(0.05, 1.045), (1.0, 1.06), (1.98, 1.045)]), depth=3)
    cloth.stitches(
        curve([(0.06, 0.945), (0.6, 0.965), (1.3, 0.965), (1.98, 0.945)]), (0.78, 0.77, 0.73), long=9, gap=6, width=2
    )
    cloth.fold(rumple(rng, cloth, 0.5 if back else 0.4))
