"""The challenge solver against a stand-in of its vendor's protocol, over real HTTP on the loopback interface."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from loguru import logger

from backend.core import retry_utils
from backend.core.captcha_solver import (
    ANSWER_FIELDS,
    BASE_URL,
    SolverBusy,
    SolverRefused,
    TwoCaptchaSolver,
    inject_captcha_solution,
)
from backend.core.metrics import CAPTCHA_FAILURES, captcha_failure_total, captcha_solved_total
from backend.sandbox.solver_api import NOT_READY, SolverApi, running_solver_api

PAGE = "https://www.vinted.example/items/new"


@pytest.fixture(scope="module")
def served() -> Iterator[SolverApi]:
    with running_solver_api() as api:
        yield api


@pytest.fixture
def api(served: SolverApi) -> SolverApi:
    served.key = "sandbox-key"
    for kept in (served.on_order, served.on_poll, served.orders, served.polls):
        kept.clear()
    return served


@pytest.fixture
def waits() -> Iterator[list[float]]:
    waits: list[float] = []
    with retry_utils.waiting_by(waits.append):
        yield waits


async def solve(api: SolverApi, key: str = "sandbox-key", **options: Any) -> str:
    async with TwoCaptchaSolver(key, base_url=api.url, **options) as solver:
        return await solver.solve_hcaptcha("10000000-ffff", PAGE)


def counts() -> tuple[float, dict[str, float]]:
    failed = {r: captcha_failure_total.labels(reason=r)._value.get() for r in CAPTCHA_FAILURES}
    return captcha_solved_total._value.get(), failed


def counted_since(before: tuple[float, dict[str, float]]) -> tuple[float, dict[str, float]]:
    solved, failed = counts()
    return solved - before[0], {r: n - before[1][r] for r, n in failed.items() if n != before[1][r]}


async def test_an_order_is_polled_every_five_seconds_until_it_is_ready(api: SolverApi, waits: list[float]) -> None:
    before = counts()
    api.on_poll.extend([NOT_READY, NOT_READY, "P1_token"])
    assert await solve(api) == "P1_token"
    assert api.orders == [{"method": "hcaptcha", "key": "sandbox-key", "sitekey": "10000000-ffff", "pageurl": PAGE}]
    assert (waits, len(api.polls)) == ([5, 5, 5], 3)
    assert counted_since(before) == (1, {})


async def test_waits_are_real_and_leave_the_loop_free(api: SolverApi) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    started = time.perf_counter()
    assert (await solve(api, poll_interval=0.1)).startswith("P1_token-for-")
    ticking.cancel()
    assert time.perf_counter() - started >= 0.2
    assert ticks >= 5


@pytest.mark.parametrize(
    ("word", "reason", "names_the_key"),
    [
        ("ERROR_WRONG_USER_KEY", "bad_key", True),
        ("ERROR_KEY_DOES_NOT_EXIST", "bad_key", True),
        ("ERROR_ZERO_BALANCE", "no_balance", True),
        ("ERROR_IP_NOT_ALLOWED", "ip_not_allowed", True),
        ("ERROR_PAGEURL", "bad_page", False),
        ("ERROR_BAD_TOKEN_OR_PAGEURL", "bad_page", False),
        ("ERROR_GOOGLEKEY", "bad_sitekey", False),
        ("ERROR_SOMETHING_NEW", "other", False),
        ("ERROR: <i>call us</i>", "other", False),
    ],
)
@pytest.mark.parametrize("when", ["on_order", "on_poll"])
async def test_a_permanent_refusal_is_never_asked_again(
    api: SolverApi, waits: list[float], when: str, word: str, reason: str, names_the_key: bool
) -> None:
    before = counts()
    (api.on_order if when == "on_order" else api.on_poll).append(word)
    with pytest.raises(SolverRefused) as refused:
        await solve(api)
    assert refused.value.reason == reason
    assert ("TWOCAPTCHA_API_KEY" in str(refused.value)) == names_the_key
    assert "<i>" not in str(refused.value)
    assert len(api.orders) == 1
    assert counted_since(before) == (0, {reason: 1})


@pytest.mark.parametrize(
    ("word", "reason"), [("ERROR_NO_SLOT_AVAILABLE", "no_slot"), ("ERROR_CAPTCHA_UNSOLVABLE", "unsolvable")]
)
async def test_a_passing_failure_is_worth_one_more_order(
    api: SolverApi, waits: list[float], word: str, reason: str
) -> None:
    before = counts()
    api.on_order.append(word)
    assert (await solve(api)).startswith("P1_token-for-")
    assert len(api.orders) == 2
    assert counted_since(before) == (1, {reason: 1})
    assert 10 <= waits[0] <= 30


async def test_two_orders_are_the_most(api: SolverApi, waits: list[float]) -> None:
    api.on_order.extend(["ERROR_NO_SLOT_AVAILABLE"] * 5)
    with pytest.raises(SolverBusy):
        await solve(api)
    assert len(api.orders) == 2


async def test_no_answer_within_two_minutes_is_the_end(api: SolverApi, waits: list[float]) -> None:
    before = counts()
    api.on_poll.extend([NOT_READY] * 100)
    with pytest.raises(SolverRefused) as refused:
        await solve(api)
    assert refused.value.reason == "timeout"
    assert (sum(waits), len(api.polls), len(api.orders)) == (120, 24, 1)
    assert counted_since(before) == (0, {"timeout": 1})


@pytest.mark.parametrize("when", ["on_order", "on_poll"])
async def test_a_service_that_keeps_silent_is_left_after_the_timeout(api: SolverApi, when: str) -> None:
    (api.on_order if when == "on_order" else api.on_poll).append(1.5)
    with pytest.raises(SolverRefused) as refused:  # who waits longer gets an answer
        await solve(api, poll_interval=0.05, timeout=0.3)
    assert refused.value.reason == "timeout"


async def test_a_poll_that_fails_on_the_way_does_not_cost_another_order(api: SolverApi, waits: list[float]) -> None:
    before = counts()
    api.on_poll.extend([502, NOT_READY, 500, "P1_token"])
    assert await solve(api) == "P1_token"
    assert len(api.orders) == 1
    assert counted_since(before) == (1, {})


@pytest.mark.parametrize(("status", "error", "orders"), [(503, SolverBusy, 2), (403, SolverRefused, 1)])
async def test_http_failures_of_an_order(
    api: SolverApi, waits: list[float], status: int, error: type[Exception], orders: int
) -> None:
    api.on_order.extend([status] * 5)
    with pytest.raises(error):
        await solve(api)
    assert len(api.orders) == orders


async def test_a_service_that_is_not_there(waits: list[float]) -> None:
    with running_solver_api() as api:
        pass
    with pytest.raises(SolverBusy, match="can't be reached") as busy:
        await solve(api, key="secret-key-7")
    assert busy.value.reason == "network"


async def test_the_key_is_in_no_log_line(api: SolverApi, waits: list[float], caplog: pytest.LogCaptureFixture) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, level="DEBUG")
    api.key = "secret-key-7"
    api.on_poll.extend([502, "ERROR_WRONG_USER_KEY"])
    try:
        with caplog.at_level("INFO"), pytest.raises(SolverRefused) as refused:
            await solve(api, key="secret-key-7")
    finally:
        logger.remove(sink)
    assert lines
    assert "secret-key-7" not in "".join(lines) + caplog.text + str(refused.value)


async def test_a_connection_that_breaks_while_polling_shows_no_key_either(waits: list[float]) -> None:
    polls = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal polls
        if request.method == "POST":
            return httpx.Response(200, json={"status": 1, "request": "7"})
        polls += 1
        if polls == 1:
            raise httpx.ReadError(f"broke off: {request.url}", request=request)
        return httpx.Response(200, json={"status": 1, "request": "P1_token"})

    lines: list[str] = []
    sink = logger.add(lines.append, level="DEBUG")
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        solver = TwoCaptchaSolver("secret-key-7", http=http)
        assert await solver.solve_hcaptcha("10000000-ffff", PAGE) == "P1_token"
    logger.remove(sink)
    assert "ReadError" in "".join(lines)
    assert "secret-key-7" not in "".join(lines)


async def test_the_document_s_constructor_and_the_vendor_s_address_by_default() -> None:
    async with TwoCaptchaSolver("a-key"):
        assert BASE_URL.startswith("https://")


async def test_a_given_client_stays_open(api: SolverApi, waits: list[float]) -> None:
    async with httpx.AsyncClient() as http:
        await solve(api, http=http)
        assert not http.is_closed


class Page:
    """Records what it is asked to evaluate."""

    async def evaluate(self, expression: str, arg: Any = None) -> int:
        self.expression, self.arg = expression, arg
        return 2


async def test_the_answer_is_an_argument_never_part_of_the_script() -> None:
    page, token = Page(), '"; alert(1); //'
    assert await inject_captcha_solution(page, token) == 2
    assert token not in page.expression
    assert page.arg == [ANSWER_FIELDS, token]
    assert json.loads(json.dumps(page.arg)) == page.arg
