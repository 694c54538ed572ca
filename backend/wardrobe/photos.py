"""The photos of the wardrobe as a ZIP: a folder a piece, named as a person would, photos in their order.

Owns the names. Owns no photo and no ZIP (`core/zips.py`).
"""

import re
from collections.abc import Iterator

from sqlmodel import Session

from backend.core.errors import Conflict
from backend.core.search_words import fold
from backend.core.zips import zip_stream
from backend.photos.store import PhotoStore
from backend.wardrobe import search
from backend.wardrobe.search import Wanted

_NAME_MAX = 60


def photos_zip(session: Session, user_id: str, wanted: Wanted, store: PhotoStore) -> Iterator[bytes]:
    """All photos of what is wanted, in pieces; caught up with before. Raises Conflict (`photos_elsewhere`) where there
    are none here."""
    found = [(piece, draft) for piece, draft in search.every(session, user_id, wanted) if draft is not None]
    photos = search.photos_of(session, user_id, [draft.id for _, draft in found])
    digits = max(3, len(str(len(found))))
    entries = [
        (f"{folder_name(number, digits, piece.reference, piece.title)}/{place:02}.jpg", store.path(photo.store_key))
        for number, (piece, draft) in enumerate(found, 1)
        for place, photo in enumerate(photos.get(draft.id, []), 1)
        if photo.store_key
    ]
    if not entries:
        raise Conflict("None of these has photos here: they were listed elsewhere.", code="photos_elsewhere")
    return zip_stream(entries)


def folder_name(number: int, digits: int, reference: str, title: str) -> str:
    """ "007-a12-manteau-sezane": in order, and safe on every system."""
    words = re.sub(r"[^a-z0-9]+", "-", fold(f"{reference} {title}")).strip("-")
    return f"{number:0{digits}}-{words[:_NAME_MAX].strip('-')}".rstrip("-")
