"""The `analyse` workflow: a batch of files becomes drafts.

take in (each file once) → look at each photo and sort them into items (over the whole batch) → read each item → done.
Every step writes to our tables and finds there what it did before, so running it again after a crash doubles nothing.
Owns the order of the steps; owns no pixel, no grouping and no reading.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from dbos import DBOS
from loguru import logger
from sqlmodel import Session

from backend.core import logs, tracing
from backend.core.ai_analyzer import READING_FAILED, read_one_item
from backend.core.errors import PhotoRefused, SetupError
from backend.core.grouping import Grouping, stored
from backend.core.metrics import count_draft
from backend.core.model_calls import on_behalf_of
from backend.core.operator_metrics import photo_intake_duration_seconds, photos_total
from backend.core.origin import coming_from
from backend.core.photo_order import in_showing_order, photo_warnings, roles_of
from backend.core.reading import Analyzer, ItemReading, PhotoInput, Refusal, Sight
from backend.core.redaction import hide
from backend.core.sorting import sort_photos
from backend.db.models import Batch, Draft, Photo, now
from backend.drafts import service as drafts
from backend.photos import batches, sights
from backend.photos.intake import Reason, take_in
from backend.photos.similarity import find_near_duplicates
from backend.workflows.parts import Parts, current
from backend.workflows.telling import tell_of_batch

WORKFLOW = "analyse"
_AT_ONCE = 2
_CHUNK = 64
_ITEMS_AT_ONCE = 4


@DBOS.workflow(name=WORKFLOW)
async def analyse(batch_id: str) -> None:
    """Runs a batch to its end; `batches.state` says how far it is."""
    with current().at_work():
        came_from = (await current().database.look(Session.get_one, Batch, batch_id)).origin
        with (
            coming_from(came_from),
            tracing.continued(came_from),
            tracing.span("job analyse", batch=batch_id),
            logs.about(**came_from, job=DBOS.workflow_id or "", batch=batch_id),
        ):
            await _carry_through(batch_id)


async def _carry_through(batch_id: str) -> None:
    logger.info("batch_begun")
    try:
        with tracing.span("take_in_files"):
            await take_in_files(batch_id)
        async with current().readers.reading() as analyzer:
            with tracing.span("sort_into_items"):
                draft_ids = await sort_into_items(batch_id, analyzer)
            with tracing.span("read_items"):
                await read_items(batch_id, draft_ids, analyzer)
                while again := await finish(batch_id):  # its seller sorted anew meanwhile
                    await read_items(batch_id, again, analyzer)
        logger.bind(items=len(draft_ids)).info("batch_read")
    except SetupError as error:
        await stop(batch_id, str(error))
    except Exception as error:  # noqa: BLE001 - the worker's edge: a fault of ours must not leave it hanging
        logger.exception("batch_crashed")
        await stop(batch_id, hide(f"Something unforeseen happened: {error!r}"))


@DBOS.step()
async def take_in_files(batch_id: str) -> None:
    """Checks, cleans and stores each pending file; a bad one is refused with its reason and stops nothing.

    Files are cleaned a few at once and accepted in order, so that of two copies the first is the photo."""
    parts = current()
    await parts.database.run(batches.set_state, batch_id, "taking_in")
    pending = await parts.database.look(batches.pending_photos, batch_id)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def clean(photo: Photo) -> dict[str, Any]:
        async with gate:
            return await asyncio.to_thread(_clean, parts, Path(photo.source_path))

    for start in range(0, len(pending), _CHUNK):  # bounded: a thousand files don't make a thousand tasks
        chunk = pending[start : start + _CHUNK]
        cleaned = [asyncio.create_task(clean(photo)) for photo in chunk]
        try:
            for photo, columns in zip(chunk, cleaned, strict=True):
                await _take_in(parts, photo, await columns)
        finally:
            for task in cleaned:
                task.cancel()


def _clean(parts: Parts, source: Path) -> dict[str, Any]:
    """The photo's columns, its picture stored; or why it is refused."""
    try:
        with photo_intake_duration_seconds.time():
            taken = take_in(source)
    except PhotoRefused as refusal:
        return {"state": "refused", "reason": refusal.reason}
    except Exception:  # noqa: BLE001 - one file that breaks a decoder must not stop the others
        logger.bind(file=source.name).exception("photo_crashed")
        return {"state": "refused", "reason": Reason.DAMAGED}
    return {
        "state": "accepted",
        "sha256": taken.sha256,
        "phash": f"{taken.phash:016x}",
        "store_key": parts.store.put(taken.jpeg, ".jpg"),
        "thumbnail_key": parts.store.put(taken.thumbnail, ".jpg"),
        "width": taken.width,
        "height": taken.height,
        "captured_at": taken.captured_at,
    }


async def _take_in(parts: Parts, photo: Photo, columns: dict[str, Any]) -> None:
    state = await parts.database.store(_accept, photo.id, columns)
    if state is None:  # another process has taken the batch over meanwhile, and this photo in
        return
    photos_total.labels(state=state).inc()
    if photo.owns_source:
        await asyncio.to_thread(_remove_upload, Path(photo.source_path))


def _remove_upload(path: Path) -> None:
    """The file, and its folder once that is empty."""
    path.unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()


def _accept(session: Session, photo_id: str, columns: dict[str, Any]) -> str | None:
    """The state it came to; None where it waits no more."""
    photo = session.get_one(Photo, photo_id, with_for_update=True)
    if photo.state != "pending":
        return None
    if columns["state"] == "accepted":
        same = batches.find_same_file(session, photo.user_id, columns["sha256"], other_than=photo.id)
        columns = {**columns, **({"state": "duplicate", "duplicate_of": same.id} if same else {})}
    photo.sqlmodel_update(columns)
    return photo.state


@DBOS.step()
async def sort_into_items(batch_id: str, analyzer: Analyzer) -> list[str]:
    """Groups the accepted photos into items and opens a draft for each. Returns the drafts' ids in order.

    What is seen on a photo is kept at once: after a crash only the others are looked at."""
    parts = current()
    if opened := await parts.database.look(_drafts_opened, batch_id):
        return opened
    await parts.database.run(batches.set_state, batch_id, "sorting")
    photos = await parts.database.run(_set_copies_aside, batch_id)
    known = await parts.database.look(sights.of_batch, batch_id, analyzer.name)

    async def keep(new: Mapping[str, Sight | None]) -> None:
        await parts.database.run(sights.keep, photos[0].user_id, analyzer.name, new)

    inputs = [_as_input(parts, photo) for photo in photos]
    with on_behalf_of(photos[0].user_id if photos else "", batch_id=batch_id):
        grouping, seen = await sort_photos(analyzer, inputs, known=known, keep=keep)
    return await parts.database.run(_open_drafts, batch_id, grouping, seen)


def _set_copies_aside(session: Session, batch_id: str) -> list[Photo]:
    """Marks re-saved copies of a photo of the same batch and returns the others: a listing never shows one twice."""
    photos = {photo.id: photo for photo in batches.photos_of(session, batch_id, "accepted")}
    hashes = {photo.id: int(photo.phash or "0", 16) for photo in photos.values()}
    for copy in find_near_duplicates(hashes):
        photos[copy.photo].state, photos[copy.photo].duplicate_of = "near_duplicate", copy.original
    return [photo for photo in photos.values() if photo.state == "accepted"]


def _drafts_opened(session: Session, batch_id: str) -> list[str]:
    return drafts.open_items(session, session.get_one(Batch, batch_id), [])


def _open_drafts(session: Session, batch_id: str, grouping: Grouping, seen: Mapping[str, Sight]) -> list[str]:
    photos = {photo.id: photo for photo in batches.photos_of(session, batch_id, "accepted")}
    for photo_id, reason in grouping.reasons.items():
        photos[photo_id].reason = reason
    for photo_id, role in roles_of(list(photos), seen, {}).items():
        photos[photo_id].role, photos[photo_id].role_source = role, None if role is None else "image"
    items = []
    for group in grouping.items:
        shown, why = in_showing_order(group.photos, seen), stored(group)
        items.append((shown, {**why, "warnings": [*why["warnings"], *photo_warnings(shown, seen)]}))
    return drafts.open_items(session, session.get_one(Batch, batch_id), items)


def _as_input(parts: Parts, photo: Photo) -> PhotoInput:
    assert photo.store_key is not None, "an accepted photo is stored"
    path, taken, place = parts.store.path(photo.store_key), photo.captured_at, photo.position
    return PhotoInput(photo.id, path, photo.name, photo.folder, taken, position=place)


@DBOS.step()
async def read_items(batch_id: str, draft_ids: list[str], analyzer: Analyzer) -> None:
    """Reads each item that hasn't been read yet, a few at once, each stored as soon as it is known."""
    parts = current()
    await parts.database.run(batches.set_state, batch_id, "reading")
    gate = asyncio.Semaphore(_ITEMS_AT_ONCE)

    async def one(draft_id: str) -> None:
        async with gate:
            await _read_one(parts, draft_id, analyzer)

    readings = [asyncio.create_task(one(draft_id)) for draft_id in draft_ids]
    try:
        for reading in readings:
            await reading
    finally:
        for reading in readings:
            reading.cancel()


async def _read_one(parts: Parts, draft_id: str, analyzer: Analyzer) -> None:
    draft, photos = await parts.database.look(_to_read, draft_id)
    while draft.revision > 1 and (wait := parts.patience.sorting - (now() - draft.updated_at).total_seconds()) > 0:
        await asyncio.sleep(wait)  # its seller is still sorting: each photo moved would be a reading
        draft, photos = await parts.database.look(_to_read, draft_id)
    if draft.state != "reading":
        return
    started = time.monotonic()
    inputs = [_as_input(parts, photo) for photo in photos]
    with (
        tracing.span("read_item", draft=draft_id, photos=len(photos)),
        on_behalf_of(draft.user_id, batch_id=draft.batch_id, draft_id=draft.id),
    ):
        reading = await _reading(analyzer, inputs, draft.language)
    if isinstance(reading, Refusal):
        reading = ItemReading(tuple(p.id for p in inputs), warnings=(f"{READING_FAILED}:{reading.reason}",))
    filled = await parts.database.run(_fill, draft_id, reading, analyzer.name, draft.revision)
    if not draft.fields and filled.state == "open":  # a draft read again is none that was made
        count_draft(problem.code for problem in drafts.problems(filled))
    seconds = round(time.monotonic() - started, 2)
    logger.bind(draft=draft_id, photos=len(photos), seconds=seconds).info("item_read")


def _fill(session: Session, draft_id: str, reading: ItemReading, reader: str, revision: int) -> Draft:
    """The draft with what was read; where the reader told what the photos show, they are shown in that order, unless
    their seller arranged them."""
    draft = session.get_one(Draft, draft_id)
    photos, found = drafts.photos_of(session, draft), draft.grouping.get("warnings", ())
    if reading.roles and draft.state == "reading" and draft.revision == revision:
        for photo in photos:
            if photo.id in reading.roles:
                photo.role, photo.role_source = reading.roles[photo.id], "model"
        if revision == 1:
            taken = [photo.id for photo in photos]
            seen = sights.of_photos(session, taken, reader)
            shown = in_showing_order(taken, seen, reading.roles)
            drafts.show_in_order(session, draft, shown)
            found = [*(w for w in found if w not in photo_warnings(taken, seen)), *photo_warnings(shown, seen)]
    warnings = tuple(dict.fromkeys((*found, *reading.warnings)))
    return drafts.fill(session, draft_id, reading.fields, warnings, revision=revision)


async def _reading(analyzer: Analyzer, inputs: list[PhotoInput], language: str) -> ItemReading | Refusal:
    try:
        return await read_one_item(analyzer, inputs, language=language)
    except SetupError:
        raise
    except Exception:  # noqa: BLE001 - one item a reader stumbles over must not keep the others from their seller
        logger.exception("reader_crashed")
        return Refusal("", "internal")


def _to_read(session: Session, draft_id: str) -> tuple[Draft, list[Photo]]:
    draft = session.get_one(Draft, draft_id)
    return draft, drafts.photos_of(session, draft)


@DBOS.step()
async def finish(batch_id: str) -> list[str]:
    """Ends the batch, unless drafts of it are to be read again: returns those."""
    return await current().database.run(end, batch_id)


def end(session: Session, batch_id: str) -> list[str]:
    """The batch is locked first: who sorts it anew at this moment has it read again, or is seen here."""
    session.get_one(Batch, batch_id, with_for_update=True)
    if unread := drafts.to_be_read(session, batch_id):
        return unread
    batches.set_state(session, batch_id, "done")
    tell_of_batch(session, batch_id)
    return []


async def stop(batch_id: str, error: str) -> None:
    """Something is in the way: the batch goes on at the next start, or when asked to.

    Kept in memory first, since a full disk may be what is in the way."""
    parts = current()
    parts.troubles[batch_id] = error
    logger.error("batch_stopped: {}", error)
    await parts.database.run(batches.set_state, batch_id, "stopped", error)
