"""Everything the reader can tell about one photo by itself.

Owns the order of the looks (features first, then text, then the mask only where a garment is to be coloured) and
what makes a photo a label, a garment or neither. Does not own which print is a label's (`label_print.py`) nor what an
item is (`analyzer.py`).
"""

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image, ImageOps

from backend.core.errors import PhotoRefused
from backend.vision.embedded import category, colour, faces, features, label_print, mask, ocr
from backend.vision.embedded.brands import BrandHit, find_brands
from backend.vision.embedded.fibres import Composition, find_composition
from backend.vision.embedded.origin import Origin, find_origin
from backend.vision.embedded.text_line import TextLine

if TYPE_CHECKING:
    from rapidocr import RapidOCR

LONGEST, MOST_PIXELS = 2048, 80_000_000
"""Photos are read at this longest side; larger ones than `MOST_PIXELS` are not opened."""

_DENSE_TEXT = 0.04
"""Share of a photo covered by text from which it is a picture of the text."""
_SOME_TEXT = 0.003
"""Share from which it is one too where hardly any garment is to be seen."""
_FULL_OF_TEXT = 0.08
"""Share from which it is a page or a screen whatever the words."""
_HARDLY, _SOMEWHAT, _PLAINLY = 0.15, 0.45, 0.3
"""Shares of worn things: below the first print may fill a photo, below the second too where the kind is unsure, and
from the third a photo is of a garment whatever is printed on it, if the kind is sure."""
_SURE_KIND = 0.8

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class PhotoFacts:
    """What one photo shows. `feature` (1280, unit length) compares garments by its dot product; `histogram` (512,
    sums to 1) is the garment's colours in CIELAB, 8 steps an axis; `kinds` follows `category.load_probe().kinds`;
    `sharpness` is the variance of the Laplacian at 400 px, `brightness` the mean from 0 to 1."""

    is_label: bool
    is_garment: bool
    feature: NDArray[np.float32]
    histogram: NDArray[np.float32]
    kinds: NDArray[np.float32]
    garment_share: float
    text_share: float
    lines: tuple[TextLine, ...]
    brands: tuple[BrandHit, ...]
    composition: Composition | None
    origin: Origin | None
    colours: dict[str, float]
    sharpness: float
    brightness: float
    cover_share: float
    """How much of the photo the garment covers; 0 where it was not looked for."""


class Models:
    """The three networks, each loaded when first needed, once."""

    def __init__(self, cache_dir: Path, threads: int) -> None:
        self._cache_dir = cache_dir
        self._threads = threads
        self._lock = Lock()
        self._features: onnxruntime.InferenceSession | None = None
        self._mask: tuple[onnxruntime.InferenceSession | None] | None = None
        self._ocr: RapidOCR | None = None

    @property
    def features(self) -> onnxruntime.InferenceSession:
        with self._lock:
            if self._features is None:
                self._features = features.load_session(self._cache_dir, self._threads)
            return self._features

    @property
    def mask(self) -> onnxruntime.InferenceSession | None:
        with self._lock:
            if self._mask is None:
                self._mask = (mask.load_session(self._threads),)
            return self._mask[0]

    @property
    def ocr(self) -> "RapidOCR":
        with self._lock:
            if self._ocr is None:
                self._ocr = ocr.load_engine(self._threads)
            return self._ocr


def open_photo(path: Path) -> Pixels:
    """The photo upright as (height, width, 3). Raises `PhotoRefused` where it can't be decoded."""
    try:
        with Image.open(path, formats=("JPEG", "PNG", "WEBP")) as image:
            if image.width * image.height > MOST_PIXELS:
                raise PhotoRefused(
                    "too_many_pixels", f"{path.name} has more than {MOST_PIXELS // 10**6} million pixels"
                )
            image.draft("RGB", (LONGEST, LONGEST))
            upright = ImageOps.exif_transpose(image).convert("RGB")
            upright.thumbnail((LONGEST, LONGEST))
            return np.array(upright)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PhotoRefused("unreadable", f"{path.name} can't be read as a photo") from error


def read_photo(models: Models, path: Path) -> PhotoFacts:
    """Looks at one photo. Raises `PhotoRefused` where it can't be decoded, `SetupError` where a model is missing."""
    rgb = open_photo(path)
    small = _shrunk(rgb, 400)
    seen = features.extract(models.features, small)
    glance = _Glance(
        lines=ocr.read_lines(models.ocr, rgb),
        worn=category.garment_share(seen),
        kinds=category.load_probe().probabilities(seen),
    )
    is_label = glance.is_label
    is_garment = not is_label and glance.is_garment and not (glance.unsure and faces.fills_photo(small))
    garment = mask.garment_mask(small, models.mask) if is_garment else None
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    return PhotoFacts(
        is_label=is_label,
        is_garment=is_garment,
        feature=seen.whole,
        histogram=colour.histogram(small, garment),
        kinds=glance.kinds,
        garment_share=glance.worn,
        text_share=glance.text_share,
        lines=glance.lines,
        brands=tuple(find_brands(glance.lines, on_label=is_label)) if is_label or is_garment else (),
        composition=find_composition(glance.lines) if is_label else None,
        origin=find_origin(glance.lines) if is_label else None,
        colours=colour.vote(small, garment) if garment is not None else {},
        sharpness=float(cv2.Laplacian(grey, cv2.CV_64F).var()),
        brightness=float(grey.mean()) / 255,
        cover_share=float(garment.mean()) if garment is not None else 0.0,
    )


def _shrunk(rgb: Pixels, longest: int) -> Pixels:
    scale = min(1.0, longest / max(rgb.shape[:2]))
    return cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else rgb


@dataclass(frozen=True)
class _Glance:
    """The text, the share of worn things and the chances of each kind: enough to tell what a photo is of."""

    lines: tuple[TextLine, ...]
    worn: float
    kinds: NDArray[np.float32]

    @property
    def text_share(self) -> float:
        return sum((line.box[2] - line.box[0]) * (line.box[3] - line.box[1]) for line in self.lines)

    @property
    def unsure(self) -> bool:
        return float(self.kinds.max()) < _SURE_KIND

    @property
    def plainly_garment(self) -> bool:
        """A garment whatever is printed on it."""
        return self.worn >= _PLAINLY and not self.unsure

    @property
    def is_garment(self) -> bool:
        return category.shows_garment(self.worn, self.kinds) and (
            self.plainly_garment or self.text_share < _FULL_OF_TEXT
        )

    @property
    def is_label(self) -> bool:
        """A close-up of a brand, size or care label: words labels carry, and few clothes or print that fills it."""
        hardly_worn = self.worn < _HARDLY or (self.worn < _SOMEWHAT and self.unsure)
        if self.text_share < (_SOME_TEXT if hardly_worn else _DENSE_TEXT):
            return False
        return label_print.is_labels(self.lines, on_garment=self.plainly_garment)
