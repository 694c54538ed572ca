"""Every route of the API under generated requests, the same ones each time: not one crash."""

import asyncio
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as example_settings

from backend.app import create_app
from backend.cli.serving import listening_socket
from backend.runtime import Runtime
from backend.settings import Settings
from tests.conftest import draw_one
from tests.fakes import ScriptedReader

EXAMPLES = 20
"""Requests an operation; half of them about things that exist."""
LIMITS = ("publish", "uploads", "downloads", "logins", "writes", "reads")
MAY_BE_UNABLE = {"/ready"}
"""Says 503 by design where no process runs jobs, as here."""


class Served:
    """The application on a port of this machine, in a thread of its own, with one thing of each kind in it."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings, run_jobs=False, analyzer=ScriptedReader())
        self.listener = listening_socket("127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.session = requests.Session()
        self.server = uvicorn.Server(uvicorn.Config(self.app, log_level="critical"))
        self.thread = threading.Thread(target=self.server.run, args=([self.listener],))

    def __enter__(self) -> "Served":
        self.thread.start()
        while not self.server.started and self.thread.is_alive():
            pass
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()
        self.server.should_exit = True
        self.thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("fuzz")
    limits = {f"limit_{name}": "1000000/second" for name in LIMITS}
    asyncio.run(_fill(folder))
    nowhere = "http://127.0.0.1:9"  # no generated request may name a model's service that is elsewhere
    settings = Settings(data=folder / "data", marketplace=nowhere, OPENAI_BASE_URL=nowhere, **limits)
    with Served(settings) as running:
        yield running


async def _fill(folder: Any) -> None:
    """Photos read into drafts, an account, a publication, a notification, by the ways there are."""
    app = create_app(Settings(data=folder / "data"), run_jobs=True, analyzer=ScriptedReader())
    async with app.router.lifespan_context(app):
        runtime: Runtime = app.state.runtime
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as client:
            files = [("files", (f"{n}.jpg", draw_one(folder / f"{n}.jpg", seed=n).read_bytes())) for n in range(2)]
            stated = {"defaults": '{"audience": "women", "condition": "good"}'}
            url = (await client.post("/api/v1/ingest", files=files, data=stated)).json()["url"]
            async with asyncio.timeout(60):
                while not (await client.get(url)).json()["finished"]:
                    await asyncio.sleep(0.05)
            account = await runtime.accounts.add(runtime.user_id, "marie", "access_token_web=a", "http://127.0.0.1:9")
            await runtime.accounts.change(runtime.user_id, account.id, paused=True)
            draft = (await client.get("/api/v1/drafts")).json()[0]
            order = {"draft_id": draft["id"], "mode": "draft"}
            made = await client.post("/vinted/listings/publish", json=order, headers={"Idempotency-Key": "k"})
            assert made.status_code == 202, made.text


def known_ids(address: str) -> dict[str, str]:
    """A thing that exists for each parameter of a path."""
    with httpx.Client(base_url=address) as client:
        drafts = client.get("/api/v1/drafts").json()
        return {
            "draft_id": drafts[0]["id"],
            "photo_id": drafts[0]["photos"][0]["id"],
            "job_id": client.get("/api/v1/bulk/jobs").json()[0]["id"],
            "publication_id": client.get("/api/v1/publications").json()[0]["id"],
        }


def ask(case: schemathesis.Case, address: str, session: requests.Session, ids: dict[str, str], *, real: bool) -> Any:
    """Sends it; with `real` about things that exist. No request waits for a job, since none runs, and of a stream of
    events, which has no end, only the beginning is taken."""
    if real:
        for name in case.path_parameters or {}:
            case.path_parameters[name] = ids.get(name, case.path_parameters[name])
        if isinstance(case.body, dict) and "draft_id" in case.body:
            case.body["draft_id"] = ids["draft_id"]
    for name in [name for name in case.headers or {} if name.lower() == "prefer"]:
        del case.headers[name]
    if not case.operation.path.endswith("/events"):
        return case.call(base_url=address, session=session, timeout=30)
    answer = session.request(**case.as_transport_kwargs(base_url=address), stream=True, timeout=30)
    if answer.status_code < 400:
        answer.close()
    return answer


class Tally:
    """What was answered, and what went wrong."""

    def __init__(self) -> None:
        self.answers: Counter[int] = Counter()
        self.crashes: list[str] = []

    @property
    def cases(self) -> int:
        return self.answers.total()

    def note(self, operation: Any, case: schemathesis.Case, answer: Any) -> None:
        self.answers[answer.status_code] += 1
        unable = operation.path in MAY_BE_UNABLE and answer.status_code == 503
        if answer.status_code >= 500 and not unable:
            told = f"{answer.status_code} {answer.text[:200]}"
            self.crashes.append(f"{operation.label}: {told} for {case.as_curl_command()[:600]}")


def try_operation(served: Served, operation: Any, ids: dict[str, str], tally: Tally) -> None:
    @example_settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def try_one(case: schemathesis.Case) -> None:
        tally.note(operation, case, ask(case, served.address, served.session, ids, real=tally.cases % 2 == 0))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try_one()


def test_no_generated_request_makes_the_api_crash(served: Served, record_property: Any) -> None:
    schema = schemathesis.openapi.from_dict(served.app.openapi())
    ids, tally = known_ids(served.address), Tally()
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation in operations:
        try_operation(served, operation, ids, tally)
    told = f"{tally.cases} cases over {len(operations)} operations: {dict(sorted(tally.answers.items()))}"
    record_property("figures", told)
    warnings.warn(told, stacklevel=1)  # in the summary of every run
    assert tally.crashes == []
    assert tally.cases >= len(operations) * 5 and tally.answers[200] > 50 and tally.answers[422] > 50, told
