"""The three tests of the user's document ("Tests Recommandés"), word for word.

`user_document.md` beside this file is that section of the document; its code blocks are run from there. What
stands here only gives them a seed, a clock that does not wait, and a server.
"""

import random
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from backend.app import create_app
from backend.core import retry_utils
from backend.core.metrics import publish_retry_count, publish_total
from backend.core.retry_utils import VintedNetworkError, retry_publish_operation
from backend.sandbox.loopback import serving
from backend.settings import Settings
from tests.fakes import ScriptedReader

SECTION = Path(__file__).with_name("user_document.md").read_text(encoding="utf-8")
ORIGINAL = Path(__file__).parents[3] / "shared" / "facts" / "user-document.md"
CURL, RETRY, INCREMENT = re.findall(r"```\w+\n(.*?)```", SECTION, re.DOTALL)


def run(code: str, **names: Any) -> dict[str, Any]:
    exec(compile(code, "user_document.md", "exec"), names)
    return names


def retries() -> float:
    return sum(publish_retry_count.labels(attempt=n)._value.get() for n in ("2", "3"))


@pytest.fixture
def waits():
    waits: list[float] = []
    with retry_utils.waiting_by(waits.append):
        yield waits


@pytest.mark.skipif(not ORIGINAL.exists(), reason="the user's document is not on this machine")
def test_the_section_is_the_document_s_own_text() -> None:
    assert SECTION.rstrip() in ORIGINAL.read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the document's own command needs curl")
def test_1_the_command_shows_the_metrics(settings: Settings, reader: ScriptedReader) -> None:
    """On a free port: 5000, the default, may be in use here."""
    assert Settings.model_fields["port"].default == 5000
    with serving(create_app(settings, analyzer=reader)) as address:
        port = address.rsplit(":", 1)[1]
        command = CURL.splitlines()[0].replace("5000", port)
        answer = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True, timeout=30).stdout
    help_line, type_line = [line for line in CURL.splitlines() if line.startswith(("# HELP", "# TYPE"))]
    assert any(line.startswith(help_line) for line in answer.splitlines())
    assert type_line in answer.splitlines()
    assert 'vintedbot_publish_total{status="success"}' in answer


@pytest.mark.parametrize("seed", [1, 10])
async def test_2_retries_then_succeeds(seed: int, waits: list[float]) -> None:
    """Seed 1 fails once, seed 10 more than once."""
    test_retry = run(RETRY, retry_publish_operation=retry_publish_operation, VintedNetworkError=VintedNetworkError)
    before = retries()
    random.seed(seed)
    assert await test_retry["test_retry"]() == "Success"
    assert len(waits) == retries() - before == (1 if seed == 1 else 2)
    assert all(5 <= wait <= 60 for wait in waits)


async def test_2_gives_up_after_three_attempts_with_the_error_itself(waits: list[float]) -> None:
    names = run(RETRY, retry_publish_operation=retry_publish_operation, VintedNetworkError=VintedNetworkError)
    random.seed(3)
    with pytest.raises(VintedNetworkError, match=r"^Simulated failure$"):
        await names["test_retry"]()
    assert len(waits) == 2


def test_3_counts_one_publication() -> None:
    names = run(INCREMENT)
    assert names["publish_total"] is publish_total
    assert names["final"] == names["initial"] + 1
