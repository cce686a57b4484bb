"""The catalog's entry for checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Never

from kedro.io.core import AbstractDataset, DatasetError, get_protocol_and_path

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.storage.cache import cache_folder


class CheckpointFolderDataset(AbstractDataset[Never, CheckpointFolder]):
    """A folder of checkpoints on a local disk, also where the data are not local.

    Checkpoints are appended to and locked, which object stores cannot do. If ``filepath`` is on
    one, the folder is in the user's cache, named by a hash of it.

    Example:
        ```yaml
        checkpoints:
          type: book_forecast.datasets.CheckpointFolderDataset
          filepath: "${_root}/06_models/checkpoints"
          metadata: {kedro-viz: {layer: models}}
        ```
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Choose the folder.

        Args:
            filepath: Location of the folder among the data.
            metadata: Not used here; kedro-viz reads it.
        """
        protocol, path = get_protocol_and_path(filepath)
        self._filepath = Path(path) if protocol == "file" else cache_folder("checkpoints", filepath)
        self.metadata = metadata

    def load(self) -> CheckpointFolder:
        """Return the folder; nothing is read or created yet."""
        return CheckpointFolder(self._filepath)

    def save(self, data: Never) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: results are written through the folder.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("CheckpointFolderDataset is an input only")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
