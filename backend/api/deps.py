"""What routers are handed: the runtime, and who asks; and what every request is checked for.

Owns how an API request says who asks (`Authorization`, or the page's cookie) and what a program's key is good for.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.requests import HTTPConnection

from backend.api.limits import RequestLimits
from backend.core.caller import Caller, set_caller
from backend.core.errors import Forbidden, SignInNeeded
from backend.core.storable import check_storable
from backend.runtime import Runtime
from backend.users.access import SAFE_METHODS, Credentials, check_admin, check_scope, credentials

_KNOWN = "vintedbot.caller"


def get_runtime(connection: HTTPConnection) -> Runtime:
    """For requests and WebSockets alike."""
    runtime: Runtime = connection.app.state.runtime
    return runtime


RuntimeDep = Annotated[Runtime, Depends(get_runtime)]


async def get_caller(connection: HTTPConnection, runtime: RuntimeDep) -> Caller:
    """Who asks. Raises SignInNeeded, or Forbidden: suspended, a key without the scope, a cookie sent by no page.
    Raises LimitReached with the seconds to wait.

    Found out once a request, however often it is asked."""
    known = connection.scope.get(_KNOWN)
    if isinstance(known, Caller):
        return known
    who = await runtime.people.identify(credentials_of(connection, runtime))
    if who is None:
        raise SignInNeeded("Say who you are: Authorization: Bearer TOKEN, with an access token or an API key.")
    method = connection.scope.get("method", "WEBSOCKET")
    if who.way == "page" and method not in SAFE_METHODS:
        _check_sent_by_a_page(connection)
    check_scope(who, method, connection.scope["route"].path)
    limits: RequestLimits = connection.app.state.limits
    limits.count_user(connection, who.user_id)
    set_caller(who)
    connection.scope[_KNOWN] = who
    return who


class KnownFirst(APIRoute):
    """Nothing is read of a body before it is known who sends it: FastAPI itself reads it before it asks."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def ask_and_handle(request: Request) -> Response:
            await get_caller(request, get_runtime(request))
            await self.read(request)
            return await handle(request)

        return ask_and_handle

    async def read(self, request: Request) -> None:
        """What is to be read before FastAPI does."""


class ManyFiles(KnownFirst):
    """Reads the form before FastAPI does: its own limit is a thousand files, ours is a setting."""

    async def read(self, request: Request) -> None:
        most = get_runtime(request).settings.max_photos
        await request.form(max_files=most + 1)  # one more than a batch takes: the batch says so in its own words


def credentials_of(connection: HTTPConnection, runtime: Runtime) -> Credentials:
    client = connection.client.host if connection.client else None
    return credentials(connection.headers, connection.cookies, client, alone=runtime.people.alone)


def _check_sent_by_a_page(connection: HTTPConnection) -> None:
    """A browser says where a write comes from, which `web/guard.py` has checked; what says nothing is no browser."""
    if "origin" not in connection.headers and "sec-fetch-site" not in connection.headers:
        raise Forbidden("The page's cookie is for its pages. Programs use a token or a key.", code="cross_site")


CallerDep = Annotated[Caller, Depends(get_caller)]


def get_user_id(who: CallerDep) -> str:
    return who.user_id


UserId = Annotated[str, Depends(get_user_id)]


def get_person(who: CallerDep) -> Caller:
    """Who asks, in person: not a program with a key. Raises Forbidden (`key_not_allowed`)."""
    if who.way == "key":
        raise Forbidden("Not with an API key: sign in yourself for that.", code="key_not_allowed")
    return who


PersonDep = Annotated[Caller, Depends(get_person)]


def get_admin(who: CallerDep) -> Caller:
    """Raises Forbidden (`admin_only`)."""
    check_admin(who)
    return who


AdminDep = Annotated[Caller, Depends(get_admin)]


async def only_storable(connection: HTTPConnection) -> None:
    """For every route: no text that a database can't hold, in the address or in what FastAPI read of the body.

    Raises BadRequest (`unusable_text`). A form that a page reads by itself is checked by `web/page.py`."""
    check_storable([connection.path_params, list(connection.query_params.multi_items())])
    if isinstance(connection, Request):
        read = getattr(connection, "_json", None) or getattr(connection, "_form", None)  # None where nothing was read
        check_storable(_fields(read) if isinstance(read, FormData) else read)


def _fields(form: FormData) -> list[tuple[str, str]]:
    """The fields of a form; of a file its name, which `photos` shows without what can't be shown."""
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
