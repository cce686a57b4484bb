"""The versions of ZenML's models: what they are made of, and how good they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from zenml.client import Client
from zenml.enums import MetadataResourceTypes
from zenml.models import ModelVersionArtifactRequest, RunMetadataResource


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
