"""Checks that servers and buckets answer before anything is submitted."""

from __future__ import annotations

from zenml_runner.errors import RunnerError
from zenml_runner.kedro_project.project import Project
from zenml_runner.kedro_project.settings import tracking_uri
from zenml_runner.redaction import without_user
from zenml_runner.servers import server_error
from zenml_runner.settings.zenml_yml import RegisteredStack, Stack, VertexStack


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
