"""Says what a file is by its first bytes, and whether it was cut short.

Owns the signatures. Decides nothing: `intake.py` does.
"""

import io
import re
from typing import BinaryIO

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"RIFF....WEBP", "WEBP"),
    (rb"....ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)", "HEIF"),
    (rb"....ftypavi[fs]", "AVIF"),
    (rb"GIF8[79]a", "GIF"),
    (rb"BM....\0\0\0\0", "BMP"),
    (rb"II\*\0|MM\0\*|II\+\0|MM\0\+", "TIFF or camera raw"),
    (rb"(\xef\xbb\xbf)?\s*(<\?xml.{0,2000})?(<!--.{0,2000}-->\s*)?(<!DOCTYPE svg.{0,500})?<svg\b", "SVG"),
    (rb"8BPS", "Photoshop"),
    (rb"\0\0\x01\0[^\0]\0", "ICO"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "JPEG 2000"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "JPEG XL"),
)
PATTERNS = tuple((re.compile(signature, re.DOTALL), name) for signature, name in SIGNATURES)


def name_format(head: bytes) -> str | None:
    """The picture format these first bytes announce; None for anything that is no picture."""
    return next((name for pattern, name in PATTERNS if pattern.match(head)), None)


def cut_short(file: BinaryIO, size: int) -> bool:
    """Whether the file ends before its format says it should."""
    file.seek(0)
    head = file.read(16)
    file.seek(max(0, size - 64))
    tail = file.read()
    match name_format(head):
        case "JPEG":
            return b"\xff\xd9" not in tail
        case "PNG":
            return b"IEND" not in tail
        case "WEBP":
            return size < 8 + int.from_bytes(head[4:8], "little")
        case "HEIF":
            return _boxes_overrun(file, size)
    return False


def _boxes_overrun(file: BinaryIO, size: int) -> bool:
    """Whether a top-level box of an ISO media file reaches past the end."""
    at = 0
    while at + 8 <= size:
        file.seek(at, io.SEEK_SET)
        length = int.from_bytes(file.read(8)[:4], "big")
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        if length == 0:
            return False
        if length < 8 or at + length > size:
            return True
        at += length
    return at != size
