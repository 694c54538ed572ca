"""Reads an item's photos with a vision model behind any OpenAI-compatible endpoint.

Owns the order of a reading (kept answer, or reserve, ask, settle), what failures mean, and the count of calls. Does
not own the question (`prompting.py`), the server's ways (`dialect.py`), the answer (`completion.py`, `schema.py`),
prices (`tariff.py`), the ledger (`core/model_calls.py`), retries (the caller's, by `retry_ai_analysis`) nor what
happens without an answer (`fallback.py`).
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import openai
from loguru import logger
from openai import AsyncOpenAI

from backend.core import tracing
from backend.core.errors import AIAnalysisError, SetupError, VintedBotError
from backend.core.metrics import gpt4_vision_calls_total
from backend.core.model_calls import NOT_BILLED, CallStatus, Ledger, MadeCall, PlannedCall, Unmetered
from backend.core.reading import ItemReading, PhotoInput
from backend.vision import prompting
from backend.vision.completion import UnusableAnswer, billed, text_of, tokens_of
from backend.vision.dialect import LESSONS_MAX, Dialect, Rejection, arguments, otherwise
from backend.vision.prompting import PROMPT, Question
from backend.vision.schema import Answer, parse_answer, to_reading
from backend.vision.tariff import OPENAI_URL, tariff_of

__all__ = ["OpenAIAnalyzer", "UnusableAnswer"]

DEFAULT_MODEL = "gpt-4o"
NO_KEY_NEEDED = "none"  # local servers ask for no key, the client insists on one


class OpenAIAnalyzer:
    """A vision model at `base_url` (OpenAI's own by default). `timeout` is one call's, in seconds; prices are in
    dollars per million tokens, where the table's don't hold.

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
                "The openai reader needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL for a model at home."
            )
        self._base_url = base_url or OPENAI_URL
        self._client = AsyncOpenAI(
            api_key=api_key or NO_KEY_NEEDED, base_url=self._base_url, timeout=timeout, max_retries=0
        )
        self._model = model
        self._timeout = timeout
        self._gate = asyncio.Semaphore(max_concurrency)
        self._ledger = ledger or Unmetered()
        self._dialect = Dialect()
        self._tariff = tariff_of(model, self._base_url, price_input=price_input, price_output=price_output)

    async def read_item(self, photos: Sequence[PhotoInput], *, language: str = "fr") -> ItemReading:
        """The model's reading. Raises AIAnalysisError (the service faltered, or its answer is unusable), BadRequest
        (it rejects this request), BudgetReached, SetupError (key, address or model) or PhotoRefused."""
        question, answer, faults = await self._answer(photos, language)
        reading = to_reading(answer, question.photos, source=f"{self._model}, {PROMPT}")
        return ItemReading(tuple(photo.id for photo in photos), reading.fields, (*reading.warnings, *faults))

    async def aclose(self) -> None:
        await self._client.close()

    async def _answer(self, photos: Sequence[PhotoInput], language: str) -> tuple[Question, Answer, tuple[str, ...]]:
        """Asks in the dialect known so far; each refusal that can be learned from is learned from, and asked again."""
        for _ in range(LESSONS_MAX):
            dialect = self._dialect
            question = await asyncio.to_thread(prompting.put, photos, language, most=dialect.pictures)
            key = question.key(self._model, self._base_url)
            kept = await self._ledger.recall(key, model=self._model, prompt=PROMPT)
            if kept is not None:
                return question, *parse_answer(kept)
            try:
                async with self._gate:
                    text, answer, faults = await self._call(question, dialect)
            except (Rejection, UnusableAnswer) as refusal:
                self._learn(dialect, refusal)
                continue
            await self._ledger.remember(key, text)
            return question, answer, faults
        raise UnusableAnswer(f"{self._base_url} takes no form of this request.")

    def _learn(self, dialect: Dialect, refusal: Rejection | UnusableAnswer) -> None:
        """Several calls may be refused for the same reason at once: the first to come back has learned for all."""
        learned = otherwise(dialect, refusal)
        if learned is not None and self._dialect != dialect:
            return
        if learned is None:
            raise refusal
        logger.info("model_asked_otherwise: {} at {}, from now on: {}", self._model, self._base_url, learned)
        self._dialect = learned

    async def _call(self, question: Question, dialect: Dialect) -> tuple[str, Answer, tuple[str, ...]]:
        """One call: set aside, made, settled, counted once. Cancelled or killed, what was set aside stands."""
        call_id = await self._ledger.reserve(self._planned(question, dialect))
        completion: object = None
        status: CallStatus | None = None
        try:
            with tracing.span("model call", model=self._model):
                completion = await self._client.chat.completions.create(**arguments(dialect, self._model, question))
            status = "unusable"
            text = text_of(completion)
            answer, faults = parse_answer(text)
            status = "success"
        except (openai.OpenAIError, json.JSONDecodeError) as error:
            meaning, status = self._meaning(error)
            raise meaning from error
        finally:
            gpt4_vision_calls_total.labels(status="success" if status == "success" else "error").inc()
            if status is not None:
                await self._ledger.settle(call_id, self._made(completion, status))
        return text, answer, faults

    def _planned(self, question: Question, dialect: Dialect) -> PlannedCall:
        most = self._tariff.most_tokens(question.text, (p.size for p in question.pictures), dialect.tokens)
        return PlannedCall(self._model, PROMPT, most, self._tariff.cost(most))

    def _made(self, completion: object, status: CallStatus) -> MadeCall:
        if completion is None:
            unknown = status == "unanswered"  # it may have been read, answered and billed all the same
            return MadeCall(status) if unknown else MadeCall(status, NOT_BILLED, 0)
        tokens = tokens_of(completion)
        if tokens is None:
            return MadeCall(status)
        price = billed(completion)
        return MadeCall(status, tokens, self._tariff.cost(tokens) if price is None else price)

    def _meaning(self, error: Exception) -> tuple[Exception, CallStatus]:
        """Our error for the client's, and what it makes of the call."""
        match error:
            case openai.APIStatusError():
                meaning = self._refused(error)
                return meaning, "rejected" if isinstance(meaning, Rejection) else "refused"
            case openai.APITimeoutError():
                return AIAnalysisError(f"The vision model did not answer within {self._timeout:g} s."), "unanswered"
            case openai.APIConnectionError():
                return AIAnalysisError(f"The vision model at {self._base_url} can't be reached."), "unanswered"
            case _:
                said = f"The vision model's answer can't be read ({type(error).__name__})."
                return AIAnalysisError(said), "unanswered"

    def _refused(self, error: openai.APIStatusError) -> VintedBotError:
        """Our error for an HTTP status. The service's words are left out: they may repeat a part of the key."""
        match error.status_code:
            case 401 | 403 as status:
                return SetupError(f"{self._base_url} refuses the key ({status}): check OPENAI_API_KEY.")
            case 404:
                return SetupError(
                    f"{self._base_url} has no model {self._model!r} (404): check VINTEDBOT_MODEL and OPENAI_BASE_URL."
                )
            case 402:
                return SetupError(f"The account behind OPENAI_API_KEY has no credit left at {self._base_url}.")
            case 429 if error.code == "insufficient_quota":
                return SetupError(f"The account behind OPENAI_API_KEY has no credit left at {self._base_url}.")
            case status if status in {408, 409, 429} or status >= 500:
                return AIAnalysisError(f"The vision model's service answered {status}.", retry_after=_wish(error))
            case _:
                said = f"The vision model rejects the request ({error.status_code}): {error.message[:200]}"
                return Rejection(said, _blames(error))


def _blames(error: openai.APIStatusError) -> str:
    """All that was said about what is wrong, whatever its shape: OpenAI's, a validator's list, or a bare string."""
    body: Any = error.body
    return f"{error.message} {json.dumps(body, ensure_ascii=False, default=str)}"


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
