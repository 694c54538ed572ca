"""The crash harness sees a broken journal: without that, its zeros would say nothing."""

import pytest

from tests.crash.conftest import Harness


@pytest.mark.parametrize(("fault", "happening"), [("no_look", "lost_answer"), ("no_point_of_no_return", "slow_answer")])
def test_a_broken_journal_is_seen(harness: Harness, fault: str, happening: str) -> None:
    broken = ("--fault", fault, "--only", happening, "--patience", "25")
    status, [tally] = harness("--trials", "1", "--database", "sqlite", *broken)
    assert status == 1
    assert tally["doubled"] >= 1
