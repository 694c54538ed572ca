"""Smooth random fields: what grain, folds and uneven light are made of.

All fields are float32, of shape (height, width), about -1 to 1, and follow from the generator alone.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
Shape = tuple[int, int]


def smooth(rng: np.random.Generator, shape: Shape, cell: tuple[float, float]) -> Field:
    """Noise whose bumps are about `cell` (x, y) pixels large."""
    height, width = shape
    grid = rng.standard_normal((max(2, round(height / cell[1]) + 2), max(2, round(width / cell[0]) + 2)))
    out: Field = cv2.resize(grid.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return out


def layered(rng: np.random.Generator, shape: Shape, cell: tuple[float, float], octaves: int = 4) -> Field:
    """Noise with detail on several scales, each half as large and half as strong as the one before."""
    finest = min(cell) / 2 ** (octaves - 1)
    shrink = max(1, int(finest / 6))
    small = (-(-shape[0] // shrink), -(-shape[1] // shrink))
    total = np.zeros(small, np.float32)
    for octave in range(octaves):
        step = shrink * 2**octave
        total += smooth(rng, small, (cell[0] / step, cell[1] / step)) / 2**octave
    return grown(total / 1.4, shape)


def grown(field: Field, shape: Shape) -> Field:
    """A field drawn on a coarser canvas, on the full one."""
    if field.shape == shape:
        return field
    out: Field = cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    step = 2 * (shape[0] // field.shape[0] // 2) + 1
    return cv2.blur(out, (step, step)) if step > 1 else out  # else the light would show the coarse canvas's grid


def turned(field: Field, degrees: float) -> Field:
    """The field rotated about its middle; its edges are mirrored."""
    height, width = field.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    out: Field = cv2.warpAffine(field, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return out


def creases(rng: np.random.Generator, shape: Shape, cell: tuple[float, float], degrees: float = 0) -> Field:
    """Long soft ridges with valleys between them, 0 to 1, running along x turned by `degrees`."""
    ridge = np.clip(1 - np.abs(layered(rng, shape, cell, 2)) * np.float32(1.3), 0, 1)
    return turned(ridge * ridge, degrees)


@cache
def _grain() -> Field:
    return np.random.default_rng(20).standard_normal((2600, 2400), dtype=np.float32)


def specks(rng: np.random.Generator, shape: Shape) -> Field:
    """Independent normal noise, cheaply: a random cut of one large field, not to be written to."""
    height, width = shape
    top, left = int(rng.integers(0, 2600 - height)), int(rng.integers(0, 2400 - width))
    return _grain()[top : top + height, left : left + width]


def rows_and_columns(shape: Shape) -> tuple[Field, Field]:
    """Each pixel's row and column, to be broadcast."""
    return np.arange(shape[0], dtype=np.float32)[:, None], np.arange(shape[1], dtype=np.float32)[None, :]


def blurred(field: Field, sigma: float) -> Field:
    """Gaussian blur; a wide one is two box blurs, whose cost does not grow with their width."""
    box = (2 * round(sigma * 1.22) + 1,) * 2
    wide = sigma >= 6
    out: Field = cv2.blur(cv2.blur(field, box), box) if wide else cv2.GaussianBlur(field, (0, 0), sigma)
    return out
