"""The wheel alone, in an environment of its own: the command works, the server answers, the demo runs.

The environment borrows the installed dependencies; of the project it has the wheel and nothing else."""

import json
import os
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(1000)  # a bound for a machine far slower than any


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel in it."""
    work = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(work), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = work.glob("vintedbot-*.whl")
    home = work / "env"
    venv.create(home, with_pip=False)
    site = next((home / "lib").glob("python*/site-packages"))
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python")]
    subprocess.run([*pip, "install", "-q", "--no-deps", str(wheel)], check=True, capture_output=True)
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "VINTEDBOT_BROWSER")}
    return {**kept, "VINTEDBOT_DATA": str(tmp_path / "data"), "COLUMNS": "160"}


def run(installed: Path, environment: dict[str, str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(installed / "vintedbot"), *arguments]
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=900, check=False)


def test_the_code_is_the_wheels(installed: Path, environment: dict[str, str], tmp_path: Path) -> None:
    found = subprocess.run(
        [installed / "python", "-c", "import backend; print(backend.__file__)"],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(ROOT) not in found.stdout
    assert json.loads(run(installed, environment, "version", "--json", cwd=tmp_path).stdout)["version"]


def test_it_serves(installed: Path, environment: dict[str, str], tmp_path: Path) -> None:
    command = [installed / "vintedbot", "serve", "--port", "0"]
    server = subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        line = server.stderr.readline()
        address = next(word for word in line.split() if word.startswith("http://"))
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = httpx.get(f"{address}/ready")
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline, "it never answered"
                time.sleep(0.1)
        assert answer.json()["ready"]
        assert "vintedbot_publish_queue_size" in httpx.get(f"{address}/metrics").text
    finally:
        server.terminate()
        server.wait(20)


def test_the_demo_runs(installed: Path, environment: dict[str, str], tmp_path: Path) -> None:
    done = run(installed, environment, "demo", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["files"], len(told["drafts"])) == (30, 8)
    assert sorted(row["reason"] for row in told["left_out"]) == ["duplicate", "truncated"]
    ready = [draft["id"] for draft in told["drafts"] if draft["publish_ready"]]
    assert len(ready) >= 6, [draft["problems"] for draft in told["drafts"]]
    assert [(p["draft_id"], p["state"], p["differences"]) for p in told["publications"]] == [
        (draft_id, "confirmed", []) for draft_id in ready
    ]
