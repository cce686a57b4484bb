"""The location of a dataset, as far as the catalog's configuration has it.

Instantiating a dataset on a bucket asks for credentials, which takes a quarter of a minute where
there are none. A plan needs locations only, so it instantiates local datasets alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kedro.io.core import get_protocol_and_path

from zenml_runner.kedro_project.private import is_ephemeral, is_instantiated, protocol_of, unwrap


@dataclass(frozen=True)
class Location:
    """The location of a dataset.

    Attributes:
        in_memory: Whether the data exist only in the process that creates them.
        protocol: The filesystem, such as `file` or `gs`; None for data outside of filesystems.
    """

    in_memory: bool
    protocol: str | None


def location_of(catalog: Any, name: str) -> Location:
    """Return the location of a dataset; a dataset without a catalog entry is in memory.

    The catalog stays as it is: a dataset without an entry is not added.
    """
    if name not in catalog:
        return Location(in_memory=True, protocol=None)
    configuration = {} if is_instantiated(catalog, name) else configuration_of(catalog, name)
    if (protocol := _remote_protocol(configuration)) is not None:
        return Location(in_memory=False, protocol=protocol)
    dataset = unwrap(catalog.get(name))
    return Location(is_ephemeral(dataset), protocol_of(dataset))


def configuration_of(catalog: Any, name: str) -> Mapping[str, Any]:
    """Return a dataset's entry in the catalog's configuration; empty for one that code has added.

    A name that only Kedro's own pattern for data in memory matches has no entry either.
    """
    resolver = catalog.config_resolver
    if name in resolver.config:
        return dict(resolver.config[name])
    if resolver.match_dataset_pattern(name) or resolver.match_user_catch_all_pattern(name):
        return dict(resolver.resolve_pattern(name))
    return {}


def _remote_protocol(configuration: Mapping[str, Any]) -> str | None:
    """Return the filesystem of a configured dataset, unless it is the local one."""
    for key in ("filepath", "path"):
        path = configuration.get(key)
        if isinstance(path, str):
            protocol, _ = get_protocol_and_path(path)
            return protocol if protocol != "file" else None
    wrapped = configuration.get("dataset")
    return _remote_protocol(wrapped) if isinstance(wrapped, Mapping) else None
