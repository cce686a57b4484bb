"""Registers the datasets of a step as ZenML's artifacts: those it wrote, and those it read.

An artifact has the name of its dataset and the dataset's address; there is no copy of the data. A
step that reads a dataset has as inputs the versions that steps of this run have written, or else
the last version with the same address and fingerprint. Without one, the input becomes a version
that no step has made.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from zenml.client import Client
from zenml.config.source import Source, SourceType
from zenml.enums import ArtifactSaveType, ArtifactType, StackComponentType, VisualizationType
from zenml.models import ArtifactVersionRequest, ArtifactVisualizationRequest, StepRunUpdate
from zenml.utils import source_utils

from zenml_runner.artifacts.materializer import DatasetMaterializer
from zenml_runner.kedro_project.lineage import DatasetEntry, SavedData, StepLineage, matches
from zenml_runner.kedro_project.private import without_transcoding
from zenml_runner.plan import StepPlan
from zenml_runner.settings.sections import Shows
from zenml_runner.views.view import View

# The shards of a run may have written this many versions of a dataset.
_MAX_WRITERS = 1000
logger = logging.getLogger(__name__)

FOLDER = "kedro"
"""The folder of the views in the artifact store."""
_MAX_NAME = 255
_ANYTHING = ("builtins", "object")
_METHOD = "update_run_step"
_waiting: dict[UUID, StepRunUpdate] = {}


class Registry:
    """The artifacts of a run, as far as this process knows them."""

    def __init__(self, package: str, shows: Shows, *, whole: bool) -> None:
        """Know nothing yet.

        Args:
            package: Package of the Kedro project.
            shows: What ZenML shows.
            whole: Whether all steps of the run use this registry.
        """
        self._package, self._shows, self._whole = package, shows, whole
        self._written: dict[str, dict[str, UUID]] = {}
        self._read: dict[tuple[str, str | None], list[UUID]] = {}

    def publish(
        self, step: StepPlan, context: Any, lineage: StepLineage, data: SavedData
    ) -> list[UUID]:
        """Register what a step has written, with views, and link what it has read.

        Args:
            step: The step.
            context: ZenML's step context.
            lineage: The datasets that the step has read and written.
            data: What they look like.

        Returns:
            The ids of what it has written.
        """
        run = context.pipeline_run
        folder = f"{FOLDER}/{run.id}/{step.name}"
        requests = []
        for dataset, entry in lineage.written.items():
            if not entry.in_memory:
                request = of_output(self._package, dataset, entry, data, self._shows)
                if view := data.views.get(dataset):
                    request.visualizations = write_view(view, folder, artifact_name(dataset))
                requests.append(request)
        made = Client().zen_store.batch_create_artifact_versions(requests) if requests else []
        outputs = {request.artifact_name: v.id for request, v in zip(requests, made, strict=True)}
        inputs: dict[str, UUID] = {}
        for dataset, entry in lineage.read.items():
            if not entry.in_memory and (name := artifact_name(dataset)) not in outputs:
                inputs |= _numbered(name, self._sources(dataset, entry, data, run))
        return self._link(step, context, outputs, inputs)

    def publish_again(self, step: StepPlan, context: Any, former: Any) -> list[UUID]:
        """Give a step that is skipped the artifacts of its former run.

        Args:
            step: The step.
            context: ZenML's step context.
            former: The former run of the step.
        """
        outputs = {name: found[-1].id for name, found in former.outputs.items() if found}
        inputs = {name: found[-1].id for name, found in former.inputs.items() if found}
        return self._link(step, context, outputs, inputs)

    def _link(
        self, step: StepPlan, context: Any, outputs: dict[Any, UUID], inputs: dict[str, UUID]
    ) -> list[UUID]:
        for name, version in outputs.items():
            self._written.setdefault(name, {})[step.name] = version
        if outputs or inputs:
            link_at_end(context.step_run.id, outputs, inputs)
        return list(outputs.values())

    def _sources(self, dataset: str, entry: DatasetEntry, data: SavedData, run: Any) -> list[UUID]:
        """Return the versions that a step has read, and make one if there is none."""
        name = artifact_name(dataset)
        if name in self._written:
            return list(self._written[name].values())
        key = (name, entry.fingerprint)
        if key not in self._read:
            found = [] if self._whole else _of_run(name, run.id)
            found = found or self._last(name, entry)
            if not found:
                request = of_input(self._package, dataset, entry, data)
                found = [Client().zen_store.create_artifact_version(request).id]
            self._read[key] = found
        return self._read[key]

    def _last(self, name: str, entry: DatasetEntry) -> list[UUID]:
        """Return the last version with the same address, if the data are still the same."""
        uri = uri_of(self._package, name, entry)
        found = Client().list_artifact_versions(
            artifact=name, uri=uri, sort_by="desc:created", size=1
        )
        if not found.items or found.items[0].content_hash != entry.fingerprint:
            return []
        run = found.items[0].get_resources().producer_pipeline_run_id
        # The shards of a run have written it together.
        together = _of_run(name, run) if run is not None else []
        return together or [found.items[0].id]


def _of_run(name: str, run: UUID) -> list[UUID]:
    """Return the versions of an artifact that steps of a run have written."""
    found = Client().list_artifact_versions(
        artifact=name, pipeline_run=str(run), sort_by="created", size=_MAX_WRITERS
    )
    # A retry of a step writes another one.
    last = {
        version.get_resources().producer_step_run_id: version.id
        for version in found.items
        if version.get_resources().producer_pipeline_run_id == run
    }
    return list(last.values())


def _numbered(name: str, versions: Iterable[UUID]) -> dict[str, UUID]:
    """Return the inputs of a step by name; those of several shards are numbered."""
    found = list(versions)
    if len(found) == 1:
        return {name: found[0]}
    return {f"{name} ({number})": version for number, version in enumerate(found, start=1)}


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


def link_at_end(step_run: UUID, outputs: Mapping[str, UUID], inputs: Mapping[str, UUID]) -> None:
    """Link artifacts once ZenML reports that the step has ended.

    Args:
        step_run: Id of the step run.
        outputs: Ids of versions of artifacts that it has made, by name.
        inputs: Ids of those that it has read, by name.
    """
    _waiting[step_run] = StepRunUpdate(
        outputs={name: [version] for name, version in outputs.items()},
        loaded_artifact_versions=dict(inputs),
    )
    store = Client().zen_store
    if _METHOD in vars(store):
        return
    update_alone = store.update_run_step

    def update(step_run_id: UUID, step_run_update: StepRunUpdate) -> Any:
        links = _waiting.pop(step_run_id, StepRunUpdate())
        together = {
            name: {**getattr(step_run_update, name), **getattr(links, name)}
            for name in ("outputs", "loaded_artifact_versions")
        }
        return update_alone(step_run_id, step_run_update.model_copy(update=together))

    vars(store)[_METHOD] = update
