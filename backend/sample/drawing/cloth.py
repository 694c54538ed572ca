"""A piece of clothing being laid out: colour, height and outline, built up panel by panel.

Owns how panels, seams, stitches and buttons change a picture, and how height turns into light and shade. Knows
no particular garment (`tops.py`, `bottoms.py`, `shoes.py`) and no background (`surfaces.py`).
"""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.sample.drawing.noise import Field, Shape, blurred, rows_and_columns
from backend.sample.drawing.outlines import Points, ellipse

Colour = tuple[float, float, float]
Picture = NDArray[np.float32]
"""Red, green and blue planes × height × width, 0 to 1: a mask then applies to all three as it is."""

Window = tuple[slice, slice]

LIGHT = (-0.42, -0.52, 0.74)
SHIFT = 4
MARGIN = 36
"""Pixels around a panel that its shade reaches."""


@dataclass(frozen=True)
class Fabric:
    """What a panel is cut from: `colour` is one colour or a whole picture, `relief` its weave in pixels of height."""

    colour: Colour | Picture
    relief: Field | None = None
    shine: float = 0.0


def planes(colour: Colour) -> Picture:
    """One colour, to be spread over a picture."""
    return np.array(colour, np.float32)[:, None, None]


class Cloth:
    """A garment on an empty canvas. Positions are in garment units: `unit` pixels each, from (`x`, `y`)."""

    def __init__(self, shape: Shape, *, x: float, y: float, unit: float) -> None:
        self.shape = shape
        self.origin = np.array([x, y], np.float32)
        self.unit = unit
        self.colour: Picture = np.zeros((3, *shape), np.float32)
        self.height: Field = np.zeros(shape, np.float32)
        self.alpha: Field = np.zeros(shape, np.float32)
        self.shine: Field = np.zeros(shape, np.float32)

    def panel(self, outline: Points, fabric: Fabric, *, thick: float = 5, edge: float = 9, shade: float = 0.3) -> None:
        """Lays a panel on top: `thick` pixels high, rounded over `edge` pixels, shading what lies under it."""
        at, mask = self._filled(outline)
        if mask.size == 0:
            return
        if shade:
            self.colour[:, *at] *= 1 - shade * blurred(mask, 9) * (1 - mask)
        inside = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
        rounded = thick - thick * cv2.exp(inside * (-1 / edge))
        colour = fabric.colour[:, *at] if isinstance(fabric.colour, np.ndarray) else planes(fabric.colour)
        weave = 0 if fabric.relief is None else fabric.relief[at]
        self.colour[:, *at] += mask * (colour - self.colour[:, *at])
        self.height[at] += mask * (rounded + weave - 0.6 * self.height[at])
        self.shine[at] += mask * (fabric.shine - self.shine[at])
        self.alpha[at] = np.maximum(self.alpha[at], mask)

    def tint(self, outline: Points, colour: Colour, share: float = 1.0, soft: float = 0) -> None:
        """Colours a part without changing its height; `soft` pixels of blur."""
        at, mask = self._filled(outline, MARGIN + round(3 * soft))
        if mask.size:
            self._dye(at, share * (blurred(mask, soft) if soft else mask), colour)

    def seam(self, points: Points, *, depth: float = 1.6, width: float = 2) -> None:
        """A groove, a little darker than the cloth."""
        at, drawn = self._lined([points], width)
        if drawn.size:
            groove = blurred(drawn, 1.6)
            self.height[at] -= depth * groove
            self.colour[:, *at] *= 1 - 0.12 * groove

    def swollen_seam(self, points: Points, *, depth: float = 7) -> None:
        """A quilting seam: narrow itself, with padding that swells on both sides."""
        at, drawn = self._lined([points], 2)
        if drawn.size:
            near, far = blurred(drawn, 1.5), blurred(drawn, 11)
            self.height[at] -= (3 * near + depth * 10 * far) * self.alpha[at]
            self.colour[:, *at] *= 1 - 0.2 * near

    def stitches(self, points: Points, colour: Colour, *, long: float = 9, gap: float = 6, width: float = 2) -> None:
        """A dashed line of thread; `long`, `gap` and `width` in pixels."""
        lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]) * self.unit
        starts = np.arange(0, lengths[-1] - long, long + gap)
        ends = [np.stack([np.interp(s, lengths, points[:, a]) for a in (0, 1)], 1) for s in (starts, starts + long)]
        at, thread = self._lined(list(np.stack(ends, 1).astype(np.float32)), width)
        if thread.size:
            self._dye(at, thread, colour)
            self.height[at] += 1.2 * thread

    def button(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """A round button with four holes; `radius` in garment units."""
        self.panel(ellipse(x, y, radius, radius), Fabric(colour, shine=0.5), thick=5, edge=3, shade=0.5)
        for dx, dy in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
            hole = ellipse(x + dx * radius * 0.26, y + dy * radius * 0.26, radius * 0.14, radius * 0.14)
            self.tint(hole, (colour[0] * 0.3, colour[1] * 0.3, colour[2] * 0.3))

    def fold(self, relief: Field) -> None:
        """Adds folds (pixels of height) to the whole garment."""
        self.height += relief * self.alpha

    def bend(self, dx: Field, dy: Field, degrees: float) -> None:
        """Pushes everything about by so many pixels and turns it: cloth never lies quite straight."""
        height, width = self.shape
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        y, x = rows_and_columns(self.shape)
        x, y = x - width / 2, y - height / 2
        from_x, from_y = x * cos - y * sin + width / 2 + dx, x * sin + y * cos + height / 2 + dy
        maps = cv2.convertMaps(from_x, from_y, cv2.CV_16SC2)
        for plane in (*self.colour, self.height, self.alpha, self.shine):
            plane[:] = cv2.remap(plane, *maps, cv2.INTER_LINEAR)

    def lit(self, at: Window) -> Picture:
        """A part of it as the light shows it."""
        return shaded(self.colour[:, *at], self.height[at], self.shine[at])

    def extent(self) -> Window:
        """The smallest part of the canvas that holds the whole garment."""
        left, top, width, height = cv2.boundingRect((self.alpha > 0).astype(np.uint8))
        return slice(top, top + height), slice(left, left + width)

    def _dye(self, at: Window, share: Field, colour: Colour) -> None:
        mask = share * self.alpha[at]
        self.colour[:, *at] += mask * (planes(colour) - self.colour[:, *at])

    def _filled(self, outline: Points, margin: int = MARGIN) -> tuple[Window, Field]:
        """1 inside, 0 outside, smooth between: on the part of the canvas around the outline."""
        at, corners, drawn = self._window([outline], margin)
        if drawn.size:
            cv2.fillPoly(drawn, corners, 255, cv2.LINE_AA, SHIFT)
        return at, drawn.astype(np.float32) * np.float32(1 / 255)

    def _lined(self, lines: list[Points], width: float) -> tuple[Window, Field]:
        at, corners, drawn = self._window(lines, MARGIN)
        if drawn.size:
            cv2.polylines(drawn, corners, False, 255, max(1, round(width)), cv2.LINE_AA, SHIFT)
        return at, drawn.astype(np.float32) * np.float32(1 / 255)

    def _window(self, lines: list[Points], margin: int) -> tuple[Window, list[Any], NDArray[np.uint8]]:
        """The part of the canvas around some lines, the lines in fixed-point pixels of it, and an empty field."""
        placed = [line * self.unit + self.origin for line in lines]
        every = np.concatenate(placed) if placed else np.zeros((1, 2), np.float32)
        left, top = (max(0, int(low) - margin) for low in every.min(0))
        right = min(self.shape[1], int(every[:, 0].max()) + margin)
        bottom = min(self.shape[0], int(every[:, 1].max()) + margin)
        corner = np.array([left, top], np.float32)
        corners = [np.round((line - corner) * 2**SHIFT).astype(np.int32) for line in placed]
        empty = np.zeros((max(0, bottom - top), max(0, right - left)), np.uint8)
        return (slice(top, max(top, bottom)), slice(left, max(left, right))), corners, empty


def shaded(colour: Picture, height: Field, shine: Field | None = None) -> Picture:
    """The colours under a window's light from the upper left; `height` in pixels."""
    dx = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    dy = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    facing = (LIGHT[2] - LIGHT[0] * dx - LIGHT[1] * dy) / cv2.sqrt(dx * dx + dy * dy + 1)
    np.maximum(facing, 0, out=facing)
    hollow = (blurred(height, 14) - height) * 0.022
    light = 0.36 + 0.86 * facing - np.clip(hollow, -0.1, 0.3, out=hollow)
    lit: Picture = colour * light
    if shine is not None and shine.any():
        sharp = np.minimum(facing, 1) ** 2
        sharp = (sharp * sharp) ** 2  # to the 8th, then the 24th: squares are quick where powers are slow
        lit += 0.5 * shine * sharp * sharp * sharp
    return lit
