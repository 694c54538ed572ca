"""Traces, for who asks for them: from a request through its job's steps to the browser's steps and the model's calls.

OpenTelemetry comes with the extra `vintedbot[traces]`; without it, or without an address, every function here does
nothing. A span holds names, ids and an error's kind, never an error's words. Owns how a trace goes on in a job that
runs later and elsewhere (`origin.py` carries it). Owns no decision what is worth a span.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from backend.core.errors import SetupError

_tracer: Any = None


@contextmanager
def exporting(address: str | None) -> Iterator[None]:
    """Inside, spans are sent to an OpenTelemetry collector at this address (OTLP over HTTP); None sends nothing.

    Raises SetupError where the extra is missing."""
    if address is None:
        yield
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise SetupError(
            "VINTEDBOT_TRACES needs OpenTelemetry. Install it: pip install 'vintedbot[traces]'; or unset it."
        ) from error
    with processing(BatchSpanProcessor(OTLPSpanExporter(endpoint=address))):
        yield


@contextmanager
def processing(processor: Any) -> Iterator[None]:
    """Inside, spans go to this span processor, which is shut down at the end."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415

    global _tracer  # noqa: PLW0603 - one a process, like the context it rests on
    provider = TracerProvider(resource=Resource.create({"service.name": "vintedbot"}), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    before, _tracer = _tracer, provider.get_tracer("vintedbot")
    try:
        yield
    finally:
        _tracer = before
        provider.shutdown()


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[None]:
    """What happens inside, as one span below the one around it."""
    if _tracer is None:
        yield
        return
    from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415

    quiet = {"record_exception": False, "set_status_on_exception": False}
    with _tracer.start_as_current_span(name, attributes=attributes, **quiet) as current:
        try:
            yield
        except BaseException as error:
            current.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def begin(name: str, **attributes: str | int) -> Callable[[], None]:
    """A span that ends when what is returned is called: for steps that know their beginnings alone."""
    if _tracer is None:
        return lambda: None
    started = _tracer.start_span(name, attributes=attributes)

    def end() -> None:
        started.end()

    return end


def handed_on() -> dict[str, str]:
    """What a job needs to go on with the trace under way: W3C's `traceparent`; {} without one."""
    if _tracer is None:
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return {name: value for name, value in carrier.items() if name == "traceparent"}


@contextmanager
def continued(origin: Mapping[str, str]) -> Iterator[None]:
    """Inside, spans belong to the trace this work was asked for in."""
    if _tracer is None or "traceparent" not in origin:
        yield
        return
    from opentelemetry import context  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    token = context.attach(TraceContextTextMapPropagator().extract(dict(origin)))
    try:
        yield
    finally:
        context.detach(token)
