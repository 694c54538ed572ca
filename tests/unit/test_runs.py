"""A run's browsers are ended on this machine, frozen ones too; of another machine nothing is claimed."""

import os
import signal
import subprocess
from collections.abc import Iterator

import psutil
import pytest

from backend.core import runs

OTHER = "0123456789abcdef"


@pytest.fixture
def frozen_browser() -> Iterator[subprocess.Popen[bytes]]:
    """A process another run started, with a child that hides its environment, both frozen."""
    command = ["sh", "-c", f"env -u {runs.MARK} sleep 300 & echo; wait"]
    process = subprocess.Popen(command, env={**os.environ, runs.MARK: OTHER}, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    tree = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    for one in tree:
        one.send_signal(signal.SIGSTOP)
    yield process
    for one in tree:
        if one.is_running():
            one.kill()
    process.wait()
    process.stdout.close()


def test_another_runs_browsers_end_with_all_below_them(frozen_browser: subprocess.Popen[bytes]) -> None:
    children = psutil.Process(frozen_browser.pid).children(recursive=True)
    assert children
    assert runs.silence({**runs.this_run(), "run": OTHER})
    assert frozen_browser.wait(10) == -signal.SIGKILL
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)


@pytest.mark.parametrize(
    ("other", "surely"),
    [({"run": OTHER}, True), ({"run": OTHER, "boot": "before"}, True), ({"run": OTHER, "machine": "elsewhere"}, False)],
)
def test_what_is_known_of_another_run(other: dict[str, str], surely: bool) -> None:
    assert runs.silence({**runs.this_run(), **other}) is surely


def test_a_runs_own_browsers_are_left_alone() -> None:
    process = subprocess.Popen(["sleep", "300"], env={**os.environ, runs.MARK: runs.this_run()["run"]})
    assert runs.silence(runs.this_run())
    assert process.poll() is None
    process.kill()
    process.wait()
