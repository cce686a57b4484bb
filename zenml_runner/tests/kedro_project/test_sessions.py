"""A session of the project, beside other processes that open the same one."""

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from runner_testing.small import small_files
from zenml_runner.kedro_project.sessions import Session

REGISTRY = "def register_pipelines(): return {'__default__': Pipeline([])}\n"


@pytest.fixture
def tracked(opened, tmp_path, monkeypatch):
    """A project whose runs kedro-mlflow tracks, opened in this process."""
    before = mlflow.get_tracking_uri()
    # Set here, it is unset afterwards, whatever kedro-mlflow has made of it.
    monkeypatch.setattr("mlflow.tracking.fluent._active_experiment_id", None)
    uri = f"server: {{mlflow_tracking_uri: 'sqlite:///{tmp_path}/mlflow.db'}}\n"
    more = {"conf/base/mlflow.yml": uri}
    yield opened(small_files(REGISTRY, settings="", package="faster", more=more))
    mlflow.set_tracking_uri(before)


def test_an_experiment_that_another_process_has_just_created_is_used(tracked, monkeypatch):
    create = MlflowClient.create_experiment

    def second(client, name, *args, **kwargs):
        create(client, name, tags={"by": "another process"})
        return create(client, name, *args, **kwargs)

    monkeypatch.setattr(MlflowClient, "create_experiment", second)
    session = Session(None, None)
    experiment = session.load_context().mlflow.tracking.experiment._experiment
    assert experiment.tags["by"] == "another process"


def test_other_errors_of_a_plugin_are_not_tried_again(tracked, monkeypatch):
    tries = []

    def fails(client, name, *args, **kwargs):
        tries.append(name)
        raise MlflowException("the disk is full")

    monkeypatch.setattr(MlflowClient, "create_experiment", fails)
    with pytest.raises(MlflowException, match="the disk is full"):
        Session(None, None).load_context()
    assert len(tries) == 1
