"""Calls to one vision model behind any OpenAI-compatible endpoint, whoever asks: the reader of items, the judge of
doubtful places.

Owns the order of a call (kept answer, or reserve, ask, settle), what the server's ways are so far, what failures mean,
and the count of calls. Does not own a question (`prompting.py`, `boundaries.py`), what a refusal teaches
(`dialect.py`), the answer (`completion.py`), prices (`tariff.py`), the ledger (`core/model_calls.py`) nor retries (the
caller's, by `retry_ai_analysis`).
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, Protocol, TypeVar

import httpx
import openai
from loguru import logger
from openai import AsyncOpenAI

from backend.core import tracing
from backend.core.errors import AIAnalysisError, SetupError, VintedBotError
from backend.core.metrics import gpt4_vision_calls_total
from backend.core.model_calls import NOT_BILLED, CallStatus, Ledger, MadeCall, PlannedCall, Unmetered
from backend.core.retry_utils import retry_after
from backend.vision import dialect
from backend.vision.completion import UnusableAnswer, billed, is_passing, text_of, tokens_of
from backend.vision.dialect import LESSONS_MAX, Dialect, Rejection
from backend.vision.presets import ON_THE_PAGE
from backend.vision.tariff import OPENAI_URL, Size, tariff_of

NO_KEY_NEEDED = "none"  # local servers ask for no key, the client insists on one

Read = TypeVar("Read")


class Question(dialect.Question, Protocol):
    """What a call says, and what it costs at most."""

    @property
    def prompt_version(self) -> str: ...
    @property
    def text(self) -> str:
        """The words it sends, but for those about the answer's form."""
        ...

    @property
    def sizes(self) -> Sequence[Size]:
        """Of its pictures."""
        ...

    def key(self, model: str, base_url: str) -> str | None:
        """What its answer is kept under; None where it isn't."""
        ...


Asked = TypeVar("Asked", bound=Question)


class ModelCalls:
    """A model at `base_url` (OpenAI's own by default). `timeout` is one call's, in seconds; prices are in dollars per
    million tokens, where the table's don't hold."""

    def __init__(
        self,
        *,
        api_key: str | None,
        base_url: str | None,
        model: str,
        timeout: float,
        max_concurrency: int = 4,
        ledger: Ledger | None = None,
        price_input: Decimal | None = None,
        price_output: Decimal | None = None,
    ) -> None:
        self.model = model
        self.base_url = base_url or OPENAI_URL
        self._client = AsyncOpenAI(
            api_key=api_key or NO_KEY_NEEDED,
            base_url=self.base_url,
            timeout=timeout,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),  # it could lead into our network
        )
        self._timeout = timeout
        self._gate = asyncio.Semaphore(max_concurrency)
        self._ledger = ledger or Unmetered()
        self._dialect = Dialect()
        self._tariff = tariff_of(model, self.base_url, price_input=price_input, price_output=price_output)

    async def aclose(self) -> None:
        await self._client.close()

    async def ask(self, put: Callable[[Dialect], Awaitable[Asked]], read: Callable[[str], Read]) -> tuple[Asked, Read]:
        """The question as put in the dialect known so far, and what `read` makes of the answer's text; each refusal
        that can be learned from is learned from, and asked again.

        Raises AIAnalysisError (the service faltered, or its answer is unusable), BadRequest (it rejects this request),
        BudgetReached, SetupError (key, address or model), or what `put` raises."""
        for _ in range(LESSONS_MAX):
            spoken = self._dialect
            question = await put(spoken)
            key = question.key(self.model, self.base_url)
            kept = await self._recall(key, question)
            if kept is not None:
                return question, read(kept)
            try:
                async with self._gate:
                    text, answer = await self._call(question, spoken, read)
            except (Rejection, UnusableAnswer) as refusal:
                self._learn(spoken, refusal)
                continue
            if key is not None:
                await self._ledger.remember(key, text)
            return question, answer
        raise UnusableAnswer(f"{self.base_url} takes no form of this request.")

    async def _recall(self, key: str | None, question: Question) -> str | None:
        if key is None:
            return None
        return await self._ledger.recall(key, model=self.model, prompt=question.prompt_version)

    def _learn(self, spoken: Dialect, refusal: Rejection | UnusableAnswer) -> None:
        """Several calls may be refused for the same reason at once: the first to come back has learned for all."""
        learned = dialect.otherwise(spoken, refusal)
        if learned is not None and self._dialect != spoken:
            return
        if learned is None:
            raise refusal
        logger.info("model_asked_otherwise: {} at {}, from now on: {}", self.model, self.base_url, learned)
        self._dialect = learned

    async def _call(self, question: Question, spoken: Dialect, read: Callable[[str], Read]) -> tuple[str, Read]:
        """One call: set aside, made, settled, counted once. Cancelled or killed, what was set aside stands."""
        call_id = await self._ledger.reserve(self._planned(question, spoken))
        completion: object = None
        status: CallStatus | None = None
        given = dialect.arguments(spoken, self.model, question)
        try:
            with tracing.span("model call", model=self.model):
                completion = await self._client.chat.completions.create(**given)
            status = "unusable"
            text = text_of(completion)
            answer = read(text)
            status = "success"
        except (openai.OpenAIError, json.JSONDecodeError) as error:
            meaning, status = self._meaning(error)
            raise meaning from error
        finally:
            gpt4_vision_calls_total.labels(status="success" if status == "success" else "error").inc()
            if status is not None:
                await self._ledger.settle(call_id, self._made(completion, status))
        return text, answer

    def _planned(self, question: Question, spoken: Dialect) -> PlannedCall:
        words = question.text + dialect.form_in_words(question)
        most = self._tariff.most_tokens(words, question.sizes, dialect.longest_answer(spoken, question))
        return PlannedCall(self.model, question.prompt_version, most, self._tariff.cost(most))

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
                said = f"The vision model did not answer within {self._timeout:g} s."
                return AIAnalysisError(said, code="model_silent"), "unanswered"
            case openai.APIConnectionError():
                said = f"The vision model at {self.base_url} can't be reached."
                return AIAnalysisError(said, code="model_unreachable"), "unanswered"
            case _:
                said = f"The vision model's answer can't be read ({type(error).__name__})."
                return AIAnalysisError(said), "unanswered"

    def _refused(self, error: openai.APIStatusError) -> VintedBotError:
        """Our error for an HTTP status. The service's words are left out: they may repeat a part of the key."""
        match error.status_code:
            case 401 | 403 as status:
                return SetupError(
                    f"{self.base_url} refuses the key ({status}): check OPENAI_API_KEY, or the key {ON_THE_PAGE}.",
                    code="model_key_refused",
                )
            case 404:
                return SetupError(
                    f"{self.base_url} has no model {self.model!r} (404): check VINTEDBOT_MODEL and OPENAI_BASE_URL, or "
                    f"model and address {ON_THE_PAGE}.",
                    code="model_unknown",
                )
            case 402 | 429 if error.status_code == 402 or error.code == "insufficient_quota":
                return SetupError(
                    f"The account behind OPENAI_API_KEY, or behind the key {ON_THE_PAGE}, has no credit left at "
                    f"{self.base_url}.",
                    code="model_no_credit",
                )
            case status if httpx.codes.is_redirect(status):
                return SetupError(
                    f"{self.base_url} leads elsewhere ({status}), which is not followed: give the address it leads to, "
                    f"by OPENAI_BASE_URL or {ON_THE_PAGE}.",
                    code="model_moved",
                )
            case status if is_passing(status):
                wish = retry_after(error.response.headers)
                return AIAnalysisError(f"The vision model's service answered {status}.", retry_after=wish)
            case _:
                said = f"The vision model rejects the request ({error.status_code}): {error.message[:200]}"
                return Rejection(said, _blames(error))


def _blames(error: openai.APIStatusError) -> str:
    """All that was said about what is wrong, whatever its shape: OpenAI's, a validator's list, or a bare string."""
    body: Any = error.body
    return f"{error.message} {json.dumps(body, ensure_ascii=False, default=str)}"
