"""Links that work once: an invitation, a new password for who has lost theirs, an address to be confirmed.

Owns the `user_links` table. Owns no address of a page: who shows a link knows where the server is reached.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session, col, select

from backend.core.caller import ROLES
from backend.core.errors import BadRequest, NotFound
from backend.db import audit
from backend.db.models import UserLink
from backend.db.scope import count_owned, owned
from backend.users.tokens import hash_of, new_secret

Purpose = Literal["invite", "reset", "email"]
TO_ONESELF: tuple[Purpose, ...] = ("reset", "email")
"""Whoever holds one changes the user's own password or address: each is a way in."""
LASTS: dict[Purpose, timedelta] = {
    "invite": timedelta(days=7),
    "reset": timedelta(hours=24),
    "email": timedelta(hours=24),
}


def make(
    session: Session,
    user_id: str,
    purpose: Purpose,
    at: datetime,
    *,
    role: str = "member",
    email: str | None = None,
    lasts: timedelta | None = None,
) -> tuple[str, str]:
    """The link's secret and its row's id. `user_id` is who invites, or whose password or address is changed."""
    if role not in ROLES:
        raise BadRequest(f"A role is one of: {', '.join(ROLES)}.", code="bad_role")
    secret = new_secret()
    row = UserLink(
        user_id=user_id,
        purpose=purpose,
        secret_hash=hash_of(secret),
        role=role,
        email=email,
        created_at=at,
        expires_at=at + (lasts or LASTS[purpose]),
    )
    session.add(row)
    session.flush()
    audit.record(session, f"link.{purpose}", user_id, row.id)
    return secret, row.id


def look(session: Session, purpose: Purpose, secret: str, at: datetime) -> UserLink:
    """The link, still good. Raises NotFound (`link_over`), the same for one that never was."""
    found = select(UserLink).where(UserLink.secret_hash == hash_of(secret), UserLink.purpose == purpose)
    row = session.exec(found.with_for_update()).first()
    if row is None or row.used_at is not None or row.expires_at <= at:
        raise NotFound("This link was used, or its time is over. Ask for a new one.", code="link_over")
    return row


def use(session: Session, purpose: Purpose, secret: str, at: datetime) -> UserLink:
    """The same, and it is good no more."""
    row = look(session, purpose, secret, at)
    row.used_at = at
    return row


def count_made(session: Session, user_id: str, purpose: Purpose, since: datetime) -> int:
    return count_owned(session, UserLink, user_id, UserLink.purpose == purpose, col(UserLink.created_at) > since)


def withdraw(session: Session, user_id: str, at: datetime, purposes: Sequence[Purpose] = TO_ONESELF) -> None:
    """The user's links of these kinds are good no more."""
    query = owned(UserLink, user_id).where(col(UserLink.purpose).in_(purposes), col(UserLink.used_at).is_(None))
    for row in session.exec(query):
        row.used_at = at
