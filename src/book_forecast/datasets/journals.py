"""The catalog's entry for Optuna's journals."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any, Never

from kedro.io.core import AbstractDataset, DatasetError, get_protocol_and_path

from book_forecast.journals import JournalFolder


class JournalFolderDataset(AbstractDataset[Never, JournalFolder]):
    """A folder of journals on a local disk, also where the data are not.

    A journal is appended to and locked, which object stores cannot do. If ``filepath`` is on one,
    the journals go to a folder of the user's cache that is named by a hash of it.

    Example:
        ```yaml
        journals:
          type: book_forecast.datasets.JournalFolderDataset
          filepath: "${_root}/06_models/journals"
          metadata: {kedro-viz: {layer: models}}
        ```
    """

    def __init__(
        self,
        *,
        filepath: str,
        local_root: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Choose the folder.

        Args:
            filepath: Where the journals belong among the data.
            local_root: Where they go if that is not a local path; the user's cache if not given.
            metadata: Not used here; kedro-viz reads it.
        """
        protocol, path = get_protocol_and_path(filepath)
        self._filepath = Path(path) if protocol == "file" else _stand_in(filepath, local_root)
        self.metadata = metadata

    def load(self) -> JournalFolder:
        """Return the folder; nothing is read or made yet."""
        return JournalFolder(self._filepath)

    def save(self, data: Never) -> None:  # noqa: ARG002
        """Refuse: journals are written through the folder's storages."""
        raise DatasetError(f"{type(self).__name__} is an input only")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


def _stand_in(remote: str, local_root: str | None) -> Path:
    name = hashlib.blake2b(remote.rstrip("/").encode(), digest_size=8).hexdigest()
    if local_root is not None:
        return Path(local_root) / name
    home = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    cache = Path(home) / "book_forecast" / "journals"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        if os.access(cache, os.W_OK):
            return cache / name
    except OSError:
        # A container's user may have no home; what a retry cannot find there it computes again.
        pass
    return Path(tempfile.gettempdir()) / f"book_forecast-{os.getuid()}" / "journals" / name
