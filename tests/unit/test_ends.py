"""How a publication ends by an error, in every state."""

import pytest

from backend.core.errors import (
    ChallengeRaised,
    Conflict,
    ListingRejected,
    NotClicked,
    PermanentError,
    SessionExpired,
    SetupError,
    UncertainError,
    VintedBotError,
    VintedNetworkError,
    VintedRateLimitError,
    VintedTimeoutError,
)
from backend.publications.journal import ENDED, TRANSITIONS, UNDER_WAY, State
from backend.publications.queue import NotItsTurn
from backend.workflows.ends import AfterTheClick, end_of

BEFORE = (State.PREPARING, State.FILLED)
OURS = ZeroDivisionError("a fault of ours")


@pytest.mark.parametrize("state", BEFORE)
@pytest.mark.parametrize(
    ("error", "end"),
    [
        (SessionExpired("x"), State.NEEDS_PERSON),
        (ChallengeRaised("x"), State.NEEDS_PERSON),
        (VintedNetworkError("x"), State.FAILED),
        (VintedRateLimitError("x"), State.QUEUED),
        (NotItsTurn("x"), State.QUEUED),
        (PermanentError("x"), State.FAILED),
        (SetupError("x"), State.FAILED),
        (OURS, State.FAILED),
    ],
)
def test_before_the_click_an_error_ends_it_or_asks_a_person(state: State, error: Exception, end: State) -> None:
    found = end_of(state, error)
    assert found is not None
    assert found[0] == end


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (ListingRejected("x"), State.FAILED),
        (AfterTheClick(VintedRateLimitError("x")), State.QUEUED),
        (AfterTheClick(NotClicked("x")), State.QUEUED),
        (SessionExpired("x"), State.NEEDS_PERSON),
        (ChallengeRaised("x"), State.NEEDS_PERSON),
        (UncertainError("x"), State.UNCERTAIN),
        (AfterTheClick(VintedNetworkError("x")), State.UNCERTAIN),
        (AfterTheClick(VintedTimeoutError("x")), State.UNCERTAIN),
        (SetupError("the disk is full"), State.UNCERTAIN),
        (PermanentError("x"), State.UNCERTAIN),
        (OURS, State.UNCERTAIN),
    ],
)
def test_after_the_click_only_a_refusal_ends_it(error: Exception, end: State) -> None:
    found = end_of(State.SUBMITTING, error)
    assert found is not None
    assert found[0] == end


@pytest.mark.parametrize("error", [OURS, SessionExpired("x"), UncertainError("x"), VintedBotError("x")])
def test_every_end_is_a_move_the_journal_knows(error: Exception) -> None:
    for state in UNDER_WAY:
        if end := end_of(state, error):
            assert end[0] in TRANSITIONS[state], (state, end)
    assert all(end_of(state, error) is None for state in ENDED | {State.QUEUED, State.NEEDS_PERSON, State.UNCERTAIN})


def test_what_somebody_else_moved_is_left_alone() -> None:
    assert end_of(State.PREPARING, Conflict("x", code="journal_moved")) is None
