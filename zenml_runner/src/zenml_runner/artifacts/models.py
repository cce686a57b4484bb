"""The versions of ZenML's models: what they are made of, how good they are, and their stages.

Stages follow the aliases in MLflow's model registry. A version in MLflow knows its run, and the
ZenML run of that run knows its version of ZenML's model. So whatever promotes in MLflow - a node, a
hook, another command, a person - promotes in ZenML.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from zenml.client import Client
from zenml.enums import MetadataResourceTypes
from zenml.models import ModelVersionArtifactRequest, RunMetadataResource

from zenml_runner.settings.sections import ModelSettings, Stage
from zenml_runner.tracking.mlflow_run import MLFLOW_RUN_ID

logger = logging.getLogger(__name__)


def add_to_model(
    version: UUID, artifacts: Iterable[UUID], numbers: Mapping[str, Mapping[str, float]]
) -> None:
    """Link artifacts to a version of a model, and add metrics to its metadata.

    Args:
        version: Id of the model's version.
        artifacts: Ids of the versions of artifacts.
        numbers: Metrics by name, by dataset.
    """
    store = Client().zen_store
    for artifact in artifacts:
        link = ModelVersionArtifactRequest(artifact_version=artifact, model_version=version)
        store.create_model_version_artifact_link(link)
    metadata: dict[str, Any] = {name: dict(found) for name, found in numbers.items() if found}
    if metadata:
        resource = RunMetadataResource(id=version, type=MetadataResourceTypes.MODEL_VERSION)
        Client().create_run_metadata(metadata=metadata, resources=[resource])


def follow_aliases(models: Iterable[ModelSettings], uri: str | None = None) -> list[str]:
    """Set the stages of models as MLflow's aliases are now.

    Args:
        models: Those with stages.
        uri: MLflow's address; the one of this process if None.

    Returns:
        A line for each stage that was set.

    Raises:
        MlflowException: If MLflow does not answer.
    """
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    changes = []
    for model in models:
        for stage, alias in model.stages.items():
            versions = _versions(client, model, alias)
            # Of several registered models, the one whose version is the newest.
            found = sorted(versions, key=lambda pair: int(pair[0].creation_timestamp))
            if not found:
                logger.info("No version of %s has MLflow's alias %s", model.name, alias)
            elif _promote(found[-1][1], stage):
                changes.append(f"{model.name} {found[-1][1].number} is {stage}")
    return changes


def promote(model: str, version: str, stage: Stage) -> Any:
    """Set the stage of a version; another one in this stage is archived.

    Args:
        model: Name of the model.
        version: Number or name of the version.
        stage: The stage.

    Returns:
        ZenML's version of the model.

    Raises:
        KeyError: If there is no such version.
    """
    found = Client().get_model_version(model, int(version) if version.isdigit() else version)
    _promote(found, stage)
    return found


def _promote(version: Any, stage: Stage) -> bool:
    """Set a stage, unless the version has it."""
    if version.stage == stage:
        return False
    Client().update_model_version(version.model.id, version.id, stage=stage, force=True)
    return True


def _versions(client: Any, model: ModelSettings, alias: str) -> Iterator[tuple[Any, Any]]:
    """Yield the versions with an alias: MLflow's, and that of ZenML's model."""
    names = [model.registered_model] if model.registered_model else _with_alias(client, alias)
    for name in names:
        registered = client.get_model_version_by_alias(name, alias)
        runs = Client().list_pipeline_runs(
            run_metadata=[f"{MLFLOW_RUN_ID}:{registered.run_id}"],
            sort_by="desc:created",
            size=1,
            hydrate=True,
        )
        version = runs.items[0].model_version if runs.items else None
        if version is not None and version.model.name == model.name:
            yield registered, version


def _with_alias(client: Any, alias: str) -> list[str]:
    names: list[str] = []
    token = None
    while True:
        page = client.search_registered_models(max_results=1000, page_token=token)
        names += [found.name for found in page if alias in found.aliases]
        token = page.token
        if not token:
            return names
