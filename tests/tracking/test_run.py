"""Logging of a run in MLflow, on a real SQLite store."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from book_forecast.storage import mlflow_store as store
from book_forecast.tracking import run as run_module
from book_forecast.tracking.run import TrackedRun
from tests.mlflow_stores import empty_store


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    from mlflow.tracking import MlflowClient

    uri = empty_store(tmp_path_factory.mktemp("mlruns"))
    store.make_ready(uri)
    return MlflowClient(uri)


@pytest.fixture(scope="module")
def experiment(client, tmp_path_factory):
    return client.create_experiment("books", tmp_path_factory.mktemp("artifacts").as_uri())


@pytest.fixture
def run(client, experiment):
    return TrackedRun(client, client.create_run(experiment).info.run_id, experiment)


def data(run: TrackedRun):
    return run.client.get_run(run.run_id).data


def artifacts(run: TrackedRun) -> dict[str, Path]:
    folder = Path(run.client.download_artifacts(run.run_id, ""))
    return {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}


def test_parameters_are_flat_short_and_without_secrets(run):
    run.log_parameters(
        {
            "tune": {"max_trials": 4, "bounds": {"p": 3}},
            "titles": [f"97800000{i:05d}" for i in range(2000)],
            "data_root": "gs://user:hunter2@bucket/data",
            "service_token": "hunter2",
            "start_date": None,
            "odd name?": 1,
        }
    )
    logged = data(run).params
    assert logged["tune.max_trials"] == "4"
    assert logged["tune.bounds.p"] == "3"
    assert logged["start_date"] == "None"
    assert logged["odd name_"] == "1"
    assert logged["titles"].startswith("9780000000000, 9780000000001")
    assert logged["titles"].endswith("… (29998 characters)")
    assert logged["data_root"] == "gs://***@bucket/data"
    assert "hunter2" not in str(logged)


def test_more_parameters_than_mlflow_takes_at_once_are_logged(run):
    run.log_parameters({f"option_{i}": i for i in range(250)})
    assert len(data(run).params) == 250


def test_a_parameter_that_changes_within_a_run_becomes_a_tag(run):
    run.log_parameters({"horizon": 32, "seed": 42})
    run.log_parameters({"horizon": 52, "seed": 42, "levels": [80, 95]})
    assert data(run).params == {"horizon": "32", "seed": "42", "levels": "80, 95"}
    assert data(run).tags["changed.horizon"] == "52"
    assert "changed.seed" not in data(run).tags


def test_metrics_are_finite_numbers_under_names_with_dots(run):
    run.log_metrics(
        {
            "wape": 0.25,
            "mase": {"sarima": np.float64(0.8), "naive": np.nan},
            "titles": 26,
            "coverage_80%": 0.79,
            "worst": "9780722532935",
            "infinite": np.inf,
        }
    )
    assert data(run).metrics == {
        "wape": 0.25,
        "mase.sarima": 0.8,
        "titles": 26.0,
        "coverage_80_": 0.79,
    }


def test_of_many_metrics_those_that_are_named_are_logged(run):
    values = {"test_wape": 0.2, "test_wape_naive": 0.3, "test_coverage-80": 0.8, "test_mae": 9.0}
    run.log_metrics(values, ["test_wape", "test_coverage-*[0-9]"])
    assert data(run).metrics == {"test_wape": 0.2, "test_coverage-80": 0.8}


def test_columns_over_weeks_are_one_series_a_column_and_group(run, client):
    weeks = pd.to_datetime(["2024-06-22", "2024-06-29"])
    frame = pd.DataFrame({"week": weeks, "horizon": "1 to 4", "wape": [0.2, 0.3], "bias": np.nan})
    run.log_series(frame, "week", ("wape", "bias", "coverage-80"), by="horizon", prefix="weekly")
    history = client.get_metric_history(run.run_id, "weekly.1 to 4.wape")
    assert [point.value for point in history] == [0.2, 0.3]
    assert history[1].step == history[0].step + 1
    assert history[0].timestamp == weeks[0].timestamp() * 1000
    assert client.get_metric_history(run.run_id, "weekly.1 to 4.bias") == []


def test_the_model_of_a_run_has_the_runs_metrics(run, client, experiment):
    from mlflow.entities import LoggedModelOutput

    model = client.create_logged_model(experiment, name="release", source_run_id=run.run_id)
    client.log_outputs(run.run_id, [LoggedModelOutput(model.model_id, 0)])
    run.log_metrics({"test_wape": 0.2, "test_mae": 9.0}, ["test_wape"])
    logged = client.get_logged_model(model.model_id).metrics
    assert [(metric.key, metric.value) for metric in logged] == [("test_wape", 0.2)]
    assert data(run).metrics == {"test_wape": 0.2}


def test_a_table_is_an_input_with_its_digest_columns_and_extent(run, client):
    weeks = pd.date_range("2024-01-06", periods=3, freq="W-SAT")
    frame = pd.DataFrame({"isbn": ["1", "1", "2"], "week": weeks, "volume": [1.0, 2.0, np.nan]})
    run.log_input("model_input", frame, "gs://books/model_input.parquet", "history")
    run.log_input("changed", frame.assign(volume=5.0), "/data/changed.parquet", "training")
    inputs = {i.dataset.name: i for i in client.get_run(run.run_id).inputs.dataset_inputs}
    logged = inputs["model_input"]
    assert [(tag.key, tag.value) for tag in logged.tags] == [("mlflow.data.context", "history")]
    assert json.loads(logged.dataset.profile) == {
        "num_rows": 3,
        "titles": "2",
        "last_week": "2024-01-20",
    }
    columns = json.loads(logged.dataset.schema)["mlflow_colspec"]
    assert [(c["name"], c["type"]) for c in columns] == [
        ("isbn", "string"),
        ("week", "datetime"),
        ("volume", "double"),
    ]
    assert json.loads(logged.dataset.source) == {"uri": "gs://books/model_input.parquet"}
    assert logged.dataset.digest != inputs["changed"].dataset.digest


def test_tables_figures_and_documents_are_logged_as_pages_show_them(run):
    run.log_artifact("scores", pd.DataFrame({"isbn": ["1"], "mase": [0.8]}), "tables")
    run.log_artifact("overview", go.Figure(go.Bar(y=[1])), "plots")
    run.log_artifact(
        "titles", {"9780722532935": go.Figure(), "9780241003008": go.Figure()}, "plots"
    )
    run.log_artifact("searches", {}, "plots")
    run.log_artifact("stock_advice", pd.DataFrame({"isbn": []}), "tables")
    run.log_artifact("residuals", {"9780241003008": lambda: go.Figure(go.Bar(y=[1]))}, "plots")
    run.log_artifact("import_report", "<!doctype html>", "reports")
    run.log_artifact("summary", {"titles": 2}, "tables")
    logged = artifacts(run)
    assert sorted(logged) == [
        "plots/overview.html",
        "plots/residuals.html",
        "plots/titles.html",
        "reports/import_report.html",
        "tables/scores.csv",
        "tables/summary.json",
    ]
    assert logged["tables/scores.csv"].read_text() == "isbn,mase\n1,0.8\n"
    assert "<option>9780722532935</option>" in logged["plots/titles.html"].read_text()
    for path in logged.values():
        assert "https://" not in path.read_text()


def test_a_large_table_is_logged_as_parquet(run, monkeypatch):
    monkeypatch.setattr(run_module, "MAX_CSV_ROWS", 2)
    frame = pd.DataFrame({"mase": [0.1, 0.2, 0.3]})
    run.log_artifact("scores", frame, "tables")
    pd.testing.assert_frame_equal(pd.read_parquet(artifacts(run)["tables/scores.parquet"]), frame)


def title_scores(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    names = [f"metric_{i}" for i in range(14)]
    frame = pd.DataFrame(rng.random((count, 14)), columns=names)
    frame.insert(0, "isbn", pd.Series([f"97800000000{i:02d}" for i in range(count)], dtype="str"))
    frame.insert(1, "model", pd.Series(["sarima"] * count, dtype="str"))
    frame.loc[0, "metric_0"] = np.nan
    return frame


def test_each_title_has_a_child_run(run, client, experiment):
    frame = title_scores(26)
    assert run.log_titles(frame, max_child_runs=30) == 26
    children = client.search_runs(
        [experiment], f"tags.`mlflow.parentRunId` = '{run.run_id}'", max_results=100
    )
    assert len(children) == 26
    by_name = {child.info.run_name: child for child in children}
    second = by_name["9780000000001"]
    assert second.info.status == "FINISHED"
    assert second.data.params["model"] == "sarima"
    assert second.data.metrics["metric_3"] == pytest.approx(frame.loc[1, "metric_3"])
    assert "metric_0" not in by_name["9780000000000"].data.metrics


def test_a_child_run_is_named_after_its_title(run, client, experiment):
    frame = title_scores(3)
    frame.insert(1, "title", ["The Alchemist", None, "x" * 300])
    run.log_titles(frame, max_child_runs=30)
    children = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run.run_id}'")
    assert {child.info.run_name for child in children} == {
        "The Alchemist (9780000000000)",
        "9780000000001",
        f"{'x' * 79}… (9780000000002)",
    }


def test_more_titles_than_allowed_have_no_child_runs(run, client, experiment, caplog):
    with caplog.at_level("INFO"):
        assert run.log_titles(title_scores(5), max_child_runs=4) == 0
    assert "5 titles are more than max_child_runs=4" in caplog.text
    assert not client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run.run_id}'")
