"""API keys: for programs, with scopes, shown once.

Owns the `api_keys` table; owns no check of a scope (`access.py`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from backend.core.caller import SCOPES
from backend.core.errors import BadRequest, Conflict
from backend.db import audit
from backend.db.models import ApiKey
from backend.db.scope import get_owned, owned
from backend.users.tokens import hash_of, new_secret

PREFIX = "vbk_"
SHOWN = len(PREFIX) + 6
MOST = 50


def make(
    session: Session, user_id: str, name: str, scopes: Sequence[str], at: datetime, *, days: int | None = None
) -> tuple[ApiKey, str]:
    """A new key and what it is, this once. Raises BadRequest (`bad_scope`), Conflict (`too_many_keys`)."""
    if not scopes or set(scopes) - set(SCOPES):
        raise BadRequest(f"Scopes are some of: {', '.join(SCOPES)}.", code="bad_scope")
    if len([row for row in keys_of(session, user_id) if row.revoked_at is None]) >= MOST:
        raise Conflict(f"At most {MOST} keys. Revoke one first.", code="too_many_keys")
    secret = PREFIX + new_secret()
    row = ApiKey(
        user_id=user_id,
        name=name.strip()[:80] or "key",
        prefix=secret[:SHOWN],
        secret_hash=hash_of(secret),
        scopes=[scope for scope in SCOPES if scope in scopes],
        created_at=at,
        expires_at=at + timedelta(days=days) if days else None,
    )
    session.add(row)
    session.flush()
    audit.record(session, "key.made", user_id, row.id, scopes=row.scopes)
    return row, secret


def keys_of(session: Session, user_id: str) -> list[ApiKey]:
    """The user's keys that can still be used or have run out, newest first; revoked ones are history."""
    query = owned(ApiKey, user_id).where(col(ApiKey.revoked_at).is_(None))
    return list(session.exec(query.order_by(col(ApiKey.created_at).desc(), col(ApiKey.id))))


def revoke(session: Session, user_id: str, key_id: str, at: datetime) -> None:
    """Raises NotFound."""
    row = get_owned(session, ApiKey, user_id, key_id)
    if row.revoked_at is None:
        row.revoked_at = at
        audit.record(session, "key.revoked", user_id, row.id)


def revoke_all(session: Session, user_id: str, at: datetime) -> None:
    for row in keys_of(session, user_id):
        revoke(session, user_id, row.id, at)


def find(session: Session, given: str, at: datetime) -> ApiKey | None:
    """The key, whoever's it is, or None where it is none, was revoked or has run out."""
    row = session.exec(select(ApiKey).where(ApiKey.secret_hash == hash_of(given))).first()
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= at):
        return None
    return row
