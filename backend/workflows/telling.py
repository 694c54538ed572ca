"""What its owner is told of, once: a publication that waits for them, failed, or stands otherwise than sent; a batch
that is read.

Owns when something is worth telling. Owns no sentence and no sending (`backend/notifications`).
"""

from sqlmodel import Session

from backend.db.models import Batch, Publication
from backend.notifications.kinds import kind_of
from backend.notifications.service import notify
from backend.photos import batches
from backend.publications.journal import State


def tell(session: Session, publication: Publication) -> None:
    """In the transaction that moved it, after the move: what is written down is told, and nothing else."""
    about, user_id = {"publication_id": publication.id}, publication.user_id
    if publication.state in (State.NEEDS_PERSON, State.FAILED):
        notify(session, user_id, kind_of(publication.error_code or ""), **about)
    elif publication.differences:
        notify(session, user_id, "differences", **about, count=len(publication.differences))


def tell_of_batch(session: Session, batch_id: str) -> None:
    batch = session.get_one(Batch, batch_id)
    found = batches.progress(session, batch.user_id, batch_id)
    notify(session, batch.user_id, "done_batch", episode=batch_id, count=found.items, ready=found.ready)
