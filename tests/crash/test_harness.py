"""Twenty trials of the crash harness on each database; and that it sees a broken journal."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def harness(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    command = [sys.executable, "-m", "tests.crash.harness", "--json", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr[-3000:]
    return done.returncode, json.loads(done.stdout)


@pytest.mark.timeout(2700)
def test_nothing_is_doubled_lost_or_stuck_whenever_it_is_killed() -> None:
    status, tallies = harness("--trials", "20", "--database", "both", "--patience", "300")
    assert {tally["database"] for tally in tallies} == {"sqlite", "postgresql"}
    for tally in tallies:
        assert tally["notes"] == []
        assert (tally["doubled"], tally["lost"], tally["stuck"]) == (0, 0, 0)
        assert tally["trials"] == 20 and tally["kills"] >= 12
        assert tally["found"] == tally["expected"] == 40
    assert status == 0


@pytest.mark.parametrize(("fault", "happening"), [("no_look", "lost_answer"), ("no_point_of_no_return", "slow_answer")])
def test_a_broken_journal_is_seen(fault: str, happening: str) -> None:
    broken = ("--fault", fault, "--only", happening, "--patience", "25")
    status, [tally] = harness("--trials", "1", "--database", "sqlite", *broken)
    assert status == 1
    assert tally["doubled"] >= 1
