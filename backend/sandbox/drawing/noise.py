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
    grown: Field = cv2.resize(grid.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return grown


def layered(rng: np.random.Generator, shape: Shape, cell: tuple[float, float], octaves: int = 4) -> Field:
    """Noise with detail on several scales, each half as large and half as strong as the one before."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        step = 2**octave
        total += smooth(rng, shape, (cell[0] / step, cell[1] / step)) / step
    return total / 1.4


def turned(field: Field, degrees: float) -> Field:
    """The field rotated about its middle; its edges are mirrored."""
    height, width = field.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    out: Field = cv2.warpAffine(field, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return out


def creases(rng: np.random.Generator, shape: Shape, cell: tuple[float, float], degrees: float = 0) -> Field:
    """Long soft ridges with valleys between them, 0 to 1, running along x turned by `degrees`."""
    ridge = 1 - np.abs(layered(rng, shape, cell, 2)) * 1.3
    return turned(np.clip(ridge, 0, 1).astype(np.float32) ** 2, degrees)


@cache
def grain(side: int = 2048) -> Field:
    """A fixed field of independent normal values, to cut sensor noise and fibres from."""
    return np.random.default_rng(20).standard_normal((side, side), dtype=np.float32)


def specks(rng: np.random.Generator, shape: Shape) -> Field:
    """Independent normal noise, cheaply: a random cut of `grain`."""
    top, left = rng.integers(0, 2048, 2)
    rows = np.arange(top, top + shape[0]) % 2048
    columns = np.arange(left, left + shape[1]) % 2048
    return grain()[np.ix_(rows, columns)]


def blurred(field: Field, sigma: float) -> Field:
    """Gaussian blur; wide ones are done on a shrunken copy, which is what keeps drawing quick."""
    height, width = field.shape[:2]
    if sigma < 6:
        out: Field = cv2.GaussianBlur(field, (0, 0), sigma)
        return out
    shrink = sigma / 3
    size = (max(2, round(width / shrink)), max(2, round(height / shrink)))
    small = cv2.GaussianBlur(cv2.resize(field, size, interpolation=cv2.INTER_AREA), (0, 0), 3)
    grown: Field = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return grown
