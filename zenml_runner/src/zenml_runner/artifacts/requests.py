"""The requests that make ZenML's artifact versions of datasets."""

from __future__ import annotations

import logging
import re
from functools import cache
from pathlib import PurePosixPath

from zenml.client import Client
from zenml.config.source import Source, SourceType
from zenml.enums import ArtifactSaveType, ArtifactType, StackComponentType, VisualizationType
from zenml.models import ArtifactVersionRequest, ArtifactVisualizationRequest
from zenml.utils import source_utils

from zenml_runner.artifacts.materializer import DatasetMaterializer
from zenml_runner.kedro_project.lineage import DatasetEntry
from zenml_runner.kedro_project.private import without_transcoding
from zenml_runner.kedro_project.saved_data import SavedData, matches
from zenml_runner.settings.shows import Shows
from zenml_runner.views.view import View

logger = logging.getLogger(__name__)

FOLDER = "kedro"
"""The folder of the views in the artifact store."""
_MAX_NAME = 255
_ANYTHING = ("builtins", "object")


def artifact_name(dataset: str) -> str:
    """Return the name of a dataset's artifact: its own, without transcoding."""
    return without_transcoding(dataset)[:_MAX_NAME]


def uri_of(package: str, name: str, entry: DatasetEntry) -> str:
    """Return the address of a dataset; one outside of filesystems has that of its entry."""
    return entry.uri or f"kedro://{package}/{name}"


def of_input(
    package: str, dataset: str, entry: DatasetEntry, data: SavedData
) -> ArtifactVersionRequest:
    """Return the request for data that no step has made."""
    name = artifact_name(dataset)
    return ArtifactVersionRequest(
        artifact_name=name,
        has_custom_name=True,
        type=ArtifactType.DATA,
        uri=uri_of(package, name, entry),
        artifact_store_id=_store_id(),
        materializer=_materializer(),
        data_type=_source(data.types.get(dataset, _ANYTHING)),
        content_hash=entry.fingerprint,
        save_type=ArtifactSaveType.EXTERNAL,
        project=Client().active_project.id,
    )


def of_output(
    package: str, dataset: str, entry: DatasetEntry, data: SavedData, shows: Shows
) -> ArtifactVersionRequest:
    """Return the request for data that a step has written, without its view."""
    request = of_input(package, dataset, entry, data)
    request.save_type = ArtifactSaveType.PREEXISTING
    view = data.views.get(dataset)
    if shows.model is not None and matches(dataset, shows.model.artifacts):
        request.type = ArtifactType.MODEL
    elif view is not None and view.drawn:
        request.type = ArtifactType.DATA_ANALYSIS
    return request


def write_view(view: View, folder: str, name: str) -> list[ArtifactVisualizationRequest]:
    """Write a view into the artifact store; a failure is a warning.

    Args:
        view: The view.
        folder: Folder in the artifact store.
        name: Of the artifact.
    """
    store = Client().active_stack.artifact_store
    file = re.sub(r"[^\w.-]", "_", name)[:150] + view.suffix
    address = str(PurePosixPath(folder, file))
    address = f"{store.path.rstrip('/')}/{address}"
    content = view.content if isinstance(view.content, bytes) else view.content.encode()
    try:
        store.makedirs(address.rpartition("/")[0])
        with store.open(address, "wb") as opened:
            opened.write(content)
    except Exception as error:  # noqa: BLE001 - a picture must not fail a step that has run
        logger.warning("The visualisation of %s cannot be stored (%s)", name, error)
        return []
    return [ArtifactVisualizationRequest(type=VisualizationType(view.kind), uri=address)]


def _store_id() -> object:
    kind = StackComponentType.ARTIFACT_STORE
    return Client().active_stack_model.components[kind][0].id


def _source(kind: tuple[str, str]) -> Source:
    """Return a class as ZenML stores it; one that cannot be imported is any object."""
    module, name = kind
    if "<" in name or module == "__main__":
        module, name = _ANYTHING
    return Source(module=module, attribute=name, type=SourceType.UNKNOWN)


@cache
def _materializer() -> Source:
    return source_utils.resolve(DatasetMaterializer)
