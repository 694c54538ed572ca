"""The audit: who did what, when, from where, on what. Written in the transaction of what was done, and never changed.

Owns `audit_events`. Owns no action: whoever does something names it here, once, where it is done.
"""

from typing import Any

from sqlmodel import Session, col, select

from backend.core.caller import Origin, caller
from backend.db.models import AuditEvent
from backend.db.scope import owned

LONGEST = 200


def record(
    session: Session,
    action: str,
    user_id: str | None,
    target: str = "",
    /,
    *,
    origin: Origin | None = None,
    **detail: Any,
) -> None:
    """`action`, such as `draft.approved`, was done to `target`, a thing of `user_id`'s, by whoever acts here.

    `origin` is for somebody not known yet, who signs in. No secret, name or text of a person's goes into `detail`."""
    who = caller()
    place = who or origin or Origin()
    session.add(
        AuditEvent(
            user_id=user_id,
            actor_id=who.user_id if who else None,
            way=who.way if who else "page" if origin else "job",
            action=action,
            target=target,
            address=place.address[:LONGEST],
            agent=place.agent[:LONGEST],
            detail=detail,
        )
    )


def events_of(session: Session, user_id: str, *, limit: int = 100, before: int | None = None) -> list[AuditEvent]:
    """What was done to the user's things, newest first; with `before`, what is older than that event."""
    return _page(session, owned(AuditEvent, user_id), limit, before)


def all_events(session: Session, *, limit: int = 100, before: int | None = None) -> list[AuditEvent]:
    """Everybody's, for an admin."""
    return _page(session, select(AuditEvent), limit, before)


def _page(session: Session, query: Any, limit: int, before: int | None) -> list[AuditEvent]:
    if before is not None:
        query = query.where(col(AuditEvent.id) < before)
    return list(session.exec(query.order_by(col(AuditEvent.id).desc()).limit(limit)))
