"""Where a dataset lies, as far as the catalog's configuration tells it.

Making a dataset of a bucket asks for credentials, which takes a quarter of a minute where there are
none. A plan needs to know where data lie, not what they are: so those elsewhere are not made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kedro.io import AbstractDataset
from kedro.io.core import get_protocol_and_path

_PATHS = ("filepath", "path")


@dataclass(frozen=True)
class Place:
    """Where a dataset lies.

    Attributes:
        in_memory: Whether it exists only in the process that makes it.
        protocol: The filesystem, such as `file` or `gs`; None for what lies on none.
    """

    in_memory: bool
    protocol: str | None


def place_of(catalog: Any, name: str) -> Place:
    """Where a dataset lies.

    Args:
        catalog: The catalog.
        name: The dataset; what the catalog does not know is in memory.
    """
    protocol = _elsewhere(_configuration(catalog, name))
    if protocol is not None:
        return Place(in_memory=False, protocol=protocol)
    dataset = inner(catalog.get(name, fallback_to_runtime_pattern=True))
    return Place(bool(getattr(dataset, "_EPHEMERAL", False)), protocol_of(dataset))


def inner(dataset: Any) -> Any:
    """The dataset in a wrapper such as Kedro's `CachedDataset`."""
    while isinstance(wrapped := getattr(dataset, "_dataset", None), AbstractDataset):
        dataset = wrapped
    return dataset


def protocol_of(dataset: Any) -> str | None:
    """The filesystem of a dataset, such as `file` or `gs`; None for what lies on none."""
    protocol = getattr(inner(dataset), "_protocol", None)
    return protocol if isinstance(protocol, str) else None


def _configuration(catalog: Any, name: str) -> Mapping[str, Any]:
    """Of a dataset that is not made yet; empty for the others."""
    if name in catalog._datasets or name not in catalog:
        return {}
    found: Mapping[str, Any] = catalog.config_resolver.resolve_pattern(name)
    return found


def _elsewhere(configuration: Mapping[str, Any]) -> str | None:
    """The filesystem of a configured dataset, if it is not the local one."""
    for key in _PATHS:
        path = configuration.get(key)
        if isinstance(path, str):
            protocol, _ = get_protocol_and_path(path)
            return protocol if protocol != "file" else None
    wrapped = configuration.get("dataset")
    return _elsewhere(wrapped) if isinstance(wrapped, Mapping) else None
