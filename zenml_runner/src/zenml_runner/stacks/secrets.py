"""Finds the secrets that steps name: in ZenML's secret store, or in the environment.

A specification holds ids alone. ZenML sets a secret's keys as environment variables while a step
runs. A variable of this environment is stored as a ZenML secret with one key, so that containers
and schedules have it too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from zenml_runner.errors import RunnerError, did_you_mean
from zenml_runner.kedro_project.project import Project


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
