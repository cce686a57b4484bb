"""Refreshes on ZenML's local orchestrator: each is one run, which ends as its gates say."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from book_forecast.alerts.channels import WEBHOOK
from runner_testing.prepared import copy_store
from runner_testing.shown import ALERTS
from tests.alerts.servers import webhook
from tests.mlflow_stores import empty_store
from tests.processes import zenml as zenml_processes
from tests.refreshes import FORCED, SELDOM, deliver_a_broken_week, plan_of, store_of, verdict_of
from tests.runs import QUICK

pytestmark = pytest.mark.slow

STEPS = ("prepare", "forecast", "refresh", "forecast-2", "gates")

# Names the stack's alerter before the command; the flavor can be registered once.
COMMAND = """
import runpy
from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.exceptions import EntityExistsError

kind = StackComponentType.ALERTER
try:
    Client().get_stack_component(kind, "notes")
except KeyError:
    Client().create_flavor("alerters.FileAlerterFlavor", kind)
    Client().create_stack_component("notes", "file", kind, {})
runpy.run_module("kedro", run_name="__main__", alter_sys=True)
"""
SHOWN = """
import json
from zenml.client import Client

runs = Client().list_pipeline_runs(sort_by="asc:created", size=100, hydrate=True).items
print(json.dumps([
    [run.pipeline.name, run.status.value, {n: s.status.value for n, s in run.steps.items()}]
    for run in runs
]))
"""


class Place:
    """A data root, a ZenML of its own, and where its alerter writes."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.project, self.folder, self.data = project, folder, folder / "data"
        self.messages = folder / "messages"
        copy_store(folder / "zenml", zenml_processes)
        for name, text in {"alerters.py": ALERTS, "command.py": COMMAND, "shown.py": SHOWN}.items():
            (folder / name).write_text(text)
        conf = folder / "conf"
        shutil.copytree(project / "conf", conf)
        production = yaml.safe_load((conf / "production/zenml.yml").read_text())
        settings = conf / "base/zenml.yml"
        options = yaml.safe_load(settings.read_text())
        options["stacks"]["local"]["alerter"] = "notes"
        options["alerts"] = {"on_failure": True, "on_success": True}
        options["grouping"] = production["grouping"]
        settings.write_text(yaml.safe_dump(options))

    def refresh(self, more: str, url: str) -> tuple[int, str, list[str]]:
        """Refresh: the exit code, what was printed, and what the alerter got."""
        self.messages.write_text("")
        parameters = f"data_root={self.data},{QUICK},n_jobs=1,{SELDOM}"
        parameters += f",{more}" if more else ""
        arguments = ("zenml", "run", "--pipeline", "refresh", "--stack", "local")
        done = self._python(
            "command.py",
            *arguments,
            *("--conf-source", str(self.folder / "conf"), "--params", parameters),
            **{WEBHOOK: url},
        )
        return done.returncode, done.stdout + done.stderr, self.messages.read_text().splitlines()

    def runs(self) -> list[Any]:
        """The name, the status and the steps' statuses of each run, from the first."""
        found: list[Any] = json.loads(self._python("shown.py").stdout.splitlines()[-1])
        return found

    def _python(self, script: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PYTHONPATH": str(self.folder),
            "MLFLOW_TRACKING_URI": empty_store(self.folder),
            "ZENML_CONFIG_PATH": str(self.folder / "zenml"),
            "DISABLE_DATABASE_MIGRATION": "true",
            "ALERTS": str(self.messages),
        }
        return zenml_processes.run(
            [str(self.folder / script), *words], self.project, os.environ | environment | more
        )


def texts_of(kind: str, texts: list[str]) -> list[str]:
    return [line for text in texts for line in text.splitlines() if f"*{kind}*" in line]


def test_a_refresh_is_one_run_that_makes_and_promotes_a_release_only_where_it_may(
    tmp_path: Path, project_path: Path, whole_run: Path
) -> None:
    shutil.copytree(whole_run, tmp_path / "data")
    place = Place(project_path, tmp_path)
    store = store_of(place.data)
    champion = store.champion()
    with webhook() as people:
        code, output, messages = place.refresh("", people.url)
        assert code == 0, output
        assert set(plan_of(place.data).values()) == {"keep"}
        assert (store.champion(), store.releases()) == (champion, [champion])
        assert [message.partition(": ")[2] for message in messages] == ["all steps are done"]
        assert not texts_of("New champion", people.texts)

        one = f"force=refit,force_titles={FORCED}"
        code, output, messages = place.refresh(one, people.url)
        assert code == 0, output
        assert sorted(plan_of(place.data).values()) == ["keep"] * 4 + ["refit"]
        release = store.candidate()
        assert release not in (None, champion)
        assert store.champion() == release
        assert [message.partition(": ")[2] for message in messages] == ["all steps are done"]
        assert len(texts_of("New champion", people.texts)) == 1

        people.texts.clear()
        deliver_a_broken_week(place.data)
        # The broken week is left out: the same title alone would be the release again.
        broken = "hold_back=false,promote.required=true,force=refit"
        code, output, messages = place.refresh(broken, people.url)
    assert code == 1, output
    assert "is not promoted: it failed delivery" in output
    assert store.champion() == release
    assert not verdict_of(place.data)["promote"]
    forecasts = pd.read_parquet(place.data / "07_model_output/forecasts.parquet")
    assert set(forecasts["release"]) == {release}
    # ZenML's alerter has the step that has failed, people what the run has found.
    (message,) = messages
    assert "step gates has failed (in node require_promotion)" in message
    assert "PromotionRefusedError" in message
    assert len(texts_of("Delivery broken", people.texts)) == 1
    assert len(texts_of("Candidate refused", people.texts)) == 1
    assert not texts_of("Run failed", people.texts)
    assert not texts_of("New champion", people.texts)

    done = dict.fromkeys(STEPS, "completed")
    name, status = "refresh", "completed"
    assert place.runs() == [
        *[[name, status, done]] * 2,
        [name, "failed", done | {"gates": "failed"}],
    ]
