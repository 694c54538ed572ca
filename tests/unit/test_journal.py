"""The transition table of publications: every pair of states, and what may never happen."""

from itertools import product

import pytest

from backend.core.errors import Conflict
from backend.db.engine import Database
from backend.db.models import Account, Batch, Draft, Publication, User
from backend.publications import journal
from backend.publications.journal import ENDED, RUNNING, TRANSITIONS, WITHOUT_LISTING, State


def test_every_state_is_in_the_table_and_every_ended_one_stays() -> None:
    assert set(TRANSITIONS) == set(State)
    assert all(not TRANSITIONS[state] for state in ENDED)
    assert not RUNNING & ENDED


def test_the_click_has_one_way_in_and_no_way_straight_back() -> None:
    assert {s for s in State if State.SUBMITTING in TRANSITIONS[s]} == {State.FILLED}
    before_the_click = {State.QUEUED, State.PREPARING, State.FILLED}
    assert not TRANSITIONS[State.SUBMITTING] & before_the_click
    assert TRANSITIONS[State.UNCERTAIN] & before_the_click == {State.QUEUED}, "on proof of absence alone"
    assert State.FAILED not in TRANSITIONS[State.UNCERTAIN], "failed frees the draft for another listing"


@pytest.fixture
def publication(database: Database) -> Publication:
    with database.session() as session:
        user = User(name="marie")
        session.add(user)
        session.flush()
        account = Account(user_id=user.id, username="marie", base_url="http://127.0.0.1:9")
        batch = Batch(user_id=user.id)
        session.add_all([account, batch])
        session.flush()
        draft = Draft(user_id=user.id, batch_id=batch.id, ordinal=0)
        session.add(draft)
        session.flush()
        made = Publication(
            user_id=user.id, draft_id=draft.id, draft_revision=1, account_id=account.id, route="web", mode="draft",
            live_key=f"{draft.id}:web",
        )  # fmt: skip
        journal.open_journal(session, made)
    return made


def test_each_move_is_made_exactly_when_the_table_has_it(database: Database, publication: Publication) -> None:
    for before, to in product(State, State):
        with database.session() as session:
            row = session.get_one(Publication, publication.id)
            row.state, row.live_key = before, f"{row.draft_id}:web"
        if to in TRANSITIONS[before]:
            with database.session() as session:
                moved = journal.move(session, publication.id, to)
                assert moved.state == to
                assert (moved.live_key is None) == (to in WITHOUT_LISTING), (before, to)
        else:
            with pytest.raises(Conflict) as refused, database.session() as session:
                journal.move(session, publication.id, to)
            assert refused.value.code == "journal_moved"
            with database.session() as session:
                assert session.get_one(Publication, publication.id).state == before


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
