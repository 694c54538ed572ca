"""Writes the Grafana dashboard: `python scripts/draw_dashboard.py`. A test says when the file is not what this draws.

The first row is the six queries first asked for; then the way of a listing, the queue, reading, cost, accounts and the
system. Counters add up over processes (sum); gauges are the same in each (max).
"""

import json
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "monitoring" / "grafana" / "dashboards" / "vintedbot.json"
SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH, HEIGHT = 24, 8


@dataclass(frozen=True)
class Panel:
    """`series` are expression → legend. `unit` is one of Grafana's. `kind`: timeseries or stat."""

    title: str
    series: dict[str, str]
    unit: str = "short"
    says: str = ""
    kind: str = "timeseries"
    wide: int = 8
    stacked: bool = False
    marks: dict[str, float] = field(default_factory=dict)
    """Colour → value from which on it is drawn in that colour."""


def rate(name: str, by: str = "", where: str = "") -> str:
    return f"sum(rate({name}{where}[5m]))" + (f" by ({by})" if by else "")


def p(quantile: float, name: str, by: str = "le") -> str:
    return f"histogram_quantile({quantile}, sum(rate({name}_bucket[5m])) by ({by}))"


DOCUMENT = (
    Panel(
        "Publications by status",
        {"sum(rate(vintedbot_publish_total[5m])) by (status)": "{{status}}"},
        "ops",
        "Attempts a second; each attempt has one status.",
        stacked=True,
    ),
    Panel(
        "Publication time, p95",
        {"histogram_quantile(0.95, sum(rate(vintedbot_publish_duration_seconds_bucket[5m])) by (le))": "p95"},
        "s",
        "Of one attempt, without the time its owner took for a challenge.",
    ),
    Panel(
        "Publication failure ratio",
        {
            'sum(rate(vintedbot_publish_total{status="fail"}[5m])) / sum(rate(vintedbot_publish_total[5m]))': "failed",
        },
        "percentunit",
        "The alert is at 10 % of the last hour. (Without sum(), a ratio by labels compares the failures with "
        "themselves: it is always 1.)",
        marks={"red": 0.10},
    ),
    Panel(
        "Challenges detected",
        {"sum(rate(vintedbot_captcha_detected_total[5m])) by (type)": "{{type}}"},
        "ops",
        "Challenges and walls, by whose they are.",
        stacked=True,
    ),
    Panel(
        "Publish queue",
        {"max(vintedbot_publish_queue_size)": "waiting or under way"},
        says="As the tables say at each scrape; every process shows the same.",
    ),
    Panel(
        "Photo analysis time, p95",
        {"histogram_quantile(0.95, sum(rate(vintedbot_photo_analyze_duration_seconds_bucket[5m])) by (le))": "p95"},
        "s",
        "Of one item, retries and their waits included.",
    ),
)

ROWS: dict[str, tuple[Panel, ...]] = {
    "What was asked for": DOCUMENT,
    "The way of a listing": (
        Panel(
            "From photos to listings, last 24 h",
            {
                'sum(increase(vintedbot_photos_total{state="accepted"}[24h]))': "photos",
                "sum(increase(vintedbot_draft_created_total[24h]))": "drafts",
                'sum(increase(vintedbot_draft_created_total{publish_ready="true"}[24h]))': "ready at once",
                'sum(increase(vintedbot_publish_total{status="success"}[24h]))': "published or saved",
            },
            kind="stat",
            wide=12,
        ),
        Panel(
            "Publications by state", {"max(vintedbot_publications) by (state) > 0": "{{state}}"}, wide=12, stacked=True
        ),
        Panel(
            "Time of each step, p95",
            {p(0.95, "vintedbot_publish_step_duration_seconds", "le, step"): "{{step}}"},
            "s",
            wide=12,
        ),
        Panel(
            "Retries", {rate("vintedbot_publish_retry_count_total", "attempt"): "attempt {{attempt}}"}, "ops", wide=6
        ),
        Panel(
            "In doubt",
            {
                "max(vintedbot_publish_in_doubt)": "now",
                "sum(increase(vintedbot_publish_settled_total[1h])) by (verdict)": "settled in 1 h: {{verdict}}",
            },
            says="Clicks whose result was not known. Anything above nought for long needs a person.",
            wide=6,
            marks={"red": 1},
        ),
    ),
    "Queue and jobs": (
        Panel("Waiting longest", {"max(vintedbot_publish_queue_oldest_seconds)": "in the queue"}, "s"),
        Panel("Engine lag", {"vintedbot_engine_lag_seconds": "{{instance}}"}, "s", marks={"red": 300}),
        Panel(
            "Batches of photos",
            {
                "max(vintedbot_bulk_job_active_total)": "active",
                "max(vintedbot_executors_alive)": "somebody works",
            },
        ),
        Panel("Oldest unfinished batch", {"max(vintedbot_bulk_job_oldest_seconds)": "age"}, "s"),
        Panel(
            "Publications by user, last 24 h",
            {"sum(increase(vintedbot_publish_per_user_total[24h])) by (user_id)": "{{user_id}}"},
        ),
        Panel("Active users", {"max(vintedbot_active_users)": "users"}, kind="stat"),
    ),
    "Reading photos": (
        Panel("Files by outcome", {rate("vintedbot_photos_total", "state"): "{{state}}"}, "ops", stacked=True),
        Panel("Intake of one file, p95", {p(0.95, "vintedbot_photo_intake_duration_seconds"): "p95"}, "s"),
        Panel("Items read", {rate("vintedbot_photo_analyze_total", "status"): "{{status}}"}, "ops", stacked=True),
        Panel(
            "Drafts made",
            {rate("vintedbot_draft_created_total", "publish_ready"): "ready: {{publish_ready}}"},
            "ops",
            stacked=True,
        ),
        Panel(
            "What drafts lack, last 24 h",
            {"topk(8, sum(increase(vintedbot_draft_validation_failures_total[24h])) by (reason))": "{{reason}}"},
        ),
        Panel("Drafts by state", {"max(vintedbot_drafts) by (state)": "{{state}}"}, stacked=True),
    ),
    "The model and its cost": (
        Panel("Calls", {rate("vintedbot_gpt4_vision_calls_total", "status"): "{{status}}"}, "ops", stacked=True),
        Panel(
            "Calls by outcome, kept answers included",
            {rate("vintedbot_model_calls_total", "status"): "{{status}}"},
            "ops",
            stacked=True,
        ),
        Panel("Tokens", {rate("vintedbot_model_tokens_total", "direction"): "{{direction}}"}, "ops"),
        Panel(
            "Today, against the budget",
            {
                "max(vintedbot_model_day_cost_dollars)": "spent or set aside",
                "max(vintedbot_model_day_budget_dollars)": "budget",
            },
            "currencyUSD",
            wide=12,
        ),
        Panel(
            "Cost of the last 24 h",
            {"sum(increase(vintedbot_model_cost_dollars_total[24h]))": "dollars"},
            "currencyUSD",
            kind="stat",
            wide=12,
        ),
    ),
    "Accounts and challenges": (
        Panel("Accounts by state", {"max(vintedbot_accounts) by (state) > 0": "{{state}}"}, stacked=True),
        Panel("Challenge waiting longest", {"max(vintedbot_challenge_oldest_seconds)": "age"}, "s", marks={"red": 600}),
        Panel(
            "Time owners took, median",
            {p(0.5, "vintedbot_challenge_wait_seconds", "le, ended"): "{{ended}}"},
            "s",
        ),
        Panel("Solver service, answered", {rate("vintedbot_captcha_solved_total"): "answered"}, "ops", wide=12),
        Panel(
            "Solver service, failed",
            {rate("vintedbot_captcha_failure_total", "reason"): "{{reason}}"},
            "ops",
            stacked=True,
            wide=12,
        ),
    ),
    "The system": (
        Panel(
            "Requests",
            {rate("vintedbot_http_request_duration_seconds_count", "status"): "{{status}}"},
            "reqps",
            stacked=True,
        ),
        Panel(
            "Slowest routes, p95",
            {f"topk(5, {p(0.95, 'vintedbot_http_request_duration_seconds', 'le, route')})": "{{route}}"},
            "s",
        ),
        Panel("Processes up", {'up{job="vintedbot"}': "{{instance}}"}),
        Panel("Memory", {'process_resident_memory_bytes{job="vintedbot"}': "{{instance}}"}, "bytes"),
        Panel("Processor", {'rate(process_cpu_seconds_total{job="vintedbot"}[5m])': "{{instance}}"}, "percentunit"),
        Panel(
            "Disk and database",
            {
                "min(vintedbot_disk_free_bytes)": "free",
                "min(vintedbot_disk_size_bytes)": "size of the disk",
                "max(vintedbot_database_bytes)": "database",
            },
            "bytes",
        ),
        Panel("Version", {"vintedbot_app_info": "{{version}}, Python {{python}}"}, kind="stat", wide=24),
    ),
}


def dashboard() -> dict[str, Any]:
    return {
        "uid": "vintedbot",
        "title": "VintedBot",
        "description": "Drawn by scripts/draw_dashboard.py; change it there.",
        "tags": ["vintedbot"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [
                {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}}
            ]
        },
        "annotations": {
            "list": [
                {
                    "name": "Alerts",
                    "datasource": SOURCE,
                    "enable": True,
                    "iconColor": "red",
                    "expr": 'ALERTS{alertname=~"VintedBot.+",alertstate="firing"}',
                    "titleFormat": "{{alertname}}",
                }
            ]
        },
        "panels": panels(),
    }


def panels() -> list[dict[str, Any]]:
    """Rows from top to bottom, panels from left to right, none over another."""
    ids, drawn, y = count(1), [], 0
    for title, row in ROWS.items():
        at = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        drawn.append({"id": next(ids), "type": "row", "title": title, "collapsed": False, "gridPos": at, "panels": []})
        x, y = 0, y + 1
        for panel in row:
            if x + panel.wide > WIDTH:
                x, y = 0, y + HEIGHT
            drawn.append(drawn_panel(panel, next(ids), {"x": x, "y": y, "w": panel.wide, "h": HEIGHT}))
            x += panel.wide
        y += HEIGHT
    return drawn


def drawn_panel(panel: Panel, number: int, at: dict[str, int]) -> dict[str, Any]:
    steps = [{"color": "green", "value": None}, *({"color": c, "value": v} for c, v in panel.marks.items())]
    look: dict[str, Any] = {"fillOpacity": 25 if panel.stacked else 10, "showPoints": "never"}
    if panel.stacked:
        look["stacking"] = {"mode": "normal", "group": "A"}
    if panel.marks:
        look["thresholdsStyle"] = {"mode": "line"}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.says,
        "datasource": SOURCE,
        "gridPos": at,
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
            for place, (expression, legend) in enumerate(panel.series.items())
        ],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": look if panel.kind == "timeseries" else {},
            },
            "overrides": [],
        },
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
        if panel.kind == "timeseries"
        else {"reduceOptions": {"calcs": ["lastNotNull"]}, "textMode": "value_and_name"},
    }


def text() -> str:
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text())
    print(f"{TARGET}: {sum(len(row) for row in ROWS.values())} panels")
