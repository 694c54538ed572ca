"""Turns a stored photo by quarters of a circle, for one that was taken lying on its side.

Owns the turned picture and the columns that go with it. Owns no table: the board gives a photo its new picture.
"""

from typing import Any

from PIL import Image

from backend.core.errors import BadRequest, NotFound
from backend.db.models import Photo
from backend.photos import pixels
from backend.photos.similarity import phash
from backend.photos.store import PhotoStore

TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}
"""Degrees clockwise."""


def turned(store: PhotoStore, photo: Photo, degrees: int) -> dict[str, Any]:
    """The columns of the photo turned clockwise, its picture stored. Raises BadRequest, NotFound."""
    if degrees not in TURNS:
        raise BadRequest("A photo is turned by 90, 180 or 270 degrees.", code="bad_turn")
    if photo.store_key is None or not store.exists(photo.store_key):
        raise NotFound(f"Photo {photo.id!r} has no stored picture.")
    with Image.open(store.path(photo.store_key)) as picture:
        upright = picture.convert("RGB").transpose(TURNS[degrees])
    return {
        "store_key": store.put(pixels.encode(upright), ".jpg"),
        "thumbnail_key": store.put(pixels.thumbnail(upright), ".jpg"),
        "width": upright.width,
        "height": upright.height,
        "phash": f"{phash(upright):016x}",
    }
