"""How cloth falls: creases of something laid down, folds of something hung up. Heights are in pixels."""

import numpy as np

from backend.sandbox.drawing.cloth import Cloth
from backend.sandbox.drawing.noise import Field, blurred, creases, layered, smooth

Rng = np.random.Generator


def rumple(rng: Rng, cloth: Cloth, strength: float = 1.0, degrees: float | None = None) -> Field:
    """Laid down and smoothed by hand: a few long soft creases, broad swells."""
    shape, unit = cloth.shape, cloth.unit
    first = float(rng.uniform(20, 70)) if degrees is None else degrees
    total = creases(rng, shape, (unit * 0.75, unit * 0.22), first) * 6
    total += creases(rng, shape, (unit * 0.6, unit * 0.17), first - 85) * 4.5
    where = np.clip(0.55 + 0.5 * smooth(rng, shape, (unit * 0.7, unit * 0.7)), 0.1, 1.2)
    swell = layered(rng, shape, (unit * 0.6, unit * 0.6), 2) * 7
    folded: Field = (blurred(total * where, 3.5) + swell) * strength
    return folded


def hang(rng: Rng, cloth: Cloth, *, top: float, bottom: float, strength: float = 1.0, wide: float = 0.16) -> Field:
    """Hung up: folds running down, growing towards the hem. `top`, `bottom`, `wide` in garment units."""
    height, width = cloth.shape
    y = (np.arange(height, dtype=np.float32)[:, None] - cloth.origin[1]) / cloth.unit
    grown = np.clip((y - top) / (bottom - top), 0, 1.1) ** 0.8
    wander = smooth(rng, cloth.shape, (cloth.unit * 0.5, cloth.unit * 1.1)) * 1.3
    x = (np.arange(width, dtype=np.float32)[None, :] - cloth.origin[0]) / cloth.unit
    waves = np.sin(x * np.pi / wide * (1 - 0.12 * grown) + wander + float(rng.uniform(0, 6)))
    ripple = np.sin(x * np.pi / wide * 2.3 + wander * 2) * 0.3
    folded: Field = ((waves + ripple) * grown * 15 * strength).astype(np.float32)
    return folded + layered(rng, cloth.shape, (cloth.unit * 0.5, cloth.unit * 0.9), 2) * 4 * strength


def pulled(cloth: Cloth, rng: Rng, x: float, y: float, reach: float = 0.35) -> Field:
    """Creases towards a point under pull, an armpit or a crotch, some deep and most hardly there."""
    height, width = cloth.shape
    rows = (np.arange(height, dtype=np.float32)[:, None] - cloth.origin[1]) / cloth.unit - y
    columns = (np.arange(width, dtype=np.float32)[None, :] - cloth.origin[0]) / cloth.unit - x
    near = np.hypot(rows, columns) / reach
    patch = (round(cloth.unit * 0.25), round(cloth.unit * 0.25))
    angle = np.arctan2(rows, columns) + 0.35 * smooth(rng, cloth.shape, patch)
    rays = sum(
        w * np.sin(angle * k + p)
        for k, w, p in zip((2, 3, 5), (0.5, 0.8, 0.6), rng.uniform(0, 6, 3).tolist(), strict=True)
    )
    creased: Field = (np.clip(rays, 0, None) * np.clip(near * 2.2 - 0.35, 0, 1) * np.exp(-near) * 7).astype(np.float32)
    return creased
