"""Being signed in: sessions of pages and families of refresh tokens, where and since when, and ending them.

A session's secret is shown once, to its holder, as `kind_id_secret`; the table keeps the hash. A refresh token is good
once: it is exchanged for the next, and one that comes a second time was copied, so the whole family ends.
Owns the `auth_sessions` table. Owns no password and no HTTP.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session, col, select

from backend.core.caller import Origin
from backend.core.errors import SignInNeeded
from backend.db import audit
from backend.db.models import AuthSession, User
from backend.db.scope import get_owned, owned
from backend.users.service import check_active
from backend.users.tokens import KeyRing, hash_of, new_secret

Kind = Literal["page", "token"]
ACCESS_LASTS = timedelta(minutes=15)
UNUSED_LASTS = timedelta(days=30)
PREFIX = {"page": "vbs", "token": "vbr"}
LONGEST_AGENT = 200


@dataclass(frozen=True)
class TokenPair:
    """An access token and the refresh token that gets the next pair."""

    access_token: str
    refresh_token: str
    expires_in: int


def start(session: Session, user: User, kind: Kind, origin: Origin, at: datetime) -> tuple[AuthSession, str]:
    """A new session and its secret. Raises Forbidden (`suspended`)."""
    check_active(user)
    secret = new_secret()
    row = AuthSession(
        user_id=user.id,
        kind=kind,
        secret_hash=hash_of(secret),
        agent=origin.agent[:LONGEST_AGENT],
        address=origin.address,
        created_at=at,
        last_used_at=at,
        expires_at=at + UNUSED_LASTS,
    )
    session.add(row)
    session.flush()
    user.last_seen_at = at
    audit.record(session, "session.started", user.id, row.id, origin=origin, kind=kind)
    return row, f"{PREFIX[kind]}_{row.id}_{secret}"


def pair(ring: KeyRing, row: AuthSession, refresh_token: str, at: datetime) -> TokenPair:
    access = ring.sign("access", {"sub": row.user_id, "sid": row.id}, at, ACCESS_LASTS)
    return TokenPair(access, refresh_token, int(ACCESS_LASTS.total_seconds()))


def find(session: Session, kind: Kind, given: str, at: datetime) -> AuthSession | None:
    """The session this secret opens, or None."""
    row = _by_id(session, kind, given)
    return row if row is not None and is_live(row, at) and _fits(row, given) else None


def is_live(row: AuthSession, at: datetime) -> bool:
    return row.revoked_at is None and row.expires_at > at


def rotate(session: Session, given: str, origin: Origin, at: datetime) -> tuple[AuthSession, str] | None:
    """The family and its next refresh token; None where the given one was used before, which has ended the family.

    Raises SignInNeeded (`token_invalid`) where it is none, or its family is over."""
    row = _by_id(session, "token", given)
    if row is None or not is_live(row, at):
        raise SignInNeeded("This refresh token can't be used. Sign in again.", code="token_invalid")
    if not _fits(row, given):
        end(session, row, at, "reuse", origin)
        return None
    secret = new_secret()
    row.secret_hash, row.rotations = hash_of(secret), row.rotations + 1
    row.last_used_at, row.expires_at, row.address = at, at + UNUSED_LASTS, origin.address
    return row, f"{PREFIX['token']}_{row.id}_{secret}"


def sessions_of(session: Session, user_id: str, at: datetime) -> list[AuthSession]:
    """Where the user is signed in, lately used first."""
    query = owned(AuthSession, user_id).where(col(AuthSession.revoked_at).is_(None), col(AuthSession.expires_at) > at)
    return list(session.exec(query.order_by(col(AuthSession.last_used_at).desc())))


def end_one(session: Session, user_id: str, session_id: str, at: datetime) -> None:
    """Raises NotFound."""
    row = get_owned(session, AuthSession, user_id, session_id)
    if row.revoked_at is None:
        end(session, row, at, "signed_out")


def end_all(session: Session, user_id: str, at: datetime, *, but: str | None = None, why: str = "everywhere") -> int:
    """Signs the user out everywhere, `but` in this session. Says how many that were."""
    ended = [row for row in sessions_of(session, user_id, at) if row.id != but]
    for row in ended:
        end(session, row, at, why)
    return len(ended)


def end(session: Session, row: AuthSession, at: datetime, why: str, origin: Origin | None = None) -> None:
    row.revoked_at, row.revoked_for = at, why
    audit.record(session, "session.ended", row.user_id, row.id, origin=origin, why=why)


def _by_id(session: Session, kind: Kind, given: str) -> AuthSession | None:
    prefix, _, rest = given.partition("_")
    session_id = rest.partition("_")[0]
    if prefix != PREFIX[kind]:
        return None
    # Whose it is, is what the secret tells.
    query = select(AuthSession).where(AuthSession.id == session_id, AuthSession.kind == kind).with_for_update()
    return session.exec(query).first()


def _fits(row: AuthSession, given: str) -> bool:
    secret = given.partition("_")[2].partition("_")[2]
    return secrets.compare_digest(hash_of(secret), row.secret_hash)
