"""A stand-in for a vision model's endpoint: `/v1/chat/completions` and `/v1/models` on the loopback interface.

Owns the protocol as the public OpenAI documentation has it, with its checks of a request (key, model, pictures
that can be decoded, strict JSON schema), its errors and their shape. It understands no picture: it names the
dominant colour and abstains from the rest, unless a test tells it what to answer or how to fail.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from backend.sandbox.chat_request import Rejected, check_request
from backend.sandbox.dominant_colour import dominant_colour
from backend.sandbox.loopback import serving
from backend.sandbox.vision_servers import OPENAI, Manners

Fault = Literal[
    "rate_limited",
    "no_credit",
    "rejected",
    "server_error",
    "request_timeout",
    "conflict",
    "hang",
    "refusal",
    "truncated",
    "content_filter",
    "malformed",
    "not_json",
]
ERRORS_WITHIN = {
    "rate_limited": (429, "Provider returned error"),
    "server_error": (502, "Provider returned error"),
    "no_credit": (402, "Insufficient credits"),
    "request_timeout": (408, "Request timed out"),
    "conflict": (409, "Conflict"),
}
ABSTAINS = {"value": None, "confidence": 0.0, "photo": None}
NAMES = ("category", "audience", "brand", "size", "colours", "materials", "condition", "title", "description")


@dataclass(frozen=True)
class Failure:
    """How the next call fails. `retry_after` goes with a 429 or 500, `seconds` is how long `hang` keeps silent."""

    fault: Fault
    retry_after: str | None = None
    seconds: float = 30.0


Scripted = Failure | Mapping[str, Any] | str
"""A failure; the fields of an answer, as values or `{"value", "confidence", "photo"}`; or the raw content."""


@dataclass
class VisionApi:
    """The endpoint's script and what it received; `requests` are the bodies it accepted for an answer."""

    key: str = "sandbox-key"
    models: tuple[str, ...] = ("gpt-4o",)
    manners: Manners = OPENAI
    url: str = ""
    script: deque[Scripted] = field(default_factory=deque)
    cost: float = 0.0123
    boundaries: deque[Failure | str] = field(default_factory=deque)
    """Answers to questions whether photos show one item; without any it abstains."""
    calls: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    def forget(self) -> None:
        """As if just started."""
        self.script.clear()
        self.boundaries.clear()
        self.requests.clear()
        self.calls = self.most_at_once = 0
        self.manners = OPENAI


@contextmanager
def running_vision_api(
    *, key: str = "sandbox-key", models: tuple[str, ...] = ("gpt-4o",), manners: Manners = OPENAI
) -> Iterator[VisionApi]:
    """The endpoint, reachable at `url` (to be used as a base URL, `/v1` included) meanwhile."""
    api = VisionApi(key, models, manners)
    with serving(build_app(api)) as address:
        api.url = f"{address}/v1"
        yield api


def build_app(api: VisionApi) -> FastAPI:
    app = FastAPI(title="Vision model stand-in", openapi_url=None)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": m, "object": "model", "owned_by": "sandbox"} for m in api.models]}

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        api.calls += 1
        api.at_once += 1
        api.most_at_once = max(api.most_at_once, api.at_once)
        try:
            return await _complete(api, request)
        except Rejected as rejected:
            return _error(api, rejected.status, str(rejected), code=rejected.code, param=rejected.param)
        finally:
            api.at_once -= 1

    return app


async def _complete(api: VisionApi, request: Request) -> Response:
    if api.manners.wants_key and request.headers.get("authorization") != f"Bearer {api.key}":
        return _error(api, 401, "Incorrect API key provided.", code="invalid_api_key")
    body = await request.json()
    pictures = check_request(body, models=api.models)
    api.manners.check(body, len(pictures))
    api.requests.append(body)
    scripted: Scripted
    if _asks_about_boundary(body):
        scripted = api.boundaries.popleft() if api.boundaries else '{"same": null, "confidence": 0}'
    else:
        scripted = api.script.popleft() if api.script else {"colours": _seen(dominant_colour(pictures[0]))}
    if isinstance(scripted, Failure):
        return await _fail(api, scripted, body)
    text = scripted if isinstance(scripted, str) else json.dumps(_filled(scripted))
    return _completion(api, body, _as_said(api.manners, body, text))


def _asks_about_boundary(body: Mapping[str, Any]) -> bool:
    return 'Answer "same"' in body["messages"][0]["content"]


def _as_said(manners: Manners, body: dict[str, Any], text: str) -> str:
    """The answer as this server gives it: what was not told the schema, nor is held to it, makes up its own."""
    told = "JSON schema" in body["messages"][0]["content"]
    if not manners.enforces_schema and not told:
        return "**Item**: a garment.\n- Colour: nice"
    held = manners.enforces_schema and (body.get("response_format") or {}).get("type") == "json_schema"
    return f"Here you are:\n```json\n{text}\n```" if manners.fences or not held else text


async def _fail(api: VisionApi, failure: Failure, body: dict[str, Any]) -> Response:
    headers = {"retry-after": failure.retry_after} if failure.retry_after is not None else None
    if api.manners.error_within_200 and failure.fault in ERRORS_WITHIN:
        code, message = ERRORS_WITHIN[failure.fault]
        return JSONResponse({"error": {"code": code, "message": message}, "user_id": "user_sandbox"})
    answers: dict[str, Callable[[], Response]] = {
        "rate_limited": lambda: _error(api, 429, "Rate limit reached.", code="rate_limit_exceeded", headers=headers),
        "no_credit": lambda: _error(api, 429, "You exceeded your current quota.", code="insufficient_quota"),
        "rejected": lambda: _error(
            api, 400, "Your request was rejected by our safety system.", code="content_policy_violation"
        ),
        "server_error": lambda: _error(api, 500, "The server had an error.", kind="server_error", headers=headers),
        "request_timeout": lambda: _error(api, 408, "Request timed out."),
        "conflict": lambda: _error(api, 409, "Conflict."),
        "hang": lambda: _completion(api, body, json.dumps(_filled({}))),
        "refusal": lambda: _completion(api, body, None, refusal="I'm sorry, I can't help with that."),
        "truncated": lambda: _completion(api, body, '{"category": {"value": "dre', finish_reason="length"),
        "content_filter": lambda: _completion(api, body, "", finish_reason="content_filter"),
        "malformed": lambda: _completion(api, body, "A lovely blue dress!"),
        "not_json": lambda: Response("<html>It works!</html>", media_type="text/html"),
    }
    if failure.fault == "hang":
        await asyncio.sleep(failure.seconds)
    return answers[failure.fault]()


def _seen(value: str) -> dict[str, Any]:
    return {"value": [value], "confidence": 0.8, "photo": 1}


def _filled(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A whole answer: what is not named is abstained from."""
    full: dict[str, Any] = {**dict.fromkeys(NAMES, ABSTAINS), "photos": []}
    for name, value in fields.items():
        full[name] = (
            value if isinstance(value, dict) or name == "photos" else {"value": value, "confidence": 0.9, "photo": 1}
        )
    return full


def _completion(
    api: VisionApi,
    body: dict[str, Any],
    content: str | None,
    *,
    finish_reason: str = "stop",
    refusal: str | None = None,
) -> Response:
    message = {"role": "assistant", "content": content, "refusal": refusal}
    answer = {
        "id": "chatcmpl-sandbox",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}],
    }
    if api.manners.tells_usage:
        cost = {"cost": api.cost} if api.manners.tells_cost else {}
        answer["usage"] = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200, **cost}
    return JSONResponse(answer)


def _error(
    api: VisionApi,
    status: int,
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
    kind: str = "invalid_request_error",
    headers: dict[str, str] | None = None,
) -> Response:
    body = api.manners.error_body(status, message, kind, code, param)
    return JSONResponse(body, status_code=status, headers=headers)
