"""The catalog's entry for Optuna's journals."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Never

from kedro.io.core import AbstractDataset, DatasetError, get_protocol_and_path

from book_forecast.cache import cache_folder
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
        if protocol == "file":
            self._filepath = Path(path)
        else:
            stand_in = cache_folder("journals", filepath)
            self._filepath = Path(local_root) / stand_in.name if local_root else stand_in
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
