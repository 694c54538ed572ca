"""Buys the answer to an hCaptcha from a solver service that speaks the 2Captcha protocol.

Owns the protocol, its limits (2 orders, each polled every 5 s for at most 120 s) and what its errors mean.
Does not own the decision to use a service at all (an operator's opt-in, off without a key) nor the page:
`inject_captcha_solution` takes anything with an async `evaluate`. When the service gives up, the challenge
goes to the account's owner.

Two errors come out of here: `SolverBusy`, worth another order, and `SolverRefused`, which is not: asking
again with a bad key gets the address banned. Both carry `reason`, one of `metrics.CAPTCHA_FAILURES`.
"""

import asyncio
import logging
import math
from types import TracebackType
from typing import Any, Protocol, Self

import httpx
from loguru import logger

from backend.core.errors import PermanentError, RetryableVintedError
from backend.core.metrics import captcha_failure_reason, captcha_failure_total, captcha_solved_total
from backend.core.retry_utils import pause, retry_captcha_solve

BASE_URL = "https://2captcha.com"
WORTH_ANOTHER_ORDER = ("no_slot", "unsolvable", "network")
NOT_READY = "CAPCHA_NOT_READY"  # the vendor's own spelling
ANSWER_FIELDS = "[name='h-captcha-response'], [name='g-recaptcha-response']"
PUT_ANSWER = """([selector, answer]) => {
    const fields = document.querySelectorAll(selector);
    for (const field of fields) {
        field.value = answer;
        field.dispatchEvent(new Event("input", {bubbles: true}));
        field.dispatchEvent(new Event("change", {bubbles: true}));
    }
    return fields.length;
}"""

logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it writes each address, and polls carry the key


class SolverBusy(RetryableVintedError):
    """The service had nobody for this challenge, or could not be reached."""

    code = "solver_busy"

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class SolverRefused(PermanentError):
    """The service will not, or did not in time: a person has to solve this one."""

    code = "solver_refused"

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Evaluates(Protocol):
    """The one thing of a browser's page that is needed here."""

    async def evaluate(self, expression: str, arg: Any = None) -> Any: ...


async def inject_captcha_solution(page: Evaluates, solution: str) -> int:
    """Writes the answer into the page's challenge fields and returns how many there were.

    The answer travels as an argument, never as part of the script."""
    return int(await page.evaluate(PUT_ANSWER, [ANSWER_FIELDS, solution]))


class TwoCaptchaSolver:
    """A client of one solver service. `base_url` is any vendor's with this protocol; times are in seconds.

    A given `http` client stays the caller's to close."""

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = BASE_URL,
        http: httpx.AsyncClient | None = None,
        poll_interval: float = 5.0,
        timeout: float = 120.0,
    ) -> None:
        self._key = api_key
        self._base_url = base_url.rstrip("/")
        self._owns_http = http is None
        self._http = http or httpx.AsyncClient(timeout=httpx.Timeout(20.0), follow_redirects=False)
        self._poll_interval = poll_interval
        self._timeout = timeout

    async def solve_hcaptcha(self, sitekey: str, pageurl: str) -> str:
        """The token that answers the challenge. Raises SolverBusy (after two orders) or SolverRefused."""
        return await self._order_and_wait(sitekey, pageurl)

    @retry_captcha_solve()
    async def _order_and_wait(self, sitekey: str, pageurl: str) -> str:
        try:
            async with asyncio.timeout(self._timeout):
                token = await self._await_answer(await self._order(sitekey, pageurl))
        except TimeoutError:
            late = SolverRefused(f"The solver service had no answer within {self._timeout:.0f} s.", "timeout")
            captcha_failure_total.labels(reason=late.reason).inc()
            raise late from None
        except (SolverBusy, SolverRefused) as error:
            captcha_failure_total.labels(reason=error.reason).inc()
            raise
        captcha_solved_total.inc()
        return token

    async def _order(self, sitekey: str, pageurl: str) -> str:
        data = {"key": self._key, "method": "hcaptcha", "sitekey": sitekey, "pageurl": pageurl, "json": "1"}
        done, order = await self._call("POST", "/in.php", data=data)
        if not done:
            raise _failure(order)
        return order

    async def _await_answer(self, order: str) -> str:
        """Polls until there is an answer. An order is paid for: a poll that fails on the way is asked again."""
        params = {"key": self._key, "action": "get", "id": order, "json": "1"}
        for _ in range(math.ceil(self._timeout / self._poll_interval)):
            await pause(self._poll_interval)
            try:
                done, answer = await self._call("GET", "/res.php", params=params)
            except SolverBusy as error:
                logger.info("captcha_solve: {}", error)
                continue
            if done:
                return answer
            if answer != NOT_READY:
                raise _failure(answer)
        raise TimeoutError

    async def _call(self, method: str, path: str, **what: dict[str, str]) -> tuple[bool, str]:
        """Whether the service says yes (`status` 1), and its word. Raises SolverBusy when it can't be understood."""
        try:
            response = await self._http.request(method, self._base_url + path, **what)  # type: ignore[arg-type]
            response.raise_for_status()
            answer = response.json()
            return answer["status"] == 1, str(answer["request"])
        except httpx.HTTPStatusError as error:
            if error.response.status_code < 500 and error.response.status_code != 429:
                raise SolverRefused(f"The solver service answered {error.response.status_code}.", "other") from None
            raise SolverBusy(f"The solver service answered {error.response.status_code}.", "network") from None
        except httpx.HTTPError as error:
            # Only the kind of error: its text may hold the address, and with it the key.
            raise SolverBusy(f"The solver service can't be reached ({type(error).__name__}).", "network") from None
        except (ValueError, KeyError, TypeError):
            raise SolverBusy("The solver service's answer is not of its protocol.", "network") from None

    async def aclose(self) -> None:
        if self._owns_http:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _failure(vendor_text: str) -> SolverBusy | SolverRefused:
    reason = captcha_failure_reason(vendor_text)
    said = vendor_text if vendor_text.startswith("ERROR_") and vendor_text.isascii() else "an unknown error"
    message = f"The solver service said {said[:60]}."
    if reason in WORTH_ANOTHER_ORDER:
        return SolverBusy(message, reason)
    fix = " Check TWOCAPTCHA_API_KEY." if reason in {"bad_key", "no_balance", "ip_not_allowed"} else ""
    return SolverRefused(message + fix, reason)
