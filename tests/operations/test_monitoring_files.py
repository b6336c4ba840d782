"""The alert rules, their runbooks and the dashboard: they parse, and name what there is."""

import json
import os
import re
import shutil
import subprocess
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from semafore.kernel.http import access  # noqa: F401 - registers what it counts
from semafore.kernel.metrics import COUNTED, exposition
from semafore.kernel.models import TaskRun
from semafore.local.servers import ROOT

ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "semafore.json"
RUNBOOKS = ROOT / "docs" / "runbooks.md"
GUIDE = ROOT / "docs" / "observability.md"

METRIC = re.compile(r"\bsemafore_[a-z_]+\b")
SUFFIXES = ("_bucket", "_sum", "_count", "_total", "_info")


@cache
def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    every = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [panel for panel in every if panel["type"] != "row"]


def expressions() -> list[str]:
    """Of the dashboard, as Grafana sends them."""
    found = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [one.replace("$__rate_interval", "5m") for one in found]


def offered() -> set[str]:
    """Every metric that the server has, in all its samples' names."""
    families = re.findall(r"^# TYPE (\S+)", exposition().decode(), re.MULTILINE)
    families += [family.name for family in COUNTED.collect()]
    return {name + suffix for name in families for suffix in ("", *SUFFIXES)}


@pytest.fixture
def one_of_everything(db: None) -> None:
    TaskRun.objects.create(name="keys.drop_claims", milliseconds=1)


def promtool(*words: str, folder: Path = ALERTS.parent) -> None:
    """Prometheus' own tool says that it is right."""
    program = shutil.which("promtool")
    if program is None:
        assert not os.environ.get("CI"), "promtool is missing: apt-get install prometheus"
        pytest.skip("no promtool here: apt-get install prometheus")
    done = subprocess.run(
        [program, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules() -> None:
    promtool("check", "rules", ALERTS.name)


def test_alerts_come_when_they_should() -> None:
    promtool("test", "rules", "alerts.test.yml")


def test_each_alert_says_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    sections = re.findall(r"^## (\w+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sections == names
    for rule in rules():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks.md#{rule['alert'].lower()}"


def test_each_runbook_says_what_it_means_and_what_to_do() -> None:
    text = RUNBOOKS.read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        name, _, body = section.partition("\n")
        for part in ("**What it means.**", "**Who notices.**", "**Do.**"):
            assert part in body, (name, part)


def test_alerts_and_dashboard_name_metrics_that_there_are(one_of_everything: None) -> None:
    named = {name for rule in rules() for name in METRIC.findall(rule["expr"])}
    drawn = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert named - offered() == set()
    assert drawn - offered() == set()


def test_each_metric_is_drawn_and_explained(one_of_everything: None) -> None:
    drawn = " ".join(expressions())
    guide = GUIDE.read_text(encoding="utf-8")
    families = set(re.findall(r"^# TYPE (\S+)", exposition().decode(), re.MULTILINE))
    families |= {family.name for family in COUNTED.collect()}
    for family in families:
        name = family.removesuffix("_info").removesuffix("_created")
        assert name in drawn, family
        assert f"`{name}" in guide, family


def test_each_expression_of_the_dashboard_parses(tmp_path: Path) -> None:
    recorded = [
        {"record": f"dashboard:{number}", "expr": one} for number, one in enumerate(expressions())
    ]
    rules_file = {"groups": [{"name": "dashboard", "rules": recorded}]}
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules_file), encoding="utf-8")
    promtool("check", "rules", "rules.yml", folder=tmp_path)


def test_the_dashboard_is_one_that_grafana_imports() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert dashboard["id"] is None
    assert dashboard["uid"] == "semafore"
    assert dashboard["schemaVersion"] >= 36
    (variable,) = dashboard["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in panels():
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["title"]
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references) > 0


def test_no_panel_lies_on_another() -> None:
    for one, other in combinations([panel["gridPos"] for panel in panels()], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)
        assert one["x"] + one["w"] <= 24
