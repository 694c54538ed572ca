"""What servers that speak OpenAI's protocol don't all take, and how that is found out: by asking and being refused.

Owns the arguments of a request in each dialect and what to leave out after a refusal. Owns no call. Nobody has to
say which server it is: the first refused request teaches, and the reader keeps to what it learned.

| known difference | who | what follows |
|---|---|---|
| no `max_completion_tokens` | Mistral, older vLLM | `max_tokens`, then no limit |
| no `temperature` but its default | OpenAI's reasoning models | none is sent |
| no `json_schema` | older Ollama and vLLM, some OpenRouter providers | `json_object`, the schema in the prompt |
| `json_schema` taken and ignored | Ollama before 0.5 | after an answer of no form, the schema in the prompt |
| an answer of 2000 tokens is cut off | models that think first | 8000 are allowed |
| no `json_object` | LM Studio | no format; the answer is searched for its JSON |
| no `detail` of a picture | strict servers | none is sent |
| at most N pictures | vLLM (`--limit-mm-per-prompt`) | the first photo, then labels, N in all |
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from backend.core.errors import BadRequest
from backend.vision.completion import CutOffAnswer, MalformedAnswer, UnusableAnswer

PICTURES_MAX = 20
LONG_ANSWER_TOKENS = 8000
"""The longest answer asked for of a model that thinks first."""
LESSONS_MAX = 8
"""Refusals one question learns from before it gives up; there are fewer things to learn."""


@dataclass(frozen=True)
class Dialect:
    answer: Literal["schema", "object", "plain"] = "schema"
    limit: Literal["max_completion_tokens", "max_tokens"] | None = "max_completion_tokens"
    temperature: bool = True
    detail: bool = True
    pictures: int = PICTURES_MAX
    thinks: bool = False
    """Before it answers, so the answer is cut off where no room is left for that."""


class Question(Protocol):
    """What a request is made of, whatever it asks."""

    @property
    def answer_form(self) -> tuple[str, Mapping[str, Any]]:
        """The name of the answer's JSON schema, and the schema."""
        ...

    @property
    def answer_tokens(self) -> int:
        """The longest answer, of a model that doesn't think first."""
        ...

    def messages(self, *, detail: bool) -> list[dict[str, Any]]: ...


class Rejection(BadRequest):
    """The server does not accept the request. `blames` is every word it said about why, in lower case."""

    def __init__(self, message: str, blames: str) -> None:
        super().__init__(message)
        self.blames = blames.lower()


def learn(dialect: Dialect, blames: str) -> Dialect | None:
    """The dialect without what the refusal blames, or None when it blames nothing that could be left out."""
    if (most := re.search(r"at most (\d+) image", blames)) and 0 < int(most[1]) < dialect.pictures:
        return replace(dialect, pictures=int(most[1]))
    if dialect.temperature and "temperature" in blames:
        return replace(dialect, temperature=False)
    if dialect.limit is not None and dialect.limit in blames:
        return replace(dialect, limit="max_tokens" if dialect.limit == "max_completion_tokens" else None)
    if dialect.detail and re.search(r"image_url\W+detail", blames):
        return replace(dialect, detail=False)
    if dialect.answer != "plain" and re.search(r"response_format|json_schema|json_object|structured output", blames):
        return replace(dialect, answer="object" if dialect.answer == "schema" else "plain")
    return None


def otherwise(dialect: Dialect, refusal: Rejection | UnusableAnswer) -> Dialect | None:
    """What to try after this; None when there is nothing to try.

    After an answer of no form the schema is told in words too; after one that was cut off a longer one is asked for."""
    match refusal:
        case Rejection():
            return learn(dialect, refusal.blames)
        case MalformedAnswer() if dialect.answer == "schema":
            return replace(dialect, answer="object")
        case CutOffAnswer() if not dialect.thinks:
            return replace(dialect, thinks=True)
        case _:
            return None


def arguments(dialect: Dialect, model: str, question: Question) -> dict[str, Any]:
    """The arguments of `chat.completions.create`."""
    given: dict[str, Any] = {"model": model, "messages": question.messages(detail=dialect.detail)}
    if dialect.answer == "schema":
        name, schema = question.answer_form
        form = {"name": name, "strict": True, "schema": schema}
        given["response_format"] = {"type": "json_schema", "json_schema": form}
    else:
        given["messages"][0]["content"] += form_in_words(question)
        if dialect.answer == "object":
            given["response_format"] = {"type": "json_object"}
    if dialect.limit is not None:
        given[dialect.limit] = longest_answer(dialect, question)
    if dialect.temperature:
        given["temperature"] = 0
    return given


def form_in_words(question: Question) -> str:
    """For servers that can't be held to a schema."""
    schema = json.dumps(question.answer_form[1])
    return f"\nAnswer with one JSON object and nothing else, of this JSON schema:\n{schema}\n"


def longest_answer(dialect: Dialect, question: Question) -> int:
    """In tokens."""
    return LONG_ANSWER_TOKENS if dialect.thinks else question.answer_tokens
