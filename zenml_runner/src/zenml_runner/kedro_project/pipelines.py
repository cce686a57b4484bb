"""The pipelines of a project: those of a run, their slices, and what cannot run of them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline

from zenml_runner.errors import RunnerError, refuse_unknown
from zenml_runner.kedro_project.catalog import location_of
from zenml_runner.kedro_project.private import without_transcoding
from zenml_runner.plan import RunSpec


def registered_pipelines() -> dict[str, Pipeline]:
    """Return the pipelines of the project, or those of them that were requested."""
    return dict(pipelines)


def request_pipelines(names: Sequence[str]) -> None:
    """Let Kedro import some pipelines, as `kedro run` does, if the project's registry allows it."""
    if not hasattr(pipelines, "set_requested"):
        return  # Kedro before 1.6 imports all.
    pipelines.set_requested(list(names))
    try:
        found = all(name in pipelines for name in names)
    except Exception:  # noqa: BLE001 - a registry that joins pipelines needs the others
        found = False
    if not found:
        pipelines.set_requested(None)


def chosen_pipeline(run: RunSpec, registered: Mapping[str, Pipeline], package: str) -> Pipeline:
    """Return the nodes of a run: its pipelines, and of these its slice.

    Args:
        run: Names of pipelines and the slice.
        registered: All pipelines of the project.
        package: The project's package, for messages.

    Raises:
        RunnerError: If there is no such pipeline or part, or the slice is empty.
    """
    names = run.registered
    refuse_unknown("pipeline", names, registered, where=f"in {package}")
    # A plugin recognises a single pipeline by its class, which a sum does not have.
    chosen = registered[names[0]]
    for name in names[1:]:
        chosen += registered[name]
    refuse_unknown_parts(run, chosen)
    try:
        return chosen.filter(**run.slice.filters())
    except ValueError as error:
        raise RunnerError(f"The slice of {run.pipeline} is empty: {error}") from None


def is_special(pipeline: Pipeline) -> bool:
    """Return whether a pipeline is of a plugin's class, such as kedro-mlflow's `PipelineML`.

    The plugin recognises it after the run, for example to log a model.
    """
    return type(pipeline) is not Pipeline


def refuse_unknown_parts(run: RunSpec, pipeline: Pipeline) -> None:
    """Refuse a slice that names parts which the pipeline does not have.

    Args:
        run: The run with its slice.
        pipeline: The whole pipeline.

    Raises:
        RunnerError: With the nearest name.
    """
    chosen = run.slice
    nodes = {node.name for node in pipeline.nodes}
    tags = {tag for node in pipeline.nodes for tag in node.tags}
    for kind, given, known in (
        ("node", chosen.nodes + chosen.from_nodes + chosen.to_nodes, nodes),
        ("tag", chosen.tags, tags),
        ("dataset", chosen.from_inputs + chosen.to_outputs, dataset_names([pipeline])),
        ("namespace", chosen.namespaces, _namespaces(pipeline)),
    ):
        refuse_unknown(kind, given, known, where=f"in the pipeline {run.pipeline}")


def refuse_missing_inputs(pipeline: Pipeline, catalog: Any) -> None:
    """Refuse a pipeline that reads what the catalog does not have, as Kedro's runners do.

    Raises:
        RunnerError: With the dataset.
    """
    for name in sorted(pipeline.inputs()):
        if location_of(catalog, name).in_memory and not catalog.exists(name):
            raise RunnerError(
                f"The pipeline reads {name!r}, which no node of it writes and the catalog does "
                f"not have: add it to the catalog, or include the node that writes it."
            )


def refuse_generators(pipeline: Pipeline) -> None:
    """Refuse nodes that yield their outputs, which Kedro cannot save in threads.

    Raises:
        RunnerError: With the node.
    """
    for node in pipeline.nodes:
        if inspect.isgeneratorfunction(node.func):
            raise RunnerError(
                f"--async: the node {node.name} yields its outputs piece by piece, which Kedro "
                "cannot save in threads: leave out --async, or let the node return them."
            )


def dataset_names(pipelines: Iterable[Pipeline]) -> set[str]:
    """Return the names of all datasets, transcoded ones with and without their suffix."""
    found = {name for pipeline in pipelines for name in pipeline.datasets()}
    return found | {without_transcoding(name) for name in found}


def _namespaces(pipeline: Pipeline) -> set[str]:
    """Return the namespaces of nodes, and those around them."""
    found = (node.namespace.split(".") for node in pipeline.nodes if node.namespace)
    return {".".join(parts[: i + 1]) for parts in found for i in range(len(parts))}
