"""`ingest` and `analyze`: photos into drafts, and a look without keeping anything."""

import asyncio
import tempfile
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import typer

from backend.cli import tables
from backend.cli.terminal import AsJson, out, progress_bars, settings_of, show_json, with_runtime
from backend.cli.terminal import carry_out as run_task
from backend.core.ai_analyzer import batch_analyze_photos
from backend.core.errors import BadRequest, SetupError
from backend.core.wording import Language
from backend.db.models import Photo
from backend.drafts import service as drafts
from backend.drafts.schemas import BatchDefaults
from backend.photos import batches
from backend.photos.discovery import discover
from backend.reader_alone import reader_alone
from backend.runtime import Runtime
from backend.settings import prepare_data_folder
from backend.spending.report import cost_of_batch
from backend.workflows.handing_in import Heap
from backend.workflows.reading import prepared, shown_reading

PhotosPath = Annotated[Path, typer.Argument(help="A folder of photos, or one photo.", show_default=False)]


def ingest(
    path: PhotosPath,
    audience: Annotated[str | None, typer.Option(help="For whom: women, men, girls or boys.")] = None,
    condition: Annotated[str | None, typer.Option(help="Condition of all items, such as very-good.")] = None,
    parcel: Annotated[str | None, typer.Option(help="Parcel of all items: small, medium or large.")] = None,
    brand: Annotated[str | None, typer.Option(help='Brand of all items; "" for no brand.')] = None,
    language: Annotated[
        Language | None, typer.Option(help="Language of the drafts; your marketplace's if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Takes photos in, sorts them into items, reads each and makes drafts.

    Example: `vintedbot ingest ~/Pictures/closet --audience women --condition very-good`

    What you state for all of them counts as your word and is shown as such. The same photos again make no second
    drafts. Interrupted, it goes on at the next start."""
    stated = {"audience": audience, "condition": condition, "parcel": parcel, "brand": brand}

    async def act(runtime: Runtime) -> dict[str, Any]:
        batch_id = await hand_in(runtime, path, stated, language)
        await watch(runtime, batch_id, quiet=as_json)
        return await report(runtime, batch_id)

    found = with_runtime(act, as_json=as_json, jobs=True)
    if as_json:
        show_json(found)
    else:
        tables.show_batch(out, found)
    if found["state"] != "done":
        raise typer.Exit(1)


async def hand_in(runtime: Runtime, path: Path, stated: dict[str, Any], language: str | None = None) -> str:
    """Makes a batch of the files below `path` and asks for it to be read. Returns its id."""
    try:
        defaults = BatchDefaults(**{k: v for k, v in stated.items() if v is not None})
    except ValueError as error:
        raise BadRequest(str(error), code="invalid_defaults") from None
    files = [batches.IncomingFile(file.absolute(), file.name, folder) for file, folder in discover(path)]
    heap = Heap(
        str(path), defaults.stored(), language, otherwise=(await runtime.in_force(runtime.user_id)).listing_language
    )
    return await runtime.handing_in.in_place(runtime.user_id, files, heap)


async def watch(runtime: Runtime, batch_id: str, *, quiet: bool = False) -> None:
    """Shows the batch's progress, counted from the tables, until it has finished."""
    with progress_bars(quiet=quiet) as bars:
        photos, looks = bars.add_task("Photos taken in", total=None), bars.add_task("Photos looked at", total=None)
        items = bars.add_task("Items read", total=None)
        for look in count():
            if look % 20 == 0:  # a full disk can keep the jobs from saying so
                prepare_data_folder(runtime.settings)
            now = await runtime.database.look(batches.progress, runtime.user_id, batch_id)
            bars.update(photos, completed=now.taken_in, total=now.files)
            bars.update(looks, completed=now.looked_at, total=now.photos.get("accepted") or None)
            bars.update(items, completed=now.read, total=now.items or None)
            if now.finished:
                return
            if batch_id in runtime.troubles:  # it may not even have been able to write that down
                raise SetupError(runtime.troubles[batch_id])
            await asyncio.sleep(0.25)


async def report(runtime: Runtime, batch_id: str) -> dict[str, Any]:
    """What became of the batch: its drafts, and the files that are in none, with reasons."""

    def find(session: Any) -> dict[str, Any]:
        now = batches.progress(session, runtime.user_id, batch_id)
        photos = batches.photos_of(session, batch_id)
        found = drafts.drafts_of(session, runtime.user_id, batch_id=batch_id)
        return {
            "batch": batch_id,
            "state": now.state,
            "error": now.error,
            "files": now.files,
            "photos": now.photos,
            "cost": asdict(cost_of_batch(session, runtime.user_id, batch_id)),
            "drafts": [tables.draft_row(session, draft) for draft in found],
            "left_out": [_left_out(photo) for photo in photos if photo.state != "accepted" or photo.reason],
        }

    return await runtime.database.look(find)


def _left_out(photo: Photo) -> dict[str, str]:
    name = f"{photo.folder}/{photo.name}" if photo.folder else photo.name
    return {"file": name, "state": photo.state, "reason": photo.reason or photo.state}


def analyze(
    path: PhotosPath,
    grouping: Annotated[bool, typer.Option(help="Sort into items; otherwise all photos are one item.")] = True,
    as_json: AsJson = False,
) -> None:
    """Reads photos and shows what is seen, keeping no photo and no draft.

    Example: `vintedbot analyze ~/Pictures/closet --json`"""

    async def act() -> dict[str, Any]:
        settings = settings_of()
        sources = [(file, file.name, subfolder) for file, subfolder in discover(path)]
        if not sources:
            raise BadRequest(f"No files were found in {path}.", code="no_photos")
        async with reader_alone(settings) as analyzer:
            with tempfile.TemporaryDirectory(prefix="vintedbot-") as folder:
                photos, refused = await asyncio.to_thread(prepared, sources, Path(folder))
                reading = await batch_analyze_photos(photos, grouping, analyzer=analyzer, language=settings.told_in)
                return shown_reading(reading, photos, refused)

    found = run_task(act, as_json=as_json)
    if as_json:
        show_json(found)
    else:
        tables.show_reading(out, found)
