"""The first steps: photos, drafts, a dry run. Ticked off by what is in the tables; put away and called back.

Owns what counts as a step done. Owns no sample (`workflows/sample.py`) and no button (`photos.py`).
"""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col

from backend.db.models import Batch, Draft, Publication
from backend.db.scope import owned
from backend.publications.journal import State
from backend.users import page_wishes
from backend.watch.insights import STANDING
from backend.workflows import sample


@dataclass(frozen=True)
class Guide:
    """`shown` unless it was put away, or everything is done and nobody called it back."""

    steps: tuple[tuple[str, bool], ...]
    shown: bool
    has_sample: bool
    first_draft: str | None


def look(session: Session, user_id: str) -> Guide:
    def first(model: Any, *narrowed: Any) -> Any:
        return session.exec(owned(model, user_id).where(*narrowed).limit(1)).first()

    photos = first(Batch) is not None
    looked = first(Draft, (col(Draft.revision) > 1) | (Draft.state == "approved")) is not None
    rehearsed = first(Publication, col(Publication.state).in_((State.REHEARSED, *STANDING))) is not None
    steps = (("photos", photos), ("look", looked), ("rehearse", rehearsed))
    away = page_wishes.wishes_of(session, user_id).guide_away
    draft = first(Draft, Draft.state == "open")
    return Guide(
        steps,
        shown=not away if away is not None else not all(done for _, done in steps),
        has_sample=sample.find(session, user_id) is not None,
        first_draft=draft.id if draft else None,
    )
