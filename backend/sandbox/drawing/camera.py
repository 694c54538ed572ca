"""The phone's camera: puts cloth on a surface, with its shadow, and takes the picture.

Owns framing, shadow, lens and sensor. Owns no file (`wardrobe.py` writes them).
"""

import cv2
import numpy as np
from PIL import Image

from backend.sandbox.drawing.cloth import Cloth, Picture
from backend.sandbox.drawing.noise import blurred, layered, specks


def lay(cloth: Cloth, ground: Picture, *, lift: float = 1.0) -> Picture:
    """The cloth on the ground; `lift` is how far off it hangs: 1 lying, 3 on a hanger before a wall."""
    near = _shifted(blurred(cloth.alpha, 7), 5 * lift)
    far = _shifted(blurred(cloth.alpha, 26 * lift), 16 * lift)
    dark = 1 - np.clip(0.34 * near + 0.36 * far, 0, 0.72)
    alpha = cloth.alpha[..., None]
    mixed: Picture = ground * dark[..., None] * (1 - alpha) + cloth.lit() * alpha
    return mixed


def snap(rng: np.random.Generator, scene: Picture, *, tilt: float = 1.0) -> Image.Image:
    """The scene through a hand-held phone: a little askew, vignetted, with its own white balance and noise."""
    height, width = scene.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    seen = corners + rng.uniform(5, 26, (4, 2)).astype(np.float32) * tilt * np.sign(
        np.array([width, height]) / 2 - corners
    )
    matrix = cv2.getPerspectiveTransform(seen.astype(np.float32), corners)
    picture = cv2.warpPerspective(scene, matrix, (width, height), flags=cv2.INTER_LINEAR)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.7)
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = (1.03 - 0.13 * (x * x + y * y)) * (1 + 0.035 * layered(rng, (height, width), (900, 900), 1))
    balance = 1 + rng.uniform(-0.018, 0.018, 3)
    picture = picture * light[..., None] * balance
    picture += (specks(rng, (height, width)) * 0.011)[..., None]
    return Image.fromarray((np.clip(_film(picture), 0, 1) * 255).astype(np.uint8))


def _film(picture: Picture) -> Picture:
    """A gentle shoulder, so that highlights roll off and do not burn out."""
    over = np.maximum(picture - 0.8, 0)
    return picture - over + over / (1 + 4 * over)


def _shifted(field: Picture, pixels: float) -> Picture:
    """Moved away from the light."""
    matrix = np.array([[1, 0, pixels * 0.8], [0, 1, pixels]], np.float32)
    out: Picture = cv2.warpAffine(field, matrix, (field.shape[1], field.shape[0]))
    return out
