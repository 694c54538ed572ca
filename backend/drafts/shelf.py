"""Drafts as they are listed: narrowed, counted and paged by the tables, however many there are.

Owns the filters of the list and its order: the newest batch first, in it the order of its photos. Owns no change of a
draft (`service.py`).
"""

from typing import Any

from sqlmodel import Session, col, select

from backend.db.models import Batch, Draft, DraftPhoto
from backend.db.scope import count_owned, owned

FILTERS = ("all", "todo", "ready", "approved", "discarded")


def filter_of(draft: Draft) -> str:
    """Under which filter a draft stands; `reading` is under none but all."""
    if draft.state in ("approved", "discarded", "reading"):
        return draft.state
    return "ready" if draft.publish_ready else "todo"


def counts(session: Session, user_id: str) -> dict[str, int]:
    """How many drafts of the user's each filter shows."""
    return {name: count_owned(session, Draft, user_id, *_narrowed(name)) for name in FILTERS}


def page_of(session: Session, user_id: str, show: str, *, limit: int, offset: int = 0) -> list[Draft]:
    """So many drafts of those the filter `show` shows, in the list's order."""
    return list(session.exec(_in_order(owned(Draft, user_id).where(*_narrowed(show))).limit(limit).offset(offset)))


def to_review(session: Session, user_id: str, *, also: str = "", limit: int | None = None) -> list[str]:
    """The ids of the drafts that wait for the seller's word, and `also` this one, in the list's order."""
    query = select(Draft.id).where(Draft.user_id == user_id, (col(Draft.state) == "open") | (col(Draft.id) == also))
    return list(session.exec(_in_order(query).limit(limit)))


def _narrowed(show: str) -> tuple[Any, ...]:
    state = col(Draft.state)
    if show == "all":
        return (state != "discarded",)
    if show == "discarded":  # without photos the board has emptied it, and it alone can fill it
        return state == show, select(DraftPhoto.draft_id).where(DraftPhoto.draft_id == Draft.id).exists()
    if show == "approved":
        return (state == show,)
    return state == "open", col(Draft.publish_ready).is_(show == "ready")


def _in_order(query: Any) -> Any:
    newest_batch = (col(Batch.created_at).desc(), col(Batch.id))
    return query.join(Batch, col(Batch.id) == col(Draft.batch_id)).order_by(
        *newest_batch, col(Draft.created_at), col(Draft.ordinal)
    )
