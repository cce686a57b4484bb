"""What the nodes of a step have read and written: its place, its fingerprint and its look."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence, Sized
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, Self

from kedro.framework.hooks import hook_impl
from kedro.io import AbstractVersionedDataset, CatalogProtocol, DatasetError
from kedro.io.core import is_parameter
from kedro.pipeline.node import Node

from zenml_runner.kedro_project.private import (
    filesystem_of,
    is_ephemeral,
    load_path_of,
    path_of,
    protocol_of,
    unwrap,
    without_transcoding,
)
from zenml_runner.redaction import public
from zenml_runner.settings.sections import ArtifactSettings, Section, Shows
from zenml_runner.views.look import view_of
from zenml_runner.views.values import numbers_of
from zenml_runner.views.view import View

logger = logging.getLogger(__name__)

# The fingerprint of a larger folder covers its first files and their number.
MAX_FILES = 2000
# ZenML stores 64 KB under a key.
MAX_ENTRIES = 100


class DatasetEntry(Section):
    """A dataset that a step has read or written.

    Attributes:
        uri: Location with the version; None for data in memory and datasets without a path.
        rows: Rows of a table, or items of another collection.
        bytes: Size of all its files.
        fingerprint: Hash of the files' names, sizes, and modification times or ETags.
        in_memory: True for data in memory only; None for others.
    """

    uri: str | None = None
    rows: int | None = None
    bytes: int | None = None
    fingerprint: str | None = None
    in_memory: bool | None = None


class StepLineage(Section):
    """The datasets that a step has read and written, by name."""

    read: dict[str, DatasetEntry] = {}
    written: dict[str, DatasetEntry] = {}

    def metadata(self) -> dict[str, Any]:
        """Return metadata for a ZenML step; ZenML drops a key with too many entries."""
        found = {}
        for kind, entries in self.model_dump(exclude_none=True).items():
            items = iter(entries.items())
            number = 1
            while part := dict(islice(items, MAX_ENTRIES)):
                found[kind if number == 1 else f"{kind}_{number}"] = part
                number += 1
        return found

    @classmethod
    def of_metadata(cls, metadata: Mapping[str, Any]) -> Self:
        """Return the lineage in the metadata of a ZenML step."""
        parts: dict[str, dict[str, Any]] = {"read": {}, "written": {}}
        for key, entries in metadata.items():
            kind, _, number = key.partition("_")
            if kind in parts and (number.isdigit() or not number):
                parts[kind] |= entries
        return cls.model_validate(parts)


class LineageRecorder:
    """A Kedro hook that records what nodes load and save, and which node fails."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Remove all records."""
        self.failed: str | None = None
        self._read: dict[str, int | None] = {}
        self._written: dict[str, int | None] = {}

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Record what a node has read; parameters are part of the run itself."""
        if not is_parameter(dataset_name):
            self._read[dataset_name] = _rows(data)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Record what a node has written; a generator node writes piece by piece."""
        rows, before = _rows(data), self._written.get(dataset_name)
        pieces = [count for count in (before, rows) if count is not None]
        self._written[dataset_name] = sum(pieces) if pieces else None

    @hook_impl
    def on_node_error(self, node: Node) -> None:
        """Record which node has failed."""
        self.failed = node.name

    def lineage(self, catalog: CatalogProtocol[Any, Any]) -> StepLineage:
        """Return the records with current locations and sizes."""
        return StepLineage(
            read={name: describe(catalog, name, rows) for name, rows in self._read.items()},
            written={name: describe(catalog, name, rows) for name, rows in self._written.items()},
        )


def describe(
    catalog: CatalogProtocol[Any, Any], name: str, rows: int | None = None
) -> DatasetEntry:
    """Return the location of a dataset and a fingerprint of its files.

    Args:
        catalog: The catalog.
        name: Of the dataset.
        rows: Its number of rows, if known.
    """
    dataset = unwrap(catalog.get(name))
    path = _path(dataset)
    if path is None:
        return DatasetEntry(rows=rows, in_memory=is_ephemeral(dataset) or None)
    protocol = protocol_of(dataset) or "file"
    uri = path if protocol == "file" else public(f"{protocol}://{path}")
    filesystem = filesystem_of(dataset)
    if filesystem is None:
        return DatasetEntry(uri=uri, rows=rows)
    try:
        size, fingerprint = _measure(filesystem, path)
    except FileNotFoundError:
        return DatasetEntry(uri=uri, rows=rows)
    except Exception as error:  # noqa: BLE001 - a missing fingerprint must not fail nodes that have run
        logger.warning("Lineage: %s cannot be read (%s)", uri, error)
        return DatasetEntry(uri=uri, rows=rows)
    return DatasetEntry(uri=uri, rows=rows, bytes=size, fingerprint=fingerprint)


def _path(dataset: Any) -> str | None:
    path = path_of(dataset)
    if path is None:
        return None
    if isinstance(dataset, AbstractVersionedDataset):
        try:
            path = load_path_of(dataset)
        except DatasetError:
            logger.debug("%s has no version yet", path)
    return str(path)


def _measure(filesystem: Any, path: str) -> tuple[int, str]:
    """Return size and fingerprint of a file, or of all files of a folder."""
    filesystem.invalidate_cache(path)
    details = filesystem.info(path)
    files = [details]
    if details["type"] == "directory":
        found = filesystem.find(path, detail=True)
        files = [found[name] for name in sorted(found)]
    digest = hashlib.blake2b(str(len(files)).encode(), digest_size=16)
    for file in files[:MAX_FILES]:
        marks = (file.get(key) for key in ("etag", "md5Hash", "ETag", "mtime", "updated"))
        mark = next((value for value in marks if value), None)
        digest.update(f"{file['name']}\0{file['size']}\0{mark}\0".encode())
    return sum(file["size"] for file in files), digest.hexdigest()


def _rows(data: Any) -> int | None:
    if isinstance(data, str | bytes) or not isinstance(data, Sized):
        return None
    return len(data)


class SavedData:
    """A Kedro hook that looks at saved data; an error of it is a warning.

    Attributes:
        parameters: That nodes have read, by name.
        types: Module and class of what was loaded or saved, by dataset.
        views: By dataset; of a node that saves piece by piece, the first piece.
        numbers: Metrics of the run's model, by dataset.
    """

    def __init__(self) -> None:
        self._catalog: Any = None
        self.clear(Shows(artifacts=ArtifactSettings(enabled=False)))

    def clear(self, shows: Shows) -> None:
        """Forget all data.

        Args:
            shows: What is shown from now on.
        """
        self._shows = shows
        self.parameters: dict[str, Any] = {}
        self.types: dict[str, tuple[str, str]] = {}
        self.views: dict[str, View] = {}
        self.numbers: dict[str, dict[str, float]] = {}

    @hook_impl
    def after_catalog_created(self, catalog: Any) -> None:
        """Remember the catalog, which knows whether data are in memory only."""
        self._catalog = catalog

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Record the type of data, and what parameters are."""
        if is_parameter(dataset_name):
            self.parameters[dataset_name.removeprefix("params:")] = data
        else:
            self._record_type(dataset_name, data)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Record type, view and numbers of data that stay."""
        if not self._shows.artifacts.enabled or is_ephemeral(self._dataset(dataset_name)):
            return
        self._record_type(dataset_name, data)
        try:
            if self._is_metric(dataset_name):
                self.numbers[dataset_name] = numbers_of(data)
            if dataset_name not in self.views and self._is_shown(dataset_name):
                view = view_of(data, self._shows.artifacts.rows)
                if view is not None:
                    self.views[dataset_name] = view
        except Exception as error:  # noqa: BLE001 - a picture must not fail a node that has run
            reason = str(error).partition("\n")[0][:100]
            logger.warning("%s has no visualisation (%s)", dataset_name, reason)

    def _dataset(self, name: str) -> Any:
        return unwrap(self._catalog.get(name))

    def _record_type(self, name: str, data: Any) -> None:
        self.types[name] = (type(data).__module__, type(data).__qualname__)

    def _is_shown(self, name: str) -> bool:
        """Return whether contents may leave the catalog; kedro-viz asks with `preview: false`."""
        settings = self._shows.artifacts
        if settings.rows == 0 or matches(name, settings.hide):
            return False
        metadata = getattr(self._dataset(name), "metadata", None)
        of_viz = metadata.get("kedro-viz") if isinstance(metadata, dict) else None
        return not (isinstance(of_viz, dict) and of_viz.get("preview") is False)

    def _is_metric(self, name: str) -> bool:
        model = self._shows.model
        if model is None:
            return False
        if model.metrics is not None:
            return matches(name, model.metrics)
        kind = type(self._dataset(name)).__name__
        return "metric" in kind.lower() or "metrics" in name.rpartition(".")[2].lower()


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Return whether a dataset's name has a pattern, with or without its transcoding."""
    names = (name, without_transcoding(name))
    return any(fnmatchcase(one, pattern) for one in names for pattern in patterns)
