"""Which errors are tried again, how often, and after what wait."""

import inspect
import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from loguru import logger

from backend.core import errors, logs, retry_utils
from backend.core.metrics import publish_retry_count
from backend.core.retry_utils import (
    AIAnalysisError,
    CaptchaDetectedError,
    RetryableVintedError,
    VintedNetworkError,
    VintedRateLimitError,
    VintedTimeoutError,
    retry_after,
    retry_ai_analysis,
    retry_captcha_solve,
    retry_publish_operation,
)

POLICIES = [(retry_publish_operation, 3, 5, 60), (retry_ai_analysis, 2, 3, 30), (retry_captcha_solve, 2, 10, 30)]


@pytest.fixture(autouse=True)
def waits():
    waits: list[float] = []
    with retry_utils.waiting_by(waits.append):
        yield waits


class Failing:
    """Fails with these errors in turn, then answers "done"; counts its calls."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    def step(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"

    async def attempt(self) -> str:
        return self.step()


@pytest.mark.parametrize(("decorator", "attempts", "shortest", "longest"), POLICIES)
def test_the_defaults_are_the_contract_s(decorator, attempts, shortest, longest) -> None:
    parameters = inspect.signature(decorator).parameters
    assert [parameters[n].default for n in ("max_attempts", "min_wait", "max_wait")] == [attempts, shortest, longest]


@pytest.mark.parametrize(("decorator", "attempts", "shortest", "longest"), POLICIES)
async def test_never_more_than_the_given_attempts_and_the_last_error_is_itself(
    decorator, attempts, shortest, longest, waits: list[float]
) -> None:
    failures = [VintedNetworkError(str(n)) for n in range(10)]
    work = Failing(*failures)
    with pytest.raises(VintedNetworkError) as raised:
        await decorator()(work.attempt)()
    assert raised.value is failures[attempts - 1]
    assert work.calls == attempts
    assert len(waits) == attempts - 1
    assert all(shortest <= wait <= longest for wait in waits)


async def test_the_window_of_waits_doubles_and_has_jitter(waits: list[float]) -> None:
    for _ in range(60):
        with pytest.raises(VintedTimeoutError):
            await retry_publish_operation(5, 5, 60)(Failing(*[VintedTimeoutError()] * 5).attempt)()
    nth = [waits[n::4] for n in range(4)]
    assert [max(w) <= limit for w, limit in zip(nth, (10, 20, 40, 60), strict=True)] == [True] * 4
    assert max(nth[1]) > 10
    assert max(nth[3]) > 40
    assert all(len(set(w)) > 50 for w in nth)


@pytest.mark.parametrize(
    "error",
    [VintedNetworkError("x"), VintedTimeoutError("x"), VintedRateLimitError("x"), AIAnalysisError("x"),
     RetryableVintedError("x")],
)  # fmt: skip
async def test_passing_failures_are_tried_again(error: Exception) -> None:
    work = Failing(error)
    assert await retry_publish_operation()(work.attempt)() == "done"
    assert work.calls == 2


@pytest.mark.parametrize(
    "error",
    [
        errors.BadRequest("400"),
        errors.NotFound("404"),
        errors.ListingRejected("no title"),
        errors.SetupError("401"),
        errors.UncertainError("clicked"),
        errors.ChallengeRaised("a person"),
        errors.SessionExpired("a person"),
        httpx.HTTPStatusError("403", request=httpx.Request("GET", "http://x"), response=httpx.Response(403)),
        ValueError("a fault of ours"),
    ],
    ids=lambda e: type(e).__name__,
)
async def test_everything_else_is_never_tried_again(error: Exception, waits: list[float]) -> None:
    work = Failing(error)
    with pytest.raises(type(error)) as raised:
        await retry_publish_operation(solver_available=True)(work.attempt)()
    assert raised.value is error
    assert (work.calls, waits) == (1, [])


@pytest.mark.parametrize(("available", "calls"), [(False, 1), (True, 3)])
async def test_a_challenge_is_tried_again_only_where_a_solver_is_available(available: bool, calls: int) -> None:
    work = Failing(*[CaptchaDetectedError("hcaptcha")] * 3)
    with pytest.raises(CaptchaDetectedError):
        await retry_publish_operation(solver_available=available)(work.attempt)()
    assert work.calls == calls


async def test_the_server_s_wish_is_the_shortest_wait(waits: list[float]) -> None:
    work = Failing(VintedRateLimitError("slow down", retry_after=42))
    assert await retry_publish_operation()(work.attempt)() == "done"
    assert waits == [42]


@pytest.mark.parametrize("wish", [61, math.inf])
async def test_a_wish_beyond_the_longest_wait_ends_the_retries(wish: float, waits: list[float]) -> None:
    work = Failing(VintedRateLimitError("tomorrow", retry_after=wish))
    with pytest.raises(VintedRateLimitError) as raised:
        await retry_publish_operation()(work.attempt)()
    assert raised.value.retry_after == wish
    assert (work.calls, waits) == (1, [])


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, None),
        ({"retry-after": "90"}, 90),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}, 0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Mon, 99 Jan 2001 00:00:00 GMT"}, None),
    ],
)
def test_a_wish_is_seconds_or_a_date_or_none(given: dict[str, str], seconds: float | None) -> None:
    assert retry_after(given) == seconds


def test_a_date_to_come_is_so_many_seconds_away() -> None:
    wish = retry_after({"retry-after": format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)})
    assert wish == pytest.approx(90, abs=5)


def test_plain_functions_are_retried_too(waits: list[float]) -> None:
    work = Failing(VintedNetworkError("x"))
    assert retry_publish_operation()(work.step)() == "done"
    assert len(waits) == 1


async def test_a_second_call_starts_counting_anew() -> None:
    work = Failing(*[VintedNetworkError()] * 2)
    retried = retry_ai_analysis()(work.attempt)
    with pytest.raises(VintedNetworkError):
        await retried()
    assert await retried() == "done"


async def test_each_attempt_is_logged_and_each_further_publication_attempt_counted() -> None:
    counted = [publish_retry_count.labels(attempt=n) for n in ("2", "3")]
    before = [c._value.get() for c in counted]
    lines: list[dict[str, object]] = []
    sink = logger.add(lambda line: lines.append(logs.entry(line.record)), level="DEBUG")
    try:
        with pytest.raises(VintedNetworkError):
            await retry_publish_operation()(Failing(*[VintedNetworkError("line is down")] * 3).attempt)()
        await retry_ai_analysis()(Failing(AIAnalysisError("x")).attempt)()
    finally:
        logger.remove(sink)
    told = [line for line in lines if line["operation"] == "publish"]
    failed = [line for line in told if line["event"] == "attempt_failed"]
    assert [(line["attempt"], line["of"]) for line in failed] == [(1, 3), (2, 3), (3, 3)]
    assert {line["message"] for line in failed} == {"VintedNetworkError: line is down"}
    assert sum(line["event"] == "attempt_waits" for line in told) == 2
    assert [c._value.get() - b for c, b in zip(counted, before, strict=True)] == [1, 1]
