"""A server of its own process, watched by a real Prometheus and Alertmanager, and traffic for it from the sandbox.

Time is compressed in the copy of the configuration alone: scrapes and evaluations each second, no `for`, no group wait.
Windows stay as they are.
"""

import asyncio
import json
import os
import queue
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from fastapi import FastAPI, Request

from backend.accounts import standing
from backend.cli.photos import hand_in, report, watch
from backend.core.pacing import AT_ONCE
from backend.publications.journal import State
from backend.publications.service import Order, publications_of
from backend.runtime import Runtime, running
from backend.sandbox.loopback import serving
from backend.sandbox.server import Sandbox, running_sandbox
from backend.sandbox.vision_api import VisionApi, running_vision_api
from backend.settings import Settings
from tests.conftest import draw_one
from tests.fakes import ScriptedReader
from tests.monitoring.tools import MONITORING, free_port, started, tool

READ = {name: {"value": value, "confidence": 0.95, "photo": 1} for name, value in (
    ("category", "t-shirt"), ("brand", "Kiabi"), ("size", "M"), ("colours", ["white"])
)}  # fmt: skip
STATED = {"audience": "women", "condition": "very-good"}


@dataclass
class Watched:
    """A server under the eyes of Prometheus."""

    settings: Settings
    sandbox: Sandbox
    vision: VisionApi
    server: str
    prometheus: str
    received: "queue.Queue[Mapping[str, Any]]" = field(default_factory=queue.Queue)
    """What Alertmanager sent."""

    def metrics(self) -> str:
        return httpx.get(f"{self.server}/metrics", timeout=60).text

    def value(self, series: str) -> float:
        """A series as the server says it now."""
        (line,) = (line for line in self.metrics().splitlines() if line.startswith(series + " "))
        return float(line.rsplit(" ", 1)[1])

    def ask(self, query: str) -> dict[str, float]:
        """Prometheus's answer to an instant query, by labels as JSON ("{}" without any)."""
        answer = self._get("query", query=query)
        assert answer["resultType"] == "vector"
        return {json.dumps(row["metric"], sort_keys=True): float(row["value"][1]) for row in answer["result"]}

    def series(self, query: str, *, step: float = 1.0, seconds: float) -> list[Mapping[str, Any]]:
        """Prometheus's answer over the last `seconds`."""
        now = time.time()
        rows: list[Mapping[str, Any]] = self._get("query_range", query=query, start=now - seconds, end=now, step=step)[
            "result"
        ]
        return rows

    def rules(self) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = self._get("rules")["groups"]
        return groups

    def _get(self, what: str, **params: object) -> dict[str, Any]:
        answer = httpx.get(f"{self.prometheus}/api/v1/{what}", params=params, timeout=60)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def until(self, query: str, wanted: Callable[[dict[str, float]], bool]) -> dict[str, float]:
        """The first answer that is as wanted."""
        deadline = time.monotonic() + 240
        while not wanted(found := self.ask(query)):
            assert time.monotonic() < deadline, f"{query} stays {found}"
            time.sleep(0.2)
        return found


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """All of it running: marketplace, model, server, Prometheus, Alertmanager, and somebody to be told."""
    with ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox())
        vision = stack.enter_context(running_vision_api())
        settings = Settings(data=folder / "data", marketplace=sandbox.url)
        server = stack.enter_context(_server(settings, vision, folder / "server.log"))
        seen = Watched(settings, sandbox, vision, server, f"http://127.0.0.1:{free_port()}")
        receiver = stack.enter_context(serving(_receiver(seen.received)))
        alertmanager = free_port()
        stack.enter_context(_alertmanager(folder, alertmanager, receiver))
        stack.enter_context(_prometheus(folder, seen.prometheus, server, alertmanager))
        yield seen


@contextmanager
def _server(settings: Settings, vision: VisionApi, log: Path) -> Iterator[str]:
    environment = {
        **os.environ,
        "VINTEDBOT_DATA": str(settings.data),
        "VINTEDBOT_MARKETPLACE": settings.marketplace,
        "VINTEDBOT_LOG_LEVEL": "INFO",
        "VINTEDBOT_MODEL_DAY_BUDGET": "5",
        "OPENAI_BASE_URL": vision.url,
        "OPENAI_API_KEY": vision.key,
        "VINTEDBOT_MODEL_PRICE_INPUT": "2.5",
        "VINTEDBOT_MODEL_PRICE_OUTPUT": "10",
    }
    port = free_port()
    command = [sys.executable, "-c", "from backend.cli import main; main()", "serve", "--port", str(port)]
    previous = dict(os.environ)
    os.environ.update(environment)
    try:
        with started(command, f"http://127.0.0.1:{port}/health", log):
            yield f"http://127.0.0.1:{port}"
    finally:
        os.environ.clear()
        os.environ.update(previous)


@contextmanager
def _prometheus(folder: Path, url: str, server: str, alertmanager: int) -> Iterator[None]:
    place = folder / "prometheus"
    (place / "rules").mkdir(parents=True)
    for rules in (MONITORING / "rules").iterdir():
        (place / "rules" / rules.name).write_text(
            re.sub(r"^( +)for: \w+$", r"\1for: 0s", rules.read_text(), flags=re.M)
        )
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"] = [{"targets": [server.removeprefix("http://")]}]
    config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{alertmanager}"]}]
    (place / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        tool("prometheus"),
        f"--config.file={place / 'prometheus.yml'}",
        f"--storage.tsdb.path={place / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--log.level=warn",
    ]
    with started(command, f"{url}/-/ready", folder / "prometheus.log"):
        yield


@contextmanager
def _alertmanager(folder: Path, port: int, receiver: str) -> Iterator[None]:
    config = yaml.safe_load((MONITORING / "alertmanager.yml").read_text())
    config["route"] |= {"group_wait": "0s", "group_interval": "1s"}
    config["receivers"][0]["webhook_configs"][0]["url"] = f"{receiver}/alerts"
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config))
    command = [
        tool("alertmanager"),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    with started(command, f"http://127.0.0.1:{port}/-/ready", folder / "alertmanager.log"):
        yield


def _receiver(received: "queue.Queue[Mapping[str, Any]]") -> FastAPI:
    """Who is told: keeps each alert that Alertmanager posts."""
    app = FastAPI(openapi_url=None)

    @app.post("/alerts")
    async def take(request: Request) -> dict[str, bool]:
        for alert in (await request.json())["alerts"]:
            received.put(alert)
        return {"ok": True}

    return app


async def one_hour(seen: Watched, *, items: int, refused: int, every: float = 0.0) -> None:
    """An hour at a seller's, in a minute: photos in, read by the model; published one by one; the marketplace refuses
    `refused` of them, and stops the last with a challenge. What is asked for is asked for as a command would."""
    folder = seen.settings.data.parent / "photos"
    for number in range(items):
        draw_one(folder / f"item-{number}" / "front.jpg", seed=number, seconds=number * 600)
    seen.vision.script.extend([READ] * items)
    async with running(seen.settings, run_jobs=False, analyzer=ScriptedReader()) as runtime:
        batch = await hand_in(runtime, folder, STATED)
        await watch(runtime, batch, quiet=True)
        drafts = (await report(runtime, batch))["drafts"]
        assert len(drafts) == items
        assert all(row["publish_ready"] for row in drafts), drafts
        session = seen.sandbox.create_account("marie")
        account = await runtime.accounts.keep_session(runtime.user_id, "marie", seen.sandbox.url, session)
        await runtime.database.run(standing.set_pace, runtime.user_id, account.id, AT_ONCE.model_dump())
        for number, row in enumerate(drafts):
            if number in range(1, 1 + refused):
                seen.sandbox.set_fault("validation_error")
            if number == items - 1:
                seen.sandbox.set_fault("challenge", times=-1)
            made = await runtime.publish(runtime.user_id, Order(row["id"], account.id, "draft"))
            await _ended(runtime, made.id)
            await asyncio.sleep(every)


async def _ended(runtime: Runtime, publication_id: str) -> None:
    over = {State.CONFIRMED, State.FAILED, State.NEEDS_PERSON, State.CONFIRMED_WITH_DIFFERENCES}
    async with asyncio.timeout(240):
        while True:
            rows = await runtime.database.run(publications_of, runtime.user_id)
            if next(row.state for row in rows if row.id == publication_id) in over:
                return
            await asyncio.sleep(0.1)
