"""One thing done to many drafts: each by itself, so that one that can't be keeps none of the others.

Owns the counting of what was done and what was refused. Owns no rule: each draft is changed by `service.py`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from backend.core.errors import VintedBotError
from backend.db.models import Draft
from backend.db.scope import get_owned
from backend.drafts import service


@dataclass(frozen=True)
class Done:
    """How many were changed, and the error of each draft that was not, by its id."""

    changed: int
    refused: dict[str, VintedBotError]


def approve(session: Session, user_id: str, ids: Iterable[str]) -> Done:
    return _each(session, ids, lambda draft_id: service.approve(session, user_id, draft_id))


def discard(session: Session, user_id: str, ids: Iterable[str]) -> Done:
    return _each(session, ids, lambda draft_id: service.discard(session, user_id, draft_id))


def restore(session: Session, user_id: str, ids: Iterable[str]) -> Done:
    return _each(session, ids, lambda draft_id: service.restore(session, user_id, draft_id))


def state(session: Session, user_id: str, ids: Iterable[str], changes: dict[str, Any]) -> Done:
    """States the same fields of all of them. `changes` are checked already (`FieldsPatch.changes`)."""

    def one(draft_id: str) -> Draft:
        draft = get_owned(session, Draft, user_id, draft_id)
        return service.edit(session, user_id, draft_id, draft.revision, changes)

    return _each(session, ids, one)


def _each(session: Session, ids: Iterable[str], change: Callable[[str], Draft]) -> Done:
    changed, refused = 0, {}
    for draft_id in dict.fromkeys(ids):
        try:
            with session.begin_nested():
                change(draft_id)
            changed += 1
        except VintedBotError as error:
            refused[draft_id] = error
    return Done(changed, refused)
