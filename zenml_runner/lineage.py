"""What a step has read and written: names, places, sizes, fingerprints."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sized
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import AbstractVersionedDataset, CatalogProtocol, DatasetError
from kedro.pipeline.node import Node

from zenml_runner.places import inner, protocol_of
from zenml_runner.redaction import public
from zenml_runner.settings import Section

logger = logging.getLogger(__name__)

# Beyond so many files a folder's fingerprint is that of its first ones and of their number.
MOST_FILES = 2000


class Entry(Section):
    """A dataset that a step has read or written.

    Attributes:
        uri: Where it lies, its version included; None for what is in memory or has no path.
        rows: Of tables; items of other collections.
        bytes: On disk, of all files together.
        fingerprint: Changes when the files do. Files count with name, size and the time or the tag
            that their filesystem gives them.
    """

    uri: str | None = None
    rows: int | None = None
    bytes: int | None = None
    fingerprint: str | None = None


class Lineage(Section):
    """What a step has read and written, by dataset."""

    read: dict[str, Entry] = {}
    written: dict[str, Entry] = {}

    def told(self) -> dict[str, Any]:
        """As metadata of a ZenML step; each key costs ZenML some hundredths of a second."""
        return {
            kind: entries for kind, entries in self.model_dump(exclude_none=True).items() if entries
        }


class Recorder:
    """A Kedro hook that notes what nodes load and save.

    Attributes:
        failed: Name of the node that has failed.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget what was noted."""
        self.failed: str | None = None
        self._read: dict[str, int | None] = {}
        self._written: dict[str, int | None] = {}

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Note what a node has read; parameters stand in the run itself."""
        if dataset_name != "parameters" and not dataset_name.startswith("params:"):
            self._read[dataset_name] = _rows(data)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Note what a node has written; a generator node writes piece by piece."""
        rows, before = _rows(data), self._written.get(dataset_name)
        pieces = [count for count in (before, rows) if count is not None]
        self._written[dataset_name] = sum(pieces) if pieces else None

    @hook_impl
    def on_node_error(self, node: Node) -> None:
        """Note which node has failed."""
        self.failed = node.name

    def lineage(self, catalog: CatalogProtocol[Any, Any]) -> Lineage:
        """What was noted, with where it lies and how large it is now."""
        return Lineage(
            read={name: describe(catalog, name, rows) for name, rows in self._read.items()},
            written={name: describe(catalog, name, rows) for name, rows in self._written.items()},
        )


def describe(catalog: CatalogProtocol[Any, Any], name: str, rows: int | None = None) -> Entry:
    """Where a dataset lies, and a fingerprint of its files.

    Args:
        catalog: The catalog.
        name: The dataset.
        rows: How many rows it has, as far as that is known.
    """
    dataset = inner(catalog.get(name))
    path = _path(dataset)
    if path is None:
        return Entry(rows=rows)
    protocol = protocol_of(dataset) or "file"
    uri = path if protocol == "file" else public(f"{protocol}://{path}")
    filesystem = getattr(dataset, "_fs", None) or getattr(dataset, "_filesystem", None)
    if filesystem is None:
        return Entry(uri=uri, rows=rows)
    try:
        size, fingerprint = _measure(filesystem, path)
    except FileNotFoundError:
        return Entry(uri=uri, rows=rows)
    except Exception as error:  # noqa: BLE001 - the nodes have run; a wrong guess costs no result
        logger.warning("Lineage: %s cannot be looked at (%s)", uri, error)
        return Entry(uri=uri, rows=rows)
    return Entry(uri=uri, rows=rows, bytes=size, fingerprint=fingerprint)


def _path(dataset: Any) -> str | None:
    path = getattr(dataset, "_filepath", None) or getattr(dataset, "_path", None)
    if path is None:
        return None
    if isinstance(dataset, AbstractVersionedDataset):
        try:
            path = dataset._get_load_path()
        except DatasetError:
            logger.debug("%s has no version yet", path)
    return str(path)


def _measure(filesystem: Any, path: str) -> tuple[int, str]:
    """Size and fingerprint of a file, or of all files of a folder."""
    filesystem.invalidate_cache(path)
    details = filesystem.info(path)
    files = [details]
    if details["type"] == "directory":
        found = filesystem.find(path, detail=True)
        files = [found[name] for name in sorted(found)]
    digest = hashlib.blake2b(str(len(files)).encode(), digest_size=16)
    for file in files[:MOST_FILES]:
        told = (file.get(key) for key in ("etag", "md5Hash", "ETag", "mtime", "updated"))
        mark = next((value for value in told if value), None)
        digest.update(f"{file['name']}\0{file['size']}\0{mark}\0".encode())
    return sum(file["size"] for file in files), digest.hexdigest()


def _rows(data: Any) -> int | None:
    if isinstance(data, str | bytes) or not isinstance(data, Sized):
        return None
    return len(data)
