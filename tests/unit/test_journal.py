"""The transition table of publications: every pair of states, what may never happen, and who may move."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest

from backend.core.errors import Conflict
from backend.db.engine import Database
from backend.db.models import Publication
from backend.publications import journal
from backend.publications.journal import (
    ENDED,
    OUT_OF_DOUBT,
    RUNNING,
    TRANSITIONS,
    UNCERTAIN_CODE,
    UNDER_WAY,
    WITHOUT_LISTING,
    State,
)
from scripts.draw_journal import BEGIN, END, drawing
from tests.fakes import publication_row

PAGE = Path(__file__).parents[2] / "docs" / "journal.md"


def test_every_state_is_in_the_table_and_every_ended_one_stays() -> None:
    assert set(TRANSITIONS) == set(State)
    assert all(not TRANSITIONS[state] for state in ENDED)
    assert not RUNNING & ENDED
    assert set(State) == RUNNING | ENDED | {State.NEEDS_PERSON}


def test_the_click_has_one_way_in_and_no_way_straight_back_to_the_form() -> None:
    assert {s for s in State if State.SUBMITTING in TRANSITIONS[s]} == {State.FILLED}
    before_the_click = {State.QUEUED, State.PREPARING, State.FILLED}
    assert TRANSITIONS[State.SUBMITTING] & before_the_click == {State.QUEUED}, "on a refusal, or a click not made"
    assert TRANSITIONS[State.UNCERTAIN] & before_the_click == {State.QUEUED}, "on proof of absence alone"
    assert State.FAILED not in TRANSITIONS[State.UNCERTAIN], "failed frees the draft for another listing"
    assert State.CANCELLED not in TRANSITIONS[State.SUBMITTING] | TRANSITIONS[State.UNCERTAIN]


def test_the_page_draws_this_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    drawn = text.partition(BEGIN)[2].partition(END)[0]
    assert drawn.strip() == drawing().strip(), "run python -m scripts.draw_journal"


@pytest.fixture
def publication(database: Database) -> Publication:
    return publication_row(database)


@contextmanager
def refused(database: Database, publication: Publication) -> Iterator[None]:
    """Inside, a move is refused and changes nothing."""
    with database.session() as session:
        before = session.get_one(Publication, publication.id).model_dump()
    with pytest.raises(Conflict) as conflict:
        yield
    assert conflict.value.code == "journal_moved"
    with database.session() as session:
        assert session.get_one(Publication, publication.id).model_dump() == before


def put(database: Database, publication: Publication, state: State, **columns: object) -> None:
    with database.session() as session:
        row = session.get_one(Publication, publication.id)
        row.sqlmodel_update(
            {"state": state, "live_key": f"{row.draft_id}:web", "error_code": None, "claim": None, **columns}
        )


def test_each_move_is_made_exactly_when_the_table_has_it(database: Database, publication: Publication) -> None:
    for before, to in product(State, State):
        put(database, publication, before, claim="mine", claimed_by="executor-1")
        if to in TRANSITIONS[before]:
            with database.session() as session:
                moved = journal.move(session, publication.id, to)
                assert moved.state == to
                assert (moved.live_key is None) == (to in WITHOUT_LISTING), (before, to)
                assert (moved.claim is None) == (to not in UNDER_WAY), "a claim ends with its job"
        else:
            with refused(database, publication), database.session() as session:
                journal.move(session, publication.id, to)


def test_a_doubt_is_settled_and_never_passed_over(database: Database, publication: Publication) -> None:
    for to in State:
        put(database, publication, State.NEEDS_PERSON, error_code=UNCERTAIN_CODE)
        if to in OUT_OF_DOUBT:
            with database.session() as session:
                assert journal.move(session, publication.id, to).state == to
        else:
            with refused(database, publication), database.session() as session:
                journal.move(session, publication.id, to)


def test_a_job_that_lost_its_claim_moves_nothing(database: Database, publication: Publication) -> None:
    put(database, publication, State.FILLED, claim="old", claimed_by="executor-1")
    with database.session() as session:
        journal.take(session, publication.id, "new", "executor-2")
    for to in TRANSITIONS[State.FILLED]:
        with refused(database, publication), database.session() as session:
            journal.move(session, publication.id, to, holder="old")
    with database.session() as session:
        assert journal.move(session, publication.id, State.SUBMITTING, holder="new").claimed_by == "executor-2"


def test_of_two_processes_one_wins(database: Database, publication: Publication) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite lets only one writer in at a time, so two can't have read the same state")
    with database.session() as first, database.session() as second:
        first.get_one(Publication, publication.id)
        second.get_one(Publication, publication.id)
        journal.move(first, publication.id, State.PREPARING)
        first.commit()
        with pytest.raises(Conflict):
            journal.move(second, publication.id, State.CANCELLED)
            journal.move(second, publication.id, State.QUEUED)
            journal.move(second, publication.id, State.SUBMITTING)
