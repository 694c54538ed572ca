"""What a draft was before each edit, so that edits can be undone one by one.

Owns the `draft_changes` table. Owns no rule about when a draft may change: that is `service.py`'s.
"""

from typing import Any

from sqlmodel import Session, col, delete, select

from backend.db.models import Draft, DraftChange

KEPT = 50
"""Edits kept of one draft; older ones are forgotten."""


def keep(session: Session, draft: Draft) -> None:
    """Keeps the draft as it stands, to be called before it is changed."""
    before = {"fields": draft.fields, "purchase_cost": draft.purchase_cost}
    session.add(DraftChange(user_id=draft.user_id, draft_id=draft.id, before=before))
    session.flush()
    old = session.exec(_of(draft).offset(KEPT)).all()
    for change in old:
        session.delete(change)


def take_last(session: Session, draft: Draft) -> dict[str, Any] | None:
    """What the draft was before its last edit, which is forgotten by that; None where nothing is to be undone."""
    change = session.exec(_of(draft).limit(1)).first()
    if change is None:
        return None
    before: dict[str, Any] = change.before
    session.delete(change)
    return before


def can_undo(session: Session, draft: Draft) -> bool:
    return session.exec(_of(draft).limit(1)).first() is not None


def forget(session: Session, draft_id: str) -> None:
    """Forgets a draft's edits: its photos are others now."""
    session.exec(delete(DraftChange).where(col(DraftChange.draft_id) == draft_id))


def _of(draft: Draft) -> Any:
    return select(DraftChange).where(DraftChange.draft_id == draft.id).order_by(col(DraftChange.id).desc())
