"""Brand and care labels in readable print, sewn onto cloth.

Owns type and care symbols. Owns no words: they come from the wardrobe's designs.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from backend.sample.drawing.cloth import Cloth, Colour, Fabric, Picture
from backend.sample.drawing.noise import blurred, specks
from backend.sample.drawing.outlines import box, curve

SYMBOLS = "symbols"
"""A line with this text is the row of care symbols."""

ACCENTS = {
    "\u0300": [(-0.16, -0.26), (0.04, -0.12)],
    "\u0301": [(-0.04, -0.12), (0.16, -0.26)],
    "\u0302": [(-0.15, -0.12), (0.0, -0.26), (0.15, -0.12)],
    "\u0303": [(-0.17, -0.14), (-0.07, -0.21), (0.07, -0.14), (0.17, -0.21)],
    "\u0308": [(-0.12, -0.19), (-0.115, -0.19), (0.11, -0.19), (0.115, -0.19)],
    "\u0327": [(0.02, 0.80), (0.05, 0.88), (-0.06, 0.93)],
}
"""Strokes over a letter's top (a cedilla hangs below), in shares of the type's size from the letter's middle: Pillow's
own typeface has no accented letters."""


@dataclass(frozen=True)
class Line:
    """`size` is the type's height in pixels, `spacing` extra pixels between letters, `bold` the stroke's."""

    text: str
    size: int = 40
    spacing: float = 1.5
    bold: int = 0
    gap: int = 14


@dataclass(frozen=True)
class Label:
    """A strip of `width` by `height` pixels with its lines centred; `ends` are sewn down at left and right."""

    lines: Sequence[Line]
    width: int
    height: int
    paper: Colour = (0.95, 0.94, 0.92)
    ink: Colour = (0.10, 0.10, 0.12)


def printed(label: Label) -> Image.Image:
    """The label's face, flat."""
    face = Image.new("RGB", (label.width, label.height), _rgb(label.paper))
    draw = ImageDraw.Draw(face)
    total = sum(line.size + line.gap for line in label.lines) - label.lines[-1].gap
    y = (label.height - total) / 2
    for line in label.lines:
        if line.text == SYMBOLS:
            _care_symbols(draw, label.width / 2, y, line.size, _rgb(label.ink))
        else:
            _write(draw, label.width / 2, y, line, _rgb(label.ink))
        y += line.size + line.gap
    return face


def sew_on(rng: np.random.Generator, cloth: Cloth, label: Label, x: int, y: int) -> None:
    """Sews the label on with its middle at a pixel of the cloth, stitched down at its two ends."""
    left, top = x - label.width // 2, y - label.height // 2
    weave = blurred(specks(rng, cloth.shape), 0.8)
    colour: Picture = np.zeros((3, *cloth.shape), np.float32)
    face = np.asarray(printed(label), np.float32) / 255
    colour[:, top : top + label.height, left : left + label.width] = np.moveaxis(face, 2, 0)
    colour *= 1 + 0.02 * weave
    corners = (np.array([(left, top), (left + label.width, top + label.height)]) - cloth.origin) / cloth.unit
    (x0, y0), (x1, y1) = corners.tolist()
    cloth.panel(box(x0, y0, x1, y1), Fabric(colour, weave * 0.25, shine=0.06), thick=7, edge=6, shade=0.5)
    inset = 14 / cloth.unit
    for end in (x0 + inset, x1 - inset):
        cloth.stitches(curve([(end, y0 + inset), (end, y1 - inset)]), label.ink, long=9, gap=7, width=2)


def _rgb(colour: Colour) -> tuple[int, int, int]:
    return round(colour[0] * 255), round(colour[1] * 255), round(colour[2] * 255)


def _write(draw: ImageDraw.ImageDraw, middle: float, y: float, line: Line, ink: tuple[int, int, int]) -> None:
    """One line, letter by letter; its capitals are about 0.7 of the size high."""
    font = ImageFont.load_default(size=line.size)
    letters = [unicodedata.normalize("NFD", letter) for letter in line.text]
    widths = [font.getlength(letter[0]) + line.spacing for letter in letters]
    x = middle - (sum(widths) - line.spacing) / 2
    for letter, width in zip(letters, widths, strict=True):
        draw.text((x, y), letter[0], font=font, fill=ink, stroke_width=line.bold, stroke_fill=ink)
        for mark in letter[1:]:
            _accent(draw, x + (width - line.spacing) / 2, y, letter[0], mark, line, ink)
        x += width


def _accent(
    draw: ImageDraw.ImageDraw, x: float, y: float, letter: str, mark: str, line: Line, ink: tuple[int, int, int]
) -> None:
    top = 0.0 if mark == "\u0327" else ImageFont.load_default(size=line.size).getbbox(letter)[1]
    path = [(x + dx * line.size, y + top + dy * line.size) for dx, dy in ACCENTS[mark]]
    for start, end in list(pairwise(path))[:: 2 if mark == "\u0308" else 1]:
        draw.line((start, end), fill=ink, width=max(2, round(line.size * 0.075)) + line.bold)
        if mark == "\u0308":
            radius = line.size * 0.055
            draw.ellipse((start[0] - radius, start[1] - radius, start[0] + radius, start[1] + radius), fill=ink)


def _care_symbols(draw: ImageDraw.ImageDraw, middle: float, y: float, size: int, ink: tuple[int, int, int]) -> None:
    """Wash at 30, no bleach, no tumble dryer, iron, dry-clean."""
    pen, step = max(2, size // 16), size * 1.45
    left = [middle + (at - 2) * step - size / 2 for at in range(5)]
    x = left[0]
    draw.line(
        [(x, y + size * 0.2), (x + size * 0.15, y + size), (x + size * 0.85, y + size), (x + size, y + size * 0.2)],
        ink,
        pen,
    )
    wave = [(x + size * t / 8, y + size * (0.34 + 0.06 * (-1) ** t)) for t in range(9)]
    draw.line(wave, ink, pen)
    draw.text((x + size * 0.5, y + size * 0.70), "30", ink, ImageFont.load_default(size=size * 0.42), anchor="mm")
    x = left[1]
    draw.polygon([(x, y + size), (x + size / 2, y + size * 0.1), (x + size, y + size)], outline=ink, width=pen)
    _cross(draw, x, y, size, ink, pen)
    x = left[2]
    draw.rectangle((x, y + size * 0.05, x + size, y + size), outline=ink, width=pen)
    draw.ellipse((x + size * 0.12, y + size * 0.17, x + size * 0.88, y + size * 0.9), outline=ink, width=pen)
    _cross(draw, x, y, size, ink, pen)
    x = left[3]
    iron = [
        (x, y + size),
        (x + size * 0.2, y + size * 0.5),
        (x + size * 0.85, y + size * 0.5),
        (x + size, y + size),
        (x, y + size),
    ]
    draw.line(
        [*iron, (x + size, y + size), (x + size * 0.85, y + size * 0.25), (x + size * 0.25, y + size * 0.25)], ink, pen
    )
    x = left[4]
    draw.ellipse((x, y + size * 0.05, x + size, y + size), outline=ink, width=pen)
    draw.text((x + size / 2, y + size * 0.55), "P", ink, ImageFont.load_default(size=size * 0.5), anchor="mm")


def _cross(draw: ImageDraw.ImageDraw, x: float, y: float, size: int, ink: tuple[int, int, int], pen: int) -> None:
    draw.line((x, y + size * 0.05, x + size, y + size), ink, pen)
    draw.line((x + size, y + size * 0.05, x, y + size), ink, pen)
