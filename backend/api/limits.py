"""How many requests are taken: by whom, from where, of which class; and what an answer says about it.

Owns the classes of requests, the counting, and the headers `RateLimit` and `RateLimit-Policy` (IETF draft) and
`Retry-After`. An address is counted before anything of a request is read, a user as soon as it is known who asks
(`deps.get_caller`). Counts live in this process: several behind one name each count for themselves. Owns no quota
(`photos/quota.py`) and no pace of publishing, which is the journal's.
"""

import math
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Literal

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.core.errors import LimitReached, VintedBotError
from backend.users.access import SAFE_METHODS

RouteClass = Literal["publish", "uploads", "pieces", "downloads", "logins", "writes", "reads"]
_CLASSES: tuple[tuple[RouteClass, re.Pattern[str]], ...] = (
    (
        "publish",
        re.compile(
            r"(/api/v1)?/vinted/listings/publish|/api/v1/queue|/publish|/drafts/[^/]+/publish|(/api/v1)?/wardrobe/refresh"
        ),
    ),
    (
        "uploads",
        re.compile(
            r"/api/v1/(ingest|ai/analyze|ai/reader/test|model/test|wardrobe/import)|/share|/settings/reader(/model)?|/wardrobe/import"
        ),
    ),
    ("pieces", re.compile(r"/api/v1/uploads/[^/]+/files/\d+")),
    ("logins", re.compile(r"(/api/v1/auth)?/(sign-in|register|reset|forgotten|email)")),
)
_DOWNLOADS = re.compile(r"/api/v1/(wardrobe/(export|photos\.zip)|me/export)")
_UNCOUNTED = re.compile(r"/(static/.*|health|ready|metrics|api/v1/health|api/v1/ready)")
NAMES: Mapping[RouteClass, str] = {
    "publish": "publish requests", "uploads": "uploads", "pieces": "pieces of uploads",
    "downloads": "downloads", "logins": "tries to sign in", "writes": "changes", "reads": "requests",
}  # fmt: skip
PER_ADDRESS = 4
"""An address may ask so many times as often as a user: a family, or a shop, has one."""
_ANSWERED = "vintedbot.limits"
_REFUSED_LOGIN = (401, 403, 422)


def class_of(method: str, path: str) -> RouteClass | None:
    """The class whose limit counts for this request; None where none does."""
    if _UNCOUNTED.fullmatch(path):
        return None
    if method in SAFE_METHODS:
        return "downloads" if _DOWNLOADS.fullmatch(path) else "reads"
    return next((name for name, pattern in _CLASSES if pattern.fullmatch(path.rstrip("/"))), "writes")


class GrowingDelay:
    """A pause after failures that doubles with each: for whoever guesses. Three are free; 15 minutes is the most.

    Remembers the latest ten thousand names; a name is forgotten after an hour without failure, or by a success."""

    FREE, LONGEST, FORGET, MOST = 3, 900.0, 3600.0, 10_000

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, name: str) -> float:
        """Seconds until another try may be made."""
        count, at = self._of(name)
        pause = min(2.0 ** (count - self.FREE), self.LONGEST) if count >= self.FREE else 0.0
        return max(0.0, at + pause - self._clock())

    def failed(self, name: str) -> None:
        self._failures[name] = (self._of(name)[0] + 1, self._clock())
        self._failures.move_to_end(name)
        while len(self._failures) > self.MOST:
            self._failures.popitem(last=False)

    def succeeded(self, name: str) -> None:
        self._failures.pop(name, None)

    def _of(self, name: str) -> tuple[int, float]:
        count, at = self._failures.get(name, (0, 0.0))
        return (0, 0.0) if self._clock() - at > self.FORGET else (count, at)


class RequestLimits:
    """The limits of one application, and what was counted. `policy` is by class, as `limits` writes it: `5/minute`."""

    def __init__(self, policy: Mapping[RouteClass, str]) -> None:
        self._user: dict[RouteClass, RateLimitItem] = {name: parse(text) for name, text in policy.items()}
        self._address = {
            name: type(item)(item.amount * PER_ADDRESS, item.multiples) for name, item in self._user.items()
        }
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self.logins = GrowingDelay()

    def count_address(self, scope: Scope, address: str) -> None:
        """Raises LimitReached."""
        self._count(scope, self._address, "address", address)

    def count_user(self, connection: HTTPConnection, user_id: str) -> None:
        """Raises LimitReached. Once a request, however often it is asked."""
        if not connection.scope.get("vintedbot.user_counted"):
            connection.scope["vintedbot.user_counted"] = True
            self._count(connection.scope, self._user, "user", user_id)

    def use_of(self, user_id: str) -> dict[RouteClass, tuple[int, int, int]]:
        """By class: how many requests of the user's count now, how many may, in how many seconds."""
        found: dict[RouteClass, tuple[int, int, int]] = {}
        for name, item in self._user.items():
            left = self._limiter.get_window_stats(item, "user", user_id, name).remaining
            found[name] = (item.amount - left, item.amount, item.get_expiry())
        return found

    def _count(self, scope: Scope, items: Mapping[RouteClass, RateLimitItem], kind: str, who: str) -> None:
        name = class_of(scope.get("method", "GET"), scope["path"])
        if name is None:
            return
        item = items[name]
        taken = self._limiter.hit(item, kind, who, name)
        stats = self._limiter.get_window_stats(item, kind, who, name)
        resets = max(1, math.ceil(stats.reset_time - time.time()))
        if kind == "user" or not taken:
            scope[_ANSWERED] = (name, item, max(0, stats.remaining), resets)
        if not taken:
            raise LimitReached(
                f"At most {item.amount} {NAMES[name]} in {item.get_expiry()} seconds for one {kind}. "
                f"Wait {resets} seconds.",
                retry_after=resets,
            )


class AddressLimits:
    """The middleware: refuses an address before its request is read, and writes the headers on every answer."""

    def __init__(self, app: ASGIApp, limits: RequestLimits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        address = scope["client"][0] if scope.get("client") else "unknown"
        is_login = class_of(scope.get("method", "GET"), scope["path"]) == "logins"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _write_headers(scope, MutableHeaders(scope=message))
                if is_login:
                    self._note_login(address, scope["path"], message["status"])
            await send(message)

        try:
            self._let_in(scope, address, is_login=is_login)
        except LimitReached as refused:
            await _refuse(scope, receive, send_with_headers, refused)
            return
        await self.app(scope, receive, send_with_headers)

    def _let_in(self, scope: Scope, address: str, *, is_login: bool) -> None:
        if is_login and (wait := self.limits.logins.wait(address)):
            raise LimitReached(
                f"Too many tries that failed. The next may be made in {math.ceil(wait)} seconds.",
                code="login_delayed", retry_after=wait,
            )  # fmt: skip
        self.limits.count_address(scope, address)

    def _note_login(self, address: str, path: str, status: int) -> None:
        """Who signs in is no guesser; whoever asks for a letter, which is never refused, may be one."""
        if status in _REFUSED_LOGIN:
            self.limits.logins.failed(address)
        elif status < 400 and path.rstrip("/").endswith("/sign-in"):
            self.limits.logins.succeeded(address)


async def _refuse(scope: Scope, receive: Receive, send: Send, error: LimitReached) -> None:
    """The application's own answer to such an error: a page for people, problem details for programs."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": "Too many requests."})
        return
    handler = scope["app"].exception_handlers[VintedBotError]
    await (await handler(Request(scope), error))(scope, receive, send)


def _write_headers(scope: Scope, headers: MutableHeaders) -> None:
    known = scope.get(_ANSWERED)
    if known is not None:
        name, item, remaining, resets = known
        headers["RateLimit-Policy"] = f'"{name}";q={item.amount};w={item.get_expiry()}'
        headers["RateLimit"] = f'"{name}";r={remaining};t={resets}'
