"""The sample wardrobe for whoever has no photos at hand yet: drawn once, taken in as a batch, removed whole.

Owns which batch is the sample, and what goes with it. Owns no drawing (`sample/wardrobe.py`) and no intake.
"""

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from loguru import logger
from sqlmodel import Session, col, delete

from backend.core.errors import Conflict, SetupError, VintedBotError
from backend.db import audit
from backend.db.engine import Database
from backend.db.models import (
    Batch,
    BoardChange,
    Draft,
    DraftChange,
    DraftPhoto,
    IdempotencyKey,
    Notification,
    Photo,
    PhotoSight,
    Piece,
    Publication,
    PublicationEvent,
)
from backend.db.scope import owned
from backend.drafts.schemas import BatchDefaults
from backend.photos.batches import MOVING, IncomingFile
from backend.photos.store import PhotoStore
from backend.publications import journal
from backend.sample.once import STATED, drawn_once
from backend.workflows.handing_in import HandingIn, Heap
from backend.workflows.leaving import Left, clear_away
from backend.workflows.pictures import keys_of

SOURCE = "sample/"
"""The batch's source. A folder that somebody hands in never reads so: its path has no slash at the end."""


@dataclass(frozen=True)
class Samples:
    """`coming` are the users whose sample is being drawn just now, `troubles` why somebody's could not be."""

    database: Database
    store: PhotoStore
    handing_in: HandingIn
    folder: Path
    left_on_disk: tuple[Path, ...]
    coming: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    troubles: dict[str, VintedBotError] = field(default_factory=dict)
    _one_drawing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)

    async def ask(self, user_id: str, language: str) -> None:
        """Brings the sample in the background; once, however often it is asked for."""
        if user_id not in self.coming:  # nothing is awaited before it is in there
            self.troubles.pop(user_id, None)
            self.coming[user_id] = asyncio.create_task(self._bring(user_id, language))

    async def _bring(self, user_id: str, language: str) -> None:
        try:
            if await self.database.look(find, user_id) is not None:
                return
            async with self._one_drawing:
                files = await self._files()
            await self.take_in(user_id, files, language)
        except VintedBotError as trouble:
            logger.bind(user=user_id).warning("sample_not_taken_in: {}", trouble)
            self.troubles[user_id] = trouble
        finally:
            self.coming.pop(user_id, None)

    async def _files(self) -> list[Path]:
        """Raises SetupError (`sample_not_drawn`)."""
        try:
            return await asyncio.to_thread(drawn_once, self.folder, lambda: not self._closing.is_set())
        except OSError as error:
            raise SetupError(
                f"The sample could not be drawn into the data folder ({error.strerror or type(error).__name__}). See "
                "that its disk has room and can be written to, then ask for it again.",
                code="sample_not_drawn",
            ) from error

    async def take_in(self, user_id: str, files: list[Path], language: str) -> None:
        """Hands the drawn photos in, unless another process of this server was quicker. Raises LimitReached."""
        size = sum(file.stat().st_size for file in files)
        await self.handing_in.check_room(user_id, files=len(files), size=size)
        incoming = [IncomingFile(file.absolute(), file.name) for file in files]
        heap = Heap(SOURCE, BatchDefaults(**STATED).stored(), language)
        with suppress(_ThereAlready):
            await self.handing_in.in_place(user_id, incoming, heap, first=_check_there_is_none)

    async def remove(self, user_id: str) -> None:
        """Forgets the sample with its drafts and their dry runs, and nothing else. Raises Conflict (`sample_busy`)."""
        left = await self.database.run(forget, user_id)
        await asyncio.to_thread(clear_away, self.database, self.store, left, self.left_on_disk)

    async def aclose(self) -> None:
        self._closing.set()
        tasks = list(self.coming.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _ThereAlready(Conflict):
    pass


def _check_there_is_none(session: Session, user_id: str) -> None:
    if find(session, user_id) is not None:
        raise _ThereAlready


def find(session: Session, user_id: str) -> Batch | None:
    """The user's sample, if they have one."""
    return session.exec(owned(Batch, user_id).where(Batch.source == SOURCE).limit(1)).first()


def forget(session: Session, user_id: str) -> Left:
    """Deletes the sample's rows; what it leaves on disk is returned. Raises Conflict (`sample_busy`)."""
    batches = session.exec(owned(Batch, user_id).where(Batch.source == SOURCE)).all()
    batch_ids = [batch.id for batch in batches]
    photos = session.exec(owned(Photo, user_id).where(col(Photo.batch_id).in_(batch_ids))).all()
    drafts = [d.id for d in session.exec(owned(Draft, user_id).where(col(Draft.batch_id).in_(batch_ids)))]
    published = session.exec(owned(Publication, user_id).where(col(Publication.draft_id).in_(drafts))).all()
    if any(batch.state in MOVING for batch in batches) or any(map(_in_hand, published)):
        raise Conflict(
            "The sample is being read or published just now, or stands on the site. Let it end, or cancel it, first.",
            code="sample_busy",
        )
    publications = [row.id for row in published]
    changes = session.exec(owned(BoardChange, user_id).where(col(BoardChange.batch_id).in_(batch_ids)))
    keys = keys_of([*photos, *published, *changes])
    photo_ids = [photo.id for photo in photos]
    _let_go_of_listings(session, user_id, drafts)
    for model, column, ids in (
        (Notification, "publication_id", publications),
        (IdempotencyKey, "publication_id", publications),
        (PublicationEvent, "publication_id", publications),
        (Publication, "id", publications),
        (DraftPhoto, "draft_id", drafts),
        (DraftChange, "draft_id", drafts),
        (Piece, "draft_id", drafts),
        (Draft, "id", drafts),
        (PhotoSight, "photo_id", photo_ids),
        (Photo, "id", photo_ids),
        (BoardChange, "batch_id", batch_ids),
        (Batch, "id", batch_ids),
    ):
        session.exec(delete(model).where(getattr(model, column).in_(ids)))
    session.expunge_all()
    audit.record(session, "sample.removed", user_id, user_id)
    return Left(keys, (*publications, *batch_ids))


def _let_go_of_listings(session: Session, user_id: str, drafts: list[str]) -> None:
    """A piece that has, or had, a listing on the site stays in the wardrobe, by its listing alone."""
    listed = owned(Piece, user_id).where(col(Piece.draft_id).in_(drafts), col(Piece.listing_id).is_not(None))
    for piece in session.exec(listed):
        piece.draft_id = None
    session.flush()


def _in_hand(row: Publication) -> bool:
    return row.live_key is not None or row.claim is not None or row.state in journal.RUNNING
