"""Checks that servers and buckets answer before anything is submitted."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from zenml_runner.errors import RunnerError
from zenml_runner.kedro_project.project import Project, environment_variable
from zenml_runner.kedro_project.settings import tracking_uri
from zenml_runner.redaction import without_user
from zenml_runner.settings.zenml_yml import RegisteredStack, Stack, VertexStack

TIMEOUT_SECONDS = 30
MLFLOW_RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"


def server_error(url: str) -> OSError | None:
    """Return why a server does not answer at `/health`, as ZenML's and MLflow's do.

    Args:
        url: Its address, with http or https.

    Returns:
        The error; None if the server answers.
    """
    address = without_user(url, "").rstrip("/")  # urllib would take name and password for the host
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=TIMEOUT_SECONDS):  # noqa: S310
            return None
    except urllib.error.HTTPError:
        return None  # It answers; the first request with credentials shows whether it allows us in.
    except OSError as error:
        return error


@contextmanager
def few_mlflow_retries() -> Iterator[None]:
    """Retry few requests to MLflow, unless the user has set how many."""
    with environment_variable(MLFLOW_RETRIES, os.environ.get(MLFLOW_RETRIES, "2")):
        yield


def check(project: Project, stack: Stack) -> None:
    """Refuse a stack whose ZenML server, bucket or MLflow server does not answer.

    Raises:
        RunnerError: With the component, its address and what to do.
    """
    if isinstance(stack, VertexStack) or (
        isinstance(stack, RegisteredStack) and stack.needs_server
    ):
        _check_zenml()
    if isinstance(stack, VertexStack):
        _check_bucket(stack)
    uri = tracking_uri(project, stack)
    if uri is None or not uri.startswith(("http://", "https://")):
        return
    if error := server_error(uri):
        raise RunnerError(
            f"The MLflow server {without_user(uri)} does not answer ({error}): start it, or change "
            "mlflow.tracking_uri in zenml.yml."
        )


def _check_zenml() -> None:
    from zenml.client import Client

    if Client().zen_store.type.value == "sql":
        raise RunnerError(
            "ZenML has no server, but containers elsewhere must reach one: log in to it with "
            "`zenml login`, or set ZENML_STORE_URL and ZENML_STORE_API_KEY."
        )


def _check_bucket(stack: VertexStack) -> None:
    import fsspec

    if not stack.artifact_store or stack.connector is not None:
        return
    bucket = stack.artifact_store.removeprefix("gs://").partition("/")[0]
    try:
        found = fsspec.filesystem("gs").exists(bucket)
    except Exception as error:
        raise RunnerError(
            f"The artifact store {stack.artifact_store} cannot be reached ({error}): log in with "
            "`gcloud auth application-default login` as somebody who may use it."
        ) from error
    if not found:
        raise RunnerError(
            f"The artifact store {stack.artifact_store} does not exist, or you may not see it: "
            "create the bucket, or ask for roles/storage.objectUser and "
            "roles/storage.legacyBucketReader on it."
        )
