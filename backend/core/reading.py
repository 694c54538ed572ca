"""Photos in, items with fields out: the shapes of a reading, and the port every reader of photos implements.

Owns the vocabulary alone. Does not own how photos are read (`backend/vision/…`), sorted into items
(`grouping.py`) or how readings are run (`ai_analyzer.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from backend.core.listing import Field

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of a photo's width and height."""


@dataclass(frozen=True)
class PhotoInput:
    """A photo to read. `id` is what evidence refers to; `name` is the file's name as the seller knows it;
    `folder` the subfolder it came from ("" at the top); `captured_at` local time without zone, if known.

    `is_label` and `print_boxes` are another reader's hints: it is a close-up of a label, with print there."""

    id: str
    path: Path
    name: str = ""
    folder: str = ""
    captured_at: datetime | None = None
    is_label: bool = False
    print_boxes: tuple[Box, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """A file that could not be read; `reason` is a code of `backend/photos/intake.py`, or of the error that
    stopped the reading."""

    file: str
    reason: str


@dataclass(frozen=True)
class ItemReading:
    """One item: its photos' ids in order and what was read; `warnings` are machine codes."""

    photos: tuple[str, ...]
    fields: dict[str, Field] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class BatchReading:
    items: tuple[ItemReading, ...] = ()
    unsorted: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()


class Analyzer(Protocol):
    """Reads the photos of one item. Implementations are safe to call from several tasks at once."""

    name: str

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        """Fields of `listing.FIELD_NAMES` that could be read, each with confidence and evidence.

        Raises `AIAnalysisError` when the service behind it faltered and another try may succeed."""
        ...

    async def aclose(self) -> None: ...
