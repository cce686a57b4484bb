"""Which component an error is put down to."""

import requests
from mlflow import MlflowException

from zenml_runner.failures import explain


def refused(url: str) -> requests.ConnectionError:
    request = requests.Request("GET", url).prepare()
    return requests.ConnectionError("refused", request=request)


def test_zenml_is_blamed_for_its_own_server_alone(monkeypatch):
    monkeypatch.setenv("ZENML_STORE_URL", "http://127.0.0.1:8237")
    of_zenml = explain(refused("http://127.0.0.1:8237/api/v1/runs"))
    assert "ZenML server http://127.0.0.1:8237 does not answer" in of_zenml
    assert "ZenML" not in explain(refused("http://127.0.0.1:5000/api/2.0/mlflow"))


def test_the_cause_of_an_error_is_what_is_explained(monkeypatch):
    monkeypatch.setenv("ZENML_STORE_URL", "http://127.0.0.1:8237")
    error = RuntimeError("the run could not be read")
    error.__cause__ = refused("http://127.0.0.1:8237/api/v1/runs")
    assert "does not answer" in explain(error)


def test_an_unknown_error_is_its_own_message():
    assert explain(KeyError("week")).startswith("KeyError: 'week'")


def test_an_mlflow_server_that_does_not_answer_is_named_without_its_password():
    error = MlflowException(
        "API request to http://ann:word@127.0.0.1:9/api/2.0/mlflow/runs failed with exception x"
    )
    assert explain(error).startswith("The MLflow server http://***@127.0.0.1:9 does not answer")


def test_no_password_is_shown_with_an_unknown_error():
    assert "word" not in explain(OSError("postgresql://ann:word@host/books is closed"))
