"""The one place where errors become HTTP: problem details (RFC 9457) with a machine `code`.

`type` is about:blank, so `title` is the status in words; `detail` is a sentence to act on. docs/api.md lists the codes.
"""

import math
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from loguru import logger
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from backend.core.errors import SignInNeeded, VintedBotError

MEDIA_TYPE = "application/problem+json"


class ProblemDetails(BaseModel):
    """The shape of every error answer."""

    type: str
    title: str
    status: int
    detail: str
    code: str


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **more,
    }
    return JSONResponse(body, status, headers=headers, media_type=MEDIA_TYPE)


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "content": {MEDIA_TYPE: {}}, "description": HTTPStatus(status).phrase}
    for status in (400, 401, 403, 404, 409, 413, 422, 429, 503)
}
"""For routers: what OpenAPI says of errors."""


def install(app: FastAPI) -> None:
    app.add_exception_handler(VintedBotError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _unforeseen)


async def _of_ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, VintedBotError)
    wait = getattr(error, "retry_after", None)
    headers = {"Retry-After": str(math.ceil(wait))} if wait else None
    if isinstance(error, SignInNeeded):
        headers = {"WWW-Authenticate": "Bearer"}
    return problem(error.status, error.code, str(error), headers)


async def _of_validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [{"field": ".".join(str(p) for p in e["loc"]), "message": e["msg"]} for e in error.errors()]
    detail = "; ".join(f"{e['field']}: {e['message']}" for e in errors)
    return problem(422, "invalid_request", detail, errors=errors)


async def _of_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = getattr(error, "code", None) or HTTPStatus(error.status_code).name.lower()
    return problem(error.status_code, code, str(error.detail), dict(error.headers or {}))


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    request_id = getattr(request.state, "request_id", "")
    logger.bind(request=request_id, method=request.method).opt(exception=error).error("request_crashed")
    told = "Something unforeseen happened; the server's log says what."
    return problem(500, "internal", told, {"X-Request-ID": request_id})
