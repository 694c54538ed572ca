"""What an operator needs to know beside the contract's metrics, under the same prefix.

Owns these names, labels and buckets, and the gauges that are read when Prometheus asks: one provider is asked once a
scrape, so that all of one scrape's numbers are of one moment. Does not own what the tables say
(`backend/watch/readings.py`) nor the contract's metrics (`metrics.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import get_args

from prometheus_client import Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from backend.core import metrics
from backend.core.closed_metrics import OTHER, ClosedCounter, ClosedHistogram, at_scrape, registry
from backend.core.model_calls import MICROS, CallStatus

PUBLISH_STEPS = (
    *("opening", "photos", "title", "description", "category", "brand", "size", "condition", "colours", "materials"),
    *("price", "parcel", "read_back", "submitting", "stored"),
)
"""What a route tells as its progress, in the order of the form."""
VERDICTS = ("adopt", "absent", "unsure")
WAIT_ENDINGS = ("solved", "closed", "time_limit")
PHOTO_STATES = ("accepted", "duplicate", "refused")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", OTHER)

publish_step_duration_seconds = ClosedHistogram(
    "vintedbot_publish_step_duration_seconds",
    "Time of one step on the marketplace's form",
    ["step"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=registry,
).limited(step=(*PUBLISH_STEPS, OTHER))
publish_settled_total = ClosedCounter(
    "vintedbot_publish_settled_total",
    "Uncertain clicks settled: the listing was found, surely none is there, or a person was asked",
    ["verdict"],
    registry=registry,
).limited(verdict=VERDICTS)
challenge_wait_seconds = ClosedHistogram(
    "vintedbot_challenge_wait_seconds",
    "Time a challenge's page waited for its account's owner",
    ["ended"],
    buckets=(10, 30, 60, 300, 900, 3600, 4 * 3600, 12 * 3600),
    registry=registry,
).limited(ended=WAIT_ENDINGS)
model_calls_total = ClosedCounter(
    "vintedbot_model_calls_total",
    "Calls to a model by what became of them, answers from what was kept included",
    ["status"],
    registry=registry,
).limited(status=get_args(CallStatus))
model_tokens_total = ClosedCounter(
    "vintedbot_model_tokens_total", "Tokens of calls to a model", ["direction"], registry=registry
).limited(direction=("input", "output"))
model_cost_dollars_total = Counter(
    "vintedbot_model_cost_dollars_total", "What calls to a model cost, where prices are known", registry=registry
)
photos_total = ClosedCounter(
    "vintedbot_photos_total", "Files looked at for a photo, by what became of them", ["state"], registry=registry
).limited(state=PHOTO_STATES)
photo_intake_duration_seconds = Histogram(
    "vintedbot_photo_intake_duration_seconds",
    "Time to check, clean and store one file",
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=registry,
)


http_request_duration_seconds = ClosedHistogram(
    "vintedbot_http_request_duration_seconds",
    "Time until a request began to be answered, by the template of its route",
    ["method", "route", "status"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=registry,
)


def know_routes(templates: Iterable[str]) -> None:
    """Closes the label `route` to these templates; every other path is "other"."""
    statuses = ("1xx", "2xx", "3xx", "4xx", "5xx")
    http_request_duration_seconds.limited(method=METHODS, route=(*templates, OTHER), status=statuses, shown=False)


know_routes(())


@dataclass(frozen=True)
class Readings:
    """What is so at this moment. None is not shown: there is no such thing here.

    `publications` and `accounts` are counts by state; `publish_queue_oldest_seconds` how long the first of those that
    may begin has waited; `engine_lag_seconds` how long something due has waited for this process to begin it."""

    publish_queue_size: int = 0
    bulk_job_active_total: int = 0
    active_users: int = 0
    user_ids: tuple[str, ...] = ()
    publications: Mapping[str, int] = field(default_factory=dict)
    accounts: Mapping[str, int] = field(default_factory=dict)
    drafts: Mapping[str, int] = field(default_factory=dict)
    publish_in_doubt: int = 0
    publish_queue_oldest_seconds: float = 0
    bulk_job_oldest_seconds: float = 0
    challenge_oldest_seconds: float = 0
    model_day_cost_dollars: float = 0
    model_day_budget_dollars: float | None = None
    executors_alive: int | None = None
    engine_lag_seconds: float | None = None
    database_bytes: float | None = None
    disk_free_bytes: float | None = None
    disk_size_bytes: float | None = None


BY_STATE = {
    "publications": "Publications by the state of their journal, as the tables say now",
    "accounts": "Marketplace accounts by state, as the tables say now",
    "drafts": "Drafts by state, as the tables say now",
}
GAUGES = {
    "publish_in_doubt": "Publications whose click may or may not have made a listing",
    "publish_queue_oldest_seconds": "How long the first publication of those that may begin has waited in the queue",
    "bulk_job_oldest_seconds": "How long ago the oldest unfinished batch of photos was handed in",
    "challenge_oldest_seconds": "How long the oldest challenge has waited for its account's owner",
    "model_day_cost_dollars": "What calls to a model cost today (UTC), what is set aside included",
    "model_day_budget_dollars": "What they may cost a day; not there without a budget",
    "executors_alive": "1 when a living process runs the jobs of these tables, else 0",
    "engine_lag_seconds": "How long something due has waited for this process to begin it; where jobs run",
    "database_bytes": "Size of the database",
    "disk_free_bytes": "Free on the disk of the data folder",
    "disk_size_bytes": "Size of the disk of the data folder",
}


def watch_gauges(provider: Callable[[], Readings]) -> None:
    """From now on each scrape asks `provider`; an error in it fails the scrape rather than showing an old number."""
    at_scrape.ask = lambda: list(_shown(provider()))


def _shown(now: Readings) -> Iterator[Metric]:
    metrics.publish_queue_size.set(now.publish_queue_size)
    metrics.bulk_job_active_total.set(now.bulk_job_active_total)
    metrics.active_users.set(now.active_users)
    for user_id in now.user_ids:
        metrics.publish_per_user_total.labels(user_id=user_id)
    for name, said in BY_STATE.items():
        family = GaugeMetricFamily(f"vintedbot_{name}", said, labels=["state"])
        for state, count in getattr(now, name).items():
            family.add_metric([state], count)
        yield family
    for name, said in GAUGES.items():
        if (value := getattr(now, name)) is not None:
            yield GaugeMetricFamily(f"vintedbot_{name}", said, value=value)


def count_model_call(status: CallStatus, tokens_in: int, tokens_out: int, micros: int | None) -> None:
    """One call came to its end."""
    model_calls_total.labels(status=status).inc()
    model_tokens_total.labels(direction="input").inc(tokens_in)
    model_tokens_total.labels(direction="output").inc(tokens_out)
    model_cost_dollars_total.inc((micros or 0) / MICROS)


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """A request began to be answered; `route` is its template."""
    labels = {"method": method, "route": route, "status": f"{status // 100}xx"}
    http_request_duration_seconds.labels(**labels).observe(seconds)
