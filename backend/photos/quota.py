"""How many photos a user may upload in a day, and how much is kept for one.

Owns these two limits, counted from the rows and the store. Owns no bound of a single batch (`batches.py`) or photo
(`intake.py`). The operator's own `vintedbot ingest` has none.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from backend.core.errors import LimitReached
from backend.db.engine import clock
from backend.db.models import Photo
from backend.db.scope import owned
from backend.photos.store import PhotoStore

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Quota:
    """None is no limit. `bytes` are those of cleaned photos and thumbnails, as they lie in the store."""

    photos_a_day: int | None = None
    bytes: int | None = None


def check(session: Session, user_id: str, store: PhotoStore, quota: Quota, *, files: int, size: int) -> None:
    """Whether so many files of so many bytes may still come. Raises LimitReached: what, the limit, when it resets."""
    if quota.photos_a_day is not None:
        _check_day(session, user_id, quota.photos_a_day, files)
    if quota.bytes is not None:
        kept = stored_bytes(session, user_id, store)
        if kept + size > quota.bytes:
            raise LimitReached(
                f"{kept / 1e6:.0f} MB of photos are kept for you, and {size / 1e6:.0f} MB more would pass the "
                f"{quota.bytes / 1e6:.0f} MB there are. It does not reset by itself: ask the operator for more.",
                code="storage_quota",
            )


def stored_bytes(session: Session, user_id: str, store: PhotoStore) -> int:
    """What the store holds for the user, of photos in the bin too; a content kept once counts once."""
    keys: set[str] = set()
    for row in session.exec(owned(Photo, user_id).where(col(Photo.store_key).is_not(None))):
        keys.update(key for key in (row.store_key, row.thumbnail_key) if key is not None)
    return sum(store.size(key) for key in keys)


def photos_of_day(session: Session, user_id: str) -> tuple[int, datetime | None]:
    """How many photos of the user's came within 24 hours, and when the first of them did."""
    query = select(func.count(), func.min(Photo.created_at)).where(
        Photo.user_id == user_id, col(Photo.created_at) > clock(session) - _DAY
    )
    count, first = session.exec(query).one()
    return count, first


def _check_day(session: Session, user_id: str, most: int, files: int) -> None:
    now = clock(session)
    count, first = photos_of_day(session, user_id)
    if count + files <= most:
        return
    resets = max(timedelta(minutes=1), (first or now) + _DAY - now)
    raise LimitReached(
        f"You uploaded {count} photos in the last 24 hours, and {files} more would pass the {most} a day. "
        f"The first of them count no more in {_spoken(resets)}.",
        code="photo_quota",
        retry_after=resets.total_seconds(),
    )


def _spoken(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"
