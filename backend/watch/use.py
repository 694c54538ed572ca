"""Who uses how much of what is limited: photos of a day, megabytes kept, what models cost, publications under way.

Owns the look, for an admin. Owns no limit (`photos/quota.py`, `spending/ledger.py`) and shows nothing anybody keeps.
"""

from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from backend.db.engine import clock
from backend.db.models import ModelCall, Publication
from backend.photos import quota
from backend.photos.store import PhotoStore
from backend.publications import journal
from backend.users.service import everybody


@dataclass(frozen=True)
class Use:
    user_id: str
    name: str
    photos_of_day: int
    bytes_kept: int
    micros_today: int
    publications_in_hand: int


def use_of_everybody(session: Session, store: PhotoStore) -> list[Use]:
    """In the order people came."""
    today = clock(session).date().isoformat()
    spent = _by_user(session, select(ModelCall.user_id, func.sum(ModelCall.micros)).where(ModelCall.day == today))
    in_hand = col(Publication.state).in_(journal.RUNNING)
    running = _by_user(session, select(Publication.user_id, func.count()).where(in_hand))
    return [
        Use(
            user.id,
            user.name,
            quota.photos_of_day(session, user.id)[0],
            quota.stored_bytes(session, user.id, store),
            spent.get(user.id, 0),
            running.get(user.id, 0),
        )
        for user in everybody(session)
    ]


def _by_user(session: Session, query: object) -> dict[str, int]:
    grouped = query.group_by("user_id")  # type: ignore[attr-defined]  # a select of (user_id, figure)
    return {user_id: int(figure or 0) for user_id, figure in session.exec(grouped)}
