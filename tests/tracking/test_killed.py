"""The status of runs whose process is gone, on a real SQLite store."""

import os
import subprocess
import sys

import pytest

from book_forecast.storage import mlflow_store as store
from book_forecast.tracking.killed import process_tags, set_killed, set_lost_runs_killed
from tests.mlflow_stores import empty_store

BUCKET = "gs://bucket/books"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    from mlflow.tracking import MlflowClient

    uri = empty_store(tmp_path_factory.mktemp("mlruns"))
    store.make_ready(uri)
    return MlflowClient(uri)


@pytest.fixture
def experiment(client, tmp_path):
    return client.create_experiment(tmp_path.name, tmp_path.as_uri())


def tags_of_a_dead_process() -> dict[str, str]:
    code = "from book_forecast.tracking.killed import process_tags as p; print(p(None))"
    words = [sys.executable, "-c", code]
    return dict(eval(subprocess.run(words, capture_output=True, text=True, check=True).stdout))


def statuses(client, experiment) -> dict[str, str]:
    return {run.info.run_name: run.info.status for run in client.search_runs([experiment])}


def begin(client, experiment, name: str, tags: dict[str, str]) -> str:
    return str(client.create_run(experiment, run_name=name, tags=tags).info.run_id)


def test_a_run_is_killed_with_its_open_child_runs_alone(client, experiment):
    run_id = begin(client, experiment, "run", {})
    begin(client, experiment, "open", {"mlflow.parentRunId": run_id})
    client.set_terminated(begin(client, experiment, "ended", {"mlflow.parentRunId": run_id}))
    begin(client, experiment, "another", {})
    set_killed(client, run_id, "why")
    assert statuses(client, experiment) == {
        "run": "KILLED",
        "open": "KILLED",
        "ended": "FINISHED",
        "another": "RUNNING",
    }
    assert client.get_run(run_id).data.tags["error"] == "why"


def test_only_runs_whose_process_is_gone_are_set_right(client, experiment):
    dead = tags_of_a_dead_process()
    own = process_tags("/data")
    lost = begin(client, experiment, "dead", dead)
    begin(client, experiment, "its child", {"mlflow.parentRunId": lost})
    begin(client, experiment, "number used again", {**own, "process.started": "1.0"})
    begin(client, experiment, "another machine", {**dead, "process.host": "elsewhere"})
    begin(client, experiment, "another container", {**dead, "process.space": "pid:[1]"})
    begin(client, experiment, "alive", own)
    begin(client, experiment, "of other software", {})
    begin(client, experiment, "damaged", {**own, "process.number": "x"})
    client.set_terminated(begin(client, experiment, "ended", dead))
    own_id = begin(client, experiment, "own", own)
    found = set_lost_runs_killed(client, experiment, own_id)
    assert len(found) == 2
    assert statuses(client, experiment) == {
        **dict.fromkeys(("dead", "its child", "number used again"), "KILLED"),
        **dict.fromkeys(("another machine", "another container", "alive", "own"), "RUNNING"),
        **dict.fromkeys(("of other software", "damaged"), "RUNNING"),
        "ended": "FINISHED",
    }
    assert set_lost_runs_killed(client, experiment, own_id) == []


def test_a_run_that_has_a_bucket_to_itself_ends_those_of_other_machines_in_it(client, experiment):
    there = {**process_tags(BUCKET), "process.host": "elsewhere"}
    begin(client, experiment, "same bucket", there)
    begin(client, experiment, "other bucket", {**there, "process.data_root": "gs://bucket/b"})
    begin(client, experiment, "shared", {k: v for k, v in there.items() if "root" not in k})
    own_id = begin(client, experiment, "own", process_tags(BUCKET))
    set_lost_runs_killed(client, experiment, own_id)
    killed = [name for name, status in statuses(client, experiment).items() if status == "KILLED"]
    assert killed == ["same bucket"]


def test_a_run_that_shares_its_root_ends_none_of_other_machines(client, experiment):
    there = {**process_tags(BUCKET), "process.host": "elsewhere"}
    begin(client, experiment, "same bucket", there)
    own_id = begin(client, experiment, "own", process_tags(None))
    assert set_lost_runs_killed(client, experiment, own_id) == []


def test_tags_name_this_process():
    assert process_tags(None)["process.number"] == str(os.getpid())
