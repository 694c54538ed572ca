"""The dashboard is what its script draws, lies flat on its grid, and asks for nothing the server does not show."""

import importlib.util
import itertools
import json
import re
import sys
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.monitoring.tools import MONITORING, promtool

SCRIPT = MONITORING.parent / "scripts" / "draw_dashboard.py"
FILE = MONITORING / "grafana" / "dashboards" / "vintedbot.json"
DASHBOARD = json.loads(FILE.read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = sorted({target["expr"] for panel in PANELS for target in panel["targets"]})
METRIC = re.compile(r"\b(?:vintedbot|process)_\w+\b")
THE_DOCUMENT_S = [
    "sum(rate(vintedbot_publish_total[5m])) by (status)",
    "histogram_quantile(0.95, sum(rate(vintedbot_publish_duration_seconds_bucket[5m])) by (le))",
    'sum(rate(vintedbot_publish_total{status="fail"}[5m])) / sum(rate(vintedbot_publish_total[5m]))',
    "sum(rate(vintedbot_captcha_detected_total[5m])) by (type)",
    "max(vintedbot_publish_queue_size)",
    "histogram_quantile(0.95, sum(rate(vintedbot_photo_analyze_duration_seconds_bucket[5m])) by (le))",
]
"""Two differ from the user's text: the ratio is of sums, and a gauge that every process shows is read once."""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_dashboard", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["draw_dashboard"] = module
    spec.loader.exec_module(module)
    return module


def test_the_file_is_what_the_script_draws(script: ModuleType) -> None:
    assert FILE.read_text() == script.text(), "run: python scripts/draw_dashboard.py"


def test_the_document_s_six_panels_come_first() -> None:
    assert [panel["targets"][0]["expr"] for panel in PANELS[:6]] == THE_DOCUMENT_S


def test_ids_are_unique_and_no_panel_lies_over_another() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x, y in itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"]))
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_every_expression_is_one(tmp_path: Any) -> None:
    """As rules, which promtool parses."""
    rules = [{"record": f"panel_{number}", "expr": expression} for number, expression in enumerate(EXPRESSIONS)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    checked = promtool("check", "rules", tmp_path / "panels.yml")
    assert checked.returncode == 0, checked.stderr
    (tmp_path / "panels.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "x", "rules": [{**rules[0], "expr": "sum("}]}]})
    )
    assert promtool("check", "rules", tmp_path / "panels.yml").returncode != 0


def test_every_metric_of_ours_is_on_a_panel_and_every_panel_asks_for_one_we_have() -> None:
    page = (MONITORING.parent / "docs" / "metrics.md").read_text()
    ours = set(re.findall(r"^\| `(vintedbot_\w+)` \|", page, re.M))
    asked = {re.sub(r"_(bucket|count|sum)$", "", name) for expr in EXPRESSIONS for name in METRIC.findall(expr)}
    asked |= {name.removesuffix("_total") for name in asked} | {f"{name}_count" for name in asked}
    assert ours - asked == set()
    known = ours | {f"{name}_total" for name in ours} | {"process_resident_memory_bytes", "process_cpu_seconds_total"}
    assert {re.sub(r"_(bucket|count|sum)$", "", m) for e in EXPRESSIONS for m in METRIC.findall(e)} - known <= {
        "vintedbot_publish_retry"
    }


def test_grafana_finds_it_by_its_provisioning() -> None:
    provisioning = MONITORING / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert source["type"] == "prometheus"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "vintedbot.yml").read_text())["providers"]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
