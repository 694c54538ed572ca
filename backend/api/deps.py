"""What routers are handed: the runtime, and who asks; and what every request is checked for."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.requests import HTTPConnection

from backend.api.limits import RequestLimits
from backend.core.storable import check_storable
from backend.runtime import Runtime


def get_runtime(connection: HTTPConnection) -> Runtime:
    """For requests and WebSockets alike."""
    runtime: Runtime = connection.app.state.runtime
    return runtime


RuntimeDep = Annotated[Runtime, Depends(get_runtime)]


def get_user_id(runtime: RuntimeDep) -> str:
    """Who asks: the local user, until the users issue brings sign-in."""
    return runtime.user_id


async def count_user(connection: HTTPConnection, user_id: Annotated[str, Depends(get_user_id)]) -> str:
    """The user, whose request counts from here on. Raises LimitReached with the seconds to wait."""
    limits: RequestLimits = connection.app.state.limits
    limits.count_user(connection, user_id)
    return user_id


UserId = Annotated[str, Depends(count_user)]


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
