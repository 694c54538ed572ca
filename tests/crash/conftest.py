"""Starting the crash harness as a process of its own, as `make crash` does."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
Harness = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def harness() -> Harness:
    """harness("--trials", "1"): its exit status and its tallies."""

    def run(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
        command = [sys.executable, "-m", "tests.crash.harness", "--json", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.stdout, done.stderr[-3000:]
        return done.returncode, json.loads(done.stdout)

    return run
