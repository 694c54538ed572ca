"""`/ready` and `/health`: each part with its latency and reason; what the rest can do without only degrades."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from backend.app import create_app
from backend.core.errors import SetupError
from backend.core.redaction import remember
from backend.settings import Settings
from backend.watch import checks
from backend.watch.checks import Checks, Part
from tests.fakes import ScriptedReader


@pytest.fixture
async def client(settings: Settings, reader: ScriptedReader) -> AsyncIterator[httpx.AsyncClient]:
    broken = settings.model_copy(
        update={"browser": "/no/such/browser", "analyzer": "openai", "openai_base_url": "http://127.0.0.1:9"}
    )
    app = create_app(broken, run_jobs=False, analyzer=reader)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client


async def test_ready_says_of_each_part_whether_how_fast_and_why_not(client: httpx.AsyncClient) -> None:
    answer = await client.get("/ready")
    assert answer.status_code == 503, "nobody runs jobs"
    body = answer.json()
    assert body["ready"] is False
    assert body["degraded"] == ["browser", "model"]
    assert list(body["checks"]) == ["database", "storage", "jobs", "browser", "model", "disk", "clock"]
    for name in ("database", "storage", "disk"):
        assert body["checks"][name]["ok"], body
        assert body["checks"][name]["reason"] == ""
    assert all(check["milliseconds"] >= 0 for check in body["checks"].values())
    assert "vintedbot serve" in body["checks"]["jobs"]["reason"]
    assert "/no/such/browser" in body["checks"]["browser"]["reason"]
    assert "OPENAI_BASE_URL" in body["checks"]["model"]["reason"]


async def test_health_says_alive_and_of_which_process(client: httpx.AsyncClient) -> None:
    body = (await client.get("/health")).json()
    assert body["status"] == "ok"
    assert body["uptime_seconds"] > 0
    assert body["process"]["id"] > 0
    assert body["process"]["memory_bytes"] > 1_000_000


async def test_a_costly_check_is_made_once_for_many_who_ask() -> None:
    asked = {"cheap": 0, "costly": 0}

    def counting(name: str) -> checks.Probe:
        async def probe() -> str:
            asked[name] += 1
            return "works"

        return probe

    looked = Checks({name: Part(counting(name), costly=name == "costly") for name in asked})
    for _ in range(3):
        assert [one.ok for one in await looked.look()] == [True, True]
    assert asked == {"cheap": 3, "costly": 1}


async def test_a_part_that_hangs_is_a_part_that_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "PATIENCE", 0.05)
    found = await checks.check("slow", Part(asyncio.Event().wait))  # type: ignore[arg-type]
    assert (found.ok, found.told) == (False, "It did not answer within 0 s.")


async def test_a_fault_of_one_check_is_told_and_hides_none_of_the_others() -> None:
    remember(["a-secret-of-the-operator"])

    async def crash() -> str:
        raise ZeroDivisionError("a-secret-of-the-operator")

    async def refuse() -> str:
        raise SetupError("Do this.")

    async def work() -> str:
        return "works"

    found = await Checks({"crash": Part(crash), "refuse": Part(refuse), "work": Part(work)}).look()
    assert [one.ok for one in found] == [False, False, True]
    assert "ZeroDivisionError" in found[0].told
    assert "a-secret" not in found[0].told
    assert (found[1].told, found[2].told) == ("Do this.", "works")


async def test_a_link_that_leads_nowhere_stops_no_clock(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert (await checks.check("clock", Part(partial(checks.clock, tmp_path)))).ok
    later = time.time() + 3600
    (tmp_path / "from the future").touch()
    os.utime(tmp_path / "from the future", (later, later))
    assert "behind its own files" in (await checks.check("clock", Part(partial(checks.clock, tmp_path)))).told


async def test_an_address_that_is_none_is_a_setting_to_mend() -> None:
    found = await checks.check("model", Part(partial(checks.model, "http://127.0.0.1:port", None, "any")))
    assert not found.ok
    assert "Check OPENAI_BASE_URL" in found.told
