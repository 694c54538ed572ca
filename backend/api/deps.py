"""What routers are handed: the runtime, who asks, and the request limits."""

import time
from typing import Annotated

from fastapi import Depends, Request
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import HTTPConnection

from backend.core.errors import VintedRateLimitError
from backend.runtime import Runtime

PUBLISH_LIMIT = parse("5/minute")


def new_limiter() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())


def get_runtime(connection: HTTPConnection) -> Runtime:
    """For requests and WebSockets alike."""
    runtime: Runtime = connection.app.state.runtime
    return runtime


RuntimeDep = Annotated[Runtime, Depends(get_runtime)]


def get_user_id(runtime: RuntimeDep) -> str:
    """Who asks: the local user, until the users issue brings sign-in."""
    return runtime.user_id


UserId = Annotated[str, Depends(get_user_id)]


def limit_publishing(request: Request, user_id: UserId) -> None:
    """Five publish requests a minute a user. Raises VintedRateLimitError with the seconds to wait."""
    limiter: MovingWindowRateLimiter = request.app.state.limiter
    if not limiter.hit(PUBLISH_LIMIT, user_id, "publish"):
        reset = limiter.get_window_stats(PUBLISH_LIMIT, user_id, "publish").reset_time
        wait = max(1.0, reset - time.time())
        raise VintedRateLimitError("At most 5 publish requests a minute. Wait a little.", retry_after=wait)
