"""Every private part of Kedro and of its datasets that the adapter uses, each with its reason.

`tests/kedro_project/test_private.py` fails by the name of a part that a new Kedro has changed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from kedro.io import AbstractDataset, AbstractVersionedDataset
from kedro.io.core import Version
from kedro.pipeline import Pipeline
from kedro.pipeline.transcoding import _strip_transcoding
from kedro.runner import SequentialRunner


def without_transcoding(name: str) -> str:
    """Return a dataset's name without `@format`: Kedro ties nodes together by this name."""
    return _strip_transcoding(name)


def hook_manager(session: Any) -> Any:
    """Return a session's hooks: its `run` alone calls them, for a pipeline as a whole."""
    return session._hook_manager


def config_loader(session: Any, *arguments: Any) -> Any:
    """Return a session's configuration loader: a plan needs it before there is a context."""
    return session._get_config_loader(*arguments)


def validate_only(context: Any, pipelines: Iterable[str]) -> None:
    """Let Kedro validate the parameters of some pipelines, as the session's `run` does.

    Kedro before 1.6 validates none.
    """
    context._pipelines_to_validate = list(pipelines)


def create_catalog(
    context: Any, kind: type[Any], save_version: str | None, load_versions: Mapping[str, str]
) -> Any:
    """Return a context's catalog: the public property has no versions."""
    return context._get_catalog(
        catalog_class=kind, save_version=save_version, load_versions=dict(load_versions)
    )


def parameter_inputs(context: Any) -> dict[str, Any]:
    """Return the values of `parameters` and `params:…` from a context's current configuration.

    Kedro builds them when it creates a catalog only; a shard has values of its own.
    """
    # From 1.6 on Kedro caches the parameters after it has validated them.
    if hasattr(context, "_validated_params_cache"):
        context._validated_params_cache = None
    found: dict[str, Any] = context._get_parameters()
    return found


def missing_outputs(pipeline: Pipeline, catalog: Any) -> Pipeline:
    """Return the nodes whose outputs are missing: a runner filters a pipeline just before it runs.

    The plan has to know them before.
    """
    return StepRunner()._filter_pipeline_for_missing_outputs(pipeline, catalog)


class StepRunner(SequentialRunner):
    """Kedro's own runner; the command itself says how to resume after an error."""

    @property
    def _logger(self) -> logging.Logger:
        return logging.getLogger("kedro.runner.sequential_runner")

    def _suggest_resume_scenario(self, *args: Any, **options: Any) -> None:
        pass


def is_instantiated(catalog: Any, name: str) -> bool:
    """Return whether a catalog holds a dataset itself, and not its configuration alone.

    Asking the catalog for the dataset would instantiate it, and with it a client of its bucket.
    """
    return name in catalog._datasets


def is_ephemeral(dataset: Any) -> bool:
    """Return whether a dataset's data exist in this process only; Kedro's parallel runner asks."""
    return bool(getattr(dataset, "_EPHEMERAL", False))


def unwrap(dataset: Any) -> Any:
    """Return the dataset inside a wrapper such as Kedro's `CachedDataset`, which has no path."""
    while isinstance(wrapped := getattr(dataset, "_dataset", None), AbstractDataset):
        dataset = wrapped
    return dataset


def protocol_of(dataset: Any) -> str | None:
    """Return the filesystem of a dataset; None for data outside of filesystems."""
    protocol = getattr(unwrap(dataset), "_protocol", None)
    return protocol if isinstance(protocol, str) else None


def path_of(dataset: Any) -> Any:
    """Return the path of a dataset without its version; None where it has none."""
    return getattr(dataset, "_filepath", None) or getattr(dataset, "_path", None)


def load_path_of(dataset: AbstractVersionedDataset[Any, Any]) -> Any:
    """Return the path of the version that a dataset would load.

    Raises:
        DatasetError: If it has no version yet.
    """
    return dataset._get_load_path()


def filesystem_of(dataset: Any) -> Any:
    """Return the fsspec filesystem of a dataset, which has its credentials; None without one."""
    return getattr(dataset, "_fs", None) or getattr(dataset, "_filesystem", None)


def pin_version(dataset: Any, version: str) -> None:
    """Let a versioned dataset load a version, if that exists and none was requested.

    A catalog takes versions when it is created, before the plan knows who writes what.
    """
    if not isinstance(dataset, AbstractVersionedDataset) or dataset._version is None:
        return
    path = str(dataset._get_versioned_path(version))
    if dataset._version.load is None and dataset._exists_function(path):
        dataset._version = Version(version, dataset._version.save)


def replaces_partitions(dataset: Any) -> bool:
    """Return whether a partitioned dataset deletes its parts when it saves new ones."""
    return bool(getattr(dataset, "_overwrite", False))


def has_partitions(thing: Any) -> bool:
    """Return whether a dataset or type is partitioned; a project may have a type of its own."""
    return hasattr(thing, "_partition_to_path")


def partition_path(dataset: Any, partition: str) -> str:
    """Return the path of a part, which two shards must not both write."""
    return str(dataset._partition_to_path(partition))


def partition_paths(dataset: Any) -> set[str]:
    """Return the paths of all parts that exist; the public `load` would read them."""
    dataset._invalidate_caches()
    return {str(path) for path in dataset._list_partitions()}
