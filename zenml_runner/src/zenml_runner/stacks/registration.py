"""Registers the ZenML stacks that `zenml.yml` describes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zenml.client import Client
from zenml.constants import ENV_ZENML_ACTIVE_STACK_ID
from zenml.enums import StackComponentType

from zenml_runner.client import zenml_lock
from zenml_runner.errors import RunnerError
from zenml_runner.kedro_project.project import Project
from zenml_runner.kedro_project.settings import tracking_uri
from zenml_runner.redaction import without_user
from zenml_runner.settings.zenml_yml import (
    ConfiguredStack,
    LocalStack,
    MlflowTracker,
    VertexStack,
)

OWNER = "kedro_project"
"""The label of a stack with the key of the project it belongs to."""
VERTEX_FLAVOR = "vertex_with_retries"
VERTEX_FLAVOR_SOURCE = "zenml_runner.stacks.vertex.RetryingVertexOrchestratorFlavor"


@dataclass(frozen=True)
class ComponentSpec:
    """A ZenML stack component as `zenml.yml` describes it.

    Attributes:
        type: Its kind.
        name: In ZenML.
        flavor: Its implementation.
        configuration: Keys whose value is None are left out.
        connector: Name of its service connector.
    """

    type: StackComponentType
    name: str
    flavor: str
    configuration: Mapping[str, Any]
    connector: str | None = None


def register(project: Project, name: str, stack: ConfiguredStack) -> tuple[str, list[str]]:
    """Register a stack, or update it where it differs from the configuration.

    Args:
        project: Its package name is the prefix of all names in ZenML.
        name: Name in zenml.yml.
        stack: The configured stack.

    Returns:
        The name in ZenML, and a line for each component that was created or changed.

    Raises:
        RunnerError: If something the stack needs is not configured or does not exist.
    """
    prefix = f"{project.package}-{name}"
    # A local stack has paths of its folder.
    owner = project.folder_key if isinstance(stack, LocalStack) else project.key
    with zenml_lock(f"stack {prefix}"):
        found = Client().list_stacks(name=prefix, size=1, hydrate=True).items
        if found and (found[0].labels or {}).get(OWNER, owner) != owner:
            prefix = f"{prefix}-{owner}"
        return prefix, _register(prefix, owner, stack, components(project, prefix, stack))


def _register(
    prefix: str, owner: str, stack: ConfiguredStack, wanted: Sequence[ComponentSpec]
) -> list[str]:
    client = Client()
    changes: list[str] = []
    if isinstance(stack, VertexStack):
        kind = StackComponentType.ORCHESTRATOR
        if not client.list_flavors(name=VERTEX_FLAVOR, type=kind, size=1).items:
            client.create_flavor(VERTEX_FLAVOR_SOURCE, kind)
            changes.append(f"orchestrator flavor {VERTEX_FLAVOR}: created")
    ids = {c.type: _register_component(client, c, changes) for c in wanted}
    found = client.list_stacks(name=prefix, size=1).items
    if (alerter := _alerter(client, stack, found)) is not None:
        ids[StackComponentType.ALERTER] = alerter
    if not found:
        client.create_stack(
            prefix, {kind: str(i) for kind, i in ids.items()}, labels={OWNER: owner}
        )
        changes.append(f"stack {prefix}: created")
    elif {kind: c[0].id for kind, c in found[0].components.items()} != ids:
        client.update_stack(found[0].id, component_updates={k: [i] for k, i in ids.items()})
        changes.append(f"stack {prefix}: components changed")
    return changes


def _alerter(client: Client, stack: ConfiguredStack, found: Sequence[Any]) -> Any:
    """Return the id of the alerter that zenml.yml names, or that the stack has been given."""
    kind = StackComponentType.ALERTER
    if stack.alerter is None:
        given = found[0].components.get(kind) if found else None
        return given[0].id if given else None
    try:
        return client.get_stack_component(kind, stack.alerter).id
    except KeyError:
        raise RunnerError(
            f"ZenML has no alerter {stack.alerter!r}, which zenml.yml names: create it with "
            f"`zenml alerter register {stack.alerter} --flavor=…`."
        ) from None


def activate(name: str) -> None:
    """Activate a stack in this process alone."""
    stack = Client().list_stacks(name=name, size=1).items[0]
    os.environ[ENV_ZENML_ACTIVE_STACK_ID] = str(stack.id)


def components(project: Project, prefix: str, stack: ConfiguredStack) -> list[ComponentSpec]:
    """Return the components of a stack."""
    kind = StackComponentType
    if isinstance(stack, LocalStack):
        found = [
            ComponentSpec(kind.ORCHESTRATOR, f"{prefix}-orchestrator", "local", {}),
            ComponentSpec(kind.ARTIFACT_STORE, f"{prefix}-artifacts", "local", {}),
        ]
    else:
        found = _vertex_components(prefix, stack)
    uri = tracking_uri(project, stack)
    if stack.mlflow is not None and uri is not None:
        name = f"{prefix}-mlflow"
        configuration = {"tracking_uri": uri, **_credentials(stack.mlflow, uri, name)}
        found.append(ComponentSpec(kind.EXPERIMENT_TRACKER, name, "mlflow", configuration))
    return found


def _vertex_components(prefix: str, stack: VertexStack) -> list[ComponentSpec]:
    needed = ("project", "location", "artifact_store", "container_registry")
    missing = [key for key in needed if not getattr(stack, key)]
    if missing:
        raise RunnerError(
            f"The Vertex stack in zenml.yml lacks {', '.join(missing)}: write them under "
            "stacks, or set the environment variables that they read."
        )
    if not str(stack.artifact_store).startswith("gs://"):
        raise RunnerError(
            f"artifact_store is {stack.artifact_store!r}: Vertex needs a bucket, gs://…"
        )
    kind, connector = StackComponentType, stack.connector
    orchestrator = {
        "project": stack.project,
        "location": stack.location,
        "pipeline_root": stack.pipeline_root,
        "workload_service_account": stack.service_account,
        "network": stack.network,
    }
    store, registry = {"path": stack.artifact_store}, {"uri": stack.container_registry}
    names = {name: f"{prefix}-{name}" for name in ("orchestrator", "artifacts", "registry")}
    return [
        ComponentSpec(
            kind.ORCHESTRATOR, names["orchestrator"], VERTEX_FLAVOR, orchestrator, connector
        ),
        ComponentSpec(kind.ARTIFACT_STORE, names["artifacts"], "gcp", store, connector),
        ComponentSpec(kind.CONTAINER_REGISTRY, names["registry"], "gcp", registry, connector),
        ComponentSpec(kind.IMAGE_BUILDER, f"{prefix}-builder", "local", {}),
    ]


def _credentials(tracker: MlflowTracker, uri: str, name: str) -> dict[str, str]:
    """Return references to a ZenML secret, which holds the values."""
    if tracker.secret is None:
        return _credentials_of_environment(uri, name)
    try:
        keys = set(Client().get_secret(tracker.secret).values)
    except KeyError:
        raise RunnerError(
            f"ZenML has no secret {tracker.secret!r}, which zenml.yml names for MLflow: create it "
            f"with `zenml secret create {tracker.secret} --tracking_token=…`."
        ) from None
    known = {"tracking_token", "tracking_username", "tracking_password"} & keys
    if not known:
        raise RunnerError(
            f"The ZenML secret {tracker.secret!r} has {', '.join(sorted(keys)) or 'no keys'}: it "
            "needs tracking_token, or tracking_username and tracking_password."
        )
    return {key: f"{{{{{tracker.secret}.{key}}}}}" for key in sorted(known)}


def _credentials_of_environment(uri: str, name: str) -> dict[str, str]:
    """Store the environment's token as a ZenML secret, and return a reference to it."""
    if not uri.startswith(("http://", "https://")):
        return {}
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    if token is None and os.environ.get("MLFLOW_TRACKING_AUTH"):
        # ZenML requires credentials; MLflow replaces them by those of its own provider.
        return {"tracking_token": "unused"}
    client = Client()
    found = client.list_secrets(name=name, size=1).items
    if token is None and not found:
        raise RunnerError(
            f"The MLflow server {without_user(uri)} needs a token: name a ZenML secret under "
            "mlflow.secret in zenml.yml, or set MLFLOW_TRACKING_TOKEN (to any value, for a server "
            "without authentication)."
        )
    if token is not None and not found:
        client.create_secret(name, {"tracking_token": token})
    elif token is not None and client.get_secret(name).secret_values != {"tracking_token": token}:
        client.update_secret(name, add_or_update_values={"tracking_token": token})
    return {"tracking_token": f"{{{{{name}.tracking_token}}}}"}


def _register_component(client: Client, wanted: ComponentSpec, changes: list[str]) -> Any:
    configuration = {k: v for k, v in wanted.configuration.items() if v is not None}
    found = client.list_stack_components(type=wanted.type, name=wanted.name, size=1).items
    label = f"{wanted.type.value.replace('_', ' ')} {wanted.name}"
    if found:
        component = client.get_stack_component(wanted.type, found[0].id)
        gone = {key: None for key in component.configuration if key not in configuration}
        if any(component.configuration.get(k) != v for k, v in configuration.items()) or gone:
            client.update_stack_component(
                component.id, wanted.type, configuration={**configuration, **gone}
            )
            changes.append(f"{label}: configuration changed")
    else:
        component = client.create_stack_component(
            wanted.name, wanted.flavor, wanted.type, configuration
        )
        changes.append(f"{label}: created")
    connected = component.connector.name if component.connector else None
    if wanted.connector not in (None, connected):
        _connect(client, wanted, str(wanted.connector))
        changes.append(f"{label}: connected to {wanted.connector}")
    return component.id


def _connect(client: Client, wanted: ComponentSpec, name: str) -> None:
    try:
        connector = client.get_service_connector(name)
    except KeyError:
        raise RunnerError(
            f"ZenML has no service connector {name!r}, which zenml.yml names: create "
            "it with `zenml service-connector register`, or leave connector out to use Google's "
            "default credentials."
        ) from None
    client.update_stack_component(wanted.name, wanted.type, connector_id=connector.id)
