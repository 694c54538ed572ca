"""The journal of a publication: its states, which may follow which, and the compare-and-set that moves it.

    queued → preparing → filled → submitting → confirmed
                              ↘ rehearsed (a dry run ends here)
    exits: needs_person, failed, cancelled; uncertain → reconciled | queued (proof of absence) | needs_person

`submitting` is committed before the click and is the point of no return: from there no move leads back to
`preparing` without proof that nothing was stored (`needs_person` after it means the marketplace refused).
Owns the transition table. Owns no route and no retry.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from backend.core.errors import Conflict
from backend.db.models import Publication, PublicationEvent, now


class State(StrEnum):
    QUEUED = "queued"
    PREPARING = "preparing"
    FILLED = "filled"
    REHEARSED = "rehearsed"
    SUBMITTING = "submitting"
    CONFIRMED = "confirmed"
    NEEDS_PERSON = "needs_person"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    RECONCILED = "reconciled"
    CANCELLED = "cancelled"


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.PREPARING, State.CANCELLED, State.NEEDS_PERSON, State.FAILED}),
    State.PREPARING: frozenset({State.PREPARING, State.FILLED, State.NEEDS_PERSON, State.FAILED, State.CANCELLED}),
    State.FILLED: frozenset(
        {State.PREPARING, State.REHEARSED, State.SUBMITTING, State.NEEDS_PERSON, State.FAILED, State.CANCELLED}
    ),
    State.SUBMITTING: frozenset({State.CONFIRMED, State.UNCERTAIN, State.FAILED, State.NEEDS_PERSON}),
    State.UNCERTAIN: frozenset({State.RECONCILED, State.QUEUED, State.NEEDS_PERSON}),
    State.NEEDS_PERSON: frozenset({State.QUEUED, State.CANCELLED, State.RECONCILED, State.FAILED}),
    State.REHEARSED: frozenset(),
    State.CONFIRMED: frozenset(),
    State.RECONCILED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}
"""Where each state may lead. `filled → preparing` is a retry: nothing has been clicked yet. `submitting →
failed` and `submitting → needs_person` need the marketplace's own refusal; anything less is `uncertain`, which
leads back to `queued` only on proof that nothing was stored, and otherwise to the listing found or to a person."""

RUNNING = frozenset({State.QUEUED, State.PREPARING, State.FILLED, State.SUBMITTING, State.UNCERTAIN})
"""States in which the engine has work to do."""

ENDED = frozenset({State.REHEARSED, State.CONFIRMED, State.RECONCILED, State.FAILED, State.CANCELLED})
WITHOUT_LISTING = frozenset({State.FAILED, State.CANCELLED, State.REHEARSED})
"""Ended, and surely nothing stands on the marketplace: another publication may be made."""


def open_journal(session: Session, publication: Publication) -> None:
    """Stores a new publication with its first event."""
    session.add(publication)
    session.flush()
    _record(session, publication, None, State(publication.state), {})


def move(
    session: Session, publication_id: str, to: State, /, *, detail: Mapping[str, Any] | None = None, **columns: Any
) -> Publication:
    """Moves the publication to `to`, with these columns, if its present state allows it.

    Compare-and-set: of two processes one wins. Raises Conflict (`journal_moved`) for the other, NoResultFound for
    an unknown id."""
    publication = session.get_one(Publication, publication_id, populate_existing=True)
    before = State(publication.state)
    if to not in TRANSITIONS[before]:
        raise Conflict(f"Publication {publication_id} is {before}; it can't become {to}.", code="journal_moved")
    if to in WITHOUT_LISTING:
        columns["live_key"] = None
    table: Any = Publication.__table__  # type: ignore[attr-defined]
    changed = session.connection().execute(
        table.update()
        .where(table.c.id == publication_id, table.c.state == before)
        .values(state=to, updated_at=now(), **columns)
    )
    if changed.rowcount != 1:
        raise Conflict(f"Publication {publication_id} was moved by another process.", code="journal_moved")
    session.refresh(publication)
    _record(session, publication, before, to, detail or {})
    return publication


def _record(
    session: Session, publication: Publication, before: State | None, to: State, detail: Mapping[str, Any]
) -> None:
    session.add(
        PublicationEvent(
            user_id=publication.user_id,
            publication_id=publication.id,
            from_state=before,
            state=to,
            detail=dict(detail),
        )
    )
    session.flush()
