"""Photos as a vision model gets them: upright, without metadata, small but for what is printed on a label.

Owns their size, crop and encoding. Does not own the stored photos (`backend/photos`), nor where print is: the
embedded reader knows that.
"""

import base64
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from backend.core.errors import PhotoRefused
from backend.core.reading import Box

COVER_SIDE = 1024
OTHER_SIDE = 768
LABEL_SIDE = 1536
"""A label is cut out at the pixels it has, up to this many."""
MARGIN = 0.08
"""Of the photo, around the print: care symbols and the label's edge stand beside the words."""
QUALITY = 85

register_heif_opener()


@dataclass(frozen=True)
class Picture:
    """A JPEG and how closely it is to be looked at."""

    jpeg: bytes
    size: tuple[int, int]
    detail: Literal["high", "auto"] = "auto"
    is_label: bool = False

    @property
    def data_url(self) -> str:
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode("ascii")

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.jpeg).digest()


def whole_picture(path: Path, side: int) -> Picture:
    """The photo with its longest side at most `side` pixels. Raises PhotoRefused for what can't be decoded."""
    image = _open(path, draft=side * 2)
    return _encoded(image, side, "high" if side >= COVER_SIDE else "auto", is_label=False)


def label_picture(path: Path, print_boxes: Sequence[Box]) -> Picture:
    """What is printed on the photo, cut out with a margin at full detail; all of it where no print was found."""
    image = _open(path, draft=None)
    if print_boxes:
        left, top = (max(0.0, min(box[n] for box in print_boxes) - MARGIN) for n in (0, 1))
        right, bottom = (min(1.0, max(box[n] for box in print_boxes) + MARGIN) for n in (2, 3))
        edges = (left * image.width, top * image.height, right * image.width, bottom * image.height)
        image = image.crop(tuple(round(edge) for edge in edges))  # type: ignore[arg-type]  # four of them
    return _encoded(image, LABEL_SIDE, "high", is_label=True)


def _open(path: Path, draft: int | None) -> Image.Image:
    try:
        with Image.open(path) as image:
            if draft is not None:
                image.draft("RGB", (draft, draft))
            upright = ImageOps.exif_transpose(image)
            upright.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PhotoRefused("damaged", f"{path.name} can't be decoded: {error}") from error
    return upright


def _encoded(image: Image.Image, side: int, detail: Literal["high", "auto"], *, is_label: bool) -> Picture:
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, mask=image.convert("RGBA").getchannel("A") if image.has_transparency_data else None)
    encoded = io.BytesIO()
    flat.save(encoded, "JPEG", quality=QUALITY)
    return Picture(encoded.getvalue(), flat.size, detail, is_label)
