"""What a run needs before it is submitted, servers, buckets and secrets, and what is logged then.

Secrets that steps name are in ZenML's secret store or in the environment. A specification holds ids
alone. ZenML sets a secret's keys as environment variables while a step runs. A variable of this
environment is stored as a ZenML secret with one key, so that containers and schedules have it too.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from zenml_runner.errors import RunnerError, did_you_mean
from zenml_runner.failures import server_error
from zenml_runner.kedro_project.project import Project
from zenml_runner.kedro_project.settings import tracking_uri
from zenml_runner.redaction import without_user
from zenml_runner.settings.zenml_yml import RegisteredStack, Stack, VertexStack

_LOGGER = "zenml.integrations"
# Where Kubeflow, Tekton or Airflow's folder does not answer, ZenML logs this and goes on.
_NOT_TAKEN = "Failed to upload"


class _Collector(logging.Handler):
    """Collects each message once."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.messages[" ".join(record.getMessage().split())] = None


@contextmanager
def submission(stack: str) -> Iterator[None]:
    """Print an orchestrator's warnings once it has a run.

    Args:
        stack: Name of the stack.

    Raises:
        RunnerError: If the orchestrator has not got the run.
    """
    logger, collector = logging.getLogger(_LOGGER), _Collector()
    before = (logger.level, logger.propagate)
    logger.addHandler(collector)
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(collector)
        logger.setLevel(before[0])
        logger.propagate = before[1]
    for message in collector.messages:
        if message.startswith(_NOT_TAKEN):
            raise RunnerError(
                f"The orchestrator of the stack {stack} has not got the run: {message}"
            )
        click.echo(f"Warning: {message}", err=True)


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


def secret_ids(project: Project, names: Iterable[str], *, in_process: bool) -> dict[str, str]:
    """Return the ids of ZenML's secrets by their names in zenml.yml.

    Args:
        project: Its package and key are in the names of secrets that are stored here.
        names: As in zenml.yml.
        in_process: Whether all steps run in this process, which has its variables anyway.

    Raises:
        RunnerError: If there is neither such a secret nor such a variable.
    """
    found = {}
    for name in dict.fromkeys(names):
        secret = _secret(name)
        if secret is None and not (in_process and name in os.environ):
            secret = _stored(project, name)
        if secret is not None:
            found[name] = str(secret.id)
    return found


def set_secrets(project: Project, names: Iterable[str]) -> None:
    """Set the values of ZenML's secrets as environment variables of this process.

    Kedro's catalog may need them before the first step; a container sets them before its session.
    """
    from zenml_runner.client import quiet_client

    client = quiet_client()
    for name in dict.fromkeys(names):
        secret = _secret(name) or _secret(_own_name(project, name))
        # Somebody who may not read the values can still submit a run.
        values = {} if secret is None else client.get_secret(secret.id).secret_values
        os.environ.update({key: str(value) for key, value in values.items()})


def _secret(name: str) -> Any:
    from zenml.client import Client

    # ZenML itself would also take a secret whose name only begins like this one.
    found = Client().list_secrets(name=name, size=1).items
    return found[0] if found else None


def _own_name(project: Project, name: str) -> str:
    return f"{project.package}-{project.key}-{name}"


def _stored(project: Project, name: str) -> Any:
    """Store a variable of this environment as a ZenML secret."""
    from zenml.client import Client

    client, own_name = Client(), _own_name(project, name)
    value, found = os.environ.get(name), _secret(own_name)
    if value is None and found is None:
        known = [secret.name for secret in client.list_secrets(size=1000).items]
        raise RunnerError(
            f"zenml.yml names the secret {name!r}, and neither ZenML nor the environment has it "
            f"({did_you_mean(name, known)}): create it with `zenml secret create {name} "
            f"--KEY=…`, or set the environment variable {name}."
        )
    if value is None:
        return found
    if found is None:
        return client.create_secret(own_name, {name: value})
    if client.get_secret(found.id).secret_values != {name: value}:
        client.update_secret(found.id, add_or_update_values={name: value})
    return found
