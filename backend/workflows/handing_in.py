"""Photos handed in, whichever way they come: whole, piece by piece, from a folder, or drawn to try things on.

Owns the order of it: room for them, the files where they will be looked for, their batch, and its reading; and that
what breaks off half-way leaves no photo in no batch, and no batch without its photos. Owns no rule of a batch
(`photos/batches.py`), of a quota or of an upload.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from loguru import logger
from sqlmodel import Session

from backend.core.errors import Conflict, NotFound, VintedBotError
from backend.db.engine import Database
from backend.db.models import Batch, new_id
from backend.db.scope import count_owned
from backend.photos import batches, inbox, quota, uploads
from backend.photos.batches import IncomingFile
from backend.photos.quota import Quota
from backend.photos.store import PhotoStore
from backend.workflows.engine import JobEngine

First = Callable[[Session, str], None]


@dataclass(frozen=True)
class Heap:
    """What is said of photos handed in together: where they come from, what is true of all of them, and the language of
    their drafts; `otherwise` is the one where neither this nor their seller's preferences say."""

    source: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    language: str | None = None
    otherwise: str = "fr"


@dataclass(frozen=True)
class HandingIn:
    """`incoming` keeps uploaded files until they are taken in, `uploads` what is still coming piece by piece; a batch
    takes `most` files."""

    database: Database
    jobs: JobEngine
    store: PhotoStore
    quota: Quota
    incoming: Path
    uploads: Path
    most: int

    async def check_room(self, user_id: str, *, files: int, size: int) -> None:
        """Raises LimitReached where so many files of so many bytes would pass the user's quota."""
        await self.database.look(quota.check, user_id, self.store, self.quota, files=files, size=size)

    async def in_place(
        self,
        user_id: str,
        files: Sequence[IncomingFile],
        heap: Heap,
        *,
        batch_id: str | None = None,
        first: First | None = None,
    ) -> str:
        """Files that stay where they are; returns the batch's id. `first` is done in its transaction, and what it
        raises ends it. No quota counts: whoever has the machine's own files is its operator. Raises BadRequest."""
        batch_id = batch_id or new_id()
        await self._make_batch(user_id, batch_id, files, heap, first)
        return batch_id

    async def copies(self, user_id: str, files: Sequence[tuple[str, BinaryIO]], size: int, heap: Heap) -> str:
        """Files by their name, `size` bytes in all, that are copied; returns the batch's id.

        Raises BadRequest, LimitReached, SetupError; then nothing is kept."""
        batches.check_size(len(files), heap.source, self.most)
        await self.check_room(user_id, files=len(files), size=size)
        batch_id = new_id()
        try:
            kept = await asyncio.to_thread(uploads.keep_files, self.incoming / batch_id, files)
            await self._make_batch(user_id, batch_id, kept, heap)
        except Exception:  # who is cancelled can't say whether there is a batch: `upkeep` looks later
            if not await self.is_batch(user_id, batch_id):
                await asyncio.to_thread(shutil.rmtree, self.incoming / batch_id, ignore_errors=True)
            raise
        return batch_id

    async def upload(self, user_id: str, upload_id: str, files: Sequence[tuple[int, str]], heap: Heap) -> None:
        """The files of an upload, by number and name; the batch has the upload's id. Asked again, it is the same batch.

        Raises NotFound, BadRequest, LimitReached, SetupError, Conflict where the upload became a batch without one of
        these files; then the upload stands as it did."""
        asked = uploads.incoming(files, self.incoming / upload_id)
        if await self.is_batch(user_id, upload_id):
            await self.database.look(_check_taken, upload_id, asked)
            await self._ask_for_reading(user_id, upload_id)
        else:
            try:
                await self._upload(user_id, upload_id, files, heap)
            except NotFound:
                if not await self.is_batch(user_id, upload_id):  # of two who ask at once the other may have made it
                    raise
        with suppress(NotFound):
            await asyncio.to_thread(uploads.cancel, self.uploads, user_id, upload_id)

    async def go_on(self, user_id: str, batch_id: str) -> None:
        """Goes on with a batch that something had stopped; any other stays as it is. Raises NotFound."""
        if await self.database.run(batches.take_up, user_id, batch_id):
            await self._ask_for_reading(user_id, batch_id)

    async def watch(self, folder: Path, user_id: str, usual: Callable[[], Awaitable[str]]) -> None:
        """Hands in what is put into the folder, for ever; `usual` tells the language of its drafts."""

        async def take(batch_id: str, files: list[IncomingFile]) -> None:
            await self.in_place(user_id, files, Heap("inbox", otherwise=await usual()), batch_id=batch_id)

        async def is_taken(batch_id: str) -> bool:
            return await self.is_batch(user_id, batch_id)

        await inbox.watch(folder, take, is_taken, most=self.most)

    async def is_batch(self, user_id: str, batch_id: str) -> bool:
        return await self.database.look(_is_batch, user_id, batch_id)

    async def _upload(self, user_id: str, upload_id: str, files: Sequence[tuple[int, str]], heap: Heap) -> None:
        batches.check_size(len(files), heap.source, self.most)
        sent = await asyncio.to_thread(uploads.received, self.uploads, user_id, upload_id)
        await self.check_room(user_id, files=len(files), size=sum(sent.values()))
        target = self.incoming / upload_id
        kept = await asyncio.to_thread(uploads.hand_over, self.uploads, user_id, upload_id, files, target)
        await self._make_batch(user_id, upload_id, kept, heap)

    async def _make_batch(
        self, user_id: str, batch_id: str, files: Sequence[IncomingFile], heap: Heap, first: First | None = None
    ) -> None:
        def work(session: Session) -> None:
            if first is not None:
                first(session, user_id)
            if _is_batch(session, user_id, batch_id):
                _check_taken(session, batch_id, files)
            else:
                batches.create_batch(
                    session,
                    user_id,
                    files,
                    source=heap.source,
                    defaults=dict(heap.defaults),
                    language=heap.language,
                    otherwise=heap.otherwise,
                    batch_id=batch_id,
                    most=self.most,
                )

        await self.database.store(work)
        await self._ask_for_reading(user_id, batch_id)

    async def _ask_for_reading(self, user_id: str, batch_id: str) -> None:
        """The batch is stored: where the engine can't be asked now, whoever runs jobs finds it by itself."""
        try:
            await self.jobs.read_batch(batch_id, user_id)
        except VintedBotError as error:
            logger.bind(batch=batch_id).warning("reading_not_asked_for: {}", error)


def _check_taken(session: Session, batch_id: str, files: Sequence[IncomingFile]) -> None:
    """Raises Conflict where one of the files isn't the batch's: whoever asks would think it handed in."""
    taken = {(Path(photo.source_path).name, photo.folder, photo.name) for photo in batches.photos_of(session, batch_id)}
    if any((file.path.name, file.folder, file.name) not in taken for file in files):
        raise Conflict("This upload became a batch of other files. Send these in a new upload.", code="upload_taken")


def _is_batch(session: Session, user_id: str, batch_id: str) -> bool:
    return count_owned(session, Batch, user_id, Batch.id == batch_id) > 0
