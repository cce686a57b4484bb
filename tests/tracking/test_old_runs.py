"""Artifacts of old runs go; runs, metrics and what others need stay."""

import datetime as dt
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pytest

from book_forecast.storage.mlflow_store import StoreError, experiment_id
from book_forecast.tracking.old_runs import OldRuns
from tests.mlflow_stores import empty_store

NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
BEFORE = NOW - dt.timedelta(days=90)
Made = Callable[..., str]


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Iterator[str]:
    before = mlflow.get_tracking_uri()
    uri = empty_store(tmp_path_factory.mktemp("mlflow"))
    mlflow.set_tracking_uri(uri)
    yield uri
    mlflow.set_tracking_uri(before)


@pytest.fixture
def client(store) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(store)


@pytest.fixture
def run(request, store, client, tmp_path) -> Made:
    experiment = experiment_id(store, request.node.name)
    page = tmp_path / "page.html"
    page.write_text("x" * 1000)

    def made(days_ago: int, root: str = "data", is_open: bool = False, host: str = "") -> str:
        end = int((NOW - dt.timedelta(days=days_ago)).timestamp() * 1000)
        tags = {"process.host": host or platform.node()}
        run_id = client.create_run(experiment, end - 60_000, tags, f"{days_ago} days").info.run_id
        client.log_param(run_id, "data_root", root)
        client.log_metric(run_id, "test_wape", 0.25)
        client.log_artifact(run_id, str(page), "plots/pages")
        client.log_artifact(run_id, str(page))
        if not is_open:
            client.set_terminated(run_id, end_time=end)
        return str(run_id)

    return made


@pytest.fixture
def runs(request, store) -> OldRuns:
    return OldRuns(store, request.node.name, str(Path("/project/data").resolve()), Path("/project"))


def test_only_ended_runs_of_the_data_root_that_nothing_needs_are_old(runs, run):
    oldest, old, needed = run(200), run(100, root="/project/data"), run(150)
    run(10), run(100, is_open=True), run(100, root="other"), run(100, host="elsewhere")
    run(100, root="gs://project/data")
    found = runs.disused(BEFORE, {needed})
    assert [one.name for one in found] == [oldest, old]
    assert found[0].n_bytes == 2000
    assert (found[0].why, found[0].since) == ("200 days", NOW - dt.timedelta(days=200))


def test_a_removed_artifact_leaves_the_run_with_its_metrics(runs, run, client):
    old, other = run(100), run(80)
    (found,) = runs.disused(BEFORE, ())
    runs.remove(found)
    assert client.list_artifacts(old) == []
    assert client.get_run(old).data.metrics == {"test_wape": 0.25}
    assert len(client.list_artifacts(other)) == 2
    assert runs.disused(BEFORE, ()) == []


def test_what_an_interruption_leaves_is_found_again(runs, run, client):
    old = run(100)
    place = Path(client.get_run(old).info.artifact_uri.removeprefix("file://"))
    (place / "page.html").unlink()
    (found,) = runs.disused(BEFORE, ())
    assert found.n_bytes == 1000
    runs.remove(found)
    assert client.list_artifacts(old) == []


def test_without_an_experiment_there_are_no_runs(store):
    assert OldRuns(store, "nothing", "gs://books", Path.cwd()).disused(BEFORE, ()) == []


def test_a_store_that_is_away_is_named():
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:9 does not answer"):
        OldRuns("http://127.0.0.1:9", "x", "gs://books", Path.cwd()).disused(BEFORE, ())
