"""A request for a page: who reads it, in which language, with which token; and the answer in HTML.

Owns the templates' environment, the cookies `lang` and `token`, and the check of a posted form. Owns no content.
"""

import secrets
from functools import cache, partial
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from backend.core.texts import LANGUAGES
from backend.runtime import Runtime
from backend.web.language import Words, choose_language
from backend.web.values import picture

LANGUAGE_COOKIE, TOKEN_COOKIE = "lang", "vintedbot_token"
_YEAR = 365 * 24 * 3600
PLACES = (
    ("photos", "/", "/batches"),
    ("drafts", "/drafts", "/drafts"),
    ("queue", "/publications", "/publi"),
    ("settings", "/accounts", "/accounts"),
)
"""Where a seller goes: the name, the address, and what lies below it."""


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

    def __init__(self, request: Request) -> None:
        self.request = request
        self.runtime: Runtime = request.app.state.runtime
        self.user_id = self.runtime.user_id
        self.language = choose_language(
            request.query_params.get("lang"),
            request.cookies.get(LANGUAGE_COOKIE),
            request.headers.get("accept-language", ""),
            self.runtime.settings.language,
        )
        self.words = Words(self.language)
        self.token = request.cookies.get(TOKEN_COOKIE) or secrets.token_urlsafe(24)

    async def form(self) -> FormData:
        """The posted form. Raises HTTPException 403 unless it carries the token of the reader's own cookie."""
        form = await self.request.form()
        given = str(form.get("token", ""))
        if not secrets.compare_digest(given.encode(), self.request.cookies.get(TOKEN_COOKIE, "").encode()) or not given:
            raise HTTPException(403, self.words("error.token"))
        return form

    def render(self, template: str, *, status: int = 200, here: str | None = None, **shown: Any) -> HTMLResponse:
        """The template as an answer. `here` is the page's own address where that isn't the request's."""
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
                places=PLACES,
                version=version("vintedbot"),
                **shown,
            )
        )
        response = HTMLResponse(body, status, headers={"Cache-Control": "no-store", "Vary": "Accept-Language, Cookie"})
        response.set_cookie(TOKEN_COOKIE, self.token, httponly=True, samesite="strict")
        if self.request.query_params.get("lang") == self.language:
            response.set_cookie(LANGUAGE_COOKIE, self.language, max_age=_YEAR, httponly=True, samesite="lax")
        return response

    def go(self, path: str, said: str = "", *, anchor: str = "") -> Response:
        """After a POST: the page to look at next, with the sentence `said.…` on it."""
        query = f"?said={said}" if said else ""
        return RedirectResponse(f"{path}{query}{'#' + anchor if anchor else ''}", status_code=303)

    def _said(self) -> str | None:
        return self.words.known(f"said.{self.request.query_params.get('said', '')}")

    def _address(self, here: str | None, **query: str) -> str:
        url = self.request.url.include_query_params(**query).remove_query_params("said")
        return f"{here or url.path}?{url.query}"


PageDep = Annotated[Page, Depends(Page)]
