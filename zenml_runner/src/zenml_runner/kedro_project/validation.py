"""Refuses names on the command line that the project does not have, or warns of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from kedro.config import MissingConfigException
from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline
from kedro.pipeline.transcoding import _strip_transcoding

from zenml_runner.errors import RunnerError, refuse_unknown
from zenml_runner.kedro_project.catalog import location_of
from zenml_runner.plan import RunSpec

# ${runtime_params:name, default} anywhere in the configuration.
_RUNTIME_PARAMETER = re.compile(r"runtime_params:\s*(\w+)")
# The least similarity of a misspelt name, from 0 to 1.
_NEAR = 0.75


def refuse_unknown_env(loader: Any, env: str | None) -> None:
    """Refuse an environment that has no folder in the project's configuration.

    Raises:
        RunnerError: With the nearest environment.
    """
    source = Path(loader.conf_source)
    if env and source.is_dir() and not (source / env).is_dir():
        known = [folder.name for folder in source.iterdir() if folder.is_dir()]
        refuse_unknown("environment", [env], known, where=f"in {source}")


def misspelt_params(
    given: Mapping[str, Any], loader: Any, effective: Mapping[str, Any], inputs: Iterable[str] = ()
) -> list[str]:
    """Return a warning for each runtime parameter that looks like a misspelt one.

    Kedro takes any name: a hook may read it, or a node alone. A hook may also move its value.

    Args:
        given: The runtime parameters, nested where their names have dots.
        loader: A configuration loader without them.
        effective: The parameters with them, after the hook `after_context_created`.
        inputs: The inputs of the pipeline's nodes.
    """
    if not given:
        return []
    source = Path(loader.conf_source)
    read: set[str] = set()
    for path in [*source.rglob("*.yml"), *source.rglob("*.yaml")]:
        read |= set(_RUNTIME_PARAMETER.findall(path.read_text(encoding="utf-8")))
    others = {name: value for name, value in given.items() if name not in read}
    read |= {name.removeprefix("params:") for name in inputs if is_parameter(name)}
    return list(_misspelt(others, parameters_of(loader), effective, known=read))


def _misspelt(
    given: Mapping[str, Any],
    configured: Mapping[str, Any],
    effective: Any,
    prefix: str = "",
    known: Iterable[str] = (),
) -> Iterator[str]:
    """Yield a warning for each new key that is near a configured one."""
    left = effective if isinstance(effective, Mapping) else {}
    names = sorted({*known, *(f"{prefix}{key}" for key in configured)})
    for key, value in given.items():
        name = f"{prefix}{key}"
        below = configured.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping) and below:
            yield from _misspelt(value, below, left.get(key), f"{name}.", known)
        elif key not in configured and key in left and name not in known:
            for near in get_close_matches(name, names, n=1, cutoff=_NEAR):
                yield (
                    f"The configuration has no parameter {name!r}: did you mean {near!r}? The run "
                    f"goes on with {name!r}, which a hook or a node may read."
                )


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
    return found | {_strip_transcoding(name) for name in found}


def parameters_of(loader: Any) -> dict[str, Any]:
    """Return the project's parameters; none where it has no such file."""
    try:
        return dict(loader["parameters"])
    except MissingConfigException:
        return {}


def _namespaces(pipeline: Pipeline) -> set[str]:
    """Return the namespaces of nodes, and those around them."""
    found = (node.namespace.split(".") for node in pipeline.nodes if node.namespace)
    return {".".join(parts[: i + 1]) for parts in found for i in range(len(parts))}
