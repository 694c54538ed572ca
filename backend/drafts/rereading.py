"""Drafts that are read again: because their photos are others now (`board.py`), or because their seller asks, when a
better reader was set up.

Owns when that may be, and how it is asked for. What the seller stated stays (`service.fill`). Owns no reading.
"""

from collections.abc import Collection, Iterable

from sqlmodel import Session, select

from backend.core.errors import Conflict
from backend.db import audit
from backend.db.models import Batch, Draft, now
from backend.db.scope import get_owned
from backend.drafts import history, service


def read_again(
    session: Session, user_id: str, draft_id: str, revision: int | None = None, *, busy: Collection[str] = ()
) -> Draft:
    """Sets a draft whose photos stay to be read again, which can be undone like an edit; an approval is over by that.

    `busy` are drafts in a publication. Raises NotFound, Conflict."""
    draft = service.in_use(session, user_id, draft_id, revision)
    refuse_busy([draft.id], busy)
    history.keep(session, draft)
    service.next_revision(session, draft)
    set_unread(draft)
    draft.updated_at = now()
    session.flush()
    ask_for_reading(session, get_owned(session, Batch, user_id, draft.batch_id))
    audit.record(session, "draft.read_again", user_id, draft.id, revision=draft.revision)
    return draft


def set_unread(draft: Draft) -> None:
    draft.state, draft.publish_ready = "reading", False


def ask_for_reading(session: Session, batch: Batch) -> None:
    """The batch goes on where a draft of it waits to be read."""
    unread = select(Draft.id).where(Draft.batch_id == batch.id, Draft.state == "reading").limit(1)
    if session.exec(unread).first() is not None and batch.state in ("done", "stopped"):
        batch.state, batch.updated_at = "queued", now()


def refuse_busy(drafts: Iterable[str], busy: Collection[str]) -> None:
    """Raises Conflict (`item_in_publication`)."""
    if set(drafts) & set(busy):
        raise Conflict(
            "An item of this is being published, or has its listing already: its photos stay as they are. Cancel the "
            "publication first.",
            code="item_in_publication",
        )
