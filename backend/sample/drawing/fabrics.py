"""What garments are made of: jersey, denim, fleece, poplin, prints, tartan, nylon, leather.

Each takes the generator, the canvas's shape and a colour; `zoom` enlarges the weave for close-ups.
"""

import cv2
import numpy as np

from backend.sample.drawing.cloth import Colour, Fabric, Picture, planes
from backend.sample.drawing.noise import Field, Shape, blurred, layered, rows_and_columns, specks


def _tinted(colour: Colour, tone: Field) -> Picture:
    return planes(colour) * tone


def jersey(rng: np.random.Generator, shape: Shape, colour: Colour, zoom: float = 1) -> Fabric:
    fuzz = blurred(specks(rng, shape), 0.9 * zoom) * 2
    tone = 1 + 0.016 * fuzz + 0.03 * layered(rng, shape, (500, 500), 2)
    if zoom < 2:
        return Fabric(_tinted(colour, tone), fuzz * 0.12)
    y, x = rows_and_columns(shape)
    wales = np.abs(np.sin(x * np.pi / (5 * zoom))) * (0.6 + 0.4 * np.abs(np.sin(y * np.pi / (4 * zoom) + x * 0.3)))
    return Fabric(_tinted(colour, tone * (0.9 + 0.1 * wales)), (wales * 0.5 * zoom + fuzz * 0.3).astype(np.float32))


def denim(rng: np.random.Generator, shape: Shape, colour: Colour, zoom: float = 1) -> Fabric:
    """Blue warp, white weft: diagonal lines, slubs along the warp, uneven dye."""
    y, x = rows_and_columns(shape)
    twill = np.sin((x * 0.8 + y) * 2 * np.pi / (6.5 * zoom))
    slubs = layered(rng, shape, (3 * zoom, 60 * zoom), 2)
    fuzz = blurred(specks(rng, shape), 0.8 * zoom) * 2
    tone = 1 + 0.06 * twill + 0.10 * slubs + 0.10 * fuzz + 0.06 * layered(rng, shape, (260, 260), 3)
    pale = np.clip(0.10 * fuzz + 0.05 * twill, 0, 1)
    cloth = _tinted(colour, tone) * (1 - pale) + 0.8 * pale
    return Fabric(cloth, (twill * 0.35 * zoom + fuzz * 0.25).astype(np.float32))


def fleece(rng: np.random.Generator, shape: Shape, colour: Colour, zoom: float = 1) -> Fabric:
    """Sweatshirt jersey, mottled."""
    fuzz = blurred(specks(rng, shape), 1.3 * zoom) * 3
    flecks = layered(rng, shape, (4 * zoom, 12 * zoom), 2)
    return Fabric(_tinted(colour, 1 + 0.045 * flecks + 0.025 * fuzz), fuzz * 0.3)


def ribbed(rng: np.random.Generator, shape: Shape, colour: Colour, zoom: float = 1) -> Fabric:
    """Knitted rib for cuffs and collars, running down."""
    _, x = rows_and_columns(shape)
    rib = np.repeat(np.sin(x * (2 * np.pi / (8 * zoom))), shape[0], 0)
    fuzz = blurred(specks(rng, shape), zoom)
    return Fabric(_tinted(colour, 0.95 + 0.05 * rib + 0.03 * fuzz), (rib * 1.3 * zoom).astype(np.float32))


def poplin(rng: np.random.Generator, shape: Shape, colour: Colour, zoom: float = 1) -> Fabric:
    """Shirt cotton with a fine stripe."""
    _, x = rows_and_columns(shape)
    stripe = np.clip(np.sin(x * (2 * np.pi / (15 * zoom))) * 3, -1, 1) * 0.5 + 0.5
    fuzz = blurred(specks(rng, shape), 0.7 * zoom)
    tone = 1 + 0.015 * fuzz + 0.015 * layered(rng, shape, (400, 400), 2)
    cloth = _tinted(colour, tone) * (1 - 0.38 * stripe) + 0.36 * stripe
    return Fabric(cloth.astype(np.float32), (fuzz * 0.2).astype(np.float32))


def floral(rng: np.random.Generator, shape: Shape, colour: Colour, zoom: float = 1) -> Fabric:
    """Light viscose printed with small flowers."""
    height, width = shape
    print_ = np.zeros((height, width, 3), np.float32)
    print_[:] = colour
    petals = [(0.93, 0.88, 0.80), (0.91, 0.66, 0.58), (0.92, 0.78, 0.50)]
    step = round(64 * zoom)
    for row, top in enumerate(range(-step, height + step, step)):
        for left in range(-step - (row % 2) * step // 2, width + step, step):
            x, y = left + rng.uniform(-14, 14) * zoom, top + rng.uniform(-14, 14) * zoom
            _flower(print_, rng, (x, y), float(rng.uniform(6, 10)) * zoom, petals[int(rng.integers(3))])
    fuzz = blurred(specks(rng, shape), 0.8 * zoom)
    return Fabric(np.stack(cv2.split(print_)) * (1 + 0.02 * fuzz), fuzz * 0.15)


def _flower(canvas: Field, rng: np.random.Generator, at: tuple[float, float], size: float, colour: Colour) -> None:
    turn = rng.uniform(0, 6.3)
    for leaf in (turn, turn + 2.2):
        end = (round(at[0] + 2.3 * size * np.cos(leaf)), round(at[1] + 2.3 * size * np.sin(leaf)))
        cv2.line(canvas, (round(at[0]), round(at[1])), end, (0.30, 0.40, 0.26), max(1, round(size / 4)), cv2.LINE_AA)
    for petal in range(5):
        angle = turn + petal * 2 * np.pi / 5
        spot = (round((at[0] + size * 0.75 * np.cos(angle)) * 16), round((at[1] + size * 0.75 * np.sin(angle)) * 16))
        cv2.circle(canvas, spot, round(size * 0.52 * 16), colour, -1, cv2.LINE_AA, 4)
    cv2.circle(
        canvas, (round(at[0] * 16), round(at[1] * 16)), round(size * 0.34 * 16), (0.80, 0.55, 0.2), -1, cv2.LINE_AA, 4
    )


def tartan(rng: np.random.Generator, shape: Shape, colour: Colour, zoom: float = 1) -> Fabric:
    """Checked wool blend: dark bands and thin pale lines, both ways."""
    y, x = rows_and_columns(shape)
    twill_lines = np.sin((x + y) * (2 * np.pi / (5 * zoom)))
    fuzz = blurred(specks(rng, shape), 0.9 * zoom) * 2
    cloth = _tinted(colour, 1 + 0.03 * fuzz + 0.02 * twill_lines)
    for along in (x, y):
        at = along / (120 * zoom) % 1
        cloth *= np.where((at > 0.1) & (at < 0.42), 0.58, 1).astype(np.float32)
        line = np.where(np.abs(at - 0.71) < 0.02, 0.5, 0).astype(np.float32)
        cloth += line * (0.85 - cloth)
    return Fabric(cloth, (twill_lines * 0.2 * zoom + fuzz * 0.2).astype(np.float32))


def nylon(rng: np.random.Generator, shape: Shape, colour: Colour, zoom: float = 1) -> Fabric:
    """Fine ripstop with a slight sheen, for padded jackets."""
    fuzz = blurred(specks(rng, shape), 0.8 * zoom) * 2
    tone = 1 + 0.012 * fuzz + 0.03 * layered(rng, shape, (300, 300), 3)
    return Fabric(_tinted(colour, tone), fuzz * 0.12, shine=0.22)


def leather(rng: np.random.Generator, shape: Shape, colour: Colour, zoom: float = 1) -> Fabric:
    grained = blurred(specks(rng, shape), 1.5 * zoom) * 4
    return Fabric(_tinted(colour, 1 + 0.008 * grained), grained * 0.35, shine=0.4)
