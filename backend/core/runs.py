"""Which run of the software, on which machine, did something; and making sure that a run's browsers do nothing more.

A process that froze, or whose browser outlived it, may still let go of a request when it wakes. Where that is on this
machine its browsers are ended; of another machine nothing can be known. Owns the mark a run leaves and that ending.
"""

import hashlib
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import psutil

MARK = "VINTEDBOT_RUN"
"""In the environment of each browser: the run that started it."""
_PATIENCE = 5.0
"""Seconds a killed process may take to be gone."""


def this_run() -> dict[str, str]:
    """The run this process is: `run`, and the `machine` and `boot` it is on, none of which tells anything else."""
    return _run_of(os.getpid())


@cache
def _run_of(pid: int) -> dict[str, str]:
    boot = _read("/proc/sys/kernel/random/boot_id") or str(psutil.boot_time())
    machine = (_read("/etc/machine-id"), socket.gethostname(), _processes_seen(), _user())
    return {
        "run": _hashed(boot, pid, psutil.Process(pid).create_time()),
        "machine": _hashed(*machine),
        "boot": _hashed(boot),
    }


def marked_environment() -> dict[str, str | float | bool]:
    """The environment for a browser of this run."""
    return {**os.environ, MARK: this_run()["run"]}


def silence(run: Mapping[str, str]) -> bool:
    """Ends the browsers of another run, frozen or alive. Returns whether surely nothing of it is left to act: its
    machine is this one, and they are gone, or it has been started anew since."""
    own = this_run()
    if run["run"] == own["run"]:
        return True
    if run["machine"] != own["machine"]:
        return False
    if run["boot"] != own["boot"]:
        return True
    found = list(_browsers(run["run"]))
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    end = time.monotonic() + _PATIENCE
    while any(_acts(process) for process in found):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _acts(process: psutil.Process) -> bool:
    """What its frozen parent has not buried yet does nothing any more."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def _browsers(run: str) -> Iterator[psutil.Process]:
    """The run's browsers and all below them: Chromium's own children overwrite their environment."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == run:
                yield from process.children(recursive=True)
                yield process


def _processes_seen() -> int:
    """Which processes can be seen from here: those of another container can't."""
    with suppress(OSError):
        return Path("/proc/self/ns/pid").stat().st_ino
    return 0


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def _read(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text(encoding="ascii").strip()
    return ""


def _hashed(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
