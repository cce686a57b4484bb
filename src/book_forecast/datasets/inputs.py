"""The base of datasets that are inputs only."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, Never, TypeVar

import fsspec
from fsspec import AbstractFileSystem
from kedro.io.core import AbstractDataset, DatasetError, get_protocol_and_path

T = TypeVar("T")
_QUICKLY_READ = 64 * 2**20
# Seconds after which a file's times tell its next change.
_SETTLED = 2.0
# Each node of a run asks for the files behind its inputs.
_DIGESTS: dict[str, tuple[tuple[int, ...], str]] = {}


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

    def listing(self) -> dict[str, str]:
        """Return what identifies the content of each file, by its path in the folder.

        That is the ETag or checksum of an object, and the digest of a local file; for a file above
        64 MB, size and time of the last change.
        """
        self._fs.invalidate_cache(self._path)
        root = self._path.rstrip("/")
        try:
            found = self._fs.find(root, detail=True)
        except FileNotFoundError:
            return {}
        names = {path: path.removeprefix(root).lstrip("/") for path in found}
        return {
            name: _stamp(path, found[path])
            for path, name in sorted(names.items())
            if not any(part.startswith((".", "~")) for part in name.split("/"))
        }

    @property
    def shown_folder(self) -> str:
        """The folder in messages, from its layer on."""
        return "/".join(Path(self._path).parts[-2:])

    def _exists(self) -> bool:
        return bool(self._fs.exists(self._path))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


def _stamp(path: str, entry: Mapping[str, Any]) -> str:
    for key in ("etag", "ETag", "md5Hash", "crc32c"):
        if entry.get(key):
            return f"{entry['size']} {entry[key]}"
    with suppress(OSError):
        file = Path(path).stat()
        # A pipe would never end.
        if stat.S_ISREG(file.st_mode) and file.st_size <= _QUICKLY_READ:
            return _digest_of(path, file)
    return f"{entry['size']} {entry.get('mtime', entry.get('updated', ''))}"


def _digest_of(path: str, file: os.stat_result) -> str:
    """Return the digest of a file, which is read once for each state of it."""
    state = (file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns, file.st_ctime_ns)
    known = _DIGESTS.get(path)
    if known is not None and known[0] == state:
        return known[1]
    digest = hashlib.blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()
    # A second change within a tick of the clock leaves the same times.
    if time.time() - max(file.st_mtime, file.st_ctime) > _SETTLED:
        _DIGESTS[path] = (state, digest)
    return digest


def list_folder(fs: AbstractFileSystem, folder: str) -> Iterator[tuple[str, str, bool]]:
    """Yield name, path and whether it is a folder of each visible entry, sorted by name."""
    fs.invalidate_cache(folder)
    for entry in sorted(fs.ls(folder, detail=True), key=lambda entry: entry["name"]):
        path = entry["name"].rstrip("/")
        name = Path(path).name
        # Object stores list a folder's own placeholder among its files.
        if not name.startswith((".", "~")) and path != folder.rstrip("/"):
            yield name, path, entry["type"] == "directory"
