"""Two readers of the same photos made one: a model that can judge, and an offline reader that can spell.

Owns what holds when they differ, field by field. Does not own either reader.

| the model says | the offline reader says | the field |
|---|---|---|
| something | nothing | the model's |
| nothing, or the model failed | something | the offline reader's, its evidence saying so |
| the same | the same | the model's, with both evidences and the higher confidence |
| one thing | another, read on a label | the label's; the model's is an alternative; warning `<field>_disagreement` |
| one thing | another, otherwise | the model's; the offline reader's is an alternative |

A title or description that repeats a value that lost to a label is dropped: words are then composed from the fields.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from loguru import logger

from backend.core.errors import AIAnalysisError, BadRequest
from backend.core.listing import UNKNOWN, Alternative, Field
from backend.core.reading import Analyzer, BoundaryJudge, ItemReading, PhotoDescriber, PhotoInput, Sight
from backend.core.retry_utils import retry_ai_analysis

MODEL_UNAVAILABLE = "model_unavailable"
WORDS = ("title", "description")


class FallbackAnalyzer:
    """Reads with both. `primary` is retried; when it fails for good, `secondary` alone answers, which is warned of.

    Raises what `secondary` raises, and SetupError: a wrong key must be seen, not papered over."""

    def __init__(self, primary: Analyzer, secondary: Analyzer, judge: BoundaryJudge | None = None) -> None:
        self.name = f"{primary.name}+{secondary.name}"
        self._primary = primary
        self._secondary = secondary
        self._judge = judge

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        said, read = await asyncio.gather(
            self._ask_primary(photos, language), self._secondary.read_item(photos, language=language)
        )
        if said is None:
            marked = {name: _mark(field, self._secondary.name) for name, field in read.fields.items()}
            return ItemReading(read.photos, marked, (*read.warnings, MODEL_UNAVAILABLE))
        return merge(said, read, reader=self._secondary.name)

    async def describe_photo(self, photo: PhotoInput) -> Sight | None:
        """What the offline reader sees: `core.reading.PhotoDescriber`. The model is asked about no single photo."""
        return await self._secondary.describe_photo(photo) if isinstance(self._secondary, PhotoDescriber) else None

    async def same_item(self, left: Sequence[PhotoInput], right: Sequence[PhotoInput]) -> float | None:
        """What `judge` says, if there is one: `core.reading.BoundaryJudge`."""
        return await self._judge.same_item(left, right) if self._judge is not None else None

    async def aclose(self) -> None:
        await self._primary.aclose()
        await self._secondary.aclose()
        if self._judge is not None:
            await self._judge.aclose()

    async def _ask_primary(self, photos: Sequence[PhotoInput], language: str) -> ItemReading | None:
        try:
            read = retry_ai_analysis()(self._primary.read_item)
            reading: ItemReading = await read(photos, language=language)
        except (AIAnalysisError, BadRequest) as error:
            logger.warning("{} gave no reading, {} reads alone: {}", self._primary.name, self._secondary.name, error)
            return None
        return reading


def merge(said: ItemReading, read: ItemReading, *, reader: str) -> ItemReading:
    """The model's reading `said` and the offline `reader`'s as one."""
    fields: dict[str, Field] = {}
    beaten: dict[str, Any] = {}
    for name in dict.fromkeys([*said.fields, *read.fields]):
        theirs, ours = said.fields.get(name, UNKNOWN), read.fields.get(name, UNKNOWN)
        fields[name] = _merge_field(theirs, ours, reader)
        if theirs.known and ours.known and not _same(fields[name].value, theirs.value):
            beaten[name] = theirs.value
    for name in WORDS:
        if any(_mentions(str(fields.get(name, UNKNOWN).value), value) for value in beaten.values()):
            del fields[name]
    disagreements = (f"{name}_disagreement" for name in beaten)
    return ItemReading(said.photos, fields, (*said.warnings, *read.warnings, *disagreements))


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
    return bool(str(a).casefold() == str(b).casefold())


def _mentions(text: str, value: Any) -> bool:
    """Lists are slugs, which no text repeats."""
    return isinstance(value, str) and bool(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE))
