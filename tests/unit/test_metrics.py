"""The metrics' contract: names, labels, buckets, one status for one attempt, true gauges, and their page."""

import asyncio
import contextlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from backend.core import metrics, operator_metrics
from backend.core.closed_metrics import registry
from backend.core.errors import CaptchaDetectedError, ChallengeRaised, Conflict, UncertainError, VintedTimeoutError
from backend.core.readiness import ReadinessCode
from backend.marketplace.vinted_web.challenge import CHALLENGES

CONTRACT = {
    "publish_total": ("vintedbot_publish_total", "counter", {"status"}),
    "publish_duration_seconds": ("vintedbot_publish_duration_seconds", "histogram", set()),
    "publish_retry_count": ("vintedbot_publish_retry_count", "counter", {"attempt"}),
    "photo_analyze_total": ("vintedbot_photo_analyze_total", "counter", {"status"}),
    "photo_analyze_duration_seconds": ("vintedbot_photo_analyze_duration_seconds", "histogram", set()),
    "gpt4_vision_calls_total": ("vintedbot_gpt4_vision_calls_total", "counter", {"status"}),
    "publish_queue_size": ("vintedbot_publish_queue_size", "gauge", set()),
    "bulk_job_active_total": ("vintedbot_bulk_job_active_total", "gauge", set()),
    "captcha_detected_total": ("vintedbot_captcha_detected_total", "counter", {"type"}),
    "captcha_solved_total": ("vintedbot_captcha_solved_total", "counter", set()),
    "captcha_failure_total": ("vintedbot_captcha_failure_total", "counter", {"reason"}),
    "active_users": ("vintedbot_active_users", "gauge", set()),
    "publish_per_user_total": ("vintedbot_publish_per_user_total", "counter", {"user_id"}),
    "draft_created_total": ("vintedbot_draft_created_total", "counter", {"publish_ready"}),
    "draft_validation_failures": ("vintedbot_draft_validation_failures", "counter", {"reason"}),
    "app_info": ("vintedbot_app_info", "gauge", {"version", "python"}),
}
COUNTERS_WITHOUT_TOTAL = {"publish_retry_count", "draft_validation_failures"}
PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


@pytest.fixture(autouse=True)
def known_user() -> None:
    metrics.publish_per_user_total.labels(user_id="1")


@pytest.fixture
def gauges_put_back():
    yield
    operator_metrics.watch_gauges(operator_metrics.Readings)


def exposed() -> str:
    body, content_type = metrics.render()
    assert content_type.startswith("text/plain; version=0.0.4")
    return body.decode()


def value(series: str) -> float:
    line = next((line for line in exposed().splitlines() if line.startswith(series + " ")), None)
    assert line is not None, f"{series} is not exposed"
    return float(line.rsplit(" ", 1)[1])


@pytest.mark.parametrize("python_name", CONTRACT)
def test_each_metric_is_exposed_under_its_contracted_name_and_labels(python_name: str) -> None:
    name, kind, labels = CONTRACT[python_name]
    assert hasattr(metrics, python_name)
    samples = [s for f in text_string_to_metric_families(exposed()) for s in f.samples]
    sample_name = f"{name}_count" if kind == "histogram" else name
    found = [s for s in samples if s.name == sample_name]
    assert found, f"{sample_name} is not exposed"
    assert {label for s in found for label in s.labels} == labels


@pytest.mark.parametrize("python_name", sorted(COUNTERS_WITHOUT_TOTAL))
def test_counters_named_without_total_answer_to_both_spellings(python_name: str) -> None:
    counter = getattr(metrics, python_name)
    (label,) = CONTRACT[python_name][2]
    known = {"attempt": "3", "reason": "brand_missing"}[label]
    plain = f'vintedbot_{python_name}{{{label}="{known}"}}'
    before = value(plain)
    counter.labels(**{label: known}).inc(3)
    assert value(plain) == value(plain.replace("{", "_total{")) == before + 3


def test_the_types_say_counter_histogram_gauge() -> None:
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", exposed(), re.MULTILINE))
    for python_name, (name, kind, _) in CONTRACT.items():
        assert types[name + "_total" if python_name in COUNTERS_WITHOUT_TOTAL else name] == kind


@pytest.mark.parametrize("seconds", [5.0, 30.0])
def test_the_buckets_of_the_durations_include(seconds: float) -> None:
    for name in ("publish_duration_seconds", "photo_analyze_duration_seconds"):
        assert f'vintedbot_{name}_bucket{{le="{seconds}"}}' in exposed()


def test_gauges_read_the_truth_at_each_scrape(gauges_put_back: None) -> None:
    rows = [1, 2, 3]
    operator_metrics.watch_gauges(lambda: operator_metrics.Readings(len(rows), 2 * len(rows), 7))
    assert value("vintedbot_publish_queue_size") == 3
    rows.pop()
    assert value("vintedbot_publish_queue_size") == 2
    assert value("vintedbot_bulk_job_active_total") == 4
    assert value("vintedbot_active_users") == 7


def test_a_gauge_that_cannot_be_read_fails_the_scrape(gauges_put_back: None) -> None:
    def unreadable() -> operator_metrics.Readings:
        raise OSError("no database")

    operator_metrics.watch_gauges(unreadable)
    with pytest.raises(OSError, match="no database"):
        metrics.render()


def statuses() -> dict[str, float]:
    return {s: value(f'vintedbot_publish_total{{status="{s}"}}') for s in metrics.PUBLISH_STATUSES}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, "success"),
        (CaptchaDetectedError("x"), "captcha"),
        (ChallengeRaised("x"), "captcha"),
        (VintedTimeoutError("x"), "timeout"),
        (ZeroDivisionError("a fault of ours"), "fail"),
    ],
)
def test_one_attempt_has_one_status_and_one_duration(error: Exception | None, status: str) -> None:
    before, timed = statuses(), value("vintedbot_publish_duration_seconds_count")
    for_user = value('vintedbot_publish_per_user_total{user_id="1"}')
    with contextlib.suppress(Exception), metrics.measured_publication(1):
        if error:
            raise error
    after = statuses()
    assert {s: after[s] - before[s] for s in after if after[s] != before[s]} == {status: 1}
    assert value("vintedbot_publish_duration_seconds_count") == timed + 1
    assert value('vintedbot_publish_per_user_total{user_id="1"}') == for_user + (error is None)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), UncertainError("x"), Conflict("cancelled by its seller")])
def test_an_attempt_without_an_end_has_no_status_yet(error: BaseException) -> None:
    before = statuses()
    with pytest.raises(type(error)), metrics.measured_publication(1):
        raise error
    assert statuses() == before


def test_an_attempt_put_back_in_the_queue_is_none() -> None:
    before = statuses()
    with pytest.raises(LookupError), metrics.measured_publication(1, no_end=(LookupError,)):
        raise LookupError("not its turn")
    assert statuses() == before


@pytest.mark.parametrize(("found", "status"), [(True, "success"), (False, "fail")])
def test_an_uncertain_attempt_is_counted_once_it_is_settled(found: bool, status: str) -> None:
    before = statuses()
    metrics.count_settled(1, found=found)
    assert {s: n - before[s] for s, n in statuses().items() if n != before[s]} == {status: 1}


def test_labels_from_outside_are_mapped_to_a_closed_set() -> None:
    assert metrics.captcha_failure_reason("ERROR_ZERO_BALANCE") == "no_balance"
    assert metrics.captcha_failure_reason("timeout") == "timeout"
    assert metrics.captcha_failure_reason("<b>Your key 123 is blocked</b>") == "other"
    assert metrics.challenge_type("hcaptcha") == "hcaptcha"
    assert metrics.challenge_type("new-thing-7") == "other"


def test_every_kind_of_challenge_the_routes_know_has_its_label() -> None:
    assert set(CHALLENGES) <= set(metrics.CHALLENGE_TYPES)


def test_a_draft_counts_once_and_each_of_its_reasons_once() -> None:
    ready, unready = (f'vintedbot_draft_created_total{{publish_ready="{x}"}}' for x in ("true", "false"))
    missing = 'vintedbot_draft_validation_failures{reason="brand_missing"}'
    before = [value(s) for s in (ready, unready, missing)]
    metrics.count_draft([])
    metrics.count_draft([ReadinessCode.BRAND_MISSING, ReadinessCode.UNSURE, ReadinessCode.BRAND_MISSING])
    assert [value(s) - b for s, b in zip((ready, unready, missing), before, strict=True)] == [1, 1, 1]


EVERY_LABELLED = [m for m in registry._collector_to_names if getattr(m, "_labelnames", ())]


Series = set[tuple[str, tuple[tuple[str, str], ...]]]


def series() -> Series:
    return series_in(text_string_to_metric_families(exposed()))


def series_in(families: Iterable[Metric]) -> Series:
    return {(s.name, tuple(s.labels.items())) for f in families for s in f.samples}


@pytest.mark.parametrize("metric", EVERY_LABELLED, ids=lambda m: m._name)
def test_no_value_from_outside_makes_a_new_series(metric: Any) -> None:
    """What a page, a vendor, a path or a header says can't grow what Prometheus must keep."""
    names = metric._labelnames
    refused = 0
    for hostile in ("<script>", "/drafts/4f2a", "ERROR_NEW", "", "a" * 5000, "brand_missing\n", "é", "12345678901"):
        before = series_in(metric.collect())
        try:
            metric.labels(*[hostile] * len(names))
        except ValueError:
            refused += 1
        new = series_in(metric.collect()) - before
        assert all(v in ("other", "12345678901") for _, labels in new for k, v in labels if k in names), new
    metric.clear() if names == ("user_id",) else None
    assert refused in (0, 8, 7), "either every unknown value is another, or none is taken"


def test_a_route_nobody_declared_is_other() -> None:
    operator_metrics.know_routes(["/drafts/{draft_id}"])
    operator_metrics.count_request("PROPFIND", "/drafts/../../etc", 200, 0.1)
    operator_metrics.count_request("GET", "/drafts/{draft_id}", 404, 0.1)
    found = {labels for name, labels in series() if name == "vintedbot_http_request_duration_seconds_count"}
    assert (("method", "other"), ("route", "other"), ("status", "2xx")) in found
    assert (("method", "GET"), ("route", "/drafts/{draft_id}"), ("status", "4xx")) in found


def listed() -> dict[str, tuple[str, set[str]]]:
    """Name → kind and labels, as the page says."""
    rows = re.findall(r"^\| `(vintedbot_\w+)` \| (\w+) \|([^|]*)\|", PAGE.read_text(), re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)` =", labels))) for name, kind, labels in rows}


def test_the_page_lists_every_metric_with_its_labels_and_no_other(gauges_put_back: None) -> None:
    full = dict.fromkeys(operator_metrics.GAUGES, 1.0)
    states = {name: {"open": 1} for name in operator_metrics.BY_STATE}
    operator_metrics.watch_gauges(lambda: operator_metrics.Readings(**full, **states))  # type: ignore[arg-type]
    operator_metrics.count_request("GET", "/", 200, 0.1)
    real: dict[str, set[str]] = {}
    suffix = re.compile(r"_(bucket|count|sum)$")
    spelt_twice = {f"vintedbot_{name}_total" for name in COUNTERS_WITHOUT_TOTAL}
    for family in text_string_to_metric_families(exposed()):
        for sample in family.samples:
            name = suffix.sub("", sample.name) if family.type == "histogram" else sample.name
            if name.startswith("vintedbot_") and name not in spelt_twice:
                real.setdefault(name, set()).update(set(sample.labels) - {"le"})
    assert {name: labels for name, (_, labels) in listed().items()} == real


def test_the_contract_is_on_the_page_as_it_is() -> None:
    for name, kind, labels in CONTRACT.values():
        assert listed()[name] == ("info" if name.endswith("_info") else kind, labels)


def test_nothing_is_exposed_that_is_neither_ours_nor_the_process_s() -> None:
    names = re.findall(r"^# TYPE (\S+)", exposed(), re.MULTILINE)
    assert [n for n in names if not n.startswith(("process_", "python_", "vintedbot_"))] == []
