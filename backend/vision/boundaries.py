"""Asks a vision model whether photos beside each other show the same piece: `core.reading.BoundaryJudge`.

Owns the contact sheet, the question and the meaning of its answer. Does not own where to ask (`core/sorting.py`) nor
the reading of an item (`openai_compatible.py`). The prompt is `prompts/boundary-v1.txt`; a changed one is a new file.
"""

import asyncio
import base64
import io
import json
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import openai
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from PIL import Image, ImageOps
from pydantic import BaseModel, Field, ValidationError

from backend.core import tracing
from backend.core.errors import AIAnalysisError, PhotoRefused
from backend.core.metrics import gpt4_vision_calls_total
from backend.core.model_calls import NOT_BILLED, CallStatus, Ledger, MadeCall, PlannedCall, Unmetered
from backend.core.reading import PhotoInput
from backend.vision.completion import billed, tokens_of
from backend.vision.openai_compatible import NO_KEY_NEEDED
from backend.vision.tariff import OPENAI_URL, Size, tariff_of

PROMPT = "boundary-v1"
TILE, GAP, MARGIN = 320, 8, 24
"""Pixels: the side of a photo's place on the sheet, what lies between two, and between the rows."""
QUALITY = 80
ANSWER_TOKENS = 400


class Verdict(BaseModel):
    same: bool | None
    confidence: float = Field(ge=0, le=1)

    @property
    def chance(self) -> float | None:
        """How likely the piece is the same: an unsure answer is near a half, whichever it is."""
        if self.same is None:
            return None
        return 0.5 + self.confidence / 2 if self.same else 0.5 - self.confidence / 2


class ModelBoundaryJudge:
    """A vision model at `base_url` (OpenAI's own by default). `timeout` is one question's, in seconds."""

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        model: str,
        timeout: float = 30.0,
        ledger: Ledger | None = None,
        price_input: Decimal | None = None,
        price_output: Decimal | None = None,
    ) -> None:
        self._client = AsyncOpenAI(
            api_key=api_key or NO_KEY_NEEDED, base_url=base_url or OPENAI_URL, timeout=timeout, max_retries=0
        )
        self._model = model
        self._ledger = ledger or Unmetered()
        self._tariff = tariff_of(model, base_url or OPENAI_URL, price_input=price_input, price_output=price_output)

    async def same_item(self, left: Sequence[PhotoInput], right: Sequence[PhotoInput]) -> float | None:
        """Raises AIAnalysisError without a usable answer, BudgetReached, PhotoRefused for what can't be decoded."""
        sheet, size = await asyncio.to_thread(contact_sheet, left, right)
        most = self._tariff.most_tokens(_prompt(), [size], ANSWER_TOKENS)
        call_id = await self._ledger.reserve(PlannedCall(self._model, PROMPT, most, self._tariff.cost(most)))
        completion: object = None
        status: CallStatus | None = None
        try:
            with tracing.span("model call", model=self._model):
                completion = await self._client.chat.completions.create(
                    model=self._model,
                    messages=_messages(sheet),
                    response_format=_response_format(),
                    max_completion_tokens=ANSWER_TOKENS,
                )
            status = "unusable"
            verdict = _verdict(completion)
            status = "success"
        except (openai.OpenAIError, json.JSONDecodeError) as error:
            status = "refused" if isinstance(error, openai.APIStatusError) else "unanswered"
            raise AIAnalysisError(f"The vision model can't be asked about photos ({type(error).__name__}).") from error
        finally:
            gpt4_vision_calls_total.labels(status="success" if status == "success" else "error").inc()
            if status is not None:
                await self._ledger.settle(call_id, self._made(completion, status))
        return verdict.chance

    def _made(self, completion: object, status: CallStatus) -> MadeCall:
        """What the call cost, as told; what was set aside stands where nothing is told."""
        if status == "refused":
            return MadeCall(status, NOT_BILLED, 0)
        tokens = tokens_of(completion) if completion is not None else None
        if tokens is None:
            return MadeCall(status)
        price = billed(completion)
        return MadeCall(status, tokens, self._tariff.cost(tokens) if price is None else price)

    async def aclose(self) -> None:
        await self._client.close()


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


def _messages(sheet: bytes) -> list[Any]:
    url = "data:image/jpeg;base64," + base64.b64encode(sheet).decode("ascii")
    return [
        {"role": "system", "content": _prompt()},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]},
    ]


@cache
def _prompt() -> str:
    return files("backend.vision").joinpath("prompts", f"{PROMPT}.txt").read_text(encoding="utf-8")


@cache
def _response_format() -> Any:
    properties = {"same": {"type": ["boolean", "null"]}, "confidence": {"type": "number"}}
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "boundary", "strict": True, "schema": schema}}


def _verdict(completion: object) -> Verdict:
    if not isinstance(completion, ChatCompletion) or not completion.choices:
        raise AIAnalysisError("The vision model's answer about a doubtful place is empty.")
    text = (completion.choices[0].message.content or "").strip().removeprefix("```json").removesuffix("```")
    try:
        return Verdict.model_validate_json(text)
    except ValidationError:
        raise AIAnalysisError("The vision model's answer about a doubtful place is not of the agreed form.") from None
