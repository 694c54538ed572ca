"""Prometheus's programs: from the PATH, or as `scripts/setup.sh dev` unpacked them; started on loopback, and ended."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

MONITORING = Path(__file__).parents[2] / "monitoring"
UNPACKED = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vintedbot" / "monitoring" / "usr" / "bin"
TEMPLATES = UNPACKED.parent / "share" / "prometheus" / "alertmanager"
"""Where the unpacked Alertmanager must be started."""
OTHER_NAMES = {"alertmanager": "prometheus-alertmanager"}


def find_tool(name: str) -> Path | None:
    for place in (None, str(UNPACKED)):
        for spelling in (name, OTHER_NAMES.get(name)):
            if spelling and (found := shutil.which(spelling, path=place)):
                return Path(found)
    return None


def tool(name: str) -> Path:
    """The program, or a skip that says how to get it; in CI its lack is a failure."""
    found = find_tool(name)
    if found is None:
        reason = f"no {name}: put it on the PATH, or run scripts/setup.sh dev on Debian"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return found


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool("promtool"), *arguments], capture_output=True, text=True, timeout=120, check=False)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def started(command: Sequence[str | Path], ready: str, log: Path) -> Iterator[None]:
    """The program runs meanwhile; it is up once `ready` answers 200."""
    words, place = list(map(str, command)), TEMPLATES if TEMPLATES.is_dir() else None
    with log.open("w") as output, subprocess.Popen(words, stdout=output, stderr=output, cwd=place) as process:
        try:
            await_ok(ready, process, log)
            yield
        finally:
            process.terminate()
            process.wait(30)


def await_ok(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(url, timeout=10).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer:\n{log.read_text()}")
