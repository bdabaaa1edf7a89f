"""The dashboard and the alert rules in deploy/ name only metrics that a server has, and every one is documented."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import yaml

from tests.e2e.process import Installation

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy" / "grafana" / "odometer.json"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
PAGE = ROOT / "docs" / "monitoring.md"
NAME = re.compile(r"\b(?:odometer|process)_[a-z_]+")
# What a metric's series are called beside its name.
SERIES = re.compile(r"_(total|bucket|count|sum)$")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[str]]:
    """The metrics of a real server that has received a batch."""
    installation = Installation(tmp_path_factory.mktemp("metrics") / "data", today="2031-06-19")
    installation.environment["ODOMETER_METRICS"] = "open"
    installation.start()
    record = {"seq": 1, "type": "heartbeat", "at": "2031-06-18T10:00:00Z"}
    installation.send({"clientId": "client-0001", "records": [record, {"seq": 2}]})
    text = httpx2.get(f"{installation.url}/metrics").text
    yield {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    installation.stop()


def named_in(text: str) -> set[str]:
    return {SERIES.sub("", name) for name in NAME.findall(text)}


def without_series(names: set[str]) -> set[str]:
    return {SERIES.sub("", name) for name in names}


def test_the_dashboard_names_metrics_that_there_are(known: set[str]) -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]]

    assert len(asked) >= len(panels) > 10
    for expression in asked:
        assert named_in(expression)
        assert named_in(expression) <= without_series(known), expression


def test_the_alerts_name_metrics_that_there_are(known: set[str]) -> None:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]

    assert len(group["rules"]) > 5
    for rule in group["rules"]:
        assert rule["annotations"]["summary"]
        assert named_in(rule["expr"]) <= without_series(known), rule["alert"]


def test_every_metric_of_ours_is_documented(known: set[str]) -> None:
    ours = {name for name in without_series(known) if name.startswith("odometer_")}

    assert ours == {name for name in named_in(PAGE.read_text()) if name.startswith("odometer_")}
