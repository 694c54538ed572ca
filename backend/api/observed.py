"""Every request seen: an id for it, its time by route, its end in the log.

The id is the client's `X-Request-ID` or a new one; it stands in the answer, in every log line of the request, and
beside what was asked for, so that a job's lines can be followed back. Owns that. Owns no refusal (`web/guard.py`).
"""

import time
from collections.abc import Iterable

from loguru import logger
from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.core import logs, tracing
from backend.core.closed_metrics import OTHER
from backend.core.operator_metrics import count_request
from backend.core.origin import accepted_id, coming_from

HEADER = "X-Request-ID"
STATIC = "/static"
QUIET = ("/metrics", "/health", "/ready", STATIC)
"""Asked by machines over and over: their lines are for debugging."""


class Observed:
    """The middleware around everything else; `templates` are the application's routes, in their order."""

    def __init__(self, app: ASGIApp, templates: Iterable[str]) -> None:
        self.app = app
        self._routes = [(compile_path(template)[0], template) for template in templates]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id, status = accepted_id(Headers(scope=scope).get(HEADER)), 0
        route, began = self.template_of(scope["path"]), time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":  # what follows may go on for hours: progress, the live view
                status = message["status"]
                count_request(scope["method"], route, status, time.perf_counter() - began)
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with (
            tracing.span(f"{scope['method']} {route}", request=request_id),
            coming_from({"request": request_id, **tracing.handed_on()}),
            logs.about(request=request_id),
        ):
            scope.setdefault("state", {})["request_id"] = request_id
            try:
                await self.app(scope, receive, send_with_id)
            except Exception:  # answered outside of this, by `errors.py`
                count_request(scope["method"], route, 500, time.perf_counter() - began)
                raise
            level = "DEBUG" if route.startswith(QUIET) else "INFO"
            logger.bind(method=scope["method"], route=route, status=status).log(level, "request_answered")

    def template_of(self, path: str) -> str:
        """The template of the route that answers, never the path itself: that is anybody's to choose."""
        for pattern, template in self._routes:
            if pattern.match(path) or (template == STATIC and path.startswith(f"{STATIC}/")):
                return template
        return OTHER
