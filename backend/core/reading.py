"""Photos in, items with fields out: the shapes of a reading, and the port every reader of photos implements.

Owns the vocabulary alone. Does not own how photos are read (`backend/vision/…`), sorted into items
(`grouping`) or how readings are run (`ai_analyzer.py`).
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from backend.core.listing import Field

Shows = Literal["garment", "label", "part", "separator"]
Role = Literal["front", "back", "view", "detail", "label", "flaw"]
"""What a photo shows of its item: all of it from the front, from behind, or otherwise (from the side, worn, folded, or
nobody told); a part, a label, a flaw."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of a photo's width and height."""


@dataclass(frozen=True)
class PhotoInput:
    """A photo to read. `id` is what evidence refers to; `name` is the file's name as the seller knows it;
    `folder` the subfolder it came from ("" at the top); `captured_at` local time without zone, if known; `position`
    its place among the photos handed in, if that is known.

    `is_label` and `print_boxes` are another reader's hints: it is a close-up of a label, with print there."""

    id: str
    path: Path
    name: str = ""
    folder: str = ""
    captured_at: datetime | None = None
    position: int | None = field(default=None, kw_only=True)
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
    """One item: its photos' ids in order and what was read; `warnings` are machine codes; `roles` say by id what photos
    show, where a reader told."""

    photos: tuple[str, ...]
    fields: dict[str, Field] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)


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


class Readers(Protocol):
    """Hands out the reader there is now."""

    def reading(self) -> AbstractAsyncContextManager[Analyzer]:
        """For one job: the same reader to its end, whatever is chosen meanwhile. Raises SetupError."""
        ...


@dataclass(frozen=True, eq=False)
class Sight:
    """What one photo shows, as far as sorting needs it: a whole garment, a label from near, something else (a part of
    a garment, mostly), or a card the seller put between two items.

    `feature` (any length, unit length) compares garments by its dot product; `histogram` (512, sums to 1) is the
    garment's colours in CIELAB, 8 steps an axis, the whole photo's where no garment stands out. `sharpness` is the
    variance of the Laplacian at 400 px, `brightness` the mean from 0 to 1, `cover_share` the part of the photo the
    garment covers (0 where no garment stands out)."""

    shows: Shows
    feature: NDArray[np.float32]
    histogram: NDArray[np.float32]
    sharpness: float = 0.0
    brightness: float = 0.5
    cover_share: float = 0.0


@runtime_checkable
class PhotoDescriber(Protocol):
    """An analyzer that can look at single photos before they are sorted, at no cost to the reading that follows."""

    async def describe_photo(self, photo: PhotoInput) -> Sight | None:
        """None when it can't say. Raises `PhotoRefused` for what can't be decoded, `SetupError` without a model."""
        ...


@runtime_checkable
class BoundaryJudge(Protocol):
    """An analyzer that can be asked whether photos show the same item; asked about doubtful places only."""

    async def same_item(self, left: Sequence[PhotoInput], right: Sequence[PhotoInput]) -> float | None:
        """How likely the last photos of one item and the first of the next show the same thing, from 0 to 1; None
        when it can't say. Raises `VintedBotError` when the service behind it fails."""
        ...

    async def aclose(self) -> None: ...
