"""What a restored installation may not go on doing by itself: between the backup and now, the world went on.

A click that was under way when the backup was made is in doubt, and is settled as after a crash. What waited in a queue
may have been published since, by the installation the backup is of; so accounts with anything waiting are paused, and
their owners let them go on (`vintedbot queue resume`). Owns this rule. Owns no transition (`publications/journal.py`).
"""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, or_, select

from backend.db.models import Account, Publication
from backend.publications import journal
from backend.publications.journal import State

_FREE: dict[str, Any] = {"claim": None, "claimed_by": None}


@dataclass
class Aftermath:
    """`in_doubt`: clicks that are looked for on the marketplace. `waiting`: publications that wait in a queue."""

    in_doubt: int = 0
    waiting: int = 0
    paused_accounts: int = 0
    unreadable_sessions: int = 0


def hold_what_was_under_way(session: Session) -> Aftermath:
    """Leaves every publication held by nobody, a click without an answer uncertain, and accounts with work paused."""
    found = Aftermath()
    query = select(Publication).where(
        or_(col(Publication.state).in_(journal.RUNNING), col(Publication.claim).is_not(None))
    )
    to_pause: set[str] = set()
    for publication in session.exec(query).all():
        state = _let_go(session, publication)
        found.in_doubt += state is State.UNCERTAIN
        found.waiting += state is State.QUEUED
        if state in (State.QUEUED, State.UNCERTAIN) and publication.mode != "dry_run":
            to_pause.add(publication.account_id)
    for account in session.exec(select(Account).where(col(Account.id).in_(to_pause))).all():
        account.paused = True
    session.flush()
    found.paused_accounts = len(to_pause)
    return found


def _let_go(session: Session, publication: Publication) -> State:
    """The state it is in then."""
    state = State(publication.state)
    if state is State.SUBMITTING:
        told = {"error": "The backup was made between the click and the marketplace's answer."}
        moved = journal.move(session, publication.id, State.UNCERTAIN, detail={"restored": True, **told}, **_FREE)
    elif state in (State.PREPARING, State.FILLED):
        run = publication.run + 1
        moved = journal.move(session, publication.id, State.QUEUED, detail={"restored": True}, run=run, attempts=0)
    else:
        publication.claim = publication.claimed_by = None
        moved = publication
    return State(moved.state)
