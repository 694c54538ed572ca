"""Two readers of the same photos made one: a model that can judge, and an offline reader that can spell.

Owns what holds when they differ, field by field, and what the offline reader tells the model's about the photos:
which are labels, and where print is. Does not own either reader.

| the model says | the offline reader says | the field |
|---|---|---|
| something | nothing | the model's |
| nothing, or the model failed | something | the offline reader's, its evidence saying so |
| the same | the same | the model's, with both evidences and the higher confidence |
| one thing | another, read on a label | the label's; the model's is an alternative; warning `<field>_disagreement` |
| one thing | another, otherwise | the model's; the offline reader's is an alternative |

A title or description that repeats a value that lost to a label is dropped, and so are both where the size did (it is
written in too many ways to look for): words are then composed from the fields.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from loguru import logger

from backend.core.errors import AIAnalysisError, BadRequest, BudgetReached, PhotoRefused
from backend.core.listing import UNKNOWN, Alternative, Field
from backend.core.reading import Analyzer, BoundaryJudge, Box, ItemReading, PhotoDescriber, PhotoInput, Sight
from backend.core.retry_utils import retry_ai_analysis
from backend.vision.embedded import lexicon

MODEL_UNAVAILABLE = "model_unavailable"
BUDGET_REACHED = "budget_reached"
WORDS = ("title", "description")


class Line(Protocol):
    """A line of print and where it stands."""

    @property
    def box(self) -> Box: ...


class Look(Protocol):
    """What a reader sees on one photo by itself."""

    @property
    def is_label(self) -> bool: ...
    @property
    def lines(self) -> Sequence[Line]: ...


@runtime_checkable
class Describer(Protocol):
    """A reader that can tell what single photos are of."""

    async def describe(self, photo: PhotoInput) -> Look: ...


class FallbackAnalyzer:
    """Reads with both. `primary` is retried; when it fails for good, `secondary` alone answers, which is warned of
    (`model_unavailable`, or `budget_reached`).

    Raises what `secondary` raises, and SetupError: a wrong key must be seen, not papered over."""

    def __init__(self, primary: Analyzer, secondary: Analyzer, judge: BoundaryJudge | None = None) -> None:
        self.name = f"{primary.name}+{secondary.name}"
        self.primary = primary
        self._secondary = secondary
        self._judge = judge

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        hinted = await self._hinted(photos)
        if not hinted:
            return await self._secondary.read_item(photos, language=language)
        said, read = await asyncio.gather(
            self._ask_primary(hinted, language), self._secondary.read_item(photos, language=language)
        )
        if isinstance(said, str):
            marked = {name: _mark(field, self._secondary.name) for name, field in read.fields.items()}
            return ItemReading(read.photos, marked, (*read.warnings, said))
        return merge(said, read, reader=self._secondary.name)

    async def describe_photo(self, photo: PhotoInput) -> Sight | None:
        """What the offline reader sees: `core.reading.PhotoDescriber`. The model is asked about no single photo."""
        return await self._secondary.describe_photo(photo) if isinstance(self._secondary, PhotoDescriber) else None

    async def same_item(self, left: Sequence[PhotoInput], right: Sequence[PhotoInput]) -> float | None:
        """What `judge` says, if there is one: `core.reading.BoundaryJudge`."""
        return await self._judge.same_item(left, right) if self._judge is not None else None

    async def aclose(self) -> None:
        await self.primary.aclose()
        await self._secondary.aclose()
        if self._judge is not None:
            await self._judge.aclose()

    async def _ask_primary(self, photos: Sequence[PhotoInput], language: str) -> ItemReading | str:
        """The reading, or the warning that says why there is none."""
        try:
            read = retry_ai_analysis()(self.primary.read_item)
            reading: ItemReading = await read(photos, language=language)
        except (AIAnalysisError, BadRequest, BudgetReached) as error:
            names = self.primary.name, self._secondary.name
            logger.warning("reader_failed: {} gave no reading, {} reads alone: {}", *names, error)
            return BUDGET_REACHED if isinstance(error, BudgetReached) else MODEL_UNAVAILABLE
        return reading

    async def _hinted(self, photos: Sequence[PhotoInput]) -> list[PhotoInput]:
        """The photos with what the offline reader knows of them; those that can't be decoded are left out."""
        describer = self._secondary
        if not isinstance(describer, Describer):
            return list(photos)
        looks = await asyncio.gather(*(_look(describer, photo) for photo in photos))
        return [
            replace(photo, is_label=look.is_label, print_boxes=tuple(line.box for line in look.lines))
            for photo, look in zip(photos, looks, strict=True)
            if look is not None
        ]


async def _look(describer: Describer, photo: PhotoInput) -> Look | None:
    try:
        return await describer.describe(photo)
    except PhotoRefused:
        return None


def merge(said: ItemReading, read: ItemReading, *, reader: str) -> ItemReading:
    """The model's reading `said` and the offline `reader`'s as one."""
    fields: dict[str, Field] = {}
    beaten: dict[str, Any] = {}
    for name in dict.fromkeys([*said.fields, *read.fields]):
        theirs, ours = said.fields.get(name, UNKNOWN), read.fields.get(name, UNKNOWN)
        fields[name] = _merge_field(theirs, ours, reader)
        if theirs.known and ours.known and not _same(fields[name].value, theirs.value):
            beaten[name] = theirs.value
    for name in set(WORDS) & set(fields):
        if "size" in beaten or any(_mentions(str(fields[name].value), value) for value in beaten.values()):
            del fields[name]
    disagreements = (f"{name}_disagreement" for name in beaten)
    return ItemReading(read.photos, fields, (*said.warnings, *read.warnings, *disagreements), said.roles)


def _merge_field(said: Field, read: Field, reader: str) -> Field:
    if not read.known:
        return said
    if not said.known:
        return _mark(read, reader)
    if _same(said.value, read.value):
        return replace(
            said,
            value=read.value if _on_label(read) else said.value,
            confidence=max(said.confidence, read.confidence),
            evidence=(*said.evidence, *read.evidence),
        )
    winner, loser = (read, said) if _on_label(read) else (said, read)
    return replace(winner, alternatives=(Alternative(loser.value, loser.confidence), *winner.alternatives))


def _mark(field: Field, reader: str) -> Field:
    """The field as read by the other reader, and said to be so."""
    evidence = tuple(replace(e, detail=f"{reader}: {e.detail}" if e.detail else reader) for e in field.evidence)
    return replace(field, evidence=evidence)


def _on_label(field: Field) -> bool:
    return any(e.source == "label" for e in field.evidence)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return set(a) == set(b)
    return str(a).casefold() == str(b).casefold() or _letters(a) == _letters(b) != ""


def _letters(value: Any) -> str:
    """Without what spellings of one name differ in: `H & M` and `H&M`, `Levis` and `Levi's`, `Sezane` and `Sézane`."""
    return "".join(lexicon.tokens(str(value)))


def _mentions(text: str, value: Any) -> bool:
    """Lists are slugs, which no text repeats."""
    return isinstance(value, str) and bool(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE))
