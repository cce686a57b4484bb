"""One MLflow run for all steps, against a real store."""

import threading
import uuid
from dataclasses import dataclass, field

import mlflow
import pytest
from mlflow import MlflowClient

from zenml_runner.tracking import mlflow_run as tracking


@dataclass
class ZenmlRun:
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    name: str = "train-1"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The address of an empty store; to create one takes a second."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def client(store):
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store)
    yield MlflowClient()
    mlflow.set_tracking_uri(before)


@pytest.fixture
def experiment(client, tmp_path, request):
    """An experiment of this test alone."""
    return client.create_experiment(request.node.name, artifact_location=str(tmp_path))


def test_processes_that_start_at_once_agree_on_one_run(client, experiment):
    run, found, alone = ZenmlRun(), [], threading.Lock()
    threads = [
        threading.Thread(
            target=lambda: found.append(tracking._find_or_create(client, experiment, run, alone))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({run_id for run_id, _ in found}) == 1
    assert len(client.search_runs([experiment])) == 1


def test_a_later_process_finds_the_run(client, experiment):
    run, alone = ZenmlRun(), threading.Lock()
    first, made = tracking._find_or_create(client, experiment, run, alone)
    assert made
    assert tracking._find_or_create(client, experiment, run, alone) == (first, False)
    assert tracking._find_or_create(client, experiment, ZenmlRun(), alone)[0] != first


@pytest.fixture
def run_id(client, experiment):
    return client.create_run(experiment).info.run_id


def status(client: MlflowClient, run_id: str) -> str:
    return client.get_run(run_id).info.status


def test_the_run_is_open_until_all_steps_have_completed(client, run_id):
    steps = ["clean", "fit-1-of-2", "fit-2-of-2"]
    for step in steps[:2]:
        tracking._record_step_end(client, run_id, step, steps, completed=True)
        assert status(client, run_id) == "RUNNING"
    tracking._record_step_end(client, run_id, steps[2], steps, completed=True)
    assert status(client, run_id) == "FINISHED"


def test_a_shard_that_completes_does_not_hide_one_that_failed(client, run_id):
    steps = ["fit-1-of-2", "fit-2-of-2"]
    tracking._record_step_end(client, run_id, steps[0], steps, completed=False)
    tracking._record_step_end(client, run_id, steps[1], steps, completed=True)
    assert status(client, run_id) == "FAILED"


def test_a_retry_that_completes_makes_the_run_whole(client, run_id):
    tracking._record_step_end(client, run_id, "fit", ["fit"], completed=False)
    tracking._record_step_end(client, run_id, "fit", ["fit"], completed=True)
    assert status(client, run_id) == "FINISHED"


def test_a_parameter_that_changes_becomes_a_tag(client, run_id):
    strict = mlflow.log_param
    with tracking.changed_params_as_tags():
        mlflow.start_run(run_id=run_id)
        for index in (1, 2):
            mlflow.log_param("shard.index", index)
        mlflow.log_param("other", "x")
        mlflow.end_run()
    data = client.get_run(run_id).data
    assert data.params == {"shard.index": "1", "other": "x"}
    assert data.tags["changed.shard.index"] == "2"
    assert mlflow.log_param is strict
