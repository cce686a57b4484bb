"""Stages of ZenML's models follow MLflow's aliases, and can be set by hand."""

import json
from pathlib import Path

import pytest

from runner_testing.projects import Runner, write_files
from runner_testing.small import small_files

pytest.importorskip("mlflow")

REGISTRY = """
def fit(): return 1.5
def check(model): return {"accuracy": model}


def register_pipelines():
    return {
        "train": Pipeline([node(fit, None, "model", name="fit")]),
        "check": Pipeline([node(check, "model", "checked", name="check")]),
    }
"""
CATALOG = """
model: {type: json.JSONDataset, filepath: data/model.json}
checked: {type: json.JSONDataset, filepath: data/checked.json}
"""
# The hook is the project's own way to register and to promote.
HOOKS = """
import os
import mlflow
from kedro.framework.hooks import hook_impl


class Releases:
    @hook_impl
    def after_dataset_saved(self, dataset_name):
        client = mlflow.MlflowClient()
        if dataset_name == "model":
            mlflow.log_metric("seconds", 2.0)
            run = mlflow.active_run().info
            if not client.search_registered_models():
                client.create_registered_model("releases")
            client.create_model_version("releases", run.artifact_uri, run.run_id)
        elif "PROMOTE" in os.environ:
            client.set_registered_model_alias("releases", "best", os.environ["PROMOTE"])
"""
SETTINGS = """
from small.hooks import Releases
HOOKS = (Releases(),)
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-viz", "kedro_mlflow", "kedro-mlflow")
"""
ZENML = """
stacks: {local: {type: local, mlflow: {tracking_uri: "sqlite:///mlflow.db"}}}
models: {train: {name: lines, artifacts: [model], stages: {production: best}}}
"""
SHOW = """
import json
from zenml.client import Client
found = Client().list_model_versions("lines", hydrate=True).items
print(json.dumps({v.number: [v.stage, v.run_metadata] for v in found}))
"""
PROMOTE = """
import mlflow
client = mlflow.MlflowClient("sqlite:///mlflow.db")
client.set_registered_model_alias("releases", "best", "1")
"""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    more = {"src/small/hooks.py": HOOKS}
    files = small_files(REGISTRY, CATALOG, zenml=ZENML, settings=SETTINGS, more=more)
    # The hook logs into the run that the runner has opened.
    return Runner(write_files(tmp_path / "project", files), tmp_path)


def stages(runner: Runner) -> dict[str, str | None]:
    done = runner.python(SHOW)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert all(metadata["mlflow"] == {"seconds": 2.0} for _, metadata in found.values())
    return {number: stage for number, (stage, _) in found.items()}


@pytest.mark.slow
def test_stages_follow_aliases_after_each_run_and_by_command(runner: Runner) -> None:
    for _ in range(2):
        done = runner.zenml("run", "--pipeline", "train")
        assert done.returncode == 0, done.stdout + done.stderr
    assert stages(runner) == {"1": None, "2": None}

    done = runner.zenml("run", "--pipeline", "check", PROMOTE="2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert stages(runner) == {"1": None, "2": "production"}

    # Another command rolls back in MLflow.
    assert runner.python(PROMOTE).returncode == 0
    done = runner.zenml("promote")
    assert "lines 1 is production" in done.stdout, done.stdout + done.stderr
    assert stages(runner) == {"1": "production", "2": "archived"}
    assert "All stages are as MLflow's aliases" in runner.zenml("promote").stdout

    done = runner.zenml("promote", "lines", "2", "--stage", "staging")
    assert done.stdout.endswith("lines 2 is staging.\n"), done.stderr
    assert stages(runner) == {"1": "production", "2": "staging"}
    done = runner.zenml("promote", "lines", "7", "--stage", "staging")
    assert done.returncode == 1
    assert "ZenML has no version 7 of a model lines" in done.stderr
