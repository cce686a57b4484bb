"""`kedro viz` shows the pipelines in layers, the figures and the metrics."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from book_forecast.datasets import AtomicJSONDataset, AtomicPlotlyDataset, FigurePageDataset
from book_forecast.monitoring.summaries import NEAREST
from book_forecast.plots import overview_figure, scores_figure
from book_forecast.plots.monitoring import monitor_figure
from tests.plots.frames import LEVELS, WEEK, make_forecast, make_history, make_models, make_titles

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LAYERS = [
    *("raw", "intermediate", "primary", "model_input"),
    *("models", "evaluation", "model_output", "reporting"),
]
STAGES = {"ingest", "preprocess", "tune", "train", "evaluate", "forecast", "decide"}
PIPELINES = STAGES | {"__default__", "monitor", "plan", "refresh", "weekly"}
METRICS = {"n_titles": 1.0, "test_wape": 0.25, "test_wape_seasonal_naive": 0.5}


@pytest.fixture(scope="module")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What evaluate, forecast and monitor leave for kedro-viz, of one title."""
    isbn = "9780000000001"
    history = make_history(isbn)
    end = history["week"].iloc[-1]
    models = ("sarima", "seasonal_naive")
    test = pd.concat([make_forecast(model, end - 7 * WEEK, isbn) for model in models])
    future = make_forecast("sarima", end + WEEK, isbn)
    scores = pd.DataFrame(
        {
            "isbn": isbn,
            "model": models,
            "cutoff": end,
            "metric": "wape",
            "value": [0.25, 0.5],
        }
    )
    chosen, titles = make_models(isbn), make_titles(isbn)
    root = tmp_path_factory.mktemp("root")
    folder = root / "08_reporting"
    overview = overview_figure(history, test, future, chosen, titles, LEVELS)
    AtomicPlotlyDataset(filepath=str(folder / "overview_plot.json")).save(overview)
    errors = scores_figure(scores, chosen, titles)
    AtomicPlotlyDataset(filepath=str(folder / "scores_plot.json")).save(errors)
    weeks = pd.DataFrame({"week": pd.date_range(end, periods=8, freq="7D"), "horizon": NEAREST})
    weeks = weeks.assign(wape=0.25, naive_wape=0.5, bias=0.0, **{"coverage-80": 0.8})
    monitored = FigurePageDataset(filepath=str(folder / "monitor_plot.json"), index="index.html")
    monitored.save(monitor_figure(weeks))
    AtomicJSONDataset(filepath=str(folder / "metrics.json")).save(METRICS)
    return root


@pytest.fixture(scope="module")
def viz(project_path: Path, data_root: Path) -> Iterator[str]:
    """Address of a running `kedro viz`."""
    port = free_port()
    log = data_root / "viz.log"
    command = [sys.executable, "-m", "kedro", "viz", "run", "--no-browser", "--host=127.0.0.1"]
    command += [f"--port={port}", f"--params=data_root={data_root}"]
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{data_root}/mlflow.db"}
    with log.open("w") as output:
        server = subprocess.Popen(
            command,
            cwd=project_path,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while not _answers(address):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)
        yield address
    finally:
        # The process that serves is a child of the one that was started.
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def free_port() -> int:
    """A port that nobody listens on; kedro-viz takes none of those that the system hands out."""
    while True:
        port = random.randint(20_000, 40_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _answers(address: str) -> bool:
    try:
        return bool(get(address, "main"))
    except OSError:
        return False


def get(address: str, path: str) -> Any:
    with urllib.request.urlopen(f"{address}/api/{path}", timeout=30) as answer:
        return json.load(answer)


def node_of(address: str, name: str, pipeline: str = "__default__") -> str:
    """Identifier of a dataset."""
    nodes = get(address, f"pipelines/{pipeline}")["nodes"]
    return next(node["id"] for node in nodes if node["name"] == name and node["type"] == "data")


def test_all_pipelines_are_shown_in_the_order_of_their_layers(viz):
    answer = get(viz, "main")
    assert {pipeline["id"] for pipeline in answer["pipelines"]} == PIPELINES
    assert answer["layers"] == LAYERS


@pytest.mark.parametrize("pipeline", ["__default__", *sorted(PIPELINES - STAGES - {"__default__"})])
def test_everything_that_is_kept_has_a_layer(viz, pipeline):
    nodes = get(viz, f"pipelines/{pipeline}")["nodes"]
    datasets = [node for node in nodes if node["type"] == "data"]
    without = {
        node["name"]
        for node in datasets
        if node["layer"] is None and "Memory" not in node["dataset_type"]
    }
    assert len(datasets) > 10
    assert without == set()


def test_figures_and_metrics_have_a_preview(viz):
    for name in ("scores_plot", "overview_plot"):
        preview = get(viz, f"nodes/{node_of(viz, name)}")["preview"]
        assert preview["data"]
        assert preview["layout"]["title"]["text"]
    metrics = get(viz, f"nodes/{node_of(viz, 'metrics')}")["preview"]
    assert json.loads(metrics) == METRICS


def test_the_pipelines_are_seven_boxes(viz):
    flow = get(viz, "pipelines/__default__")
    boxes = {
        child["id"]
        for child in flow["modular_pipelines"]["__root__"]["children"]
        if child["type"] == "modularPipeline"
    }
    assert boxes == STAGES


def test_the_page_shows_layers_and_metrics(viz, browse):
    page = browse(f"{viz}/?pid=__default__&sid={node_of(viz, 'metrics')}")
    # Rejected rows, the intermediate layer, are inside of the box of ingest.
    for layer in {*LAYERS} - {"intermediate"}:
        assert f">{layer}<" in page
    assert re.search(r"test_wape\W.*?0\.25", page, re.DOTALL)


def test_monitoring_is_a_box_of_the_weekly_run_and_has_its_figure(viz, browse):
    flow = get(viz, "pipelines/weekly")
    boxes = {child["id"] for child in flow["modular_pipelines"]["__root__"]["children"]}
    assert {"ingest", "preprocess", "monitor", "forecast", "decide"} <= boxes
    preview = get(viz, f"nodes/{node_of(viz, 'monitor_plot', 'weekly')}")["preview"]
    assert len(preview["data"]) >= 3
    page = browse(f"{viz}/?pid=monitor&sid={node_of(viz, 'monitor_plot', 'monitor')}")
    assert "js-plotly-plot" in page
    assert "Error, share of the copies sold" in page


def test_the_page_draws_a_figure(viz, browse):
    page = browse(f"{viz}/?pid=evaluate&sid={node_of(viz, 'scores_plot')}")
    assert "js-plotly-plot" in page
    assert "Errors in the test weeks" in page
    assert page.count('class="trace scatter') >= 3
