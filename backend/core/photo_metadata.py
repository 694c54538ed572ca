"""What a photo's EXIF says that is worth knowing: when it was taken and which way is up.

Owns the reading of it. Everything else a photo says of itself (place, device, owner) is never looked at.
"""

import re
import struct
from dataclasses import dataclass
from datetime import datetime

from PIL import ExifTags, Image

BROKEN = (OSError, ValueError, SyntaxError, KeyError, IndexError, TypeError, struct.error, UserWarning)
"""What Pillow raises on broken EXIF, or warns of where warnings are errors. The picture itself may be fine."""


@dataclass(frozen=True)
class Metadata:
    """`captured_at` is the camera's local time without zone; `orientation` is EXIF's 1 to 8, 1 being upright."""

    captured_at: datetime | None = None
    orientation: int = 1


def read(image: Image.Image) -> Metadata:
    """Reads an opened picture's metadata; broken metadata counts as none.

    `DateTime`, when a program last saved the file, stands in where the camera's own moment is missing."""
    base = ExifTags.Base
    try:
        exif = image.getexif()
        details = exif.get_ifd(ExifTags.IFD.Exif)
    except BROKEN:
        return Metadata()
    taken = _parse_time(details.get(base.DateTimeOriginal), details.get(base.SubsecTimeOriginal))
    digitised = _parse_time(details.get(base.DateTimeDigitized), details.get(base.SubsecTimeDigitized))
    orientation = exif.get(base.Orientation)
    return Metadata(
        captured_at=taken or digitised or _parse_time(exif.get(base.DateTime), details.get(base.SubsecTime)),
        orientation=orientation if isinstance(orientation, int) else 1,
    )


def _parse_time(stamp: object, fraction: object) -> datetime | None:
    """EXIF's "2026:11:23 14:05:09" and its separate decimals ("5", "123"); zeros and rubbish are no time."""
    numbers = re.findall(r"\d+", stamp)[:6] if isinstance(stamp, str) else []
    decimals = re.match(r"\s*(\d{1,6})", fraction) if isinstance(fraction, str) else None
    try:
        year, month, day, hour, minute, second = map(int, numbers)
        return datetime(year, month, day, hour, minute, second, int(decimals[1].ljust(6, "0")) if decimals else 0)
    except (ValueError, OverflowError):
        return None
