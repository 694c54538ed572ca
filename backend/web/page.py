"""A request for a page: who reads it, in which language, with which token; and the answer in HTML.

Owns the templates' environment, the cookies (language, token, who is signed in) and the check of a posted form. Owns no
content; who gets in is decided at `sign_in.py`.
"""

import secrets
from dataclasses import replace
from functools import cache, partial
from importlib.metadata import version
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from backend.core.caller import Caller, set_caller
from backend.core.errors import SignInNeeded
from backend.core.storable import check_storable
from backend.core.texts import LANGUAGES
from backend.preferences import preferences_of
from backend.runtime import Runtime
from backend.users.access import COOKIE, check_admin, credentials
from backend.users.sign_in import UNUSED_LASTS
from backend.web.language import Words, choose_language
from backend.web.values import picture

LANGUAGE_COOKIE, TOKEN_COOKIE = "lang", "vintedbot_token"
_YEAR = 365 * 24 * 3600
PLACES = (
    ("photos", "/", "/batches"),
    ("drafts", "/drafts", "/drafts"),
    ("queue", "/publications", "/publi"),
    ("wardrobe", "/wardrobe", "/wardrobe"),
    ("insights", "/insights", "/insights"),
    ("settings", "/settings", ("/settings", "/accounts", "/security", "/people", "/admin")),
)
"""Where a seller goes: the name, the address, and what lies below it."""

SETTINGS_PLACES = (
    ("/settings/general", "general"),
    ("/settings/batches", "batches"),
    ("/settings/words", "words"),
    ("/settings/pace", "pace"),
    ("/settings/notifications", "notifications"),
    ("/settings/reader", "reader"),
    ("/accounts", "accounts"),
    ("/security", "security"),
)
"""Where everything of one's own is set, in that order."""
ADMIN_PLACES = (
    ("/admin", "admin"),
    ("/admin/limits", "limits"),
    ("/admin/log", "log"),
    ("/admin/settings", "operator"),
    ("/people", "people"),
)


@cache
def templates() -> Environment:
    made = Environment(
        loader=PackageLoader("backend.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"picture": picture, "thumbnail": partial(picture, size="thumbnail")}
    return made


class Page:
    """One request, as the handlers see it."""

    def __init__(self, request: Request, who: Caller | None = None, *, wished: str | None = None) -> None:
        self.request = request
        self.runtime: Runtime = request.app.state.runtime
        self.who = who
        self.language = choose_language(
            request.query_params.get("lang"),
            request.cookies.get(LANGUAGE_COOKIE) or wished,
            request.headers.get("accept-language", ""),
            self.runtime.settings.told_in,
        )
        self.words = Words(self.language)
        self.token = request.cookies.get(TOKEN_COOKIE) or secrets.token_urlsafe(24)

    @property
    def reader(self) -> Caller:
        """Who reads it. Raises SignInNeeded, which leads a person to the page to sign in on."""
        if self.who is None:
            raise SignInNeeded("Sign in first.")
        return self.who

    @property
    def user_id(self) -> str:
        return self.reader.user_id

    @property
    def secure(self) -> bool:
        """Whether the page is read over https, so that its cookies may keep to that."""
        return self.request.url.scheme == "https"

    async def form(self) -> FormData:
        """The posted form. Raises HTTPException 403 unless it carries the token of the reader's own cookie."""
        form = await self.request.form()
        given = str(form.get("token", ""))
        if not secrets.compare_digest(given.encode(), self.request.cookies.get(TOKEN_COOKIE, "").encode()) or not given:
            raise HTTPException(403, self.words("error.token"))
        check_storable([pair for pair in form.multi_items() if isinstance(pair[1], str)])
        return form

    def render(self, template: str, *, status: int = 200, here: str | None = None, **shown: Any) -> HTMLResponse:
        """The template as an answer. `here` is the page's own address where that isn't the request's."""
        reader = self.runtime.chosen.known.reader
        body = (
            templates()
            .get_template(template)
            .render(
                t=self.words,
                language=self.language,
                languages={code: self._address(here, lang=code) for code in LANGUAGES},
                path=self.request.url.path,
                token=self.token,
                said=self._said(),
                who=self.who,
                places=PLACES,
                settings_places=SETTINGS_PLACES,
                admin_places=ADMIN_PLACES,
                version=version("vintedbot"),
                read_by=None if reader.kind == "embedded" else reader.host,
                **shown,
            )
        )
        response = HTMLResponse(body, status, headers={"Cache-Control": "no-store", "Vary": "Accept-Language, Cookie"})
        # Lax, as the session's: a link opened from a letter brings it along, instead of replacing it in other tabs.
        response.set_cookie(TOKEN_COOKIE, self.token, httponly=True, samesite="lax", secure=self.secure)
        if self.who is not None and self.who.way == "page":
            self.keep_signed_in(response, self.request.cookies[COOKIE])
        if self.request.query_params.get("lang") == self.language:
            remember_language(response, self.language)
        return response

    def keep_signed_in(self, response: Response, secret: str) -> None:
        """Sends the session's cookie: at signing in, and again with each page, so that it lasts as the session does,
        from its last use on."""
        lasts = int(UNUSED_LASTS.total_seconds())
        response.set_cookie(COOKIE, secret, max_age=lasts, httponly=True, samesite="lax", secure=self.secure)

    def go(self, path: str, said: str = "", *, anchor: str = "") -> Response:
        """After a POST: the page to look at next, with the sentence `said.…` on it."""
        query = f"{'&' if '?' in path else '?'}said={said}" if said else ""
        return RedirectResponse(f"{path}{query}{'#' + anchor if anchor else ''}", status_code=303)

    def _said(self) -> str | None:
        return self.words.known(f"said.{self.request.query_params.get('said', '')}")

    def _address(self, here: str | None, **query: str) -> str:
        url = self.request.url.include_query_params(**query).remove_query_params("said")
        return f"/{(here or url.path).lstrip('/')}?{url.query}"  # two slashes would name another host


class CountsUsers(Protocol):
    """The limits on requests (`api/limits.py`): pages count for a user as the API does."""

    def count_user(self, connection: HTTPConnection, user_id: str) -> None: ...


def remember_language(response: Response, language: str | None) -> None:
    """On this device; None is as the reader prefers in general."""
    if language is None:
        response.delete_cookie(LANGUAGE_COOKIE)
    else:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=_YEAR, httponly=True, samesite="lax")


async def look_who_reads(request: Request) -> Page:
    """The page, read by whoever it is: for those that are there before one has signed in. Raises LimitReached."""
    runtime: Runtime = request.app.state.runtime
    await runtime.chosen.look()  # the foot of every page says who reads
    client = request.client.host if request.client else None
    given = credentials(request.headers, request.cookies, client, alone=runtime.people.alone)
    who = await runtime.people.identify(replace(given, bearer=None))
    if who is None:
        return Page(request)
    limits: CountsUsers = request.app.state.limits
    limits.count_user(request, who.user_id)
    set_caller(who)
    said = LANGUAGE_COOKIE in request.cookies or "lang" in request.query_params
    wished = None if said else (await runtime.database.look(preferences_of, who.user_id)).language
    return Page(request, who, wished=wished)


async def somebody_reads(page: Annotated[Page, Depends(look_who_reads)]) -> Page:
    """The page, for somebody known alone. Raises SignInNeeded."""
    _ = page.reader
    return page


async def admin_reads(page: Annotated[Page, Depends(somebody_reads)]) -> Page:
    """The page, for admins alone. Raises SignInNeeded, Forbidden (`admin_only`)."""
    check_admin(page.reader)
    return page


OpenPageDep = Annotated[Page, Depends(look_who_reads)]
PageDep = Annotated[Page, Depends(somebody_reads)]
AdminPageDep = Annotated[Page, Depends(admin_reads)]
