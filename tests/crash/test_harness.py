"""Twenty trials of the crash harness on each database."""

import pytest

from tests.crash.conftest import Harness


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
