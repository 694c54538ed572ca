"""A real Prometheus over the real server, under traffic from the sandbox: the six queries, and the alert fired."""

import asyncio
import json
import math
import queue
import re
from collections.abc import Iterator

import pytest

from tests.monitoring.test_dashboard import EXPRESSIONS, METRIC, PANELS
from tests.monitoring.tools import tool
from tests.monitoring.traffic import Watched, one_hour, watched

pytestmark = pytest.mark.timeout(900)  # a bound for a machine far slower than any; about a minute on two free cores
ITEMS, REFUSED = 6, 2
SAVED = ITEMS - REFUSED - 1


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    for name in ("prometheus", "alertmanager"):
        tool(name)
    with watched(tmp_path_factory.mktemp("watched")) as running:
        running.until("vintedbot_publish_total", lambda found: len(found) == 4)
        asyncio.run(one_hour(running, items=ITEMS, refused=REFUSED))
        running.until('sum(vintedbot_publish_total{status!="captcha"})', lambda found: found == {"{}": SAVED + REFUSED})
        running.until("vintedbot_challenge_oldest_seconds > 0", bool)
        yield running


def by(label: str, found: dict[str, float]) -> dict[str, float]:
    return {json.loads(labels)[label]: value for labels, value in found.items()}


def test_what_prometheus_counts_is_what_the_marketplace_has(seen: Watched) -> None:
    assert len(seen.sandbox.received()["items"]) == SAVED
    counted = by("status", seen.ask("sum by (status) (vintedbot_publish_total)"))
    assert counted == {"success": SAVED, "fail": REFUSED, "captcha": 0, "timeout": 0}


def test_publications_by_status(seen: Watched) -> None:
    found = by("status", seen.ask("sum(rate(vintedbot_publish_total[5m])) by (status)"))
    assert found["success"] > 0
    assert found["captcha"] == found["timeout"] == 0
    assert found["success"] / found["fail"] == pytest.approx(SAVED / REFUSED, rel=0.3)


def test_p95_of_publishing_lies_in_the_bucket_where_the_attempts_are(seen: Watched) -> None:
    query = "histogram_quantile(0.95, sum(rate(vintedbot_publish_duration_seconds_bucket[5m])) by (le))"
    ((_, found),) = seen.ask(query).items()
    _within_buckets(seen, "vintedbot_publish_duration_seconds", found, SAVED + REFUSED)


def test_the_failure_ratio_as_written_compares_a_series_with_itself_and_ours_does_not(seen: Watched) -> None:
    written = 'rate(vintedbot_publish_total{status="fail"}[5m]) / rate(vintedbot_publish_total[5m])'
    assert list(by("status", seen.ask(written)).items()) == [("fail", 1.0)]
    ours = 'sum(rate(vintedbot_publish_total{status="fail"}[5m])) / sum(rate(vintedbot_publish_total[5m]))'
    assert seen.ask(ours)["{}"] == pytest.approx(REFUSED / (SAVED + REFUSED), rel=0.3)


def test_challenges_by_type(seen: Watched) -> None:
    found = by("type", seen.ask("sum(rate(vintedbot_captcha_detected_total[5m])) by (type)"))
    assert {kind for kind, rate in found.items() if rate > 0} == {"datadome"}


def test_the_queue_is_what_the_tables_say(seen: Watched) -> None:
    assert [*seen.ask("vintedbot_publish_queue_size").values()] == [0.0]
    assert (
        max(float(v) for row in seen.series("vintedbot_publish_queue_size", seconds=300) for _, v in row["values"]) >= 1
    )
    assert by("state", seen.ask('vintedbot_publications{state="needs_person"}')) == {"needs_person": 1}


def test_p95_of_reading(seen: Watched) -> None:
    query = "histogram_quantile(0.95, sum(rate(vintedbot_photo_analyze_duration_seconds_bucket[5m])) by (le))"
    ((_, found),) = seen.ask(query).items()
    _within_buckets(seen, "vintedbot_photo_analyze_duration_seconds", found, ITEMS)
    calls = by("status", seen.ask("vintedbot_gpt4_vision_calls_total"))
    assert calls["success"] == len(seen.vision.requests)
    assert seen.ask("vintedbot_model_cost_dollars_total > 0")


def _within_buckets(seen: Watched, histogram: str, found: float, count: int) -> None:
    """The quantile lies between the bounds of the bucket that holds it, by the server's own counts."""
    assert seen.value(f"{histogram}_count") == count
    buckets = re.findall(rf'^{histogram}_bucket{{le="([^"]+)"}} (\S+)$', seen.metrics(), re.M)
    bounds = [(math.inf if le == "+Inf" else float(le), float(held)) for le, held in buckets]
    upper = next(bound for bound, held in bounds if held >= 0.95 * count)
    assert 0 < found <= upper
    assert found > max((bound for bound, held in bounds if held < 0.8 * count), default=0)


def test_more_than_a_tenth_failing_is_told_by_alertmanager(seen: Watched) -> None:
    told: dict[str, dict[str, str]] = {}
    while "VintedBotPublishFailures" not in told:
        try:
            alert = seen.received.get(timeout=240)
        except queue.Empty:
            raise AssertionError(f"only these were told: {told}") from None
        if alert["status"] == "firing":
            told[alert["labels"]["alertname"]] = alert["annotations"]
    said = told["VintedBotPublishFailures"]
    found = re.fullmatch(r"([\d.]+)% of publication attempts of the last hour failed\.", said["summary"])
    assert found
    assert 10 < float(found[1]) <= 100
    assert said["runbook_url"] == "docs/runbooks.md#vintedbotpublishfailures"


def test_every_panel_s_expression_is_answered_and_every_metric_in_it_is_there(seen: Watched) -> None:
    live = {line.split("{")[0].split(" ")[0] for line in seen.metrics().splitlines() if not line.startswith("#")}
    for expression in EXPRESSIONS:
        seen.ask(expression)
        assert set(METRIC.findall(expression)) <= live, expression
    assert all(seen.ask(panel["targets"][0]["expr"]) for panel in PANELS[:6]), "the document's six show something"


def test_no_rule_failed_to_evaluate(seen: Watched) -> None:
    groups = seen.rules()
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}
