"""Reads an item's photos with a vision model behind any OpenAI-compatible endpoint.

Owns the request (photos, prompt, schema), what its failures mean, and the count of calls. Does not own the
answer's shape (`schema.py`), retries (the caller's, by `retry_ai_analysis`) nor what happens without an
answer (`fallback.py`). The prompt is `prompts/item-v1.txt`; a changed prompt is a new file, named in the evidence.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar

import openai
from loguru import logger
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from pydantic import ValidationError

from backend.core.errors import AIAnalysisError, BadRequest, Kind, SetupError, VintedBotError
from backend.core.metrics import gpt4_vision_calls_total
from backend.core.reading import ItemReading, PhotoInput
from backend.vision.pictures import COVER_SIDE, OTHER_SIDE, data_url
from backend.vision.schema import Answer, answer_schema, to_reading

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-4o"
PROMPT = "item-v1"
PHOTOS_MAX = 20
ANSWER_TOKENS = 2000
LANGUAGES = {"fr": "French", "en": "English"}
NO_KEY_NEEDED = "none"  # local servers ask for no key, the client insists on one


class UnusableAnswer(AIAnalysisError):
    """The model answered, but not with a reading: asked the same again it would answer the same."""

    kind: ClassVar[Kind] = "permanent"
    code = "model_answer_unusable"


class OpenAIAnalyzer:
    """A vision model at `base_url` (OpenAI's own by default). `timeout` is one call's, in seconds.

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
    ) -> None:
        if not api_key and not base_url:
            raise SetupError(
                "The openai reader needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL for a model at home."
            )
        self._base_url = base_url or OPENAI_URL
        self._client = AsyncOpenAI(
            api_key=api_key or NO_KEY_NEEDED, base_url=self._base_url, timeout=timeout, max_retries=0
        )
        self._model = model
        self._timeout = timeout
        self._gate = asyncio.Semaphore(max_concurrency)
        self._sampling: dict[str, Any] = {"temperature": 0}

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        """The model's reading. Raises AIAnalysisError (the service faltered, or its answer is unusable),
        BadRequest (it rejects this request), SetupError (key, address or model) or PhotoRefused."""
        shown = photos[:PHOTOS_MAX]
        messages = await asyncio.to_thread(_messages, shown, language)
        async with self._gate:
            answer = await self._ask(messages)
        reading = to_reading(answer, [photo.id for photo in shown], source=f"{self._model}, {PROMPT}")
        return ItemReading(tuple(photo.id for photo in photos), reading.fields, reading.warnings)

    async def aclose(self) -> None:
        await self._client.close()

    async def _ask(self, messages: list[Any]) -> Answer:
        sampling = self._sampling
        try:
            return await self._call(messages, sampling)
        except openai.BadRequestError as error:
            if error.param not in sampling:
                raise _rejected(error) from error
        logger.info("{} takes no temperature; asking without", self._model)
        self._sampling = {}
        try:
            return await self._call(messages, self._sampling)
        except openai.BadRequestError as error:
            raise _rejected(error) from error

    async def _call(self, messages: list[Any], sampling: dict[str, Any]) -> Answer:
        """One call, counted once. A rejected request comes out as the client's own BadRequestError."""
        status = "error"
        try:
            completion = await self._client.chat.completions.create(
                model=self._model,
                messages=messages,
                response_format=_response_format(),
                max_completion_tokens=ANSWER_TOKENS,
                **sampling,
            )
            answer = _parse(completion)
            status = "success"
        except openai.BadRequestError:
            raise
        except openai.APIStatusError as error:
            raise self._refused(error) from error
        except openai.APITimeoutError as error:
            raise AIAnalysisError(f"The vision model did not answer within {self._timeout:g} s.") from error
        except openai.APIConnectionError as error:
            raise AIAnalysisError(f"The vision model at {self._base_url} can't be reached.") from error
        except (openai.OpenAIError, json.JSONDecodeError) as error:
            raise AIAnalysisError(f"The vision model's answer can't be read ({type(error).__name__}).") from error
        finally:
            gpt4_vision_calls_total.labels(status=status).inc()
        return answer

    def _refused(self, error: openai.APIStatusError) -> VintedBotError:
        """Our error for an HTTP status. The service's words are left out: they may repeat a part of the key."""
        match error.status_code:
            case 401 | 403 as status:
                return SetupError(f"{self._base_url} refuses the key ({status}): check OPENAI_API_KEY.")
            case 404:
                return SetupError(
                    f"{self._base_url} has no model {self._model!r} (404): check VINTEDBOT_MODEL and OPENAI_BASE_URL."
                )
            case 429 if error.code == "insufficient_quota":
                return SetupError(f"The account behind OPENAI_API_KEY has no credit left at {self._base_url}.")
            case status if status in {408, 409, 429} or status >= 500:
                return AIAnalysisError(f"The vision model's service answered {status}.", retry_after=_wish(error))
            case _:
                return _rejected(error)


def _rejected(error: openai.APIStatusError) -> BadRequest:
    return BadRequest(f"The vision model rejects the request ({error.status_code}): {error.message[:200]}")


def _messages(photos: Sequence[PhotoInput], language: str) -> list[Any]:
    parts: list[dict[str, Any]] = []
    for number, photo in enumerate(photos, 1):
        url = data_url(photo.path, COVER_SIDE if number == 1 else OTHER_SIDE)
        parts += [{"type": "text", "text": f"Photo {number}"}, {"type": "image_url", "image_url": {"url": url}}]
    prompt = _prompt().replace("{language}", LANGUAGES.get(language, language))
    return [{"role": "system", "content": prompt}, {"role": "user", "content": parts}]


@cache
def _prompt() -> str:
    return files("backend.vision").joinpath("prompts", f"{PROMPT}.txt").read_text(encoding="utf-8")


@cache
def _response_format() -> Any:
    return {"type": "json_schema", "json_schema": {"name": "item", "strict": True, "schema": answer_schema()}}


def _parse(completion: object) -> Answer:
    if not isinstance(completion, ChatCompletion):
        raise SetupError("OPENAI_BASE_URL leads to something that does not speak the OpenAI protocol.")
    if not completion.choices:
        raise UnusableAnswer("The vision model's answer is empty.")
    choice = completion.choices[0]
    if choice.message.refusal:
        raise UnusableAnswer("The vision model refused to read these photos.")
    if choice.finish_reason == "content_filter":
        raise UnusableAnswer("The vision model's content filter stopped its answer.")
    if choice.finish_reason == "length":
        raise UnusableAnswer("The vision model's answer was cut off.")
    try:
        return Answer.model_validate_json(_bare(choice.message.content or ""))
    except ValidationError as error:
        raise UnusableAnswer(
            f"The vision model's answer is not of the agreed form ({error.error_count()} faults)."
        ) from None


def _bare(text: str) -> str:
    """Some servers put JSON between Markdown fences, schema or not."""
    return text.strip().removeprefix("```json").removeprefix("```").removesuffix("```")


def _wish(error: openai.APIStatusError) -> float | None:
    """Retry-After in seconds, given as such or as a date."""
    wish = error.response.headers.get("retry-after", "")
    try:
        return max(0.0, float(wish))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(wish) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
