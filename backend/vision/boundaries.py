"""Asks a vision model whether photos beside each other show the same piece: `core.reading.BoundaryJudge`.

Owns the contact sheet, the question and the meaning of its answer. Does not own where to ask (`core/sorting.py`), the
calls (`calls.py`) nor the reading of an item (`openai_compatible.py`). The prompt is `prompts/boundary-v1.txt`; a
changed one is a new file.
"""

import asyncio
import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar

from PIL import Image, ImageOps
from pydantic import BaseModel, Field, ValidationError

from backend.core.errors import PhotoRefused
from backend.core.reading import PhotoInput
from backend.vision.calls import ModelCalls
from backend.vision.completion import MalformedAnswer
from backend.vision.dialect import Dialect
from backend.vision.tariff import Size

PROMPT = "boundary-v1"
TILE, GAP, MARGIN = 320, 8, 24
"""Pixels: the side of a photo's place on the sheet, what lies between two, and between the rows."""
QUALITY = 80


class Verdict(BaseModel):
    same: bool | None
    confidence: float = Field(ge=0, le=1)

    @property
    def chance(self) -> float | None:
        """How likely the piece is the same: an unsure answer is near a half, whichever it is."""
        if self.same is None:
            return None
        return 0.5 + self.confidence / 2 if self.same else 0.5 - self.confidence / 2


@dataclass(frozen=True)
class BoundaryQuestion:
    """A contact sheet (JPEG), and what is asked about it."""

    sheet: bytes
    size: Size
    prompt_version: ClassVar[str] = PROMPT
    answer_tokens: ClassVar[int] = 400

    @property
    def answer_form(self) -> tuple[str, dict[str, Any]]:
        return "boundary", _schema()

    @property
    def text(self) -> str:
        return _prompt()

    @property
    def sizes(self) -> tuple[Size, ...]:
        return (self.size,)

    def key(self, model: str, base_url: str) -> str | None:
        """Places in doubt are asked about once; there is nothing to keep."""
        return None

    def messages(self, *, detail: bool) -> list[dict[str, Any]]:
        """`detail` or not: the sheet is shown as the server sees fit."""
        url = "data:image/jpeg;base64," + base64.b64encode(self.sheet).decode("ascii")
        return [
            {"role": "system", "content": _prompt()},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]},
        ]


class ModelBoundaryJudge:
    """A vision model, asked by `calls`, which are its own to close."""

    def __init__(self, calls: ModelCalls) -> None:
        self._calls = calls

    async def same_item(self, left: Sequence[PhotoInput], right: Sequence[PhotoInput]) -> float | None:
        """Raises what `ModelCalls.ask` does, and PhotoRefused for what can't be decoded."""
        sheet = await asyncio.to_thread(contact_sheet, left, right)

        async def put(_: Dialect) -> BoundaryQuestion:
            return BoundaryQuestion(*sheet)

        return (await self._calls.ask(put, _verdict))[1].chance

    async def aclose(self) -> None:
        await self._calls.aclose()


def contact_sheet(left: Sequence[PhotoInput], right: Sequence[PhotoInput]) -> tuple[bytes, Size]:
    """A JPEG of two rows, and its size: the photos before the doubtful place above, those after it below."""
    rows = max(len(left), len(right))
    sheet = Image.new("RGB", (rows * (TILE + GAP) - GAP, 2 * TILE + MARGIN), "white")
    for row, photos in enumerate((left, right)):
        for column, photo in enumerate(photos):
            tile = _tile(photo)
            x = column * (TILE + GAP) + (TILE - tile.width) // 2
            sheet.paste(tile, (x, row * (TILE + MARGIN) + (TILE - tile.height) // 2))
    encoded = io.BytesIO()
    sheet.save(encoded, "JPEG", quality=QUALITY)
    return encoded.getvalue(), sheet.size


def _tile(photo: PhotoInput) -> Image.Image:
    try:
        with Image.open(photo.path) as image:
            image.draft("RGB", (TILE * 2, TILE * 2))
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PhotoRefused("damaged", f"{photo.name or photo.id} can't be decoded: {error}") from error
    upright.thumbnail((TILE, TILE), Image.Resampling.LANCZOS)
    return upright


@cache
def _prompt() -> str:
    return files("backend.vision").joinpath("prompts", f"{PROMPT}.txt").read_text(encoding="utf-8")


@cache
def _schema() -> dict[str, Any]:
    properties = {"same": {"type": ["boolean", "null"]}, "confidence": {"type": "number"}}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _verdict(text: str) -> Verdict:
    try:
        return Verdict.model_validate_json(text)
    except ValidationError:
        raise MalformedAnswer("The vision model's answer about a doubtful place is not of the agreed form.") from None
