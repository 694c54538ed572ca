"""Slots of processes that run jobs: one living owner each, told dead when they are, on SQLite and PostgreSQL."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from backend.workflows.executors import AdvisoryExecutors, Executors, executors_of

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from pathlib import Path
from backend.workflows.executors import executors_of
executors = executors_of(sys.argv[1], Path(sys.argv[2]))
print(executors.take(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    sqlite = request.param == "sqlite"
    return ("sqlite://" if sqlite else request.getfixturevalue("postgres_url")), tmp_path / "executors"


@pytest.fixture
def executors(place: tuple[str, Path]) -> Iterator[Executors]:
    mine = executors_of(*place)
    yield mine
    mine.release()


@contextmanager
def another_process(place: tuple[str, Path]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-c", HOLDER, place[0], str(place[1])]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def test_each_process_is_an_executor_of_its_own(place: tuple[str, Path], executors: Executors) -> None:
    assert not executors.any_alive()
    with another_process(place) as (_, theirs):
        mine = executors.take()
        assert (theirs, mine) == ("executor-1", "executor-2")
        assert executors.is_alive(theirs) and executors.is_alive(mine) and executors.still_mine()
        assert not executors.is_alive("executor-3")


def test_a_killed_one_is_dead_and_its_slot_free_again(place: tuple[str, Path], executors: Executors) -> None:
    with another_process(place) as (process, theirs):
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        for _ in range(100):  # the server notices the broken connection in its own time
            if not executors.is_alive(theirs):
                break
        assert not executors.is_alive(theirs) and not executors.any_alive()
        assert executors.take() == theirs


def test_a_stopped_one_is_not_taken_for_dead(place: tuple[str, Path], executors: Executors) -> None:
    with another_process(place) as (process, theirs):
        os.kill(process.pid, signal.SIGSTOP)
        assert executors.is_alive(theirs)
        assert executors.take() != theirs


@pytest.mark.parametrize("name", [None, "", "somewhere-else", "executor-x", "executor-999"])
def test_what_is_no_executor_of_ours_is_dead(executors: Executors, name: str | None) -> None:
    executors.take()
    assert not executors.is_alive(name)


def test_a_connection_cut_by_the_server_gives_the_slot_away(postgres_url: str) -> None:
    first, second = AdvisoryExecutors(postgres_url), AdvisoryExecutors(postgres_url)
    mine = first.take()
    server = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        cut = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted"
        assert connection.execute(text(cut)).scalars().all() == [True]
    server.dispose()
    assert not first.still_mine()
    assert not second.is_alive(mine)
    assert second.take() == mine
    first.release()
    second.release()
