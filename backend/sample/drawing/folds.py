"""How cloth falls: creases of something laid down, folds of something hung up. Heights are in pixels.

Folds are soft, so they are worked out on a canvas a third as fine.
"""

import numpy as np

from backend.sample.drawing.cloth import Cloth
from backend.sample.drawing.noise import Field, Shape, blurred, creases, grown, layered, rows_and_columns, smooth

Rng = np.random.Generator
COARSE = 3


def _coarse(cloth: Cloth) -> tuple[Shape, float]:
    """The coarser canvas, and a garment unit on it."""
    return (-(-cloth.shape[0] // COARSE), -(-cloth.shape[1] // COARSE)), cloth.unit / COARSE


def _garment_grid(cloth: Cloth) -> tuple[Field, Field]:
    """The garment's y and x at each pixel of the coarser canvas."""
    rows, columns = rows_and_columns(_coarse(cloth)[0])
    x, y = cloth.origin.tolist()
    return (rows * COARSE - y) / cloth.unit, (columns * COARSE - x) / cloth.unit


def rumple(rng: Rng, cloth: Cloth, strength: float = 1.0, degrees: float | None = None) -> Field:
    """Laid down and smoothed by hand: a few long soft creases, broad swells."""
    shape, unit = _coarse(cloth)
    first = float(rng.uniform(20, 70)) if degrees is None else degrees
    total = creases(rng, shape, (unit * 0.75, unit * 0.22), first) * 6
    total += creases(rng, shape, (unit * 0.6, unit * 0.17), first - 85) * 4.5
    where = np.clip(0.55 + 0.5 * smooth(rng, shape, (unit * 0.7, unit * 0.7)), 0.1, 1.2)
    swell = layered(rng, shape, (unit * 0.6, unit * 0.6), 2) * 7
    return grown((blurred(total * where, 1.2) + swell) * strength, cloth.shape)


def hang(rng: Rng, cloth: Cloth, *, top: float, bottom: float, strength: float = 1.0, wide: float = 0.16) -> Field:
    """Hung up: folds running down, growing towards the hem. `top`, `bottom`, `wide` in garment units."""
    shape, unit = _coarse(cloth)
    y, x = _garment_grid(cloth)
    lower = np.clip((y - top) / (bottom - top), 0, 1.1) ** 0.8
    wander = smooth(rng, shape, (unit * 0.5, unit * 1.1)) * 1.3
    waves = np.sin(x * (np.pi / wide) * (1 - 0.12 * lower) + wander + float(rng.uniform(0, 6)))
    ripple = np.sin(x * (np.pi / wide * 2.3) + wander * 2) * 0.3
    swell = layered(rng, shape, (unit * 0.5, unit * 0.9), 2) * 4
    return grown(((waves + ripple) * lower * 15 + swell) * strength, cloth.shape)


def pulled(cloth: Cloth, rng: Rng, x: float, y: float, reach: float = 0.35) -> Field:
    """Creases towards a point under pull, an armpit or a crotch, some deep and most hardly there."""
    shape, unit = _coarse(cloth)
    down, across = _garment_grid(cloth)
    down, across = down - y, across - x
    near = np.hypot(down, across) / reach
    angle = np.arctan2(down, across) + 0.35 * smooth(rng, shape, (unit * 0.25, unit * 0.25))
    phases = rng.uniform(0, 6, 3).tolist()
    rays = (
        0.5 * np.sin(angle * 2 + phases[0]) + 0.8 * np.sin(angle * 3 + phases[1]) + 0.6 * np.sin(angle * 5 + phases[2])
    )
    return grown(np.clip(rays, 0, None) * np.clip(near * 2.2 - 0.35, 0, 1) * np.exp(-near) * 7, cloth.shape)
