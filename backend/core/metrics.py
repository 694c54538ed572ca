"""The numbers this software keeps about itself, and how they are shown to Prometheus.

Owns the contract's sixteen: their names, labels and buckets (dashboards and alerts name them; docs/metrics.md lists
them) and the closed sets of label values. Does not own when something is counted (the code doing the work does), the
others of the same prefix (`operator_metrics.py`) nor the HTTP endpoint (`backend/api/v1/routers/metrics.py`).

Two counters of the contract have names without `_total`, which the client library appends by itself. Both
spellings are exposed: `vintedbot_publish_retry_count_total` and `vintedbot_publish_retry_count` are one series.
"""

import platform
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

from prometheus_client import Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from backend.core.closed_metrics import OTHER, ClosedCounter, registry
from backend.core.errors import CaptchaDetectedError, ChallengeRaised, Conflict, UncertainError, VintedTimeoutError
from backend.core.readiness import ReadinessCode

PUBLISH_STATUSES = ("success", "fail", "captcha", "timeout")
ANALYZE_STATUSES = ("completed", "failed")
CALL_STATUSES = ("success", "error")
CHALLENGE_TYPES = (
    *("datadome", "address_banned", "hcaptcha", "recaptcha", "turnstile", "arkose", "widget"),
    *("cloudflare_blocked", "interstitial", "verification", "unknown"),
)
"""The kinds of `marketplace/vinted_web/challenge.py`, and "unknown"."""

VENDOR_FAILURES: Mapping[str, str] = {
    "ERROR_WRONG_USER_KEY": "bad_key",
    "ERROR_KEY_DOES_NOT_EXIST": "bad_key",
    "ERROR_ZERO_BALANCE": "no_balance",
    "ERROR_IP_NOT_ALLOWED": "ip_not_allowed",
    "ERROR_PAGEURL": "bad_page",
    "ERROR_BAD_TOKEN_OR_PAGEURL": "bad_page",
    "ERROR_GOOGLEKEY": "bad_sitekey",
    "ERROR_NO_SLOT_AVAILABLE": "no_slot",
    "ERROR_CAPTCHA_UNSOLVABLE": "unsolvable",
}
"""The solver vendor's error codes, as the label `reason` counts them."""

CAPTCHA_FAILURES = (*dict.fromkeys(VENDOR_FAILURES.values()), "network", "timeout", OTHER)

USER_ID = re.compile(r"[0-9a-f]{1,32}")
RETRIES = ("2", "3", OTHER)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter that nobody asked for
ProcessCollector(registry=registry)
PlatformCollector(registry=registry)

publish_total = ClosedCounter(
    "vintedbot_publish_total", "Total publications attempts, each with one status", ["status"], registry=registry
).limited(status=PUBLISH_STATUSES)
publish_duration_seconds = Histogram(
    "vintedbot_publish_duration_seconds",
    "Time of one publication attempt",
    buckets=(0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300),
    registry=registry,
)
publish_retry_count = ClosedCounter(
    "vintedbot_publish_retry_count",
    "Publication attempts after the first, by their number (2, 3)",
    ["attempt"],
    registry=registry,
).limited(attempt=RETRIES)
photo_analyze_total = ClosedCounter(
    "vintedbot_photo_analyze_total", "Items whose photos were read", ["status"], registry=registry
).limited(status=ANALYZE_STATUSES)
photo_analyze_duration_seconds = Histogram(
    "vintedbot_photo_analyze_duration_seconds",
    "Time to read the photos of one item, retries and their waits included",
    buckets=(0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120),
    registry=registry,
)
gpt4_vision_calls_total = ClosedCounter(
    "vintedbot_gpt4_vision_calls_total", "Calls to the vision model's endpoint", ["status"], registry=registry
).limited(status=CALL_STATUSES)
publish_queue_size = Gauge(
    "vintedbot_publish_queue_size", "Publications waiting or under way, as the tables say now", registry=registry
)
bulk_job_active_total = Gauge(
    "vintedbot_bulk_job_active_total", "Batches of photos being worked on, as the tables say now", registry=registry
)
captcha_detected_total = ClosedCounter(
    "vintedbot_captcha_detected_total",
    "Challenges and walls in a publication's way, by whose they are",
    ["type"],
    registry=registry,
).limited(type=(*CHALLENGE_TYPES, OTHER))
captcha_solved_total = Counter(
    "vintedbot_captcha_solved_total", "Challenges answered by the solver service", registry=registry
)
captcha_failure_total = ClosedCounter(
    "vintedbot_captcha_failure_total", "Attempts of the solver service that failed", ["reason"], registry=registry
).limited(reason=CAPTCHA_FAILURES)
active_users = Gauge("vintedbot_active_users", "Active users, as the tables say now", registry=registry)
publish_per_user_total = ClosedCounter(
    "vintedbot_publish_per_user_total", "Successful publications, by the user's id", ["user_id"], registry=registry
).limited(user_id=USER_ID)
draft_created_total = ClosedCounter(
    "vintedbot_draft_created_total", "Drafts made from photos", ["publish_ready"], registry=registry
).limited(publish_ready=("true", "false"))
draft_validation_failures = ClosedCounter(
    "vintedbot_draft_validation_failures",
    "Readiness rules a new draft did not meet, by their code",
    ["reason"],
    registry=registry,
).limited(reason=ReadinessCode)
app_info = Info("vintedbot_app", "Version of this software", registry=registry)
app_info.info({"version": version("vintedbot"), "python": platform.python_version()})


def captcha_failure_reason(vendor_text: str) -> str:
    """The label for a solver's failure: one of `CAPTCHA_FAILURES`, whatever the vendor wrote."""
    if vendor_text in CAPTCHA_FAILURES:
        return vendor_text
    return VENDOR_FAILURES.get(vendor_text, OTHER)


def challenge_type(name: str) -> str:
    """The label for a challenge: one of `CHALLENGE_TYPES`, or "other"."""
    return name if name in CHALLENGE_TYPES else OTHER


def count_detected(challenge: str | None) -> None:
    """A challenge, or a wall with nothing to solve, stood in a publication's way; None is no challenge."""
    if challenge is not None:
        captcha_detected_total.labels(type=challenge_type(challenge)).inc()


def count_draft(reasons: Iterable[ReadinessCode]) -> None:
    """A draft was made; it is ready when there are no `reasons` against it. Each reason is counted once."""
    codes = set(reasons)
    draft_created_total.labels(publish_ready="false" if codes else "true").inc()
    for code in codes:
        draft_validation_failures.labels(reason=code.value).inc()


def publish_status(error: BaseException | None) -> str:
    """The one status of an attempt that ended so."""
    match error:
        case None:
            return "success"
        case CaptchaDetectedError() | ChallengeRaised():
            return "captcha"
        case VintedTimeoutError() | TimeoutError():
            return "timeout"
        case _:
            return "fail"


@contextmanager
def measured_publication(
    user_id: str | int, less: Callable[[], float] = float, *, no_end: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Times the attempt inside and counts it once; `less` are the seconds in which it waited for its owner.

    A cancelled attempt has no end and is not counted, nor is one that an error of `no_end` put back in the queue; an
    uncertain one is counted once it is settled (`count_settled`)."""
    started = time.perf_counter()
    uncounted: tuple[type[Exception], ...] = (Conflict, UncertainError, *no_end)
    try:
        yield
    except uncounted:
        raise
    except Exception as error:
        _count_publication(publish_status(error), started + less())
        raise
    _count_publication("success", started + less())
    publish_per_user_total.labels(user_id=str(user_id)).inc()


def count_settled(user_id: str | int, *, found: bool) -> None:
    """Counts an attempt whose result was unknown: its listing was found, or it was not."""
    publish_total.labels(status="success" if found else "fail").inc()
    if found:
        publish_per_user_total.labels(user_id=str(user_id)).inc()


def _count_publication(status: str, started: float) -> None:
    publish_total.labels(status=status).inc()
    publish_duration_seconds.observe(time.perf_counter() - started)


def render() -> tuple[bytes, str]:
    """The body and the content type of an answer to a scrape, in Prometheus's text format."""
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


class _PlainNames(Collector):
    """Shows counters once more under the name the contract gives them, without `_total`."""

    def __init__(self, *counters: Counter) -> None:
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        for counter in self._counters:
            for metric in counter.collect():
                plain = Metric(metric.name, metric.documentation, "unknown")
                for sample in metric.samples:
                    plain.add_sample(metric.name, sample.labels, sample.value)
                yield plain


registry.register(_PlainNames(publish_retry_count, draft_validation_failures))
