"""Refuses names on the command line that the project does not have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kedro.config import MissingConfigException
from kedro.pipeline import Pipeline
from kedro.pipeline.transcoding import _strip_transcoding

from zenml_runner.errors import refuse_unknown
from zenml_runner.plan import RunSpec

# ${runtime_params:name, default} anywhere in the configuration.
_RUNTIME_PARAMETER = re.compile(r"runtime_params:\s*(\w+)")


def refuse_unknown_env(loader: Any, env: str | None) -> None:
    """Refuse an environment that has no folder in the project's configuration.

    Raises:
        RunnerError: With the nearest environment.
    """
    source = Path(loader.conf_source)
    if env and source.is_dir() and not (source / env).is_dir():
        known = [folder.name for folder in source.iterdir() if folder.is_dir()]
        refuse_unknown("environment", [env], known, where=f"in {source}")


def refuse_unknown_params(
    given: Mapping[str, Any], loader: Any, effective: Mapping[str, Any]
) -> None:
    """Refuse runtime parameters that neither the configuration nor the project's hooks use.

    A hook may accept other names than the configuration has: it moves their values, or refuses
    them itself. A name that it leaves in place is unknown to the project.

    Args:
        given: The runtime parameters, nested where their names have dots.
        loader: A configuration loader without them.
        effective: The parameters with them, after the hook `after_context_created`.

    Raises:
        RunnerError: With the nearest name.
    """
    if not given:
        return
    source = Path(loader.conf_source)
    read: set[str] = set()
    for path in [*source.rglob("*.yml"), *source.rglob("*.yaml")]:
        read |= set(_RUNTIME_PARAMETER.findall(path.read_text(encoding="utf-8")))
    others = {name: value for name, value in given.items() if name not in read}
    _refuse_unknown_keys(others, parameters_of(loader), effective, known=read)


def _refuse_unknown_keys(
    given: Mapping[str, Any],
    configured: Mapping[str, Any],
    effective: Any,
    prefix: str = "",
    known: Iterable[str] = (),
) -> None:
    """Refuse new keys in a group of parameters; an empty group may be filled."""
    left = effective if isinstance(effective, Mapping) else {}
    checked = [f"{prefix}{key}" for key in given if key in configured or key in left]
    refuse_unknown("parameter", checked, {*known, *(f"{prefix}{key}" for key in configured)})
    for key, value in given.items():
        below = configured.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping) and below:
            _refuse_unknown_keys(value, below, left.get(key), f"{prefix}{key}.")


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
