"""What a chat completion says: the text of the answer, what it cost, or why there is none.

Owns the meaning of finish reasons, refusals and of errors that come with status 200. Does not own the call
(`calls.py`) nor the answer's shape (`schema.py`).
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from openai.types.chat import ChatCompletion

from backend.core.errors import AIAnalysisError, Kind, SetupError
from backend.core.model_calls import MICROS, NOT_BILLED, Tokens
from backend.vision.presets import ON_THE_PAGE


class UnusableAnswer(AIAnalysisError):
    """The model answered, but not with a reading: asked the same again it would answer the same."""

    kind: ClassVar[Kind] = "permanent"
    code = "model_answer_unusable"


class MalformedAnswer(UnusableAnswer):
    """It is not of the agreed form, which a server that was not held to the form may do better in words."""


class CutOffAnswer(UnusableAnswer):
    """It ran into the limit of its length, as models that think before they answer do."""


def text_of(completion: object) -> str:
    """The answer's text. Raises UnusableAnswer; AIAnalysisError or SetupError for an error in disguise."""
    if not isinstance(completion, ChatCompletion):
        raise SetupError(
            f"OPENAI_BASE_URL, or the address {ON_THE_PAGE}, leads to something that does not speak the OpenAI "
            "protocol. An address often ends in /v1.",
            code="model_stranger",
        )
    if not completion.choices:
        raise _error_within(completion) or UnusableAnswer("The vision model's answer is empty.")
    choice = completion.choices[0]
    if choice.message.refusal:
        raise UnusableAnswer("The vision model refused to read these photos.")
    if choice.finish_reason == "content_filter":
        raise UnusableAnswer("The vision model's content filter stopped its answer.")
    if choice.finish_reason == "length":
        raise CutOffAnswer("The vision model's answer was cut off.")
    return bare(choice.message.content or "")


def is_passing(status: int) -> bool:
    """Whether the same request may be taken a little later: too many of them, or the service's own fault. No other 4xx
    is."""
    return status == 429 or status >= 500


def tokens_of(completion: object) -> Tokens | None:
    """What the answer says it counted, none where there is no answer; None where the server doesn't say."""
    if not isinstance(completion, ChatCompletion) or not completion.choices:
        return NOT_BILLED
    usage = completion.usage
    if usage is None or not usage.prompt_tokens:
        return None
    return Tokens(usage.prompt_tokens, usage.completion_tokens or 0)


def billed(completion: object) -> int | None:
    """The price in micro-dollars where the answer itself states it, as OpenRouter's `usage.cost` does."""
    usage = completion.usage if isinstance(completion, ChatCompletion) else None
    cost = (usage.model_extra or {}).get("cost") if usage else None
    if not isinstance(cost, int | float) or isinstance(cost, bool):
        return None
    try:
        return int((Decimal(str(cost)) * MICROS).to_integral_value())
    except (InvalidOperation, ValueError):
        return None


def bare(text: str) -> str:
    """The JSON object in an answer: without the model's thinking, prose or Markdown fences around it."""
    text = re.sub(r"<think>.*?</think>", "", text, flags=re.DOTALL).strip()
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text


def _error_within(completion: ChatCompletion) -> Exception | None:
    """OpenRouter answers 200 and `{"error": {"code", "message"}}` when the provider behind it fails."""
    error: Any = (completion.model_extra or {}).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if code == 402:
        return SetupError("The account behind the model's key has no credit left.", code="model_no_credit")
    if isinstance(code, int) and is_passing(code):
        return AIAnalysisError(f"The vision model's service answered {code}.")
    return None if error is None else UnusableAnswer(f"The vision model's service answered with an error ({code}).")
