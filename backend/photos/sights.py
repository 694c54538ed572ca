"""What was seen on each photo before sorting, kept so that a killed process need not look again.

Owns the `photo_sights` table. Owns no look (`backend/vision`) and no sorting (`core/grouping`).
"""

from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from backend.core.reading import Shows, Sight
from backend.db.models import Photo, PhotoSight


def of_batch(session: Session, batch_id: str, reader: str) -> dict[str, Sight | None]:
    """What this reader saw on the batch's photos so far, by photo id; None where it could not see."""
    query = select(PhotoSight).join(Photo, col(Photo.id) == col(PhotoSight.photo_id))
    rows = session.exec(query.where(Photo.batch_id == batch_id, PhotoSight.reader == reader))
    return {row.photo_id: _sight(row) for row in rows}


def of_photos(session: Session, photo_ids: Sequence[str], reader: str) -> dict[str, Sight]:
    """What this reader saw on these photos, by id; those it could not see are left out."""
    query = select(PhotoSight).where(col(PhotoSight.photo_id).in_(photo_ids), PhotoSight.reader == reader)
    return {row.photo_id: sight for row in session.exec(query) if (sight := _sight(row)) is not None}


def keep(session: Session, user_id: str, reader: str, sights: Mapping[str, Sight | None]) -> None:
    """Keeps them; a photo seen before is seen anew."""
    for photo_id, sight in sights.items():
        session.merge(_row(photo_id, user_id, reader, sight))


def _row(photo_id: str, user_id: str, reader: str, sight: Sight | None) -> PhotoSight:
    row = PhotoSight(photo_id=photo_id, user_id=user_id, reader=reader)
    if sight is not None:
        row.shows = sight.shows
        row.feature, row.histogram = _packed(sight.feature), _packed(sight.histogram)
        row.sharpness, row.brightness, row.cover_share = sight.sharpness, sight.brightness, sight.cover_share
    return row


def _sight(row: PhotoSight) -> Sight | None:
    shows: dict[str, Shows] = {kind: kind for kind in get_args(Shows)}
    if row.shows not in shows:
        return None
    return Sight(
        shows[row.shows],
        _unpacked(row.feature),
        _unpacked(row.histogram),
        row.sharpness,
        row.brightness,
        row.cover_share,
    )


def _packed(values: NDArray[np.float32]) -> bytes:
    return values.astype("<f2").tobytes()


def _unpacked(kept: bytes) -> NDArray[np.float32]:
    return np.frombuffer(kept, "<f2").astype(np.float32)
