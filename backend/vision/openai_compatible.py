"""Reads an item's photos with a vision model behind any OpenAI-compatible endpoint.

Owns the reader. Does not own the question (`prompting.py`), the calls and what their failures mean (`calls.py`), the
server's ways (`dialect.py`), the answer (`completion.py`, `schema.py`) nor what happens without one (`fallback.py`).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from backend.core.errors import SetupError
from backend.core.model_calls import Ledger
from backend.core.reading import ItemReading, PhotoInput
from backend.vision import prompting
from backend.vision.calls import ModelCalls
from backend.vision.completion import UnusableAnswer
from backend.vision.dialect import Dialect
from backend.vision.presets import ON_THE_PAGE
from backend.vision.prompting import PROMPT, Question
from backend.vision.schema import parse_answer, to_reading

__all__ = ["OpenAIAnalyzer", "UnusableAnswer"]

DEFAULT_MODEL = "gpt-4o"


class OpenAIAnalyzer:
    """A vision model; the arguments are those of `ModelCalls`.

    Raises SetupError without a key, unless another `base_url` is given: a model at home needs none."""

    name = "openai"

    def __init__(
        self,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        model: str = DEFAULT_MODEL,
        timeout: float = 60.0,
        max_concurrency: int = 4,
        ledger: Ledger | None = None,
        price_input: Decimal | None = None,
        price_output: Decimal | None = None,
    ) -> None:
        if not api_key and not base_url:
            raise SetupError(
                "The openai reader needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL for a model at home; or choose "
                f"it {ON_THE_PAGE}."
            )
        self.calls = ModelCalls(
            api_key=api_key,
            base_url=base_url,
            model=model,
            timeout=timeout,
            max_concurrency=max_concurrency,
            ledger=ledger,
            price_input=price_input,
            price_output=price_output,
        )

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        """The model's reading. Raises what `ModelCalls.ask` does, and PhotoRefused."""

        async def put(spoken: Dialect) -> Question:
            return await asyncio.to_thread(prompting.put, photos, language, most=spoken.pictures)

        question, (answer, faults) = await self.calls.ask(put, parse_answer)
        reading = to_reading(answer, question.photos, source=f"{self.calls.model}, {PROMPT}")
        return replace(reading, photos=tuple(photo.id for photo in photos), warnings=(*reading.warnings, *faults))

    async def aclose(self) -> None:
        await self.calls.aclose()
