"""Further views of a photographed garment, made from the one photo of it that there is.

Owns the pictures: a back, the garment folded or before another background, a part of it, its care label. They stand in
for a seller's own views where none are at hand: real cloth, light and rooms, but the same creases and a back that is
the front without its print. Owns no truth of how real views differ. For the tests and the benchmark; everything follows
from the seed.
"""

from dataclasses import dataclass
from typing import Literal, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.sample.drawing.labels import SYMBOLS, Label, Line, printed

View = Literal["front", "back", "folded", "elsewhere", "detail", "label"]

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Rng = np.random.Generator

TALL = (600, 800)
"""Width and height of close-ups; whole views keep their photo's size."""
FIBRES = (
    *(("100% COTON", "100% cotton"), ("65% POLYESTER", "35% COTON"), ("100% POLYESTER", "100% Polyester")),
    *(("95% COTON", "5% ÉLASTHANNE"), ("100% VISCOSE", "100% Viskose"), ("80% LAINE", "20% POLYAMIDE")),
)
ORIGINS = ("MADE IN PORTUGAL", "MADE IN TURKEY", "MADE IN CHINA", "FABRIQUÉ EN ITALIE", "MADE IN BANGLADESH")
SIZES = ("XS", "S", "M", "L", "XL", "38", "40")


@dataclass(frozen=True, eq=False)
class Source:
    """A photo (height, width, 3), which of its pixels are the garment, and the room without it."""

    photo: Pixels
    garment: Mask
    room: Pixels


def source(photo: Pixels, garment: Mask) -> Source:
    """What the garment hides of the room is made up from what surrounds it, in a quarter of the size: it costs less."""
    height, width = garment.shape
    hole = cv2.dilate(garment.astype(np.uint8), np.ones((15, 15), np.uint8))
    small = (max(1, width // 4), max(1, height // 4))
    filled = cv2.inpaint(cv2.resize(photo, small), cv2.resize(hole, small), 3, cv2.INPAINT_TELEA)
    around = np.where(hole[..., None] > 0, cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC), photo)
    return Source(photo, garment, cast(Pixels, around))


def take(rng: Rng, view: View, of: Source, other: Source) -> Image.Image:
    """A photo of this view; `other` is one of another garment by the same seller, for another background."""
    match view:
        case "front":
            picture = _composed(rng, of.photo, of.garment, of.room, moved=0.03)
        case "back":
            picture = _composed(rng, _plain(of)[:, ::-1], of.garment[:, ::-1], of.room, moved=0.08)
        case "folded":
            picture = _composed(rng, of.photo, _half(rng, of.garment), of.room, moved=0.08)
        case "elsewhere":
            height, width = of.garment.shape
            room = cast(Pixels, cv2.resize(other.room, (width, height)))
            picture = _composed(rng, of.photo, of.garment, room, moved=0.08)
        case "detail":
            picture = _near(rng, of, share=float(rng.uniform(0.2, 0.45)))
        case "label":
            picture = _with_label(rng, _near(rng, of, share=float(rng.uniform(0.1, 0.18))))
    return Image.fromarray(_lit(rng, picture))


def _plain(of: Source) -> Pixels:
    """The garment without what is printed on, sewn to or cut into the middle of its front."""
    height, width = of.garment.shape
    blurred = cv2.medianBlur(of.photo, 51)
    inner = cv2.erode(of.garment.astype(np.uint8), np.ones((height // 14, width // 14), np.uint8))
    soft = cv2.GaussianBlur(inner.astype(np.float32), (0, 0), width / 60)[..., None]
    grain = of.photo.astype(np.float32) - cv2.GaussianBlur(of.photo, (0, 0), 1.2)
    return np.asarray(np.clip(soft * (blurred + grain) + (1 - soft) * of.photo, 0, 255)).astype(np.uint8)


def _half(rng: Rng, garment: Mask) -> Mask:
    """The outline folded once, lengthwise or across."""
    rows, columns = np.nonzero(garment)
    half = garment.copy()
    if rng.random() < 0.5:
        half[:, int(np.median(columns)) :] = False
    else:
        half[int(np.median(rows)) :] = False
    return half


def _composed(rng: Rng, photo: Pixels, garment: Mask, room: Pixels, *, moved: float) -> Pixels:
    """The garment laid into the room, each corner of it displaced by up to `moved` of the photo's sides."""
    height, width = garment.shape
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    shift = rng.uniform(-moved, moved, 2)
    to = corners + (rng.uniform(-moved, moved, (4, 2)) + shift) * (width, height)
    turn = cv2.getPerspectiveTransform(corners, to.astype(np.float32))
    laid = cv2.warpPerspective(photo, turn, (width, height))
    soft = cv2.GaussianBlur(garment.astype(np.float32), (0, 0), 1.0)
    where = cv2.warpPerspective(soft, turn, (width, height))[..., None]
    around = (corners + rng.uniform(0, moved, (4, 2)) * (width, height) * [(-1, -1), (1, -1), (1, 1), (-1, 1)]).astype(
        np.float32
    )
    floor = cv2.warpPerspective(
        room, cv2.getPerspectiveTransform(corners, around), (width, height), borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(where * laid + (1 - where) * floor).astype(np.uint8)


def _near(rng: Rng, of: Source, *, share: float) -> Pixels:
    """A part of the garment so wide as this share of the photo, seen from near."""
    height, width = of.garment.shape
    wide = max(24, int(width * share))
    tall = min(height, wide * TALL[1] // TALL[0])
    inside = np.argwhere(of.garment)
    row, column = inside[rng.integers(len(inside))] if len(inside) else (height // 2, width // 2)
    top, left = int(np.clip(row - tall // 2, 0, height - tall)), int(np.clip(column - wide // 2, 0, width - wide))
    near = cv2.resize(of.photo[top : top + tall, left : left + wide], TALL, interpolation=cv2.INTER_CUBIC)
    weave = cv2.GaussianBlur(rng.normal(0, 14, near.shape[:2]), (0, 0), 0.8)[..., None]
    return np.asarray(np.clip(near + weave, 0, 255)).astype(np.uint8)


def _with_label(rng: Rng, cloth: Pixels) -> Pixels:
    """A care label sewn onto this cloth, a little aslant."""
    fibres = FIBRES[rng.integers(len(FIBRES))]
    lines = (
        Line(SIZES[rng.integers(len(SIZES))], 60, bold=1, gap=30),
        *(Line(fibre, 46) for fibre in fibres),
        Line(SYMBOLS, 62, gap=26),
        Line(ORIGINS[rng.integers(len(ORIGINS))], 34),
    )
    dark = rng.random() < 0.2
    paper, ink = ((0.1, 0.1, 0.11), (0.93, 0.92, 0.9)) if dark else ((0.95, 0.94, 0.92), (0.1, 0.1, 0.12))
    face = np.asarray(printed(Label(lines, 480, 400, paper, ink)))
    height, width = face.shape[:2]
    wide = rng.uniform(0.62, 0.85) * TALL[0]
    angle = np.radians(rng.uniform(-12, 12))
    axes = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    middle = np.array(TALL) / 2 + rng.uniform(-30, 30, 2)
    flat = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]) * (wide, wide * height / width)
    to = (flat @ axes + middle + rng.uniform(-8, 8, (4, 2))).astype(np.float32)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    turn = cv2.getPerspectiveTransform(corners, to)
    where = cv2.warpPerspective(np.ones((height, width), np.float32), turn, TALL)[..., None]
    shade = 1 - 0.35 * cv2.GaussianBlur(where, (0, 0), 8)[..., None] * (1 - where)
    laid = cv2.warpPerspective(face, turn, TALL, flags=cv2.INTER_AREA)
    return np.asarray(where * laid + (1 - where) * cloth * shade).astype(np.uint8)


def _lit(rng: Rng, picture: Pixels) -> Pixels:
    """Another light: brightness, tint, a fall-off across the photo, and the camera's noise."""
    height, width = picture.shape[:2]
    slope = rng.uniform(-0.12, 0.12, 2)
    rows, columns = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
    light = rng.uniform(0.85, 1.15) * (1 + slope[0] * rows + slope[1] * columns)
    tint = 1 + rng.uniform(-0.05, 0.05, 3)
    shot = picture * light[..., None] * tint + rng.normal(0, 2.5, (height, width, 1))
    return np.asarray(np.clip(shot, 0, 255)).astype(np.uint8)
