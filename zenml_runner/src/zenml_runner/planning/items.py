"""Counts what a run works on: the measure of `--shards auto` and of the sizes of machines."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sized
from threading import Thread
from typing import TYPE_CHECKING, Any

from kedro.io.core import is_parameter
from kedro.pipeline import Pipeline

from zenml_runner.errors import RunnerError, refuse_unknown
from zenml_runner.kedro_project.pipelines import dataset_names
from zenml_runner.plan import Counted
from zenml_runner.settings.zenml_yml import Items, ZenmlSettings

if TYPE_CHECKING:
    from zenml_runner.kedro_project.execution import Execution

logger = logging.getLogger(__name__)

AUTO = "auto"
ANSWERS_WITHIN = 20


def count_items(execution: Execution, requested: int | str) -> Counted | None:
    """Count the items of a run, if the number of shards or a machine depends on it.

    Args:
        execution: A loaded execution.
        requested: Number of shards, or "auto".

    Returns:
        The first of `items.count` that can be counted; None if there is none.

    Raises:
        RunnerError: If `items.count` names a parameter or dataset that does not exist.
    """
    settings = execution.settings
    sources = [source for source in settings.items.count if source not in (None, "")]
    _refuse_unknown_sources(sources, execution)
    if requested != AUTO and not _has_sizes(settings, execution.pipeline):
        return None
    for source in sources:
        if (number := _count(source, execution)) is not None:
            return Counted(items=number, source=str(source))
    return None


def shards_of(requested: int | str, items: Items, counted: Counted | None) -> int:
    """Return the number of shards.

    Args:
        requested: The number, or "auto".
        items: How shards are measured.
        counted: The items of the run.

    Raises:
        RunnerError: If the number depends on items that cannot be counted.
    """
    if isinstance(requested, int):
        return requested
    if items.per_shard is None:
        raise RunnerError("--shards auto needs per_shard, the items of a shard, in zenml.yml.")
    if counted is None:
        tried = ", ".join(str(source) for source in items.count if source)
        raise RunnerError(
            "--shards auto: there is nothing to count yet under items.count in zenml.yml "
            f"({tried or 'it is empty'}). Give the number of shards, or first run the pipeline "
            "that writes what is counted."
        )
    return max(1, min(items.max_shards, -(-counted.items // items.per_shard)))


def _has_sizes(settings: ZenmlSettings, pipeline: Pipeline) -> bool:
    """Return whether the machine of one of the nodes depends on the number of items."""
    given = [settings.steps.default]
    for node in pipeline.nodes:
        given += [own for tag, own in settings.steps.tags.items() if tag in node.tags]
        given += [own for name, own in settings.steps.nodes.items() if name == node.name]
    return any(own.sizes for own in given)


def _refuse_unknown_sources(sources: list[Any], execution: Execution) -> None:
    datasets = dataset_names(execution.registered.values())
    for source in sources:
        if is_number(source):
            continue
        if is_parameter(source):
            parameters = {name for name in execution.catalog if is_parameter(name)}
            refuse_unknown("parameter", [source], parameters | set(_names(execution.parameters)))
        else:
            refuse_unknown("dataset", [source], datasets | set(execution.catalog))


def is_number(source: int | str) -> bool:
    """Return whether a source of items is the number itself; variables are texts of digits."""
    return isinstance(source, int) or source.isdecimal()


def _names(parameters: Mapping[str, Any], prefix: str = "params:") -> list[str]:
    """Return the names of all parameters and groups, as nodes write them."""
    found = ["parameters"]
    for key, value in parameters.items():
        found.append(f"{prefix}{key}")
        if isinstance(value, Mapping):
            found += _names(value, f"{prefix}{key}.")
    return found


def _count(source: int | str, execution: Execution) -> int | None:
    """Count a source; a dataset that cannot be read is a warning."""
    if is_number(source):
        return int(source)
    name = str(source)
    if is_parameter(name):
        value: Any = execution.parameters
        for key in name.removeprefix("params:").split("."):
            value = value[key]
        return _size(value)
    found: list[int | None] = []

    def load() -> None:
        try:
            if execution.catalog.exists(name):
                # The catalog's own `load` writes the log line of a node.
                found.append(_size(execution.catalog.get(name).load()))
            else:
                found.append(None)
        except Exception as error:  # noqa: BLE001 - the machine is the largest then
            reason = " ".join(str(error).split())[-100:]
            logger.warning("The items of %s cannot be counted: %s", name, reason)
            found.append(None)

    # A bucket without a network is asked again and again, for a minute.
    worker = Thread(target=load, daemon=True)
    worker.start()
    worker.join(ANSWERS_WITHIN)
    if not found:
        logger.warning("The items of %s are not counted: no answer in %d s", name, ANSWERS_WITHIN)
    return found[0] if found else None


def _size(value: Any) -> int | None:
    """Return a number, or the length of a collection; a text is neither."""
    if isinstance(value, bool | str | bytes):
        return None
    if isinstance(value, int):
        return value
    return len(value) if isinstance(value, Sized) else None
