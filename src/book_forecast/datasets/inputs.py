"""The base of datasets that are inputs only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, Never, TypeVar

import fsspec
from fsspec import AbstractFileSystem
from kedro.io.core import AbstractDataset, DatasetError, get_protocol_and_path

T = TypeVar("T")


class InputDataset(AbstractDataset[Never, T], Generic[T]):
    """A file or folder that comes from outside the project, local or in the cloud."""

    def __init__(
        self,
        *,
        filepath: str,
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Set the location.

        Args:
            filepath: The file or folder, with a protocol such as ``gs://`` if it is not local.
            credentials: For the filesystem.
            metadata: For plugins; not used here.
        """
        protocol, self._path = get_protocol_and_path(filepath)
        self._filepath = filepath
        self._fs = fsspec.filesystem(protocol, **(credentials or {}))
        self.metadata = metadata

    def save(self, data: Never) -> None:  # noqa: ARG002 - Kedro's signature
        """Raise a `DatasetError`."""
        raise DatasetError(f"{type(self).__name__} only reads: its files are inputs")

    def _exists(self) -> bool:
        return bool(self._fs.exists(self._path))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


def list_folder(fs: AbstractFileSystem, folder: str) -> Iterator[tuple[str, str, bool]]:
    """Yield name, path and whether it is a folder of each visible entry, sorted by name."""
    fs.invalidate_cache(folder)
    for entry in sorted(fs.ls(folder, detail=True), key=lambda entry: entry["name"]):
        path = entry["name"].rstrip("/")
        name = Path(path).name
        # Object stores list a folder's own placeholder among its files.
        if not name.startswith((".", "~")) and path != folder.rstrip("/"):
            yield name, path, entry["type"] == "directory"
