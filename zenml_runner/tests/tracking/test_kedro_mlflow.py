"""kedro-mlflow's own kinds of pipelines and its defaults."""

import sqlite3

import pytest

from runner_testing.alone import ALONE
from runner_testing.projects import Runner, write_files
from runner_testing.small import small_files

REGISTRY = """
import pandas as pd
from kedro_mlflow.pipeline import pipeline_ml_factory


def make(): return pd.DataFrame({"x": [1.0, 2.0, 3.0]})
def fit(table, factor): return {"mean": float(table["x"].mean()) * factor}
def report(model): return model
def predict(model, table): return table["x"] - model["mean"]


def register_pipelines():
    training = Pipeline([
        node(make, None, "table", name="make", tags="training"),
        node(fit, ["table", "params:factor"], "model", name="fit", tags="training"),
        node(report, "model", "reported", name="report", tags="training"),
    ])
    inference = Pipeline([node(predict, ["model", "table"], "predictions", name="predict")])
    return {"__default__": pipeline_ml_factory(
        training=training,
        inference=inference,
        input_name="table",
        log_model_kwargs={"name": "books", "pip_requirements": []},
    )}
"""
CATALOG = """
table: {type: pandas.CSVDataset, filepath: data/table.csv, save_args: {index: false}}
model: {type: json.JSONDataset, filepath: data/model.json}
reported: {type: json.JSONDataset, filepath: data/reported.json}
"""
STACK = "stacks: {local: {type: local, mlflow: {tracking_uri: 'sqlite:///tracked/mlflow.db'}}}\n"


@pytest.fixture
def runner(tmp_path, home):
    """A project without mlflow.yml: kedro-mlflow takes its defaults."""
    files = small_files(
        REGISTRY, CATALOG, parameters="factor: 2\n", zenml=STACK, settings="", package="trained"
    )
    return Runner(write_files(tmp_path / "trained", files), home)


def logged_models(runner: Runner) -> list[tuple[str, str]]:
    """Name of each logged model, and the run that logged it."""
    with sqlite3.connect(runner.project / "tracked/mlflow.db") as database:
        return database.execute("SELECT name, source_run_id FROM logged_models").fetchall()


def runs(runner: Runner) -> list[tuple[str, str]]:
    with sqlite3.connect(runner.project / "tracked/mlflow.db") as database:
        return database.execute("SELECT run_uuid, status FROM runs ORDER BY start_time").fetchall()


@pytest.mark.slow
def test_a_training_pipeline_runs_in_one_process_and_logs_its_model(runner):
    done = runner.zenml("run")
    assert done.returncode == 0, done.stdout + done.stderr
    ((run_id, status),) = runs(runner)
    assert status == "FINISHED"
    assert logged_models(runner) == [("books", run_id)]
    # A slice, which remains a training pipeline to kedro-mlflow.
    sliced = runner.zenml("run", "--tags", "training")
    assert sliced.returncode == 0, sliced.stderr
    assert len(logged_models(runner)) == 2


@pytest.mark.slow
def test_steps_in_processes_of_their_own_log_the_model_once_after_the_last(runner):
    done = runner.python(ALONE.replace('Path("record.jsonl").unlink()\n', ""))
    assert done.returncode == 0, done.stderr
    ((run_id, status),) = runs(runner)
    assert status == "FINISHED"
    assert logged_models(runner) == [("books", run_id)]


@pytest.mark.slow
def test_a_resumed_training_logs_its_model(runner):
    registry = runner.project / "src/trained/pipeline_registry.py"
    good = registry.read_text()
    registry.write_text(good.replace("def report(model): return", "def report(model): raise"))
    failed = runner.zenml("run")
    assert failed.returncode == 1
    assert logged_models(runner) == []
    registry.write_text(good)
    name = failed.stderr.split("--resume ")[1].split()[0]
    resumed = runner.zenml("run", "--resume", name)
    assert resumed.returncode == 0, resumed.stderr
    assert len(logged_models(runner)) == 1


@pytest.mark.slow
def test_a_stack_with_containers_names_the_plugin_its_server_too(runner):
    stack = STACK.replace("local: {type: local", "cloud: {type: vertex")
    (runner.project / "conf/base/zenml.yml").write_text(stack)
    catalog = CATALOG.replace("filepath: data", 'filepath: "memory://data').replace(
        ".json}", '.json"}'
    )
    catalog = catalog.replace(".csv,", '.csv",')
    (runner.project / "conf/base/catalog.yml").write_text(catalog)
    done = runner.zenml("compile", "--stack", "cloud")
    assert done.returncode == 0, done.stderr
    assert "name: fit" in done.stdout
    assert (runner.project / "tracked/mlflow.db").exists()
    assert not (runner.project / "mlruns").exists()
