"""What a person keeps of the pages, wherever they open them: the first steps put away, an assumption of theirs.

Owns the column `pages` of `user_settings`. Owns no page.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field
from sqlmodel import Session

from backend.db.models import UserSettings, now
from backend.db.scope import own_row

MINUTES_BY_HAND = 8.0
"""What writing one listing by hand is taken to need, until somebody says otherwise: our assumption, no measurement."""


class PageWishes(BaseModel):
    """`guide_away` hides the first steps, None until they were put away or called back; `minutes_by_hand` is what a
    listing by hand takes this person."""

    guide_away: bool | None = None
    minutes_by_hand: Annotated[float, Field(gt=0, le=240)] = MINUTES_BY_HAND


def wishes_of(session: Session, user_id: str) -> PageWishes:
    stored = own_row(session, UserSettings, user_id)
    return PageWishes.model_validate(stored.pages if stored else {})


def keep(session: Session, user_id: str, changed: Mapping[str, object]) -> PageWishes:
    """Keeps these beside the others. Raises ValueError for what can't be."""
    stored = own_row(session, UserSettings, user_id) or UserSettings(user_id=user_id)
    wishes = PageWishes.model_validate({**stored.pages, **changed})
    stored.pages, stored.updated_at = wishes.model_dump(mode="json"), now()
    session.add(stored)
    return wishes
