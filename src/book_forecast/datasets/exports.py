"""The folder of sales exports as one catalog entry."""

import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Never

import fsspec
import numpy as np
import pyarrow as pa
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem
from kedro.io import AbstractDataset, DatasetError
from kedro.io.core import get_protocol_and_path

from book_forecast.bookscan.csv_reader import read_csv
from book_forecast.bookscan.parquet_reader import read_parquet
from book_forecast.bookscan.rows import RawRows
from book_forecast.bookscan.workbook_reader import read_workbook
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

_READERS: dict[str, Callable[[Path, str], Iterator[RawRows]]] = {
    ".csv": read_csv,
    ".xlsx": read_workbook,
    ".parquet": read_parquet,
}
UNREADABLE = {
    *(".xls", ".xlsm", ".xlsb", ".ods", ".numbers"),
    *(".tsv", ".feather", ".zip", ".gz", ".7z", ".bz2", ".xz"),
}
"""Files like these may hold sales: passing over them would drop a delivery without a word."""
_WHAT_TO_DO = (
    "Put exports (.csv, .xlsx or .parquet) there, or name another place with "
    "--params data_root=<folder>, whose exports are in 01_raw/sales."
)


class Exports:
    """The raw rows of every export in a folder, read as they are asked for.

    Iterating yields the files in the order of their names; iterating again reads them again.
    """

    def __init__(self, fs: AbstractFileSystem, folder: str, shown_folder: str) -> None:
        """Note where the exports are; nothing is read yet.

        Args:
            fs: The filesystem of the folder.
            folder: The folder on it.
            shown_folder: The folder as users know it, for messages.
        """
        self._fs = fs
        self._folder = folder
        self._shown_folder = shown_folder

    def __iter__(self) -> Iterator[RawRows]:
        for path in self.find():
            read = False
            for raw in self._read(path):
                read = True
                yield raw
            if not read:  # only a header; whoever counts files must still hear of it
                yield RawRows(Path(path).name, "", np.empty(0, np.int64), pa.table({}))

    def find(self) -> list[str]:
        """List the exports, sorted by name.

        Hidden files and the lock files of spreadsheet programs are passed over; other files and
        folders are named in a warning.

        Returns:
            Paths on the filesystem.

        Raises:
            UserError: The folder is not there, holds no export, or holds one in a format that
                cannot be read, such as .xls.
        """
        self._fs.invalidate_cache(self._folder)
        try:
            entries = self._fs.ls(self._folder, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(
                f"There is no folder {self._shown_folder} to read sales from. {_WHAT_TO_DO}"
            ) from None
        found: dict[str, str] = {}
        passed_over: list[str] = []
        for entry in entries:
            path = entry["name"].rstrip("/")
            name = Path(path).name
            # Object stores list a folder's own placeholder among its files.
            if name.startswith((".", "~")) or path == self._folder.rstrip("/"):
                continue
            suffix = Path(name).suffix.lower()
            if entry["type"] == "directory":
                passed_over.append(f"{name}/")
            elif suffix in _READERS:
                found[name] = path
            elif suffix in UNREADABLE:
                raise UserError(
                    f"{name} in {self._shown_folder} cannot be read: a {suffix} file is no export. "
                    "Save it as .csv or .xlsx, or take it out of the folder."
                )
            else:
                passed_over.append(name)
        if passed_over:
            logger.warning(
                "Passed over in %s, because only .csv, .xlsx and .parquet files are read: %s",
                self._shown_folder,
                ", ".join(sorted(passed_over)),
            )
        if not found:
            raise UserError(f"There is no export in {self._shown_folder}. {_WHAT_TO_DO}")
        return [found[name] for name in sorted(found)]

    def _read(self, path: str) -> Iterator[RawRows]:
        name = Path(path).name
        read = _READERS[Path(name).suffix.lower()]
        try:
            if isinstance(self._fs, LocalFileSystem):
                yield from read(Path(path), name)
                return
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder, name)
                self._fs.get_file(path, str(copy))
                yield from read(copy, name)
        except OSError as error:
            raise UserError(
                f"{name} in {self._shown_folder} cannot be read ({error}). Look at its permissions "
                "and whether it is whole: copy it again, or take it out of the folder."
            ) from error


class ExportsDataset(AbstractDataset[Never, Exports]):
    """Every sales export in a folder, local or in the cloud.

    Example:
        sales_exports:
          type: book_forecast.datasets.ExportsDataset
          filepath: data/01_raw/sales/
    """

    def __init__(
        self,
        *,
        filepath: str,
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Note where the exports are.

        Args:
            filepath: The folder, with a protocol such as ``gs://`` where it is not local.
            credentials: What the filesystem needs to log in.
            metadata: For plugins; not used here.
        """
        protocol, self._folder = get_protocol_and_path(filepath)
        self._filepath = filepath
        self._fs = fsspec.filesystem(protocol, **(credentials or {}))
        self.metadata = metadata

    def load(self) -> Exports:
        """Return the exports; the files are read while one iterates over them."""
        return Exports(self._fs, self._folder, self._filepath)

    def save(self, data: Never) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: exports come from outside."""
        raise DatasetError("ExportsDataset only reads; exports come from outside the project.")

    def _exists(self) -> bool:
        return bool(self._fs.exists(self._folder))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}
