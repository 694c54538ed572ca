"""The phone's camera: puts cloth on a surface, with its shadow, and takes the picture.

Owns framing, shadow, lens and sensor. Owns no file (`wardrobe.py` writes them).
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.sample.drawing.cloth import Cloth, Picture
from backend.sample.drawing.noise import Field, Shape, blurred, layered, rows_and_columns, specks

BRIGHTEST = 196
"""Exposure 1.0 as a byte: what is brighter still has room above it."""


def lay(cloth: Cloth, ground: Picture, *, lift: float = 1.0) -> Picture:
    """The cloth on the ground; `lift` is how far off it hangs: 1 lying, about 2 on a hanger before a wall."""
    near = _shifted(blurred(cloth.alpha, 7), 5 * lift)
    far = _shifted(blurred(cloth.alpha, 26 * lift), 16 * lift)
    scene: Picture = ground * (1 - np.clip(0.34 * near + 0.36 * far, 0, 0.72))
    at = cloth.extent()
    scene[:, *at] += cloth.alpha[at] * (cloth.lit(at) - scene[:, *at])
    return scene


def snap(rng: np.random.Generator, scene: Picture, *, tilt: float = 1.0) -> Image.Image:
    """The scene through a hand-held phone: a little askew, vignetted, with its own white balance and noise."""
    shape: Shape = scene.shape[1:]
    y, x = (2 * at / at.size - 1 for at in rows_and_columns(shape))
    light = (1.03 - 0.13 * (x * x + y * y)) * (1 + 0.035 * layered(rng, shape, (900, 900), 1))
    exposure = light + specks(rng, shape) * 0.018
    exposed = cv2.merge([cv2.convertScaleAbs(plane * exposure, alpha=BRIGHTEST) for plane in scene])
    size = np.array([shape[1], shape[0]], np.float32)
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32) * size
    inwards = rng.uniform(5, 26, (4, 2)).astype(np.float32) * tilt * np.sign(size / 2 - corners)
    matrix = cv2.getPerspectiveTransform(corners + inwards, corners)
    seen = cv2.GaussianBlur(cv2.warpPerspective(exposed, matrix, (shape[1], shape[0])), (0, 0), 0.7)
    return Image.fromarray(cv2.LUT(seen, _film(1 + rng.uniform(-0.018, 0.018, 3))))


def _film(balance: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Exposure to tone, for each colour: a gentle shoulder, so that highlights roll off and do not burn out."""
    tone = np.arange(256)[:, None] / BRIGHTEST * balance
    over = np.maximum(tone - 0.8, 0)
    table: NDArray[np.uint8] = (np.clip(tone - over + over / (1 + 4 * over), 0, 1) * 255).astype(np.uint8)
    return table[None]


def _shifted(field: Field, pixels: float) -> Field:
    """Moved away from the light."""
    matrix = np.array([[1, 0, pixels * 0.8], [0, 1, pixels]], np.float32)
    out: Field = cv2.warpAffine(field, matrix, (field.shape[1], field.shape[0]))
    return out
