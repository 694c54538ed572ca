"""Pictures that go: which of the store's keys a row names, and letting go of those that no row names any more.

Owns where in the tables a picture may be named. Owns no store.
"""

from collections.abc import Collection, Iterable, Iterator

from sqlalchemy import String, cast, or_
from sqlmodel import Session, col, select

from backend.db.engine import Database
from backend.db.models import BoardChange, Photo, Publication
from backend.photos.store import PhotoStore

_AT_A_TIME = 200


def keys_of(rows: Iterable[Photo | Publication | BoardChange]) -> frozenset[str]:
    """The pictures of photos, those of publications' forms, and those from before and after a photo was turned."""
    return frozenset(key for row in rows for key in _named(row) if key)


def _named(row: Photo | Publication | BoardChange) -> Iterator[str | None]:
    if isinstance(row, Photo):
        yield from (row.store_key, row.thumbnail_key)
    elif isinstance(row, Publication):
        yield row.screenshot_key
    else:
        for kept in (row.before, row.after):
            for picture in kept.get("pictures", {}).values():
                yield from (picture.get("store_key"), picture.get("thumbnail_key"))


def delete_unnamed(database: Database, store: PhotoStore, keys: Collection[str]) -> None:
    """Deletes those of the pictures that nobody's row names."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), _AT_A_TIME):
        some = ordered[start : start + _AT_A_TIME]
        with database.session() as session:  # nobody names one meanwhile
            for key in set(some) - _still_named(session, some):
                store.delete(key)


def _still_named(session: Session, keys: Collection[str]) -> frozenset[str]:
    photos = select(Photo).where(or_(col(Photo.store_key).in_(keys), col(Photo.thumbnail_key).in_(keys)))
    shown = select(Publication).where(col(Publication.screenshot_key).in_(keys))
    turns = select(BoardChange).where(cast(col(BoardChange.before), String).contains('"pictures"'))
    return keys_of([*session.exec(photos), *session.exec(shown), *session.exec(turns)])
