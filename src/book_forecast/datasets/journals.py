"""The catalog's entries for what a run that was stopped goes on from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Generic, Never, TypeVar

from kedro.io.core import AbstractDataset, DatasetError, get_protocol_and_path

from book_forecast.execution.checkpoints import KeepFolder
from book_forecast.execution.journals import JournalFolder
from book_forecast.storage.cache import cache_folder

Folder = TypeVar("Folder", JournalFolder, KeepFolder)


class LocalFolderDataset(AbstractDataset[Never, Folder], Generic[Folder]):
    """A folder on a local disk, also where the data are not.

    What is in it is appended to and locked, which object stores cannot do. If ``filepath`` is on
    one, the folder is one of the user's cache that is named by a hash of it.
    """

    _kind: ClassVar[type]

    def __init__(
        self,
        *,
        filepath: str,
        local_root: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Choose the folder.

        Args:
            filepath: Where the folder belongs among the data.
            local_root: Where it goes if that is not a local path; the user's cache if not given.
            metadata: Not used here; kedro-viz reads it.
        """
        protocol, path = get_protocol_and_path(filepath)
        if protocol == "file":
            self._filepath = Path(path)
        else:
            stand_in = cache_folder("journals", filepath)
            self._filepath = Path(local_root) / stand_in.name if local_root else stand_in
        self.metadata = metadata

    def load(self) -> Folder:
        """Return the folder; nothing is read or made yet."""
        folder: Folder = self._kind(self._filepath)
        return folder

    def save(self, data: Never) -> None:  # noqa: ARG002
        """Refuse: what is in the folder is written through it."""
        raise DatasetError(f"{type(self).__name__} is an input only")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


class JournalFolderDataset(LocalFolderDataset[JournalFolder]):
    """A folder of Optuna's journals.

    Example:
        ```yaml
        journals:
          type: book_forecast.datasets.JournalFolderDataset
          filepath: "${_root}/06_models/journals"
          metadata: {kedro-viz: {layer: models}}
        ```
    """

    _kind = JournalFolder


class KeepFolderDataset(LocalFolderDataset[KeepFolder]):
    """A folder of finished results of single titles.

    Example:
        ```yaml
        finished_titles:
          type: book_forecast.datasets.KeepFolderDataset
          filepath: "${_root}/06_models/journals"
          metadata: {kedro-viz: {layer: models}}
        ```
    """

    _kind = KeepFolder
