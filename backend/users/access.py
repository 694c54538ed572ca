"""From a request to who asks: access token, API key, a page's cookie, or nobody but this machine's own person.

Owns the order in which these are looked at, what each needs to be good for, and the scope a request needs. Knows no web
framework: `api/deps.py` and `web/page.py` hand in what they were sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from backend.core.caller import SCOPES, Caller, Origin, Scope, Way
from backend.core.errors import Forbidden, SignInNeeded
from backend.core.loopback import is_loopback
from backend.db.models import ApiKey, AuthSession, User
from backend.db.scope import get_owned, owned
from backend.users import keys, sign_in
from backend.users.service import check_active, find, known_local_user
from backend.users.tokens import KeyRing

COOKIE = "vintedbot_session"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_PUBLISHING = ("/listings/publish", "/queue", "/settle", "/resume", "/live")


@dataclass(frozen=True)
class Credentials:
    """What a request brought to say who asks. `near` is whether it comes from this very machine, `local` whether
    that is enough here."""

    bearer: str | None
    cookie: str | None
    origin: Origin
    near: bool
    local: bool


def credentials(
    headers: Mapping[str, str], cookies: Mapping[str, str], client: str | None, *, alone: bool
) -> Credentials:
    """As they were sent. `alone` is whether this server lets the machine's own person in without signing in.

    What a proxy passed on comes from elsewhere, whatever address it has."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    near = client is not None and is_loopback(client) and not is_forwarded(headers)
    return Credentials(
        bearer=token.strip() if scheme.lower() == "bearer" else None,
        cookie=cookies.get(COOKIE),
        origin=Origin(client or "", headers.get("user-agent", "")),
        near=near,
        local=alone and near,
    )


def is_forwarded(headers: Mapping[str, str]) -> bool:
    """Whether a proxy passed this on."""
    return any(name in headers for name in _FORWARDED)


def identify(session: Session, ring: KeyRing, given: Credentials, at: datetime) -> Caller | None:
    """Who asks, or None; only reads. Raises SignInNeeded for a token or key that is no good, Forbidden for who is
    suspended."""
    if given.bearer is not None and given.bearer.startswith(keys.PREFIX):
        return _by_key(session, given, at)
    if given.bearer is not None:
        return _by_token(session, ring, given, at)
    if given.cookie and (row := sign_in.find(session, "page", given.cookie, at)) is not None:
        return _signed_in(session, row, "page", given.origin, at)
    if given.local and (user := known_local_user(session)) is not None:
        return local_caller(check_active(user), "local", given.origin)
    return None


def local_caller(user: User, way: Way, origin: Origin | None = None) -> Caller:
    """This machine's own person, or whom the command line acts for."""
    place = origin or Origin()
    return Caller(user.id, user.name, user.role, way, address=place.address, agent=place.agent)


def needed_scope(method: str, path: str) -> Scope:
    """What a key has to be good for. `path` is the route's, with its names in braces."""
    if "/users" in path or "/model" in path or path.endswith("/audit/all"):
        return "admin"
    if path.endswith("/live"):  # a look into the page is a hand on it
        return "publish"
    if method in SAFE_METHODS:
        return "read"
    return "publish" if path.endswith(_PUBLISHING) and "/bulk/" not in path else "write"


def check_scope(who: Caller, method: str, path: str) -> None:
    """Raises Forbidden (`scope_missing`)."""
    needed = needed_scope(method, path)
    if needed not in who.scopes:
        raise Forbidden(f"This key is not good for that: it lacks the scope “{needed}”.", code="scope_missing")


def check_admin(who: Caller) -> None:
    """Raises Forbidden (`admin_only`)."""
    if not who.is_admin:
        raise Forbidden("Only an admin may do that.", code="admin_only")


def _by_key(session: Session, given: Credentials, at: datetime) -> Caller:
    row = keys.find(session, given.bearer or "", at)
    if row is None:
        raise SignInNeeded("This key can't be used: it is unknown, revoked or has run out.", code="key_invalid")
    user = _active(session, row.user_id)
    scopes = frozenset(scope for scope in SCOPES if scope in row.scopes)
    place = given.origin
    return Caller(user.id, user.name, user.role, "key", row.id, scopes, place.address, place.agent)


def _by_token(session: Session, ring: KeyRing, given: Credentials, at: datetime) -> Caller:
    """The session is looked at too: one that was ended, or whose user was suspended, is over at once."""
    claims = ring.read("access", given.bearer or "")
    query = owned(AuthSession, str(claims["sub"])).where(AuthSession.id == str(claims.get("sid")))
    row = session.exec(query).first()
    if row is None or not sign_in.is_live(row, at):
        raise SignInNeeded("This session was ended. Sign in again.", code="token_invalid")
    return _signed_in(session, row, "token", given.origin, at)


def _signed_in(session: Session, row: AuthSession, way: Way, origin: Origin, at: datetime) -> Caller:
    user = _active(session, row.user_id)
    return Caller(user.id, user.name, user.role, way, row.id, address=origin.address, agent=origin.agent)


def note_use(session: Session, who: Caller, at: datetime) -> None:
    """Writes down that they came, when and from where, and keeps the session from running out."""
    user = find(session, who.user_id)
    user.last_seen_at = at
    if who.way == "key":
        get_owned(session, ApiKey, who.user_id, str(who.sign_in)).last_used_at = at
    elif who.way in ("page", "token"):
        row = get_owned(session, AuthSession, who.user_id, str(who.sign_in))
        row.last_used_at, row.address, row.expires_at = at, who.address, at + sign_in.UNUSED_LASTS


def _active(session: Session, user_id: str) -> User:
    return check_active(find(session, user_id))
