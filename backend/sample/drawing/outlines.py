"""Curves in a garment's own coordinates: x to the right from its middle, y down from its top.

Owns the geometry; knows no pixels.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
Waypoints = Sequence[tuple[float, ...]]
"""(x, y) or, for a corner, (x, y, 1)."""

STEPS = 14


def curve(waypoints: Waypoints, closed: bool = False) -> Points:
    """A smooth line through the points, with an edge at each corner."""
    knots = [*waypoints, waypoints[0]] if closed else list(waypoints)
    corners = [0, *(i for i in range(1, len(knots) - 1) if len(knots[i]) > 2), len(knots) - 1]
    plain = np.array([knot[:2] for knot in knots], np.float32)
    runs = [_smooth_run(plain[start : end + 1]) for start, end in pairwise(corners)]
    return np.concatenate([run[:-1] for run in runs] + [plain[-1:]])


def mirrored(points: Points) -> Points:
    return (points * np.array([-1, 1], np.float32))[::-1]


def both(points: Points) -> tuple[Points, Points]:
    """A part of the right side, and its twin on the left."""
    return points, mirrored(points)


def symmetric(waypoints: Waypoints) -> Points:
    """A closed outline from its right half, given from the top of the middle to the bottom of the middle."""
    half = curve(waypoints)
    return np.concatenate([half, mirrored(half)])


def band(line: Points, width: float) -> Points:
    """The strip on the left of a line as one walks it (below, walking right to left)."""
    along = np.gradient(line, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-6
    return np.concatenate([line, (line + normal * width)[::-1]]).astype(np.float32)


def ellipse(x: float, y: float, rx: float, ry: float) -> Points:
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1).astype(np.float32)


def box(left: float, top: float, right: float, bottom: float) -> Points:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)


def _smooth_run(knots: Points) -> Points:
    """Catmull-Rom through the knots, ends included."""
    if len(knots) == 2:
        return knots
    padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    t = np.linspace(0, 1, STEPS, endpoint=False, dtype=np.float32)[:, None]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*pieces, knots[-1:]]).astype(np.float32)
