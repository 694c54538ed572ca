"""Twenty trials of the crash harness on each database; and how soon a dead worker's publication is taken over."""

import signal
import time

import pytest

from backend.publications import journal
from backend.publications.journal import State
from tests.crash.conftest import Harness
from tests.crash.world import ACCOUNTS, World, world


@pytest.mark.timeout(2700)
def test_nothing_is_doubled_lost_or_stuck_whenever_it_is_killed(harness: Harness) -> None:
    status, tallies = harness("--trials", "20", "--database", "both", "--patience", "300")
    assert {tally["database"] for tally in tallies} == {"sqlite", "postgresql"}
    for tally in tallies:
        assert tally["notes"] == []
        assert (tally["doubled"], tally["lost"], tally["stuck"]) == (0, 0, 0)
        assert tally["trials"] == 20 and tally["kills"] >= 12
        assert tally["found"] == tally["expected"] == 40
    assert status == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_dead_workers_publication_is_a_living_ones_within_half_a_minute(kind: str) -> None:
    with world(kind, 1, ("unhurried",)) as place:
        place.have_workers(2)
        publication = place.publish(ACCOUNTS[0], "draft")
        owner = _owner(place, publication)
        killed = time.monotonic()
        dead = place.worker_of(owner)
        assert dead is not None
        dead.send(signal.SIGKILL)
        while _owner(place, publication) == owner:
            assert time.monotonic() < killed + 30
        [row] = place.settle([publication], 120)
        assert row.state in (State.CONFIRMED, State.RECONCILED)
        assert place.listings().total() == place.wanted


def _owner(place: World, publication_id: str) -> str:
    """Who has it, once somebody has."""
    while not (row := place.look(publication_id)).claimed_by or row.state not in journal.UNDER_WAY:
        assert row.state in journal.RUNNING, row.error
        time.sleep(0.02)
    return row.claimed_by


@pytest.mark.parametrize("silenced", [True, False])
def test_a_request_that_froze_on_its_way_never_arrives_after_another(silenced: bool) -> None:
    """It has left the worker's hands, and its browser sends it on waking up: unless that was ended by then."""
    faults = ("freezes_on_the_way",) if silenced else ("freezes_on_the_way", "no_silence")
    with world("sqlite", 1, faults) as place:
        place.have_workers(2)
        publication = place.publish(ACCOUNTS[0], "draft")
        frozen = place.worker_of(_owner(place, publication))
        assert frozen is not None
        while not (place.settings.data / "frozen").exists():
            time.sleep(0.01)
        time.sleep(0.2)  # for the request to go as far as it can
        frozen.send(signal.SIGSTOP)
        place.steal_slot(frozen.executor)
        [row] = place.settle([publication], 120)
        assert row.state == State.CONFIRMED
        frozen.send(signal.SIGCONT, only="chrom")
        time.sleep(2)
        assert place.has_doubled is not silenced
