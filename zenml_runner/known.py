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
_READ_AT_RUN_TIME = re.compile(r"runtime_params:\s*(\w+)")


def refuse_unknown_env(loader: Any, env: str | None) -> None:
    """Refuse an environment that has no folder.

    Args:
        loader: The project's configuration loader.
        env: As it was asked for.

    Raises:
        RunnerError: With the nearest one.
    """
    source = Path(loader.conf_source)
    if env and source.is_dir() and not (source / env).is_dir():
        known = [folder.name for folder in source.iterdir() if folder.is_dir()]
        refuse_unknown("environment", [env], known, where=f"in {source}")


def refuse_unknown_params(given: Mapping[str, Any], loader: Any) -> None:
    """Refuse run-time parameters that nothing reads.

    Args:
        given: The parameters, nested where their names have dots.
        loader: A configuration loader without them.

    Raises:
        RunnerError: If neither parameters nor other configuration have such a name.
    """
    if not given:
        return
    configured = parameters_of(loader)
    source = Path(loader.conf_source)
    read: set[str] = set()
    for path in [*source.rglob("*.yml"), *source.rglob("*.yaml")]:
        read |= set(_READ_AT_RUN_TIME.findall(path.read_text(encoding="utf-8")))
    refuse_unknown("parameter", given, {*configured, *read})
    for name in given.keys() - read:
        _refuse_unknown_below(name, given[name], configured[name])


def _refuse_unknown_below(name: str, given: Any, configured: Any) -> None:
    """Refuse new names in a group of parameters; a group that is empty may be filled."""
    if not isinstance(given, Mapping) or not isinstance(configured, Mapping) or not configured:
        return
    prefixed = {f"{name}.{key}": key for key in configured}
    refuse_unknown("parameter", [f"{name}.{key}" for key in given], prefixed)
    for key, value in given.items():
        _refuse_unknown_below(f"{name}.{key}", value, configured[key])


def refuse_unknown_parts(run: RunSpec, pipeline: Pipeline) -> None:
    """Refuse a slice by what the pipeline does not have.

    Args:
        run: With the slice.
        pipeline: The whole of it.

    Raises:
        RunnerError: With the nearest name.
    """
    chosen = run.slice
    tags = {tag for node in pipeline.nodes for tag in node.tags}
    for kind, given, known in (
        ("node", chosen.nodes + chosen.from_nodes + chosen.to_nodes, _names(pipeline)),
        ("tag", chosen.tags, tags),
        ("dataset", chosen.from_inputs + chosen.to_outputs, datasets_of([pipeline])),
        ("namespace", chosen.namespaces, _namespaces(pipeline)),
    ):
        refuse_unknown(kind, given, known, where=f"in the pipeline {run.pipeline}")


def datasets_of(pipelines: Iterable[Pipeline]) -> set[str]:
    """Names of datasets; one with two ways to read it may be named with either, or with none."""
    found = {name for pipeline in pipelines for name in pipeline.datasets()}
    return found | {_strip_transcoding(name) for name in found}


def parameters_of(loader: Any) -> dict[str, Any]:
    """The project's parameters; none where it has no such file."""
    try:
        return dict(loader["parameters"])
    except MissingConfigException:
        return {}


def _names(pipeline: Pipeline) -> set[str]:
    return {node.name for node in pipeline.nodes}


def _namespaces(pipeline: Pipeline) -> set[str]:
    """Those of nodes, and those around them."""
    found = (node.namespace.split(".") for node in pipeline.nodes if node.namespace)
    return {".".join(parts[: i + 1]) for parts in found for i in range(len(parts))}
