"""The journal of a publication: its states, which may follow which, and the compare-and-set that moves it.

    queued → preparing → filled → submitting → confirmed | confirmed_with_differences
                              ↘ rehearsed (a dry run ends here)
    exits: needs_person, failed, cancelled; uncertain → reconciled | queued (proof of absence) | needs_person

`submitting` is committed before the click and is the point of no return: from there no move leads back without proof
that nothing was stored. While a publication is under way it carries the `claim` of the one job that may move it; a job
whose claim was replaced can't move it, and so never reaches a click. `docs/journal.md` draws the table from here.
Owns the transition table and the claims. Owns no route and no retry.
"""

from collections.abc import Mapping
from datetime import datetime
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
    CONFIRMED_WITH_DIFFERENCES = "confirmed_with_differences"
    NEEDS_PERSON = "needs_person"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    RECONCILED = "reconciled"
    CANCELLED = "cancelled"


_LEFT_UNDONE = frozenset({State.PREPARING, State.QUEUED, State.NEEDS_PERSON, State.FAILED, State.CANCELLED})

TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.PREPARING, State.CANCELLED, State.FAILED}),
    State.PREPARING: _LEFT_UNDONE | {State.FILLED},
    State.FILLED: _LEFT_UNDONE | {State.REHEARSED, State.SUBMITTING},
    State.SUBMITTING: frozenset(
        {
            State.CONFIRMED,
            State.CONFIRMED_WITH_DIFFERENCES,
            State.UNCERTAIN,
            State.QUEUED,
            State.NEEDS_PERSON,
            State.FAILED,
        }
    ),
    State.UNCERTAIN: frozenset({State.RECONCILED, State.QUEUED, State.NEEDS_PERSON}),
    State.NEEDS_PERSON: frozenset({State.QUEUED, State.PREPARING, State.CANCELLED, State.RECONCILED, State.FAILED}),
    State.REHEARSED: frozenset(),
    State.CONFIRMED: frozenset(),
    State.CONFIRMED_WITH_DIFFERENCES: frozenset(),
    State.RECONCILED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
}
"""Where each state may lead. `preparing` and `filled` may begin anew or be left: nothing has been clicked yet. From
`submitting`, `failed`, `needs_person` and `queued` need the marketplace's own refusal of the click, or a click that was
provably not made; anything less is `uncertain`, which leads back to `queued` only on proof that nothing was stored.
`needs_person → preparing` is a challenge solved on the page that stayed open."""

UNCERTAIN_CODE = "uncertain"
"""The error code of a publication whose click may or may not have made a listing."""

OUT_OF_DOUBT = frozenset({State.RECONCILED, State.QUEUED, State.FAILED})
"""Where `needs_person` may lead when it is for an uncertain click: a person's `adopt`, `retry` or `give up`."""

RUNNING = frozenset({State.QUEUED, State.PREPARING, State.FILLED, State.SUBMITTING, State.UNCERTAIN})
"""States in which there is work to do without anybody's help."""

UNDER_WAY = RUNNING - {State.QUEUED}
"""States in which a job holds the claim, and the account."""

ENDED = frozenset(state for state, after in TRANSITIONS.items() if not after)
WITHOUT_LISTING = frozenset({State.FAILED, State.CANCELLED, State.REHEARSED})
"""Ended, and surely nothing stands on the marketplace: another publication may be made."""


def open_journal(session: Session, publication: Publication) -> None:
    """Stores a new publication with its first event."""
    session.add(publication)
    session.flush()
    _record(session, publication, None, State(publication.state), {})


def may_become(publication: Publication, to: State) -> bool:
    """Whether the table lets the publication go there from where it stands."""
    in_doubt = publication.state == State.NEEDS_PERSON and publication.error_code == UNCERTAIN_CODE
    return to in TRANSITIONS[State(publication.state)] and (not in_doubt or to in OUT_OF_DOUBT)


def move(
    session: Session,
    publication_id: str,
    to: State,
    /,
    *,
    holder: str | None = None,
    keep_claim: bool = False,
    detail: Mapping[str, Any] | None = None,
    at: datetime | None = None,
    **columns: Any,
) -> Publication:
    """Moves the publication to `to`, with these columns, if its present state allows it.

    A job says by `holder` which claim it has; a person acts without one. The claim ends where a job does, unless
    `keep_claim` (a page that waits for its owner). Compare-and-set: of two processes one wins. Raises Conflict
    (`journal_moved`) for the other, NoResultFound for an unknown id."""
    publication = session.get_one(Publication, publication_id, populate_existing=True)
    before = State(publication.state)
    if not may_become(publication, to):
        raise Conflict(f"Publication {publication_id} is {before}; it can't become {to}.", code="journal_moved")
    if to in WITHOUT_LISTING:
        columns["live_key"] = None
    if to not in UNDER_WAY and not keep_claim:
        columns |= {"claim": None, "claimed_by": None}
    table = _table()
    holds = () if holder is None else (table.c.claim == holder,)
    _compare_and_set(session, publication, *holds, state=to, updated_at=now(), **columns)
    _record(session, publication, before, to, detail or {}, at)
    return publication


def take(session: Session, publication_id: str, claim: str, executor: str) -> Publication:
    """Gives the publication under way to this job, whoever had it: the old holder can move it no more.

    The caller knows that the old holder is gone. Raises Conflict when another job took it at this moment."""
    publication = session.get_one(Publication, publication_id, populate_existing=True)
    table = _table()
    _compare_and_set(
        session, publication, table.c.claim.is_not_distinct_from(publication.claim), claim=claim, claimed_by=executor
    )
    return publication


def _table() -> Any:
    return Publication.__table__  # type: ignore[attr-defined]


def _compare_and_set(session: Session, publication: Publication, *conditions: Any, **columns: Any) -> None:
    table = _table()
    unchanged = (table.c.id == publication.id, table.c.state == publication.state, *conditions)
    if session.connection().execute(table.update().where(*unchanged).values(**columns)).rowcount != 1:
        raise Conflict(f"Publication {publication.id} was moved by another process.", code="journal_moved")
    session.refresh(publication)


def _record(
    session: Session,
    publication: Publication,
    before: State | None,
    to: State,
    detail: Mapping[str, Any],
    at: datetime | None = None,
) -> None:
    session.add(
        PublicationEvent(
            user_id=publication.user_id,
            publication_id=publication.id,
            at=at or now(),
            from_state=before,
            state=to,
            detail=dict(detail),
        )
    )
    session.flush()
