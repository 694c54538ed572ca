"""A refused request: what is left out of the next one, and when there is nothing to learn."""

import json
from dataclasses import replace
from typing import Any

import pytest

from backend.vision.completion import CutOffAnswer, MalformedAnswer, UnusableAnswer
from backend.vision.dialect import LESSONS_MAX, Dialect, Rejection, arguments, learn, otherwise
from backend.vision.pictures import Picture
from backend.vision.prompting import Question

FULL = Dialect()
OLD = replace(FULL, limit="max_tokens")
OBJECT = replace(FULL, answer="object")


def validator(*where: object) -> str:
    detail = [{"type": "extra_forbidden", "loc": ["body", *where], "msg": "Extra inputs are not permitted"}]
    return json.dumps({"object": "error", "message": {"detail": detail}, "param": None, "code": None})


@pytest.mark.parametrize(
    ("before", "said", "after"),
    [
        (FULL, "Unsupported value: 'temperature' does not support 0", replace(FULL, temperature=False)),
        (FULL, validator("max_completion_tokens"), OLD),
        (OLD, "Unrecognized request argument supplied: max_tokens", replace(FULL, limit=None)),
        (FULL, validator("messages", 1, "content", 1, "image_url", "detail"), replace(FULL, detail=False)),
        (FULL, "At most 4 image(s) may be provided in one request.", replace(FULL, pictures=4)),
        (FULL, "Invalid parameter: 'response_format' of type 'json_schema' is not supported", OBJECT),
        (OBJECT, "'response_format.type' must be 'json_schema' or 'text'", replace(FULL, answer="plain")),
        (replace(FULL, answer="plain"), "'response_format.type' must be 'text'", None),
        (replace(FULL, pictures=4), "At most 4 image(s) may be provided", None),
        (replace(FULL, temperature=False), "temperature", None),
        (FULL, "Your request was rejected by our safety system.", None),
        (FULL, "The detail of your message is too long", None),
    ],
)
def test_what_a_refusal_teaches(before: Dialect, said: str, after: Dialect | None) -> None:
    assert learn(before, Rejection("refused", said).blames) == after


def test_there_are_fewer_lessons_than_are_allowed() -> None:
    words = ["temperature", "max_completion_tokens", "max_tokens", "image_url.detail", "response_format"]
    dialect: Dialect | None = FULL
    lessons = 0
    while dialect := next((new for word in words if (new := learn(dialect, word))), None):
        lessons += 1
    assert lessons + 1 < LESSONS_MAX, "and one for an answer that was cut off"


def test_after_an_answer_of_no_form_the_form_is_told_once() -> None:
    assert otherwise(FULL, MalformedAnswer("?")) == OBJECT
    assert otherwise(OBJECT, MalformedAnswer("?")) is None


def test_after_an_answer_that_was_cut_off_a_longer_one_is_asked_for_once() -> None:
    longer = otherwise(FULL, CutOffAnswer("?"))
    assert longer == replace(FULL, thinks=True)
    assert otherwise(longer, CutOffAnswer("?")) is None
    assert otherwise(FULL, UnusableAnswer("refused")) is None


@pytest.mark.parametrize("answer", ["schema", "object", "plain"])
def test_the_arguments_of_each_way_to_be_answered(answer: Any) -> None:
    question = Question(("p1",), (Picture(b"jpeg", (1, 1), "high"),), "de")
    given = arguments(Dialect(answer, limit="max_tokens", temperature=False, detail=False), "m", question)
    kinds = {"schema": "json_schema", "object": "json_object", "plain": None}
    assert given.get("response_format", {}).get("type") == kinds[answer]
    prompt = given["messages"][0]["content"]
    assert ("JSON schema" in prompt) is (answer != "schema")
    assert "in German" in prompt
    assert set(given) - {"response_format"} == {"model", "messages", "max_tokens"}
    assert given["messages"][1]["content"][1]["image_url"].keys() == {"url"}
