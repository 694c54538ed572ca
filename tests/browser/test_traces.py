"""One trace from the request through the job to the model's calls, and one to the browser's steps."""

import asyncio
import json
import sys
from collections.abc import Iterator

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from backend.app import create_app
from backend.core import tracing
from backend.core.errors import SetupError
from backend.runtime import Runtime
from backend.sandbox.server import running_sandbox
from backend.sandbox.vision_api import running_vision_api
from backend.settings import Settings
from tests.conftest import DrawPhoto
from tests.fakes import signed_in
from tests.monitoring.traffic import READ, STATED

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    with tracing.processing(SimpleSpanProcessor(exporter)):
        yield exporter


async def test_a_trace_goes_from_the_request_to_the_model_and_the_browser(
    settings: Settings, draw_photo: DrawPhoto, spans: InMemorySpanExporter
) -> None:
    with running_sandbox() as sandbox, running_vision_api() as vision:
        vision.script.append(READ)
        update = {"openai_base_url": vision.url, "openai_api_key": vision.key, "analyzer": "openai"}
        read_by_model = Settings.model_validate({**settings.model_dump(), **update})
        app = create_app(read_by_model, run_jobs=True)
        async with app.router.lifespan_context(app):
            runtime: Runtime = app.state.runtime
            account = await signed_in(runtime, sandbox)
            transport = httpx.ASGITransport(app, client=("127.0.0.1", 50000))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
                files, stated = {"files": ("a.jpg", draw_photo("a.jpg").read_bytes())}, {"defaults": json.dumps(STATED)}
                batch = (await client.post("/api/v1/ingest", files=files, data=stated)).json()["batch_id"]
                await _until(client, f"/api/v1/bulk/jobs/{batch}", {"done"})
                (draft,) = (await client.get("/api/v1/drafts")).json()
                asked = {"draft_id": draft["id"], "account": account.id, "mode": "draft"}
                made = await client.post(
                    "/api/v1/vinted/listings/publish", json=asked, headers={"Idempotency-Key": "once"}
                )
                await _until(client, f"/api/v1/publications/{made.json()['id']}", {"confirmed"})
    done = spans.get_finished_spans()
    reading = _below(done, "POST /api/v1/ingest")
    assert reading[:2] == ["POST /api/v1/ingest", "job analyse"]
    assert _path(done, "model call") == ["POST /api/v1/ingest", "job analyse", "read_items", "read_item", "model call"]
    publishing = ["POST /api/v1/vinted/listings/publish", "job publish", "attempt", "browser step"]
    assert _path(done, "browser step") == publishing
    steps = [span.attributes["step"] for span in done if span.name == "browser step" and span.attributes]
    assert steps[:3] == ["opening", "photos", "title"]
    assert steps[-2:] == ["submitting", "stored"]
    assert all(span.end_time for span in done)


async def _until(client: httpx.AsyncClient, address: str, states: set[str]) -> None:
    async with asyncio.timeout(240):
        while (found := (await client.get(address)).json()["state"]) not in states:
            assert found != "failed"
            await asyncio.sleep(0.1)


def _path(done: tuple[ReadableSpan, ...], name: str) -> list[str]:
    """The names from the trace's root down to the first span of this name."""
    by_id = {span.context.span_id: span for span in done if span.context}
    found = next(span for span in done if span.name == name)
    path = [found.name]
    while found.parent is not None:
        found = by_id[found.parent.span_id]
        path.insert(0, found.name)
    return path


def _below(done: tuple[ReadableSpan, ...], root: str) -> list[str]:
    """All spans of the root's trace, as they began."""
    top = next(span for span in done if span.name == root)
    of_it = [s for s in done if s.context and top.context and s.context.trace_id == top.context.trace_id]
    return [span.name for span in sorted(of_it, key=lambda span: span.start_time or 0)]


def test_an_error_s_words_stand_in_no_span(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="hunter2"), tracing.span("attempt"):
        raise ValueError("password hunter2 refused")
    (span,) = spans.get_finished_spans()
    assert "hunter2" not in span.to_json()
    assert span.status.description == "ValueError"


def test_without_tracing_there_is_nothing_to_hand_on() -> None:
    with tracing.span("request"), tracing.continued({"traceparent": "00-x"}):
        assert tracing.handed_on() == {}
        tracing.begin("step")()


def test_an_address_without_the_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SetupError, match=r"pip install 'vintedbot\[traces\]'"), tracing.exporting("http://127.0.0.1:9"):
        pass
