"""Takes one photo in: what it is, when it was taken, and a clean copy of it; or refuses it, saying why.

Owns what counts as a photo (by content, never by name), the size limits, the reasons for a refusal and their
sentences. How the clean copy is made is `pixels.py`'s, what the EXIF says `core/photo_metadata.py`'s, the walk through
folders `discovery.py`'s, keeping `store.py`'s. One photo is in memory at a time.
"""

import hashlib
import io
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from pillow_heif import register_heif_opener

from backend.core import photo_metadata
from backend.core.errors import PhotoRefused
from backend.photos import pixels
from backend.photos.discovery import discover
from backend.photos.similarity import phash
from backend.photos.sniffing import cut_short, name_format

register_heif_opener()

__all__ = ["SENTENCES", "Reason", "TakenPhoto", "discover", "explain", "take_in"]

FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
"""What is decoded. MPO is left out on purpose: its files open as JPEG, and their first picture is the photo."""

MAX_BYTES = 60_000_000
MAX_PIXELS = 100_000_000
MIN_SIDE = 64
Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own guard: warns above, raises above twice as many


class Reason(StrEnum):
    """Why a file is refused."""

    EMPTY = "empty"
    NOT_A_PHOTO = "not_a_photo"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_LARGE = "too_large"
    TOO_SMALL = "too_small"
    UNREADABLE = "unreadable"
    NO_ROOM = "no_room"


SENTENCES: Mapping[Reason, Mapping[str, str]] = {
    Reason.EMPTY: {
        "en": "The file is empty.",
        "fr": "Le fichier est vide.",
    },
    Reason.NOT_A_PHOTO: {
        "en": "This is not a photo.",
        "fr": "Ce n’est pas une photo.",
    },
    Reason.UNSUPPORTED_FORMAT: {
        "en": "This picture format is not supported; save it as JPEG, PNG, WebP or HEIC.",
        "fr": "Ce format d’image n’est pas pris en charge ; enregistrez-la en JPEG, PNG, WebP ou HEIC.",
    },
    Reason.TRUNCATED: {
        "en": "The photo stops in the middle: the copy was cut short. Copy it again from the phone.",
        "fr": "La photo s’arrête au milieu : la copie a été interrompue. Recopiez-la depuis le téléphone.",
    },
    Reason.DAMAGED: {
        "en": "The photo is damaged and can’t be decoded.",
        "fr": "La photo est abîmée et ne peut pas être décodée.",
    },
    Reason.TOO_MANY_PIXELS: {
        "en": f"The photo has {MAX_PIXELS // 1_000_000} million pixels or more.",
        "fr": f"La photo a {MAX_PIXELS // 1_000_000} millions de pixels ou plus.",
    },
    Reason.TOO_LARGE: {
        "en": f"The file is larger than {MAX_BYTES // 1_000_000} MB.",
        "fr": f"Le fichier dépasse {MAX_BYTES // 1_000_000} Mo.",
    },
    Reason.TOO_SMALL: {
        "en": f"The photo is too small: each side needs at least {MIN_SIDE} pixels.",
        "fr": f"La photo est trop petite : chaque côté doit avoir au moins {MIN_SIDE} pixels.",
    },
    Reason.UNREADABLE: {
        "en": "The file can’t be read: it is gone, or access to it is not allowed.",
        "fr": "Le fichier ne peut pas être lu : il a disparu, ou l’accès n’est pas autorisé.",
    },
    Reason.NO_ROOM: {
        "en": "This upload holds as much as it may: make a batch of what has arrived, then send the rest.",
        "fr": "Cet envoi est plein : faites un lot de ce qui est arrivé, puis envoyez le reste.",
    },
}

DECODE_ERRORS = (
    *(OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error),
    *(KeyError, IndexError, TypeError, OverflowError, RuntimeError, MemoryError, UserWarning),
)
"""What Pillow and libheif raise on broken files; every other error is a fault of ours and surfaces."""


@dataclass(frozen=True)
class TakenPhoto:
    """A photo taken in.

    `sha256` is of the original bytes (hex), `phash` of the picture (see `similarity.py`), `width` and `height`
    are the clean copy's, `captured_at` is the camera's local time without zone, `format` is the original's
    (of `FORMATS`); `jpeg` is the clean copy and `thumbnail` a small one, both JPEG."""

    sha256: str
    phash: int
    width: int
    height: int
    captured_at: datetime | None
    format: str
    jpeg: bytes
    thumbnail: bytes


def explain(reason: str, language: str = "en") -> str:
    """The sentence for a reason code, in French or English; one that nobody knows is told as damage."""
    sentences = SENTENCES[Reason(reason) if reason in set(Reason) else Reason.DAMAGED]
    return sentences.get(language, sentences["en"])


def take_in(source: Path) -> TakenPhoto:
    """Reads a file once and decodes it. Raises `PhotoRefused`, with one of `Reason`, and nothing else."""
    with _opened(source) as (file, size):
        if size == 0:
            raise _refused(Reason.EMPTY)
        if size > MAX_BYTES:
            raise _refused(Reason.TOO_LARGE, f"{size / 1e6:.0f} MB")
        try:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _refused(Reason.UNREADABLE, error.strerror) from error
        image = _identify(file, size)
        known = photo_metadata.read(image)
        original = image.format or ""
        try:
            clean = pixels.clean(image, known.orientation)
        except DECODE_ERRORS as error:
            raise _undecodable(file, size, str(error)) from error
    return TakenPhoto(
        sha256=sha256,
        phash=phash(clean),
        width=clean.width,
        height=clean.height,
        captured_at=known.captured_at,
        format="JPEG" if original == "MPO" else original,
        jpeg=pixels.encode(clean),
        thumbnail=pixels.thumbnail(clean),
    )


def _refused(reason: Reason, detail: str | None = None) -> PhotoRefused:
    return PhotoRefused(reason, f"{explain(reason)} ({detail})" if detail else explain(reason))


@contextmanager
def _opened(source: Path) -> Iterator[tuple[io.BufferedReader, int]]:
    """The file and its size in bytes; a folder, a pipe or a device is no file to read."""
    try:
        if not source.is_file():
            raise _refused(Reason.UNREADABLE)
        file = source.open("rb")
    except OSError as error:
        raise _refused(Reason.UNREADABLE, error.strerror) from error
    with file:
        yield file, os.fstat(file.fileno()).st_size


def _identify(file: io.BufferedReader, size: int) -> Image.Image:
    """Opens the picture without decoding it, within our limits."""
    file.seek(0)
    head = file.read(4096)
    file.seek(0)
    try:
        image = Image.open(file, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refused(Reason.TOO_MANY_PIXELS) from error
    except UnidentifiedImageError as error:
        found = name_format(head)
        if found in FORMATS:
            raise _undecodable(file, size, f"{found} header") from error
        raise _refused(Reason.UNSUPPORTED_FORMAT if found else Reason.NOT_A_PHOTO, found) from error
    except DECODE_ERRORS as error:
        raise _undecodable(file, size, str(error)) from error
    if image.width * image.height >= MAX_PIXELS:
        raise _refused(Reason.TOO_MANY_PIXELS, f"{image.width} × {image.height}")
    if min(image.size) < MIN_SIDE:
        raise _refused(Reason.TOO_SMALL, f"{image.width} × {image.height}")
    return image


def _undecodable(file: io.BufferedReader, size: int, detail: str) -> PhotoRefused:
    """Cut short or damaged: told apart by what the format itself says of its length."""
    truncated = "truncated" in detail or cut_short(file, size)
    return _refused(Reason.TRUNCATED if truncated else Reason.DAMAGED, detail)
