"""The configuration and the rules, judged by promtool and amtool; each alert has its tests and its runbook."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.tools import MONITORING, promtool, tool

ROOT = MONITORING.parent
RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text()
ALERTS = [
    rule
    for group in yaml.safe_load((MONITORING / "rules" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
NAMES = sorted({rule["alert"] for rule in ALERTS})
CASES: list[dict[str, Any]] = [
    case
    for test in yaml.safe_load((MONITORING / "tests" / "alerts.yml").read_text())["tests"]
    for case in test.get("alert_rule_test", [])
]


def test_the_configuration_is_one() -> None:
    checked = promtool("check", "config", MONITORING / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert yaml.safe_load((MONITORING / "prometheus.yml").read_text())["global"]["scrape_interval"] == "15s"


def test_alertmanager_s_configuration_is_one() -> None:
    command = [tool("amtool"), "check-config", str(MONITORING / "alertmanager.yml")]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_rules_do_what_their_tests_say() -> None:
    tested = promtool("test", "rules", MONITORING / "tests" / "alerts.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_rules_tests_can_fail(tmp_path: Path) -> None:
    """A threshold moved is a test failed: otherwise they would test nothing."""
    for folder in ("rules", "tests"):
        (tmp_path / folder).mkdir()
        for file in (MONITORING / folder).iterdir():
            moved = file.read_text().replace("ratio:1h > 0.10", "ratio:1h > 0.30")
            (tmp_path / folder / file.name).write_text(moved)
    assert promtool("test", "rules", tmp_path / "tests" / "alerts.yml").returncode != 0


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_is_tested_both_ways(name: str) -> None:
    of_it = [case for case in CASES if case["alertname"] == name]
    assert any(case["exp_alerts"] for case in of_it), "a case in which it fires"
    if name != "VintedBotErrorBudgetBurn":  # its silent case is that of failures within the allowance
        assert any(not case["exp_alerts"] for case in of_it), "a case in which it does not"


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_has_its_runbook(name: str) -> None:
    (link,) = {rule["annotations"]["runbook_url"] for rule in ALERTS if rule["alert"] == name}
    page, anchor = link.split("#")
    assert (ROOT / page).is_file()
    assert anchor == name.lower()
    section = RUNBOOKS.split(f"## {name}\n", 1)[1].split("\n## ")[0]
    for heading in ("**What it means.**", "**Look.**", "**Do.**"):
        assert heading in section, f"{name} lacks {heading}"


def test_no_runbook_is_about_an_alert_there_is_not() -> None:
    assert set(re.findall(r"^## (\w+)$", RUNBOOKS, re.M)) == set(NAMES)


def test_the_ten_percent_alert_is_the_one_asked_for() -> None:
    (rule,) = [r for r in ALERTS if r["alert"] == "VintedBotPublishFailures"]
    assert "> 0.10" in rule["expr"]
