"""The page put on the application: its files, its guard, and errors shown as pages to people; which routes it has.

Owns which requests get a page instead of problem details: those of a browser, outside the API; and that problem details
are said in the language asked for.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from backend.core.errors import SignInNeeded, VintedBotError
from backend.web import (
    accounts,
    admin,
    catalog_search,
    draft_list,
    insights,
    live,
    notifications,
    people,
    photos,
    publishing,
    reader,
    review,
    security,
    settings,
    sign_in,
    wardrobe,
)
from backend.web.guard import Guard
from backend.web.language import Words, choose_language
from backend.web.page import Page

_PROGRAMS = ("/api/", "/vinted/", "/metrics", "/health", "/ready", "/openapi.json")
ROUTERS = tuple(
    pages.router
    for pages in (
        *(photos, draft_list, review, catalog_search, publishing, wardrobe, accounts, insights),
        *(notifications, live, sign_in, security, settings, reader, people, admin),
    )
)
Handler = Callable[[Request, Exception], Awaitable[Response]]


def install(app: FastAPI, *, names: Sequence[str] = ()) -> None:
    """To be called once the API's routes and error handlers are in place; `names` are the server's, see the guard."""
    app.add_middleware(Guard, names=names)
    app.mount("/static", StaticFiles(directory=str(files("backend.web").joinpath("static"))), name="static")
    for kind in (VintedBotError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _as_page(app.exception_handlers[kind]))


def _as_page(before: Any) -> Handler:
    """The handler that shows the error as a page to people and leaves it to `before` for programs."""

    async def handle(request: Request, error: Exception) -> Response:
        answer: Response = await before(request, error)
        if not _is_person(request):
            return _in_their_language(request, answer)
        if isinstance(error, SignInNeeded):
            return RedirectResponse(f"/sign-in?next={quote(_way_back(request))}{_not_taken(request)}", 303)
        page = Page(request)
        shown = page.render("error.html", status=answer.status_code, detail=_sentence(page.words, error, answer))
        if "retry-after" in answer.headers:
            shown.headers["Retry-After"] = answer.headers["retry-after"]
        return shown

    return handle


def _way_back(request: Request) -> str:
    """Where to go once signed in: a page that was asked for, not a form that was sent."""
    return (
        f"{request.url.path}{'?' + request.url.query if request.url.query else ''}" if request.method == "GET" else "/"
    )


def _not_taken(request: Request) -> str:
    """A word about what was sent and is not kept: photos shared from a phone would be gone without one."""
    return "&said=share_again" if request.method == "POST" and request.url.path == "/share" else ""


def _sentence(words: Words, error: Exception, answer: Response) -> str:
    if isinstance(error, VintedBotError):
        return words.error(error)
    if isinstance(error, HTTPException) and answer.status_code == 403:
        return str(error.detail)  # ours, in the reader's language
    return words.known(f"error.{answer.status_code}") or words("error.500")


def _in_their_language(request: Request, answer: Response) -> Response:
    """Problem details for who prefers another language than English, which they are written in: the pages' scripts."""
    language = choose_language(None, None, request.headers.get("accept-language", ""), "en")
    told = json.loads(bytes(answer.body))
    if language == "en":
        return answer
    sentence = Words(language).problem(told["code"], told["detail"], float(answer.headers.get("retry-after", 0)))
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    return Response(
        json.dumps(told | {"detail": sentence}), answer.status_code, {**headers, "Content-Language": language}
    )


def _is_person(request: Request) -> bool:
    wants_page = "text/html" in request.headers.get("accept", "")
    return wants_page and not request.url.path.startswith(_PROGRAMS)
