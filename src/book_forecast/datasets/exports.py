"""The folder of sales exports as one catalog entry."""

import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from book_forecast.bookscan.csv_reader import read_csv
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.parquet_reader import read_parquet
from book_forecast.bookscan.rows import RawRows
from book_forecast.bookscan.workbook_reader import read_workbook
from book_forecast.datasets.inputs import InputDataset, list_folder
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

_READERS: dict[str, Callable[[Path, str, ExportHints], Iterator[RawRows]]] = {
    ".csv": read_csv,
    ".xlsx": read_workbook,
    ".parquet": read_parquet,
}
UNREADABLE = {
    *(".xls", ".xlsm", ".xlsb", ".ods", ".numbers"),
    *(".tsv", ".feather", ".zip", ".gz", ".7z", ".bz2", ".xz"),
}
"""Formats that may hold sales; ignoring such a file would lose a delivery silently."""
_WHAT_TO_DO = (
    "Put exports (.csv, .xlsx or .parquet) there, or name another data root with "
    "--params data_root=<folder>; its exports are in 01_raw/sales."
)


class Exports:
    """The exports in a folder, in order of name."""

    def __init__(self, fs: AbstractFileSystem, folder: str, shown_folder: str) -> None:
        """Set the folder; nothing is read yet.

        Args:
            fs: The filesystem of the folder.
            folder: The folder on it.
            shown_folder: The folder in messages.
        """
        self._fs = fs
        self._folder = folder
        self._shown_folder = shown_folder

    def files(self) -> list[str]:
        """Return the names of the exports, in order of reading."""
        return [Path(path).name for path in self.find()]

    def read(self, file: str, hints: ExportHints) -> Iterator[RawRows]:
        """Read an export in parts; one without rows has an empty part.

        Args:
            file: One of `files`.
            hints: What the user says about it.
        """
        return self._read(f"{self._folder.rstrip('/')}/{file}", hints)

    def find(self) -> list[str]:
        """List the exports, sorted by name.

        Hidden files and the lock files of spreadsheet programs are ignored; a warning names other
        files and folders.

        Returns:
            Paths on the filesystem.

        Raises:
            UserError: The folder does not exist, has no export, or has one in an unreadable
                format, such as .xls.
        """
        try:
            entries = list(list_folder(self._fs, self._folder))
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(
                f"There is no folder {self._shown_folder} to read sales from. {_WHAT_TO_DO}"
            ) from None
        found: list[str] = []
        ignored: list[str] = []
        for name, path, is_folder in entries:
            suffix = Path(name).suffix.lower()
            if is_folder:
                ignored.append(f"{name}/")
            elif suffix in _READERS:
                found.append(path)
            elif suffix in UNREADABLE:
                raise UserError(
                    f"{name} in {self._shown_folder} cannot be read: a {suffix} file is no export. "
                    "Save it as .csv or .xlsx, or remove it from the folder."
                )
            else:
                ignored.append(name)
        if ignored:
            logger.warning(
                "Ignored in %s, because only .csv, .xlsx and .parquet files are read: %s",
                self._shown_folder,
                ", ".join(ignored),
            )
        if not found:
            raise UserError(f"There is no export in {self._shown_folder}. {_WHAT_TO_DO}")
        return found

    def _read(self, path: str, hints: ExportHints) -> Iterator[RawRows]:
        name = Path(path).name
        read = _READERS[Path(name).suffix.lower()]
        try:
            if isinstance(self._fs, LocalFileSystem):
                yield from read(Path(path), name, hints)
                return
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder, name)
                self._fs.get_file(path, str(copy))
                yield from read(copy, name, hints)
        except OSError as error:
            raise UserError(
                f"{name} in {self._shown_folder} cannot be read ({error}). Check its permissions, "
                "copy it again, or remove it from the folder."
            ) from error


class ExportsDataset(InputDataset[Exports]):
    """Every sales export in a folder, local or in the cloud.

    Example:
        ```yaml
        sales_exports:
          type: book_forecast.datasets.ExportsDataset
          filepath: "${_root}/01_raw/sales/"
        ```
    """

    def load(self) -> Exports:
        """Return the exports, which are read file by file."""
        return Exports(self._fs, self._path, self._filepath)
