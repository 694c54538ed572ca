"""Whether a photo shows a card a seller put between two items: blank, with a QR code, or with one large number.

Owns the recognition of cards. Does not own what a card means for the sorting (`core/grouping`). Careful rather than
keen: a card that is missed costs nothing that would not be so without cards, a garment taken for one is left unsorted.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.vision.embedded.photo_facts import PhotoFacts, open_photo

SIDE = 800
_BRIGHT, _EVEN, _SMOOTH = 0.6, 0.05, 25.0
"""A blank card: mean brightness, the most its brightness varies over the photo, the most detail (as `sharpness`)."""
_HARDLY_WORN = 0.15
_CODE_SHARE = 0.02
"""Least part of the photo a card's code covers: those on labels are smaller."""
_NUMBER_HEIGHT = 0.12
_EVEN_AROUND = 0.6
"""Part of the photo around a number that must be of the card's own brightness."""


def shows_card(path: Path, facts: PhotoFacts) -> bool:
    """Raises `PhotoRefused` where the photo can't be decoded."""
    if facts.is_garment or facts.composition is not None or facts.brands:
        return False
    rgb = open_photo(path)
    scale = min(1.0, SIDE / max(rgb.shape[:2]))
    grey = cv2.cvtColor(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    if _is_blank(grey, facts) or _is_number(grey, facts):
        return True
    return not facts.is_label and _code_share(grey) >= _CODE_SHARE


def _is_blank(grey: NDArray[np.uint8], facts: PhotoFacts) -> bool:
    plain = not facts.lines and not facts.is_label and facts.garment_share < _HARDLY_WORN
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return (
        plain
        and facts.sharpness <= _SMOOTH
        and float(small.mean()) >= _BRIGHT
        and float(np.abs(small - np.median(small)).mean()) <= _EVEN
    )


def _is_number(grey: NDArray[np.uint8], facts: PhotoFacts) -> bool:
    """One number, large, on an even bright ground, and no other word."""
    if len(facts.lines) != 1:
        return False
    (line,) = facts.lines
    number = line.text.strip().lstrip("#").removeprefix("N°").removeprefix("n°").strip(" .")
    left, top, right, bottom = line.box
    if not (number.isdigit() and len(number) <= 4 and min(bottom - top, right - left) >= _NUMBER_HEIGHT):
        return False
    ground = grey.astype(np.float32) / 255
    middle = float(np.median(ground))
    return middle >= _BRIGHT and float((np.abs(ground - middle) < 0.12).mean()) >= _EVEN_AROUND


def _code_share(grey: NDArray[np.uint8]) -> float:
    """The part of the photo a readable QR code covers."""
    text, corners, _ = cv2.QRCodeDetector().detectAndDecode(grey)
    if not text or corners is None:
        return 0.0
    return float(cv2.contourArea(np.asarray(corners, np.float32).reshape(-1, 2))) / grey.size
