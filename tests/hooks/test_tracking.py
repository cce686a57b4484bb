"""One MLflow run for each Kedro run, and a Kedro run whether MLflow works or not."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests import processes

SETTINGS = """
from book_forecast.hooks.tracking import TrackingHooks
HOOKS = (TrackingHooks(),)
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-mlflow", "kedro_mlflow")
"""

PIPELINES = """
import pandas as pd
import plotly.graph_objects as go
from kedro.pipeline import node, pipeline

def evaluate(horizon):
    frame = pd.DataFrame({"isbn": ["9780722532935", "9780241003008"], "model": ["sarima", "naive"],
                          "mase": [0.8, 0.9]})
    summary = {"mase": 0.85, "titles": 2, "mase_naive": 0.9}
    return summary, frame, go.Figure(go.Bar(y=[horizon]))

def prepare(horizon):
    week = pd.Timestamp("2024-06-29")
    return pd.DataFrame({"isbn": ["9780722532935", "9780241003008"], "week": [week, week],
                         "volume": [3.0, 4.0]})

def fail(horizon):
    raise ValueError("no weeks at gs://user:hunter2@bucket")

def register_pipelines():
    first = node(prepare, "params:horizon", "sales")
    good = pipeline([first, node(evaluate, "params:horizon", ["summary", "title_scores", "plot"])])
    bad = pipeline([node(fail, "params:horizon", "nothing")])
    return {"__default__": good, "evaluate": good, "broken": bad}
"""

CATALOG = """
summary:
  type: book_forecast.datasets.AtomicJSONDataset
  filepath: data/summary.json
  metadata: {mlflow: {metrics: [mase, title?]}}
sales:
  type: book_forecast.datasets.AtomicParquetDataset
  filepath: data/sales.parquet
  metadata: {mlflow: {dataset: history, sums: {copies: volume}}}
title_scores:
  type: book_forecast.datasets.AtomicParquetDataset
  filepath: data/title_scores.parquet
  metadata: {mlflow: {artifact: tables, title_runs: true}}
plot:
  type: book_forecast.datasets.AtomicPlotlyDataset
  filepath: data/plot.json
  metadata: {mlflow: {artifact: plots}}
"""

PARAMETERS = """
horizon: 32
reporting: {max_child_runs: 30}
data_root: gs://user:hunter2@bucket/data
tune: {max_trials: 4}
"""

# Several runs in one process, as importing MLflow is what takes the time.
DRIVER = """
import json, os, sys
from pathlib import Path
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
bootstrap_project(Path.cwd())
results = []
for scenario in json.loads(sys.argv[1]):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID"):
        os.environ.pop(name, None)
    os.environ.update(scenario.get("variables", {}))
    if scenario.get("same_run"):
        os.environ["MLFLOW_RUN_ID"] = results[0]["run_id"]
    import logging
    logging.getLogger("book_forecast").setLevel("INFO")
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger("book_forecast").addHandler(handler)
    error = None
    try:
        with KedroSession.create(runtime_params=scenario.get("params")) as session:
            # As Kedro's command line calls it.
            session.run(
                pipeline_names=[scenario.get("pipeline", "__default__")], tags=(),
                node_names=(), from_nodes=[], to_nodes=[], from_inputs=[], to_outputs=[],
                load_versions={},
            )
    except Exception as caught:
        error = repr(caught)
    logging.getLogger("book_forecast").removeHandler(handler)
    run_id = next((l.split()[2] for l in lines if l.startswith("MLflow run ")), None)
    results.append({"error": error, "lines": lines, "run_id": run_id})
Path("results.json").write_text(json.dumps(results))
"""

SCENARIOS = [
    {},
    {"pipeline": "broken"},
    {"same_run": True, "params": {"horizon": 52}, "pipeline": "evaluate"},
    {
        "params": {
            "reporting": {"max_child_runs": 1},
            "titles": [f"978{i:010d}" for i in range(3000)],
        }
    },
    {"variables": {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}},
    {"variables": {"MLFLOW_TRACKING_URI": "nonsense://x"}},
]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name, text in {
        "pyproject.toml": '[tool.kedro]\npackage_name = "shop"\nproject_name = "shop"\n'
        'kedro_init_version = "1.7.0"\n',
        "src/shop/__init__.py": "",
        "src/shop/settings.py": SETTINGS,
        "src/shop/pipeline_registry.py": PIPELINES,
        "conf/base/catalog.yml": CATALOG,
        "conf/base/parameters.yml": PARAMETERS,
        "conf/local/.gitkeep": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    mlflow_yml = Path(__file__).parents[2] / "conf" / "base" / "mlflow.yml"
    shutil.copy(mlflow_yml, folder / "conf" / "base")
    return folder


@pytest.fixture(scope="module")
def results(project) -> list[dict]:
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "KEDRO"))}
    (project / "driver.py").write_text(DRIVER)
    done = processes.project.run(
        [str(project / "driver.py"), json.dumps(SCENARIOS)],
        project,
        {**variables, "PYTHONPATH": ":".join(sys.path), "DO_NOT_TRACK": "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads((project / "results.json").read_text())


@pytest.fixture(scope="module")
def client(project, results):
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{project}/mlruns/mlflow.db")


def child_runs(client, run_id):
    experiment = client.get_experiment_by_name("book_forecast").experiment_id
    return client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'")


def test_a_kedro_run_is_one_mlflow_run_with_all_that_entries_ask_for(client, results, project):
    run = client.get_run(results[0]["run_id"])
    assert results[0]["error"] is None
    assert not [line for line in results[0]["lines"] if "could not" in line]
    assert run.info.status == "FINISHED"
    assert run.data.params["horizon"] == "32"
    assert run.data.params["tune.max_trials"] == "4"
    assert run.data.metrics.pop("run_seconds") > 0
    assert run.data.metrics == {"mase": 0.85, "titles": 2.0, "copies": 7.0}
    assert run.info.run_name == "all pipelines, 2 titles to 2024-06-29"
    (given,) = run.inputs.dataset_inputs
    assert (given.dataset.name, given.tags[0].value) == ("sales", "history")
    logged = [
        item.path for f in ("tables", "plots") for item in client.list_artifacts(run.info.run_id, f)
    ]
    assert logged == ["tables/title_scores.csv", "plots/plot.html"]
    assert run.info.artifact_uri.startswith(f"file://{project}/mlruns/artifacts/")
    names = {child.info.run_name for child in child_runs(client, run.info.run_id)}
    assert names == {"9780722532935", "9780241003008"}


def test_the_experiment_is_one_of_model_training(client, results):
    tags = client.get_experiment_by_name("book_forecast").tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    assert tags["mlflow.note.content"]
    run_id = results[0]["run_id"]
    (line,) = [line for line in results[0]["lines"] if line.startswith("Its page: ")]
    assert line.endswith(f"/runs/{run_id}?workflowType=machine_learning")
    assert len(line) < 140


def test_a_step_that_joins_a_run_keeps_its_name_and_its_duration(client, results):
    run = client.get_run(results[2]["run_id"])
    assert run.info.run_name == "all pipelines, 2 titles to 2024-06-29"
    assert len(client.get_metric_history(run.info.run_id, "run_seconds")) == 1


def test_a_failing_run_is_failed_in_mlflow_with_its_reason(client, results):
    run = client.get_run(results[1]["run_id"])
    assert "no weeks" in results[1]["error"]
    assert run.info.status == "FAILED"
    assert run.data.tags["error"].startswith("ValueError: no weeks")
    assert run.info.run_name == "broken"


def test_no_secret_reaches_the_store_or_the_log(results, project, client):
    for path in (project / "mlruns").glob("mlflow.db*"):
        assert b"hunter2" not in path.read_bytes()
    assert not [line for result in results for line in result["lines"] if "hunter2" in line]


def test_a_step_that_joins_a_run_with_another_parameter_goes_on_in_it(client, results):
    assert results[2]["error"] is None
    assert results[2]["run_id"] == results[0]["run_id"]
    data = client.get_run(results[0]["run_id"]).data
    assert data.params["horizon"] == "32"
    assert data.tags["changed.horizon"] == "52"


def test_thousands_of_titles_are_tracked_without_child_runs(client, results):
    assert results[3]["error"] is None
    run = client.get_run(results[3]["run_id"])
    assert run.data.params["titles"].endswith(" characters)")
    assert run.info.status == "FINISHED"
    assert child_runs(client, run.info.run_id) == []


@pytest.mark.parametrize(("scenario", "reason"), [(4, "does not answer"), (5, "nonsense")])
def test_a_store_that_does_not_work_is_a_warning_and_the_run_goes_on(
    results, project, scenario, reason
):
    assert results[scenario]["error"] is None
    (warning,) = [line for line in results[scenario]["lines"] if "could not" in line]
    assert warning.startswith("MLflow could not start (")
    assert reason in warning
    assert (project / "data" / "summary.json").exists()
