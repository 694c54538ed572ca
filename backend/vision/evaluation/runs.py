"""One reader over one folder: what it answered, how long it took and what it cost, beside the truth.

Owns the run as it is made, kept as JSON and read back. Owns no judgement (`scores.py`) and finds no photos.
"""

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from backend.core.ai_analyzer import batch_analyze_photos, read_one_item
from backend.core.errors import BadRequest
from backend.core.listing import Field
from backend.core.reading import Analyzer, ItemReading, PhotoInput, Refusal
from backend.vision.evaluation.truth import Expected, Truth

SEED = 7


class Arrival(StrEnum):
    """How the photos are handed to the sorting: with all that is known of them, or as a flat heap without times, in the
    order taken, backwards or mixed."""

    AS_THEY_ARE = "as-they-are"
    NO_TIMES = "no-times"
    BACKWARDS = "backwards"
    SHUFFLED = "shuffled"


Progress = Callable[[], None]


@dataclass(frozen=True)
class Answer:
    """A field as read. `guesses` are the value, if any, and the alternatives, each with its confidence."""

    value: Any
    confidence: float
    guesses: tuple[tuple[Any, float], ...] = ()


@dataclass(frozen=True)
class ItemRun:
    """`photos` are paths below the folder; `failed` is the code of the error where nothing could be read."""

    item: str
    photos: tuple[str, ...]
    expected: dict[str, Expected]
    answers: dict[str, Answer] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    failed: str | None = None


@dataclass(frozen=True)
class Run:
    """`groups` are the items the product made of the photos, None where the truth tells none; `seconds` is the time
    of the reading alone, all photos together, models loaded; `cost` what it cost, in dollars; `true_items` are in the
    order taken, the photos being sorted as of their `arrival`."""

    reader: str
    folder: str
    version: str
    items: tuple[ItemRun, ...]
    photos: int
    seconds: float
    true_items: dict[str, str]
    cost: float = 0.0
    groups: tuple[tuple[str, ...], ...] | None = None
    arrival: Arrival = Arrival.AS_THEY_ARE
    refused: tuple[str, ...] = ()


_RUNS = TypeAdapter(tuple[Run, ...])


async def make_run(
    reader: Analyzer,
    photos: Sequence[PhotoInput],
    truth: Truth,
    *,
    folder: str,
    version: str,
    step: Progress,
    spent: Callable[[], float] = float,
    arrival: Arrival = Arrival.AS_THEY_ARE,
) -> Run:
    """Reads the photos of the truth; a photo's name must be its path below the folder. `step` is called for each item,
    `spent` says what the reader has cost so far, in dollars.

    Where the truth says which photos belong together, the product first sorts and reads the whole batch; its reading
    of a group that is exactly an item counts as the item's, so that nothing is read twice for the same answer."""
    known = _as_taken([photo for photo in photos if photo.name in truth.items])
    if not known:
        raise BadRequest(f"None of the photos in {folder} is named in the truth.")
    by_item: dict[str, list[PhotoInput]] = {}
    for photo in known:
        by_item.setdefault(truth.items[photo.name], []).append(photo)
    await reader.read_item(known[:1])  # loads the models: their time is not the reading's
    started, before = time.perf_counter(), spent()
    read, groups = await _as_product(reader, known, arrival) if truth.grouped else ({}, None)
    items = []
    for name, its in by_item.items():
        reading = read.get(frozenset(p.id for p in its)) or await read_one_item(reader, its)
        items.append(_item(name, its, truth.fields.get(name, {}), reading))
        step()
    return Run(
        reader=reader.name,
        folder=folder,
        version=version,
        items=tuple(items),
        photos=len(known),
        seconds=time.perf_counter() - started,
        cost=spent() - before,
        true_items={photo.name: truth.items[photo.name] for photo in known},
        groups=groups,
        arrival=arrival,
    )


def _as_taken(photos: Sequence[PhotoInput]) -> list[PhotoInput]:
    """By the clock where it tells of all, else as they were found."""
    timed = [(photo.captured_at, n) for n, photo in enumerate(photos) if photo.captured_at is not None]
    return [photos[n] for _, n in sorted(timed)] if len(timed) == len(photos) else list(photos)


def arriving(photos: Sequence[PhotoInput], arrival: Arrival) -> list[PhotoInput]:
    """These photos, in the order taken, as they would arrive; their ids stay."""
    if arrival is Arrival.AS_THEY_ARE:
        return list(photos)
    heap = list(reversed(photos)) if arrival is Arrival.BACKWARDS else list(photos)
    if arrival is Arrival.SHUFFLED:
        random.Random(SEED).shuffle(heap)  # noqa: S311 - a fair draw, no secret
    return [
        replace(photo, captured_at=None, folder="", name=f"IMG_{n:04d}.jpg", position=n) for n, photo in enumerate(heap)
    ]


async def _as_product(
    reader: Analyzer, photos: Sequence[PhotoInput], arrival: Arrival
) -> tuple[dict[frozenset[str], ItemReading], tuple[tuple[str, ...], ...]]:
    """The batch as the product sorts and reads it: readings by their photos, and the groups by the photos' names."""
    batch = await batch_analyze_photos(arriving(photos, arrival), analyzer=reader)
    names = {photo.id: photo.name for photo in photos}
    groups = tuple(tuple(names[i] for i in item.photos) for item in batch.items)
    return {frozenset(item.photos): item for item in batch.items}, groups


def _item(
    name: str, photos: Sequence[PhotoInput], expected: Mapping[str, Expected], reading: ItemReading | Refusal
) -> ItemRun:
    files = tuple(photo.name for photo in photos)
    if isinstance(reading, Refusal):
        return ItemRun(name, files, dict(expected), failed=reading.reason)
    answers = {field: _answer(read) for field, read in reading.fields.items()}
    return ItemRun(name, files, dict(expected), answers, reading.warnings)


def _answer(read: Field) -> Answer:
    """A fallback's guess is no answer: it is never published."""
    value = read.value if read.usable else None
    given = () if value is None else ((value, read.confidence),)
    others = tuple((a.value, a.confidence) for a in read.alternatives if a.value != value)
    return Answer(value, read.confidence, (*given, *others))


def dump_runs(runs: Sequence[Run]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _RUNS.dump_python(tuple(runs), mode="json")
    return found


def load_runs(path: Path) -> tuple[Run, ...]:
    """The runs of a file that `vintedbot evaluate --json` wrote. Raises BadRequest for anything else."""
    try:
        return _RUNS.validate_python(json.loads(path.read_text(encoding="utf-8"))["runs"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise BadRequest(f"{path} is no file of `vintedbot evaluate --json`: {error}") from None
