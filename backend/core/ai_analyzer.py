"""The way to a reading: photos in, items with fields out, retried and measured.

Owns the finding of an analyzer by name, the reading of one item and of a whole batch. Does not own how photos
are read (`backend/vision/…`), how they are sorted into items (`sorting.py`) or the shapes (`reading.py`,
offered here too).

Analyzers are found through the entry-point group `vintedbot.analyzers`, so this module needs to know none of
them and others can be added by installing a package.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from loguru import logger
from PIL import Image, UnidentifiedImageError
from pillow_heif import register_heif_opener

from backend.core import photo_metadata
from backend.core.errors import PhotoRefused, SetupError, VintedBotError
from backend.core.metrics import photo_analyze_duration_seconds, photo_analyze_total
from backend.core.photo_order import in_showing_order
from backend.core.reading import Analyzer, BatchReading, ItemReading, PhotoInput, Refusal
from backend.core.retry_utils import retry_ai_analysis
from backend.core.sorting import sort_photos

__all__ = [
    "Analyzer",
    "BatchReading",
    "ItemReading",
    "PhotoInput",
    "Refusal",
    "batch_analyze_photos",
    "load_analyzer",
    "look_at",
    "read_one_item",
]

GROUP = "vintedbot.analyzers"
ITEMS_AT_ONCE = 4
READING_FAILED = "reading_failed"
"""Begins the warning of an item nothing could be read of; the error's code follows after a colon."""

register_heif_opener()


def load_analyzer(name: str = "embedded", **options: Any) -> Analyzer:
    """The analyzer installed under this name, built with `options`. Raises SetupError when there is none."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        raise SetupError(f"There is no analyzer {name!r}; installed are: {', '.join(sorted(found)) or 'none'}.")
    try:
        build = found[name].load()
    except ImportError as error:
        raise SetupError(f"The analyzer {name!r} can't be loaded: {error}. Install its package again.") from error
    analyzer: Analyzer = build(**options)
    return analyzer


async def batch_analyze_photos(
    photos: Iterable[PhotoInput | Path | str],
    auto_grouping: bool = True,
    *,
    analyzer: Analyzer | None = None,
    language: str = "fr",
) -> BatchReading:
    """Sorts photos into items and reads each; without `auto_grouping` all of them are one item.

    Every photo comes back: in an item, in `unsorted`, or, for a path that holds no photo, in `refused`. An item that
    can't be read comes without fields and with the warning `reading_failed:<code>`. Raises SetupError when the
    analyzer can't work at all. Without an `analyzer` the embedded one is loaded for this call."""
    inputs, refused = await asyncio.to_thread(_look_at_all, list(dict.fromkeys(photos)))
    by_id = {photo.id: photo for photo in inputs}
    if len(by_id) < len(inputs):
        raise ValueError("two photos have the same id")
    if not inputs:
        return BatchReading((), (), refused)
    reader = analyzer or load_analyzer()
    try:
        groups, unsorted = await _sort(reader, inputs, auto_grouping)
        items = await _read_all(reader, [[by_id[i] for i in group] for group in groups], language)
    finally:
        if analyzer is None:
            await reader.aclose()
    return BatchReading(items, unsorted, refused)


async def read_one_item(
    analyzer: Analyzer, photos: Sequence[PhotoInput], *, language: str = "fr"
) -> ItemReading | Refusal:
    """The reading of one item, retried and measured; a Refusal when it failed. Raises SetupError alone."""
    read = retry_ai_analysis()(analyzer.read_item)
    status = "failed"
    with photo_analyze_duration_seconds.time():
        try:
            reading: ItemReading = await read(photos, language=language)
            status = "completed"
        except SetupError:
            raise
        except VintedBotError as error:
            reason = error.reason if isinstance(error, PhotoRefused) else error.code
            logger.bind(photos=len(photos)).warning("item_not_read: {}", error)
            return Refusal(", ".join(photo.name or photo.id for photo in photos), reason)
        finally:
            photo_analyze_total.labels(status=status).inc()
    return reading


def look_at(path: Path, *, id: str = "", folder: str = "") -> PhotoInput:  # noqa: A002 - the field's name
    """The photo at `path` with its capture time. Raises PhotoRefused when there is none.

    For callers with nothing but a path: `backend/photos/intake.py` checks more, and cleans."""
    try:
        if path.stat().st_size == 0:
            raise PhotoRefused("empty")
        with Image.open(path) as image:
            captured_at = photo_metadata.read(image).captured_at
            image.load()
    except UnidentifiedImageError:
        raise PhotoRefused("not_a_photo") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PhotoRefused(
            "unreadable" if isinstance(error, FileNotFoundError | PermissionError) else "damaged"
        ) from error
    return PhotoInput(id or path.name, path, path.name, folder, captured_at)


async def _sort(
    analyzer: Analyzer, photos: Sequence[PhotoInput], auto_grouping: bool
) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """The photos' ids by item, the cover first, and those of no item."""
    if not auto_grouping:
        return [tuple(photo.id for photo in photos)], ()
    grouping, sights = await sort_photos(analyzer, photos)
    return [in_showing_order(group.photos, sights) for group in grouping.items], grouping.unsorted


def _look_at_all(given: Sequence[PhotoInput | Path | str]) -> tuple[list[PhotoInput], tuple[Refusal, ...]]:
    """Bare paths become inputs: known by their name where no other bears it, and by folder below the common one."""
    paths = [Path(one) for one in given if not isinstance(one, PhotoInput)]
    names = Counter(path.name for path in paths)
    top = os.path.commonpath([path.absolute().parent for path in paths]) if paths else ""
    inputs, refused = [], []
    for one in given:
        if isinstance(one, PhotoInput):
            inputs.append(one)
            continue
        path = Path(one)
        folder = path.absolute().parent.relative_to(top).as_posix()
        try:
            photo_id = path.name if names[path.name] == 1 else path.as_posix()
            inputs.append(look_at(path, id=photo_id, folder="" if folder == "." else folder))
        except PhotoRefused as refusal:
            refused.append(Refusal(str(path), refusal.reason))
    return inputs, tuple(refused)


async def _read_all(
    analyzer: Analyzer, groups: Sequence[Sequence[PhotoInput]], language: str
) -> tuple[ItemReading, ...]:
    gate = asyncio.Semaphore(ITEMS_AT_ONCE)

    async def one(photos: Sequence[PhotoInput]) -> ItemReading:
        async with gate:
            reading = await read_one_item(analyzer, photos, language=language)
        if isinstance(reading, Refusal):
            return ItemReading(tuple(p.id for p in photos), warnings=(f"{READING_FAILED}:{reading.reason}",))
        return reading

    try:
        async with asyncio.TaskGroup() as tasks:
            readings = [tasks.create_task(one(photos)) for photos in groups]
    except ExceptionGroup as failed:  # not `except*`: Python 3.11.2, Debian 12's, wraps what is raised in it again
        if missing := failed.subgroup(SetupError):  # one is enough: what is missing is missing for every item
            raise missing.exceptions[0] from None
        raise
    return tuple(task.result() for task in readings)
