"""An MLflow server that stops and starts again in the middle of a run."""

import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

import pytest
from werkzeug.serving import BaseWSGIServer, make_server

from tests import processes
from tests.mlflow_stores import empty_store

SETTINGS = """
from book_forecast.hooks.tracking import TrackingHooks
HOOKS = (TrackingHooks(),)
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-mlflow", "kedro_mlflow")
"""

# Nodes that ask the test to stop or start the server, and wait until it has.
PIPELINES = """
import time
from pathlib import Path
import pandas as pd
from kedro.pipeline import node, pipeline

def asked(word):
    Path(word).touch()
    while Path(word).exists():
        time.sleep(0.01)

def first(_):
    return {"before": 1.0}

def second(_):
    asked("stop")
    return {"during": 2.0}, pd.DataFrame({"isbn": ["9780722532935"], "mase": [0.8]})

def comes_back(node):
    return Path("comes_back").exists() and Path("comes_back").read_text() == node

def third(_, during):
    if comes_back("third"):
        asked("start")
    return {"after": 3.0}

# Nothing of it is logged.
def last(_):
    if comes_back("last"):
        asked("start")
    if Path("breaks").exists():
        raise ValueError("no more weeks")
    return 4.0

def register_pipelines():
    return {"__default__": pipeline([
        node(first, "params:horizon", "a"),
        node(second, "a", ["b", "scores"]),
        node(third, ["a", "b"], "c"),
        node(last, "c", "d"),
    ])}
"""

CATALOG = (
    "\n".join(
        f"""
{name}:
  type: book_forecast.datasets.AtomicJSONDataset
  filepath: data/{name}.json
  metadata: {{mlflow: {{metrics: true}}}}
"""
        for name in "abc"
    )
    + """
scores:
  type: book_forecast.datasets.AtomicParquetDataset
  filepath: data/scores.parquet
  metadata: {mlflow: {artifact: tables, dataset: scores}}
"""
)

RUN = """
import logging, sys
from pathlib import Path
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
bootstrap_project(Path.cwd())
logging.getLogger("book_forecast").setLevel("INFO")
with KedroSession.create() as session:
    session.run()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "pyproject.toml": '[tool.kedro]\npackage_name = "shop"\nproject_name = "shop"\n'
        'kedro_init_version = "1.7.0"\n',
        "src/shop/__init__.py": "",
        "src/shop/settings.py": SETTINGS,
        "src/shop/pipeline_registry.py": PIPELINES,
        "conf/base/catalog.yml": CATALOG,
        "conf/base/parameters.yml": "horizon: 32\nreporting: {max_child_runs: 30}\n",
        "conf/base/mlflow.yml": "server: {mlflow_tracking_uri: null}\n",
        "conf/local/.gitkeep": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def store(tmp_path, monkeypatch) -> str:
    from mlflow.server.handlers import initialize_backend_stores

    uri, artifacts = empty_store(tmp_path), f"{tmp_path}/artifacts"
    for name in ("_MLFLOW_SERVER_FILE_STORE", "_MLFLOW_SERVER_REGISTRY_STORE"):
        monkeypatch.setenv(name, uri)
    monkeypatch.setenv("_MLFLOW_SERVER_ARTIFACT_ROOT", artifacts)
    # The server has one store a process.
    for name in ("_tracking_store", "_model_registry_store"):
        monkeypatch.setattr(f"mlflow.server.handlers.{name}", None)
    # It sets the registry of every client in this process too.
    monkeypatch.setattr("mlflow.tracking._model_registry.utils._registry_uri", None)
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", uri)
    initialize_backend_stores(uri, uri, artifacts)
    return uri


def served(port: int) -> BaseWSGIServer:
    """MLflow's own server, in a thread of this process."""
    from mlflow.server import app

    server = make_server("127.0.0.1", port, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def run_with(project: Path, comes_back: str | None) -> tuple[str, int]:
    """Run the project while its server stops, and starts again in a node; return the log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    if comes_back:
        (project / "comes_back").write_text(comes_back)
    uri = f"http://127.0.0.1:{port}"
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "KEDRO"))}
    server = served(port)
    (project / "run.py").write_text(RUN)
    process = processes.project.start(
        [str(project / "run.py")],
        project,
        {**variables, "PYTHONPATH": ":".join(sys.path), "MLFLOW_TRACKING_URI": uri},
    )
    while process.poll() is None:
        if (project / "stop").exists():
            server.shutdown()
            server.server_close()
            (project / "stop").unlink()
        if (project / "start").exists():
            server = served(port)
            (project / "start").unlink()
        time.sleep(0.01)
    if comes_back:
        server.shutdown()
        server.server_close()
    output, _ = process.communicate()
    return output, process.wait()


def only_run(store: str):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(store)
    (run,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    return client, run


@pytest.mark.parametrize("comes_back", ["third", "last"])
@pytest.mark.parametrize("breaks", [False, True])
def test_what_was_logged_in_between_is_there_once_the_server_is_back(
    project, store, comes_back, breaks
):
    if breaks:
        (project / "breaks").touch()
    log, code = run_with(project, comes_back)
    assert code == (1 if breaks else 0), log
    client, run = only_run(store)
    assert {k: v for k, v in run.data.metrics.items() if k != "run_seconds"} == {
        "before": 1.0,
        "during": 2.0,
        "after": 3.0,
    }
    assert run.info.status == ("FAILED" if breaks else "FINISHED")
    assert [entry.path for entry in client.list_artifacts(run.info.run_id)] == ["tables"]
    assert log.count("could not log") == 1


def test_a_server_that_stays_away_costs_a_warning_and_no_result(project, store):
    log, code = run_with(project, comes_back=None)
    assert code == 0, log
    assert "Traceback" not in log
    found = {name: json.loads((project / f"data/{name}.json").read_text()) for name in "abc"}
    assert found == {"a": {"before": 1.0}, "b": {"during": 2.0}, "c": {"after": 3.0}}
    _, run = only_run(store)
    assert run.data.metrics == {"before": 1.0}
