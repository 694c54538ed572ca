"""The page put on the application: its routes, its files, its guard, and errors shown as pages to people.

Owns which requests get a page instead of problem details: those of a browser, outside the API.
"""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from backend.core.errors import VintedBotError
from backend.web import accounts, catalog_search, draft_list, live, notifications, photos, publishing, review
from backend.web.guard import Guard
from backend.web.language import Words
from backend.web.page import Page

_PROGRAMS = ("/api/", "/vinted/", "/metrics", "/health", "/ready", "/openapi.json")
Handler = Callable[[Request, Exception], Awaitable[Response]]


def install(app: FastAPI) -> None:
    """To be called once the API's routes and error handlers are in place."""
    app.add_middleware(Guard)
    app.include_router(photos.router)
    app.include_router(draft_list.router)
    app.include_router(review.router)
    app.include_router(catalog_search.router)
    app.include_router(publishing.router)
    app.include_router(accounts.router)
    app.include_router(notifications.router)
    app.include_router(live.router)
    app.mount("/static", StaticFiles(directory=str(files("backend.web").joinpath("static"))), name="static")
    for kind in (VintedBotError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _as_page(app.exception_handlers[kind]))


def _as_page(before: Any) -> Handler:
    """The handler that shows the error as a page to people and leaves it to `before` for programs."""

    async def handle(request: Request, error: Exception) -> Response:
        answer: Response = await before(request, error)
        if not _is_person(request):
            return answer
        page = Page(request)
        return page.render("error.html", status=answer.status_code, detail=_sentence(page.words, error, answer))

    return handle


def _sentence(words: Words, error: Exception, answer: Response) -> str:
    if isinstance(error, VintedBotError):
        return words.error(error)
    if isinstance(error, HTTPException) and answer.status_code == 403:
        return str(error.detail)  # ours, in the reader's language
    return words.known(f"error.{answer.status_code}") or words("error.500")


def _is_person(request: Request) -> bool:
    wants_page = "text/html" in request.headers.get("accept", "")
    return wants_page and not request.url.path.startswith(_PROGRAMS)
