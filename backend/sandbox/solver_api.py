"""A stand-in for a challenge solver's service: the 2Captcha protocol on the loopback interface.

Owns the answers of `/in.php` and `/res.php`, after the vendor's public documentation. It solves nothing:
a test (or a demonstration) says what it answers, and reads what it was asked.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import FastAPI, Form, Response
from fastapi.responses import JSONResponse

from backend.sandbox.loopback import serving

NOT_READY = "CAPCHA_NOT_READY"
Answer = str | int | float
"""A word of the vendor's (`ERROR_…`, `CAPCHA_NOT_READY`, a token), an HTTP status to fail with (int), or seconds
of silence before such a failure (float)."""


@dataclass
class SolverApi:
    """The service's scripted answers and what it received. An empty script answers as a good day would:
    each order is taken, not ready at the first poll, and solved at the second."""

    key: str = "sandbox-key"
    url: str = ""
    on_order: deque[Answer] = field(default_factory=deque)
    on_poll: deque[Answer] = field(default_factory=deque)
    orders: list[dict[str, str]] = field(default_factory=list)
    polls: list[str] = field(default_factory=list)

    async def take_order(self, method: str, key: str, sitekey: str, pageurl: str) -> Response:
        self.orders.append({"method": method, "key": key, "sitekey": sitekey, "pageurl": pageurl})
        if self.on_order:
            return await _play(self.on_order.popleft())
        checks = (
            (key != self.key, "ERROR_WRONG_USER_KEY"),
            (method != "hcaptcha", "ERROR_METHOD_CALL"),
            (not sitekey, "ERROR_SITEKEY"),
            (not pageurl, "ERROR_PAGEURL"),
        )
        wrong = next((word for is_wrong, word in checks if is_wrong), None)
        return _say(wrong or f"{70_000_000 + len(self.orders)}", accepted=wrong is None)

    async def answer_poll(self, key: str, order: str) -> Response:
        self.polls.append(order)
        if self.on_poll:
            return await _play(self.on_poll.popleft())
        if key != self.key:
            return _say("ERROR_WRONG_USER_KEY", accepted=False)
        ready = self.polls.count(order) > 1
        return _say(f"P1_token-for-{order}" if ready else NOT_READY, accepted=ready)


def build_app(api: SolverApi) -> FastAPI:
    app = FastAPI(title="Solver stand-in", openapi_url=None)

    @app.post("/in.php")
    async def order(
        key: Annotated[str, Form()],
        method: Annotated[str, Form()],
        as_json: Annotated[int, Form(alias="json")],
        sitekey: Annotated[str, Form()] = "",
        pageurl: Annotated[str, Form()] = "",
    ) -> Response:
        return await api.take_order(method, key, sitekey, pageurl) if as_json == 1 else Response("ERROR_JSON_EXPECTED")

    @app.get("/res.php")
    async def poll(key: str, action: str, id: str, json: int) -> Response:  # noqa: A002 - the vendor's name
        assert (action, json) == ("get", 1)
        return await api.answer_poll(key, id)

    return app


@contextmanager
def running_solver_api(key: str = "sandbox-key") -> Iterator[SolverApi]:
    """The service, reachable at `url` meanwhile."""
    api = SolverApi(key=key)
    with serving(build_app(api)) as api.url:
        yield api


async def _play(answer: Answer) -> Response:
    if isinstance(answer, str):
        return _say(answer, accepted=not answer.startswith("ERROR") and answer != NOT_READY)
    if isinstance(answer, float):
        await asyncio.sleep(answer)
    return Response(status_code=503 if isinstance(answer, float) else answer)


def _say(word: str, *, accepted: bool) -> Response:
    """The vendor answers 200 to everything it understood; `status` 1 is a yes."""
    return JSONResponse({"status": int(accepted), "request": word})
