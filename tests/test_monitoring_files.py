"""Dashboard and alert rules in deploy/monitoring: they load, and name metrics that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, ConfigDict, Field

from book_forecast.serving.http.metrics import Metrics
from book_forecast.serving.loading.source import source_of
from book_forecast.serving.release.served_log import ServedLog
from book_forecast.serving.release.watch import Watch
from book_forecast.serving.settings import ServiceSettings
from book_forecast.tracking.run_metrics import _TEXTS
from tests.serving.servers import make_store

PROMTOOL = shutil.which("promtool")
NAME = re.compile(r"\bbook_forecast_\w+")
JOBS = {"book_forecast_service"}
DURATION = r"^[0-9]+[smhd]$"


class Rule(BaseModel):
    """An alert, as Prometheus reads it; other fields are errors there too."""

    model_config = ConfigDict(extra="forbid")

    alert: str = Field(pattern=r"^BookForecast[A-Za-z]+$")
    expr: str = Field(min_length=1)
    lasting: str | None = Field(None, alias="for", pattern=DURATION)
    labels: dict[str, str]
    annotations: dict[str, str]


class Group(BaseModel):
    """Alerts that are evaluated together."""

    model_config = ConfigDict(extra="forbid")

    name: str
    rules: list[Rule]


@pytest.fixture
def folder(project_path: Path) -> Path:
    """The folder of the files."""
    return project_path / "deploy/monitoring"


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a service with a release answers to /metrics."""
    store = make_store(tmp_path_factory.mktemp("store"))
    watch = Watch(source_of(ServiceSettings(releases=str(store.root))), poll_seconds=10.0)
    watch.check()
    metrics = Metrics(watch, ServedLog(str(tmp_path_factory.mktemp("log"))))
    metrics.note_request("POST", "/predict", 200, 0.004)
    metrics.note_instances("answered", 3)
    return metrics.text().decode()


def rules(folder: Path) -> list[Rule]:
    read = yaml.safe_load((folder / "alerts.yml").read_text())
    assert list(read) == ["groups"]
    return [rule for group in read["groups"] for rule in Group.model_validate(group).rules]


def panels(folder: Path) -> list[dict[str, Any]]:
    found = json.loads((folder / "dashboard.json").read_text())["panels"]
    assert isinstance(found, list)
    return found


def expressions(folder: Path) -> list[str]:
    targets = [target["expr"] for panel in panels(folder) for target in panel.get("targets", [])]
    return [*targets, *(rule.expr for rule in rules(folder))]


def samples(text: str) -> set[str]:
    return {s.name for family in text_string_to_metric_families(text) for s in family.samples}


def test_every_metric_is_one_that_the_service_or_a_run_has(folder: Path, exposed: str):
    known = samples(exposed) | set(_TEXTS)
    named = {name for text in expressions(folder) for name in NAME.findall(text)} - JOBS
    assert len(named) > 15
    assert named <= known
    variables = json.loads((folder / "dashboard.json").read_text())["templating"]["list"]
    queries = [v["query"]["query"] for v in variables if v["type"] == "query"]
    assert {name for text in queries for name in NAME.findall(text)} <= known


def test_every_metric_of_runs_is_on_the_dashboard_or_in_a_rule(folder: Path):
    named = {name for text in expressions(folder) for name in NAME.findall(text)}
    unseen = {"book_forecast_run_end_timestamp_seconds"}
    unseen.add("book_forecast_forecast_cutoff_timestamp_seconds")
    assert set(_TEXTS) - named == unseen


def test_alerts_have_a_severity_and_say_what_to_do(folder: Path):
    found = rules(folder)
    assert len({rule.alert for rule in found}) == len(found) > 5
    for rule in found:
        assert rule.labels["severity"] in ("warning", "critical")
        assert set(rule.annotations) == {"summary", "description"}
        assert all(text.endswith(".") for text in rule.annotations.values())


def test_every_alert_is_in_the_runbook(folder: Path, project_path: Path):
    page = (project_path / "docs/operations.md").read_text()
    assert [rule.alert for rule in rules(folder) if f"`{rule.alert}`" not in page] == []


def test_the_dashboard_has_panels_that_do_not_overlap(folder: Path):
    found = panels(folder)
    assert len({panel["id"] for panel in found}) == len(found) > 10
    taken: set[tuple[int, int]] = set()
    for panel in found:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["targets"]


def test_the_service_follows_the_conventions_of_names(exposed: str):
    for family in text_string_to_metric_families(exposed):
        assert family.documentation, family.name
        if family.name.startswith("book_forecast"):
            assert family.documentation.endswith(".")
            assert family.name == family.name.lower()
            assert ("timestamp" in family.name) <= family.name.endswith("_timestamp_seconds")
    histogram = {"book_forecast_request_seconds_bucket", "book_forecast_request_seconds_count"}
    assert histogram | {"book_forecast_requests_total"} <= samples(exposed)


@pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool")
def test_promtool_accepts_rules_expressions_and_metrics(folder: Path, exposed: str, tmp_path: Path):
    queries = [text.replace("$__rate_interval", "5m") for text in expressions(folder)]
    recorded = [{"record": f"q:{n}", "expr": query} for n, query in enumerate(queries)]
    group = {"name": "dashboard", "rules": recorded}
    (tmp_path / "dashboard.yml").write_text(yaml.safe_dump({"groups": [group]}))
    for words, given in (
        (["check", "rules", str(folder / "alerts.yml")], None),
        (["check", "rules", str(tmp_path / "dashboard.yml")], None),
        (["test", "rules", *sorted(map(str, folder.glob("*_test.yml")))], None),
        (["check", "metrics"], exposed),
    ):
        done = subprocess.run(
            [str(PROMTOOL), *words], input=given, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
