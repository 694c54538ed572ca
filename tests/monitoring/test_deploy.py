"""What an operator copies is whole: images named by version, files there, settings known, units and configs valid.

No container is started here: what a daemon would check is checked as far as it can be without one."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from backend.cli import app
from backend.settings import Settings
from tests.monitoring.tools import MONITORING, promtool

ROOT = MONITORING.parent
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("app", "worker")
VERSION = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.M)[1]  # type: ignore[index]


def test_every_part_is_there_and_every_image_has_a_version() -> None:
    assert set(SERVICES) == {*OURS, "database", "prometheus", "alertmanager", "grafana"}
    images = [service["image"] for service in SERVICES.values()]
    images += re.findall(r"^FROM (\S+)", (DEPLOY / "Dockerfile").read_text(), re.M)
    for image in images:
        assert re.search(r":v?\d+\.\d+", image), image
    assert SERVICES["app"]["image"] == f"vintedbot:{VERSION}"


def test_every_file_that_is_mounted_or_copied_exists() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
            else:
                assert source in COMPOSE["volumes"]
    for line in re.findall(r"^COPY (.+)$", (DEPLOY / "Dockerfile").read_text(), re.M):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source


def test_only_this_machine_reaches_a_port() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_every_setting_given_is_one() -> None:
    known = {
        str(field.validation_alias.choices[0]) if field.validation_alias else f"VINTEDBOT_{name.upper()}"  # type: ignore[union-attr]
        for name, field in Settings.model_fields.items()
    }
    for name in OURS:
        assert set(SERVICES[name]["environment"]) <= known
    unit = (DEPLOY / "vintedbot.service").read_text()
    assert set(re.findall(r"^Environment=(\w+)=", unit, re.M)) <= known


def test_every_command_given_is_one() -> None:
    """Those of the containers and the unit, and every `vintedbot …` line in the guides: its words and options exist."""
    commands = [" ".join(SERVICES[name]["command"]) for name in OURS]
    commands += re.findall(r"^ExecStart=\S+/vintedbot (.+)$", (DEPLOY / "vintedbot.service").read_text(), re.M)
    for page in ("operating", "runbooks", "monitoring", "logs"):
        text = (ROOT / "docs" / f"{page}.md").read_text()
        commands += [found.strip() for found in re.findall(r"(?:^|`)vintedbot ([a-z][^`\n#]*)", text, re.M)]
    assert len(commands) > 15
    for command in commands:
        assert _unknown(shlex.split(command)) == [], command


def _unknown(words: list[str]) -> list[str]:
    """The first word that is no command there, or the options that command does not have."""
    command = typer.main.get_command(app)
    while isinstance(command, typer.core.TyperGroup) and words:
        if words[0] not in command.commands:
            return words[:1]
        command, words = command.commands[words[0]], words[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return [word for word in words if word.startswith("-") and word not in known]


def test_prometheus_s_other_configuration_is_one_too_and_asks_the_same(tmp_path: Path) -> None:
    shutil.copytree(MONITORING / "rules", tmp_path / "rules")
    text = (DEPLOY / "prometheus.yml").read_text()
    (tmp_path / "token").write_text("secret")
    (tmp_path / "prometheus.yml").write_text(text.replace("/run/secrets/metrics_token", str(tmp_path / "token")))
    checked = promtool("check", "config", tmp_path / "prometheus.yml")
    assert checked.returncode == 0, checked.stderr
    there, here = (
        yaml.safe_load(path.read_text()) for path in (DEPLOY / "prometheus.yml", MONITORING / "prometheus.yml")
    )
    assert there["global"] == here["global"]
    (job,) = there["scrape_configs"]
    assert (job["job_name"], job["metrics_path"]) == ("vintedbot", "/metrics")
    assert job["dns_sd_configs"][0]["port"] == 9101


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_the_unit_is_one(tmp_path: Path) -> None:
    unit = (DEPLOY / "vintedbot.service").read_text().replace("/opt/vintedbot/.venv/bin/vintedbot", "/bin/true")
    (tmp_path / "vintedbot.service").write_text(unit.replace("User=vintedbot", "User=root"))
    command = ["systemd-analyze", "verify", str(tmp_path / "vintedbot.service")]
    verified = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    ours = [line for line in verified.stderr.splitlines() if "vintedbot.service" in line]
    assert ours == []
