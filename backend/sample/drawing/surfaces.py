"""What the garments lie on or hang against: floorboards, a bed sheet, a wall, a rug."""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from backend.sample.drawing.cloth import Picture, planes, shaded
from backend.sample.drawing.noise import Shape, blurred, creases, layered, rows_and_columns, smooth, specks


def floorboards(rng: np.random.Generator, shape: Shape) -> Picture:
    """Oak, the boards running up the picture."""
    height, width = shape
    board = int(rng.integers(210, 260))
    columns = np.arange(width) + int(rng.integers(0, board))
    which = columns // board
    tones = rng.uniform(0.86, 1.08, which.max() + 1).astype(np.float32)[which]
    shift = rng.integers(0, height, which.max() + 1)[which]
    grain = layered(rng, (height, width), (9, 420), 3) * 0.6 + smooth(rng, (height, width), (3, 150)) * 0.35
    rows = (np.arange(height)[:, None] + shift[None, :]) % height
    grain = np.take_along_axis(grain, rows, 0)
    rings = np.sin(grain * 5 + layered(rng, shape, (120, 900), 2) * 4) * 0.5 + 0.5
    tone = tones[None, :] * (0.93 + 0.06 * grain + 0.07 * rings)
    colour = planes((0.71, 0.52, 0.35)) * tone
    gap = np.minimum(columns % board, board - columns % board).astype(np.float32)
    ends = np.abs(rows - height // 2).astype(np.float32)
    depth = 5 * np.exp(-((gap / 2.2) ** 2))[None, :] + 5 * np.exp(-((ends / 2.2) ** 2))
    colour *= 1 - 0.11 * depth
    return shaded(colour, (grain * 0.5 - depth).astype(np.float32))


def bed_sheet(rng: np.random.Generator, shape: Shape) -> Picture:
    """White cotton, rumpled."""
    folds = creases(rng, shape, (900, 260), float(rng.uniform(20, 60))) * 9
    folds += creases(rng, shape, (700, 200), float(rng.uniform(-40, 0))) * 6
    relief = blurred(folds, 9) + layered(rng, shape, (700, 700), 2) * 30
    colour = planes((0.90, 0.89, 0.87))
    return shaded(colour, relief + specks(rng, shape) * 0.1)


def wall(rng: np.random.Generator, shape: Shape) -> Picture:
    """Painted plaster, lighter towards the window."""
    height, width = shape
    relief = blurred(specks(rng, shape), 2.2) * 1.6 + layered(rng, shape, (260, 260), 3) * 1.5
    warm = planes((0.84, 0.81, 0.76))
    fall = 1.05 - 0.16 * np.linspace(0, 1, width)[None, :] - 0.07 * np.linspace(0, 1, height)[:, None]
    return shaded(warm * fall.astype(np.float32), relief)


def rug(rng: np.random.Generator, shape: Shape) -> Picture:
    """Woven wool, grey-beige."""
    y, x = rows_and_columns(shape)
    weave = np.sin(x * (2 * np.pi / 13) + np.pi * ((y // 11) % 2)) * np.sin(y * (2 * np.pi / 22))
    tone = 1 + 0.05 * blurred(specks(rng, shape), 1.2) + 0.03 * layered(rng, shape, (300, 300), 3)
    colour = planes((0.66, 0.63, 0.58)) * tone
    return shaded(colour, (weave * 2.2 + blurred(specks(rng, shape), 1.5) * 1.2).astype(np.float32))


Surface = Callable[[np.random.Generator, Shape], Picture]
SURFACES: dict[str, Surface] = {"floorboards": floorboards, "bed_sheet": bed_sheet, "wall": wall, "rug": rug}
ROOM: Shape = (2000, 1600)


def ground(rng: np.random.Generator, name: str, shape: Shape) -> Picture:
    """A random part of a surface: everything in a wardrobe is photographed on the same floor, bed and wall."""
    top, left = int(rng.integers(0, ROOM[0] - shape[0])), int(rng.integers(0, ROOM[1] - shape[1]))
    part: Picture = _room(name)[:, top : top + shape[0], left : left + shape[1]].astype(np.float32)
    part *= 1 / 255
    return part


@cache
def _room(name: str) -> NDArray[np.uint8]:
    whole = SURFACES[name](np.random.default_rng(3), ROOM)
    return np.clip(whole * 255, 0, 255).astype(np.uint8)
