"""The commands a newcomer types: what make passes on, and what the set-up says where it can't go on."""

import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with a space in its name, whose set-up does nothing and whose command prints what it was given."""
    clone = tmp_path / "a clone"
    for folder in ("scripts", ".venv/bin"):
        (clone / folder).mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", clone)
    (clone / "scripts/setup.sh").write_text('echo "set up for $1"\n')
    command = clone / ".venv/bin/vintedbot"
    command.write_text('#!/usr/bin/env bash\nprintf "[%s]" "$@"\n')
    command.chmod(0o755)
    return clone


def run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PHOTOS", "DATA", "DIR", "TRUTH", "HTML", "MAKEFLAGS")
    }
    return subprocess.run(
        command, cwd=cwd, env={**inherited, **environment}, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.parametrize(
    ("command", "given"),
    [
        (["demo"], "[demo]"),
        (["demo", "PHOTOS=My photos/it's here"], "[demo][--photos][My photos/it's here]"),
        (["demo", "PHOTOS=~/closet"], "[demo][--photos][/home/seller/closet]"),
        (["eval"], "[evaluate][--sample]"),
        (["eval", "DIR=~/it's mine", "TRUTH=a b.csv"], "[evaluate][/home/seller/it's mine][--truth][a b.csv]"),
        (["serve"], "[serve]"),
        (["serve", "DATA=~/my closet"], "[--data][/home/seller/my closet][serve]"),
    ],
)
def test_make_hands_folders_over_as_they_are(clone: Path, command: list[str], given: str) -> None:
    made = run("make", "--no-print-directory", *command, cwd=clone, HOME="/home/seller")
    assert made.stdout.splitlines() == ["set up for run", given]


def test_make_alone_lists_every_command(clone: Path) -> None:
    listed = run("make", cwd=clone).stdout
    for target in ("setup", "demo", "serve", "test", "check-static", "check", "help"):
        assert f"make {target} " in listed


def test_ci_runs_exactly_make_test() -> None:
    assert (ROOT / ".ci/run").read_text().splitlines()[-1] == "exec make test"
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_an_old_python_is_refused_with_the_way_out(tmp_path: Path) -> None:
    old = tmp_path / "bin"
    old.mkdir()
    for name in ("python3", *(f"python3.{minor}" for minor in range(11, 20))):
        (old / name).write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2"\n')
        (old / name).chmod(0o755)
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/setup.sh", tmp_path / "scripts")
    made = run("bash", "scripts/setup.sh", cwd=tmp_path, PATH=f"{old}:{os.environ['PATH']}", PYTHON="")
    assert made.returncode == 1
    assert "Python 3.11 or later is needed; found: Python 3.9.2." in made.stderr
    assert "apt-get install python3 python3-venv" in made.stderr
    assert not (tmp_path / ".venv").exists()


def test_the_set_up_knows_two_sets_of_dependencies(tmp_path: Path) -> None:
    made = run("bash", str(ROOT / "scripts/setup.sh"), "everything", cwd=tmp_path)
    assert made.returncode == 2
    assert made.stderr == "usage: scripts/setup.sh [run|dev]\n"


def test_locks_name_packages_and_hashes_only() -> None:
    for lock in (ROOT / "locks/run.txt", ROOT / "locks/dev.txt"):
        text = lock.read_text()
        assert "://" not in text
        assert text.count("==") <= text.count("--hash=sha256:")


def test_what_installs_the_project_is_locked_with_it() -> None:
    """`pip install --no-build-isolation -e .` finds its build backend in the environment, not at a registry."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    locked = (ROOT / "locks/run.txt").read_text()
    for requirement in groups["build"]:
        assert f"\n{requirement.split('>')[0]}==" in f"\n{locked}"
