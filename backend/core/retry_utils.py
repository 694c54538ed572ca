"""How often, and after what wait, the same thing is tried again.

Owns the three retry policies and the one decision what is worth another try. Does not own the errors
(`errors.py`) nor the point of no return: a retry belongs inside a job, before anything was submitted.

| decorator | attempts at most | wait between them |
|---|---|---|
| `retry_publish_operation` | 3 | 5 to 60 s |
| `retry_ai_analysis` | 2 | 3 to 30 s |
| `retry_captcha_solve` | 2 | 10 to 30 s |

The wait is drawn at random from a window that doubles with each attempt, so that several jobs that failed
together don't come back together. A server's own wish (`retry_after`) is respected: the wait is never
shorter, and a wish beyond the policy's longest wait ends the retries, since coming back sooner than asked
would be no respect; the error then carries the wish to the caller. The last error is raised as itself.
"""

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from loguru import logger
from tenacity import RetryCallState, retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from backend.core.errors import (
    AIAnalysisError,
    CaptchaDetectedError,
    RetryableVintedError,
    VintedNetworkError,
    VintedRateLimitError,
    VintedTimeoutError,
)
from backend.core.metrics import publish_retry_count

if TYPE_CHECKING:
    from loguru import Logger

__all__ = [
    "AIAnalysisError",
    "CaptchaDetectedError",
    "RetryableVintedError",
    "VintedNetworkError",
    "VintedRateLimitError",
    "VintedTimeoutError",
    "pause",
    "retry_after",
    "retry_ai_analysis",
    "retry_captcha_solve",
    "retry_publish_operation",
    "waiting_by",
    "worth_retrying",
]

F = TypeVar("F", bound=Callable[..., Any])

_instead_of_waiting: Callable[[float], None] | None = None


@contextmanager
def waiting_by(wait: Callable[[float], None]) -> Iterator[None]:
    """Inside, in the whole process, every wait of this module calls `wait(seconds)` and goes on at once.

    For tests: they record the waits (`waiting_by(waits.append)`) instead of living through them."""
    global _instead_of_waiting  # noqa: PLW0603 - one clock for the process: jobs run on other threads too
    before, _instead_of_waiting = _instead_of_waiting, wait
    try:
        yield
    finally:
        _instead_of_waiting = before


async def pause(seconds: float) -> None:
    """Waits without holding up the event loop."""
    if _instead_of_waiting is None:
        await asyncio.sleep(seconds)
    else:
        _instead_of_waiting(seconds)
        await asyncio.sleep(0)


def _pause_blocking(seconds: float) -> None:
    (_instead_of_waiting or time.sleep)(seconds)


def worth_retrying(error: BaseException, *, max_wait: float, solver_available: bool = False) -> bool:
    """Whether another attempt may succeed. A 4xx answer is none of these errors (429 excepted), so it never is."""
    if not isinstance(error, RetryableVintedError) or error.kind != "retryable":
        return False
    if isinstance(error, CaptchaDetectedError):
        return solver_available
    return _wish(error) <= max_wait


def retry_publish_operation(
    max_attempts: int = 3, min_wait: float = 5, max_wait: float = 60, *, solver_available: bool = False
) -> Callable[[F], F]:
    """For one step of a publication that has submitted nothing yet. Waits are in seconds.

    A challenge (`CaptchaDetectedError`) is tried again only where a solver is available."""
    return _retry("publish", max_attempts, min_wait, max_wait, solver_available, counted=True)


def retry_ai_analysis(max_attempts: int = 2, min_wait: float = 3, max_wait: float = 30) -> Callable[[F], F]:
    """For one reading of an item's photos."""
    return _retry("ai_analysis", max_attempts, min_wait, max_wait)


def retry_captcha_solve(max_attempts: int = 2, min_wait: float = 10, max_wait: float = 30) -> Callable[[F], F]:
    """For one order to a solver service; being a solver's, it tries a challenge again."""
    return _retry("captcha_solve", max_attempts, min_wait, max_wait, solver_available=True)


def _retry(
    operation: str,
    max_attempts: int,
    min_wait: float,
    max_wait: float,
    solver_available: bool = False,
    *,
    counted: bool = False,
) -> Callable[[F], F]:
    backoff = wait_random_exponential(multiplier=2 * min_wait, min=min_wait, max=max_wait)
    policy = partial(
        retry,
        retry=retry_if_exception(partial(worth_retrying, max_wait=max_wait, solver_available=solver_available)),
        stop=stop_after_attempt(max_attempts),
        wait=lambda state: max(backoff(state), _wish(_error_of(state))),
        before=partial(_begin, operation, max_attempts, counted),
        after=partial(_log_failure, operation, max_attempts),
        before_sleep=partial(_log_wait, operation),
        reraise=True,
    )

    def decorate(function: F) -> F:
        sleep = pause if inspect.iscoroutinefunction(function) else _pause_blocking
        return policy(sleep=sleep)(function)  # type: ignore[no-any-return]

    return decorate


def _begin(operation: str, max_attempts: int, counted: bool, state: RetryCallState) -> None:
    _told(operation, max_attempts, state).debug("attempt_begins")
    if counted and state.attempt_number > 1:
        publish_retry_count.labels(attempt=str(state.attempt_number)).inc()


def _log_failure(operation: str, max_attempts: int, state: RetryCallState) -> None:
    error = _error_of(state)
    _told(operation, max_attempts, state).warning("attempt_failed: {}: {}", type(error).__name__, error)


def _log_wait(operation: str, state: RetryCallState) -> None:
    logger.bind(operation=operation, seconds=round(state.upcoming_sleep, 1)).info("attempt_waits")


def _told(operation: str, max_attempts: int, state: RetryCallState) -> "Logger":
    return logger.bind(operation=operation, attempt=state.attempt_number, of=max_attempts)


def _error_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _wish(error: BaseException | None) -> float:
    """The server's own wish in seconds; 0 when it has none."""
    return getattr(error, "retry_after", None) or 0.0


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The wish of an answer's Retry-After in seconds, given as such or as a date (RFC 9110, 10.2.3); None without one
    that can be read. The headers' names are in lower case, or found in any."""
    wish = headers.get("retry-after", "").strip()
    try:
        given = wish.replace(".", "", 1).isdecimal()
        seconds = float(wish) if given else (parsedate_to_datetime(wish) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return max(0.0, seconds)
