"""What is for this machine and its operator alone: the pages of the API, and the metrics.

Owns who counts as this machine. Behind a proxy it knows a visitor's own address only where the proxy is trusted
(`VINTEDBOT_TRUSTED_PROXIES`); a request that claims to be passed on is never taken for this machine's.
"""

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.errors import problem
from backend.core.loopback import is_loopback
from backend.users.access import is_forwarded

API_PAGES = ("/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json")


def from_this_machine(connection: HTTPConnection) -> bool:
    """Whether it was asked from this machine, and not passed on from elsewhere."""
    client = connection.client
    return client is not None and is_loopback(client.host) and not is_forwarded(connection.headers)


class ApiPages:
    """The middleware that keeps the pages of the API from others, unless they are public."""

    def __init__(self, app: ASGIApp, *, public: bool) -> None:
        self.app, self.public = app, public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = scope["type"] == "http" and scope["path"] in API_PAGES and not self.public
        hidden = kept and not from_this_machine(HTTPConnection(scope))
        answer = problem(404, "not_found", "There is nothing here.") if hidden else self.app
        await answer(scope, receive, send)
