"""Prevents shards from overwriting each other's data.

A plan refuses datasets that each shard would replace. In a run each shard notes what it is going to
write in ZenML's artifact store, then reads the notes of the others: of two shards that write one
file, at least one sees the other's note and fails. The notes also show which parts of a dataset no
shard of this run has written.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io.core import parse_dataset_definition
from kedro.pipeline import Pipeline
from kedro.utils import load_obj

from zenml_runner.errors import RunnerError, refuse_unknown
from zenml_runner.kedro_project import private
from zenml_runner.kedro_project.catalog import configuration_of
from zenml_runner.kedro_project.private import unwrap, without_transcoding
from zenml_runner.plan import RunSpec, StepPlan

logger = logging.getLogger(__name__)

FOLDER = "kedro_shards"
MAX_NAMED = 5


def refuse_overwrites(
    pipeline: Pipeline,
    catalog: Any,
    fanned: frozenset[str],
    in_memory: frozenset[str],
    shared: Iterable[str],
    *,
    remote: bool,
) -> None:
    """Refuse datasets that one shard of a node would overwrite with its own data.

    Args:
        pipeline: The pipeline of the run.
        catalog: Its catalog.
        fanned: Nodes that run in shards.
        in_memory: Datasets that stay in the process of their shard, without transcoding.
        shared: Names or types of datasets that add up what shards write.
        remote: Whether shards run at the same time, on other machines.

    Raises:
        RunnerError: With the node and the dataset.
    """
    for node in pipeline.nodes:
        for name in node.outputs if node.name in fanned else ():
            if name in shared or without_transcoding(name) in in_memory:
                continue
            reason = _overwrites(catalog, name, shared, remote=remote)
            if reason is not None:
                raise RunnerError(
                    f"The node {node.name} runs in shards, but its output {name} {reason}: each "
                    "shard would overwrite the data of the others. Make it a "
                    "partitions.PartitionedDataset without overwrite, with parts named after the "
                    "shard, or take the node out of fan_out. If the dataset's type adds up what "
                    "shards write, list the dataset or its type under fan_out.shared in zenml.yml."
                )


def refuse_unknown_shared(shared: Iterable[str], datasets: Iterable[str]) -> None:
    """Refuse an entry of fan_out.shared that is neither a dataset nor a type.

    Raises:
        RunnerError: With the nearest dataset.
    """
    known = set(datasets)
    for entry in shared:
        if entry not in known and not _is_class(entry):
            refuse_unknown("dataset or type", [entry], known, where="(fan_out.shared)")


def _is_class(path: str) -> bool:
    try:
        return "." in path and isinstance(load_obj(path), type)
    except (ImportError, AttributeError, ValueError):
        return False


def _overwrites(catalog: Any, name: str, shared: Iterable[str], *, remote: bool) -> str | None:
    """Return why a dataset cannot hold what several shards write; None if it can."""
    configuration = configuration_of(catalog, name)
    while isinstance(configuration.get("dataset"), Mapping) and not configuration.get("path"):
        configuration = configuration["dataset"]
    replaces = bool(configuration.get("overwrite"))
    if configuration and not private.is_instantiated(catalog, name):
        kind, _ = parse_dataset_definition(dict(configuration))
    else:
        dataset = unwrap(catalog.get(name, fallback_to_runtime_pattern=True))
        kind, replaces = type(dataset), replaces or private.replaces_partitions(dataset)
    paths = {f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__}
    if paths & set(shared) or str(configuration.get("type")) in shared:
        return None
    if private.has_partitions(kind):
        return "has overwrite: true" if replaces else None
    if _appends(configuration, remote=remote):
        return None
    return f"is one {kind.__name__}"


def _appends(configuration: Mapping[str, Any], *, remote: bool) -> bool:
    """Return whether a dataset appends to what it has; files cannot from several machines."""
    save: Mapping[str, Any] = configuration.get("save_args") or {}
    if save.get("if_exists") == "append":
        return True
    files: Mapping[str, Any] = configuration.get("fs_args") or {}
    opened: Mapping[str, Any] = files.get("open_args_save") or {}
    modes = (save.get("mode"), opened.get("mode"))
    return not remote and any(str(mode).startswith("a") for mode in modes)


class ShardWrites:
    """A Kedro hook for one shard: refuses to write what another shard has written.

    Attributes:
        step: The shard's step.
    """

    def __init__(self, store: Any, run: RunSpec, step: StepPlan, catalog: Any) -> None:
        """Begin anew; a former attempt of the step does not count.

        Args:
            store: ZenML's artifact store.
            run: The run; it has a version, which also its resumed runs have.
            step: The shard's step.
            catalog: The catalog.
        """
        self.step = step
        self._store, self._catalog = store, catalog
        parts = (store.path, FOLDER, run.package, run.pipeline, run.version)
        self._folder = "/".join(str(part).rstrip("/") for part in parts)
        self._own: dict[str, set[str]] = {}

    @hook_impl
    def before_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Note the parts, and compare them with those of other shards.

        Raises:
            RunnerError: If another shard of this run writes one of them.
        """
        dataset = unwrap(self._catalog.get(dataset_name))
        if not isinstance(data, dict) or not private.has_partitions(dataset):
            return
        parts = {private.partition_path(dataset, str(key)) for key in data}
        self._own.setdefault(dataset_name, set()).update(parts)
        self._note(done=False)
        for other in self._notes():
            if other["step"] == self.step.name:
                continue
            theirs = {part for parts_of in other["written"].values() for part in parts_of}
            if both := parts & theirs:
                raise RunnerError(
                    f"{dataset_name}: the shards {other['step']} and {self.step.name} both write "
                    f"{_some(both)}. One would overwrite the other's data: name each part after "
                    "its shard."
                )

    def end(self) -> None:
        """Warn of parts that no shard of this run has written, once all have ended."""
        if not self._own or self.step.shard is None:
            return
        self._note(done=True)
        ended = [n for n in self._notes() if n["done"] and n["nodes"] == list(self.step.nodes)]
        if len(ended) < self.step.shard.count:
            return
        for name in self._own:
            written = {part for note in ended for part in note["written"].get(name, ())}
            dataset = unwrap(self._catalog.get(name))
            found = private.partition_paths(dataset)
            if others := found - written:
                logger.warning(
                    "%s: %d of %d parts are of earlier runs, and are read too: %s",
                    name,
                    len(others),
                    len(found),
                    _some(others),
                )

    def _note(self, *, done: bool) -> None:
        content = {
            "step": self.step.name,
            "nodes": list(self.step.nodes),
            "done": done,
            "written": {name: sorted(parts) for name, parts in self._own.items()},
        }
        self._store.makedirs(self._folder)
        with self._store.open(f"{self._folder}/{self.step.name}.json", "w") as file:
            file.write(json.dumps(content))

    def _notes(self) -> list[dict[str, Any]]:
        found = []
        for name in sorted(str(name) for name in self._store.listdir(self._folder)):
            with self._store.open(f"{self._folder}/{name.rpartition('/')[2]}", "r") as file:
                text = file.read()
            # Another shard may be writing its note at this moment; it reads ours afterwards.
            if text:
                found.append(json.loads(text))
        return found


def _some(paths: Iterable[str]) -> str:
    """Return the first paths, and the number of the others."""
    ordered = sorted(paths)
    more = len(ordered) - MAX_NAMED
    return ", ".join(ordered[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")
