"""Asks the parts of a stack whether they are there, before anything is submitted."""

from __future__ import annotations

from zenml_runner.errors import RunnerError
from zenml_runner.health import trouble
from zenml_runner.project import Project, tracking_uri
from zenml_runner.redaction import without_user
from zenml_runner.settings import Stack, VertexStack


def check(project: Project, stack: Stack) -> None:
    """Refuse a stack whose ZenML server, bucket or MLflow server does not answer.

    Args:
        project: Whose stack it is.
        stack: As configured.

    Raises:
        RunnerError: Names the component, its address and what to do.
    """
    if isinstance(stack, VertexStack):
        _check_server()
        _check_bucket(stack)
    uri = tracking_uri(project, stack)
    if uri is not None and uri.startswith(("http://", "https://")):
        _check_mlflow(uri)


def _check_server() -> None:
    from zenml.client import Client

    if Client().zen_store.type.value == "sql":
        raise RunnerError(
            "ZenML has no server, but containers on Vertex must reach one: log in to it with "
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
            "create the bucket (see deploy/), or ask for roles/storage.objectUser and "
            "roles/storage.legacyBucketReader on it."
        )


def _check_mlflow(uri: str) -> None:
    if error := trouble(uri):
        raise RunnerError(
            f"The MLflow server {without_user(uri)} does not answer ({error}): start it, or change "
            "mlflow.tracking_uri in zenml.yml."
        )
