"""The folder of sales exports as one catalog entry."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.readers.csv_reader import read_csv
from book_forecast.bookscan.readers.limited import LimitedReader
from book_forecast.bookscan.rows import RawRows
from book_forecast.datasets.archives import open_member, unpack, unpack_gzip
from book_forecast.datasets.export_files import ExportFile, check_regular, find_exports
from book_forecast.datasets.export_kinds import SHOWN
from book_forecast.datasets.inputs import InputDataset
from book_forecast.storage.errors import UserError

_WHAT_TO_DO = (
    f"Put exports ({SHOWN}) there, or name another data root with "
    "--params data_root=<folder>; its exports are in 01_raw/sales."
)
_Reader = Callable[[Path, str, ExportHints], Iterator[RawRows]]


class Exports:
    """The exports in a folder, its subfolders and archives, in order of name."""

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
        self._found: dict[str, ExportFile] = {}
        limited = LimitedReader()
        self._readers: dict[str, _Reader] = {
            "text": read_csv,
            "gzip": read_csv,
            "workbook": limited.read_workbook,
            "parquet": limited.read_parquet,
        }

    def files(self) -> list[str]:
        """Find the exports, and return their names in order of reading.

        Raises:
            UserError: The folder does not exist, has no export, or has a file in an unreadable
                format, such as .numbers.
        """
        try:
            found = find_exports(self._fs, self._folder, self._shown_folder)
        except (FileNotFoundError, NotADirectoryError):
            raise UserError(
                f"There is no folder {self._shown_folder} to read sales from. {_WHAT_TO_DO}"
            ) from None
        if not found:
            raise UserError(f"There is no export in {self._shown_folder}. {_WHAT_TO_DO}")
        self._found = {file.name: file for file in found}
        return list(self._found)

    def read(self, file: str, hints: ExportHints) -> Iterator[RawRows]:
        """Read an export in parts; one without rows has an empty part.

        Args:
            file: One of `files`.
            hints: What the user says about it.

        Raises:
            UserError: It cannot be read, or changes meanwhile.
        """
        if file not in self._found:
            self.files()
        export = self._found[file]
        try:
            with self._local(export) as path:
                yield from self._readers[export.kind](path, file, hints)
        except OSError as error:
            raise UserError(
                f"{file} in {self._shown_folder} cannot be read ({error}). Check its permissions, "
                "copy it again, or remove it from the folder."
            ) from error

    @contextmanager
    def _local(self, export: ExportFile) -> Iterator[Path]:
        """Make an export a local file of plain content."""
        is_local = isinstance(self._fs, LocalFileSystem)
        if is_local:
            check_regular(export.path, export.name)
        before = _state(export.path) if is_local else None
        with tempfile.TemporaryDirectory(prefix="book_forecast_") as folder:
            try:
                yield self._plain(export, Path(folder), is_local)
            finally:
                # This is what is wrong, whatever else the reader found.
                if is_local and _state(export.path) != before:
                    raise UserError(
                        f"{export.name} changed while it was read. Wait until it is whole, and run"
                        " again."
                    )

    def _plain(self, export: ExportFile, folder: Path, is_local: bool) -> Path:
        name = export.name.lower()
        # The readers look at the ending.
        plain = folder / f"plain{Path(name.removesuffix('.gz')).suffix}"
        packed = folder / "packed" if export.kind == "gzip" else plain
        if export.member:
            with (
                self._fs.open(export.path, "rb") as archive,
                open_member(archive, export.member, export.name) as content,
            ):
                unpack(content, packed, self._fs.size(export.path), export.name)
        elif is_local:
            packed = Path(export.path)
        else:
            self._fs.get_file(export.path, str(packed))
        if export.kind == "gzip":
            unpack_gzip(packed, plain, export.name)
            return plain
        return packed


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


def _state(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
