"""Who may talk to the server from a browser: no foreign site, and no foreign name for this machine.

Owns the refusal of cross-site writes and WebSockets, of a `Host` that is not this machine's on a loopback connection
(a foreign page whose name was pointed at 127.0.0.1), and the security headers. Programs send neither `Origin` nor
`Sec-Fetch-Site` and pass. Owns no sign-in; the forms' token is `page.py`'s.
"""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.core.loopback import is_loopback
from backend.users.access import SAFE_METHODS, is_forwarded

POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; frame-src 'none'; "
    "object-src 'none'"
)
FRAMEWORK_POLICY = (
    "default-src 'none'; script-src https://cdn.jsdelivr.net 'unsafe-inline'; connect-src 'self'; "
    "style-src https://cdn.jsdelivr.net https://fonts.googleapis.com 'unsafe-inline'; "
    "font-src https://fonts.gstatic.com; worker-src blob:; "
    "img-src https://fastapi.tiangolo.com https://cdn.redoc.ly data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""FastAPI's own pages of the API run a script from elsewhere; they hold nothing of the seller's."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
_FRAMEWORK_PAGES = ("/docs", "/redoc")


class Guard:
    """The middleware around everything."""

    def __init__(self, app: ASGIApp, *, names: Sequence[str] = ()) -> None:
        self.app, self.names = app, frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                pages = scope["path"].startswith(_FRAMEWORK_PAGES)
                headers["Content-Security-Policy"] = FRAMEWORK_POLICY if pages else POLICY
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        refused = self._foreign_host(scope) or _cross_site(scope)
        await (refused or self.app)(scope, receive, send_with_headers)

    def _foreign_host(self, scope: Scope) -> Response | None:
        """On a connection to a loopback address, a name that is not the loopback's is somebody's trick; and where the
        server's names are known, any other is, on every connection.

        What a proxy on this machine passes on goes by the proxy's name, known or not. Whoever only says so gains
        nothing: it has to sign in (`users/access.py`), and a browser sends no cookie of ours to a foreign name."""
        server = scope.get("server")
        if not self.names and is_forwarded(Headers(scope=scope)):
            return None
        name = _host_name(Headers(scope=scope).get("host", ""))
        is_ours = is_loopback(server[0]) if server else False
        if name in self.names or (is_ours and is_loopback(name)) or not (is_ours or self.names):
            return None
        return _refusal(
            421,
            "Misdirected Request",
            "foreign_host",
            "The server goes by another name. On this machine: http://127.0.0.1. Others: VINTEDBOT_NAMES.",
        )


def _cross_site(scope: Scope) -> Response | None:
    """A write or a WebSocket asked for by another site's page. Browsers say where it comes from; programs nothing."""
    reads = scope["type"] == "http" and scope["method"] in SAFE_METHODS
    if reads or _same_origin(Headers(scope=scope)):
        return None
    return _refusal(403, "Forbidden", "cross_site", "This request came from another site. Send it from VintedBot.")


def _same_origin(headers: Mapping[str, str]) -> bool:
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin == "null":  # what a phone shares comes from its browser, not from a page; no page can say so of itself
        return headers.get("sec-fetch-site") == "none"
    return origin is None or origin.partition("://")[2] == headers.get("host")


def _host_name(host: str) -> str:
    """The name in a `Host` header, without the port; "" where there is none to be made out."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _refusal(status: int, title: str, code: str, detail: str) -> Response:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    return Response(json.dumps(body), status, media_type="application/problem+json")
