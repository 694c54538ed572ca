"""Batches: heaps of photos handed in together, their files and how far they have come.

Owns the `batches` and `photos` tables. Progress is counted from the rows, never estimated. Owns no pixel
(`intake.py`), no grouping, no draft.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Integer, cast, func
from sqlmodel import Session, col, select

from backend.core.errors import BadRequest
from backend.core.origin import origin
from backend.db import audit
from backend.db.models import Batch, Draft, Photo, PhotoSight, now
from backend.db.scope import get_owned, owned
from backend.preferences import preferences_of

BatchState = Literal["queued", "taking_in", "sorting", "reading", "stopped", "done"]
MOVING = ("queued", "taking_in", "sorting", "reading")
UNFINISHED = (*MOVING, "stopped")
"""States with work left: a batch stopped by something on this machine goes on at the next start."""


@dataclass(frozen=True)
class IncomingFile:
    """A file to take in. `owned` files are ours (an upload) and deleted once stored; others are never touched."""

    path: Path
    name: str
    folder: str = ""
    owned: bool = False


@dataclass(frozen=True)
class Progress:
    """How far a batch has come, counted from the tables: of `files` so many taken in, of the accepted photos so many
    looked at for sorting, of `items` so many read."""

    state: str
    files: int
    taken_in: int
    photos: dict[str, int] = field(default_factory=dict)
    looked_at: int = 0
    items: int = 0
    read: int = 0
    ready: int = 0
    error: str | None = None

    @property
    def finished(self) -> bool:
        return self.state not in MOVING


def create_batch(
    session: Session,
    user_id: str,
    files: Sequence[IncomingFile],
    *,
    source: str,
    defaults: dict[str, Any],
    language: str | None = None,
    otherwise: str = "fr",
    batch_id: str | None = None,
    most: int = 2000,
) -> Batch:
    """A queued batch of these files. What is not stated of it (`defaults`, `language`) is as the user usually wants it,
    and the language `otherwise` where they don't say. Raises BadRequest for none or more than `most`."""
    check_size(len(files), source, most)
    wishes = preferences_of(session, user_id)
    batch = Batch(
        user_id=user_id,
        source=source,
        defaults=wishes.for_batch(defaults),
        language=language or wishes.listing_language or otherwise,
        origin=origin(),
    )
    if batch_id is not None:
        batch.id = batch_id
    session.add(batch)
    session.flush()
    session.add_all(
        Photo(
            user_id=user_id,
            batch_id=batch.id,
            position=position,
            name=file.name,
            folder=file.folder,
            source_path=str(file.path),
            owns_source=file.owned,
        )
        for position, file in enumerate(files)
    )
    audit.record(session, "batch.handed_in", user_id, batch.id, files=len(files))
    return batch


def check_size(files: int, source: str, most: int) -> None:
    """Raises BadRequest for no files, or for more than one batch takes."""
    if files == 0:
        raise BadRequest(f"No files were found ({source}). Give photos: JPEG, PNG, WebP or HEIC.", code="no_photos")
    if files > most:
        raise BadRequest(
            f"{files} photos are more than one batch takes ({most}). Send them in parts, or set VINTEDBOT_MAX_PHOTOS.",
            code="too_many_files",
        )


def set_state(session: Session, batch_id: str, state: BatchState, error: str | None = None) -> None:
    batch = session.get_one(Batch, batch_id)
    batch.state, batch.error, batch.updated_at = state, error, now()


def pending_photos(session: Session, batch_id: str) -> list[Photo]:
    query = select(Photo).where(Photo.batch_id == batch_id, Photo.state == "pending").order_by(col(Photo.position))
    return list(session.exec(query))


def photos_of(session: Session, batch_id: str, *states: str) -> list[Photo]:
    """The batch's photos in the order handed in, narrowed to these states when given."""
    query = select(Photo).where(Photo.batch_id == batch_id).order_by(col(Photo.position))
    return list(session.exec(query.where(col(Photo.state).in_(states)) if states else query))


def find_same_file(session: Session, user_id: str, sha256: str, *, other_than: str) -> Photo | None:
    """An accepted photo of this user with the same original bytes."""
    query = owned(Photo, user_id).where(Photo.sha256 == sha256, Photo.state == "accepted", col(Photo.id) != other_than)
    return session.exec(query).first()


def progress(session: Session, user_id: str, batch_id: str) -> Progress:
    """Raises NotFound for a batch that isn't this user's."""
    batch = get_owned(session, Batch, user_id, batch_id)
    counted = session.exec(
        select(Photo.state, func.count()).where(Photo.batch_id == batch_id).group_by(Photo.state)
    ).all()
    photos = Counter(dict(counted))
    drafts = session.exec(select(Draft.state, Draft.publish_ready).where(Draft.batch_id == batch_id)).all()
    looked_at = select(func.count()).select_from(PhotoSight).join(Photo, col(Photo.id) == col(PhotoSight.photo_id))
    files = photos.total()
    return Progress(
        state=batch.state,
        files=files,
        taken_in=files - photos["pending"],
        photos=dict(photos),
        looked_at=session.exec(looked_at.where(Photo.batch_id == batch_id)).one(),
        items=len(drafts),
        read=sum(state != "reading" for state, _ in drafts),
        ready=sum(ready for _, ready in drafts),
        error=batch.error,
    )


def pulse(session: Session, user_id: str) -> str:
    """Another word whenever a batch of the user's comes in or moves on, or a draft begins or ends being read."""
    latest = [(batch.id, batch.state) for batch in batches_of(session, user_id)]
    moving = [batch_id for batch_id, state in latest if state in MOVING]
    taken_in = select(Photo.state, func.count()).where(col(Photo.batch_id).in_(moving)).group_by(Photo.state)
    looked_at = select(func.count()).select_from(PhotoSight).join(Photo, col(Photo.id) == col(PhotoSight.photo_id))
    drafts = select(Draft.state, func.count(), func.sum(cast(Draft.publish_ready, Integer))).group_by(Draft.state)
    reading = select(func.count(), func.min(Draft.id), func.max(Draft.id)).where(
        Draft.user_id == user_id, Draft.state == "reading"
    )
    parts = (
        latest,
        sorted(session.exec(taken_in).all()) if moving else (),
        session.exec(looked_at.where(col(Photo.batch_id).in_(moving))).one() if moving else 0,
        sorted(session.exec(drafts.where(col(Draft.batch_id).in_(moving))).all()) if moving else (),
        session.exec(reading).one(),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def unfinished(session: Session) -> list[Batch]:
    """Every user's batches with work left, oldest first."""
    return list(session.exec(select(Batch).where(col(Batch.state).in_(UNFINISHED)).order_by(col(Batch.created_at))))


def batches_of(session: Session, user_id: str, limit: int = 50, *, offset: int = 0) -> list[Batch]:
    """The user's batches, newest first."""
    newest = owned(Batch, user_id).order_by(col(Batch.created_at).desc(), col(Batch.id))
    return list(session.exec(newest.limit(limit).offset(offset)))


def take_up(session: Session, user_id: str, batch_id: str) -> bool:
    """Lets a batch that something had stopped go on; any other stays as it is. Says whether it was so. Raises
    NotFound."""
    if get_owned(session, Batch, user_id, batch_id).state != "stopped":
        return False
    set_state(session, batch_id, "queued")
    return True


def names_of(photos: Iterable[Photo]) -> dict[str, str]:
    """Photo id → the file's name as the seller knows it, with its subfolder."""
    return {p.id: f"{p.folder}/{p.name}" if p.folder else p.name for p in photos}
