"""Optional tables that users write by hand, as CSV files."""

import csv
import io
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.io import DatasetError

from book_forecast.datasets.export_kinds import NO_TABLE_BY_HAND
from book_forecast.datasets.inputs import InputDataset, list_folder
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

_WHAT_TO_DO = "Save it as “CSV UTF-8”, or remove it from the folder."


class UnreadableTableError(UserError, DatasetError):
    """A file is not a table with the required columns."""


class CsvTableDataset(InputDataset[pd.DataFrame]):
    """A CSV file, or every CSV file in a folder, as text; no rows if there is neither.

    The first row of a file is its header, commas separate cells, the encoding is UTF-8. Columns
    are found by name in any case and order; other columns are ignored.

    Example:
        ```yaml
        promotion_plan:
          type: book_forecast.datasets.CsvTableDataset
          filepath: "${_root}/01_raw/promotions"
          columns: [isbn, week, depth]
        ```
    """

    def __init__(
        self,
        *,
        filepath: str,
        columns: Sequence[str],
        optional: Sequence[str] = (),
        credentials: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Set the location (see `InputDataset`), and the columns that a file must and may have."""
        super().__init__(filepath=filepath, credentials=credentials, metadata=metadata)
        self._columns, self._optional = list(columns), list(optional)

    def load(self) -> pd.DataFrame:
        """Read all files in order of their names.

        Returns:
            The rows that are not blank, all columns `str` except `row`: file (with the name of its
            folder, if the dataset is a folder); row (the header is row 1); the dataset's columns;
            and surplus, the cells beyond the header's last column.

        Raises:
            UnreadableTableError: A file cannot be read, is no CSV, or lacks one of the columns.
        """
        self._fs.invalidate_cache(self._path)
        found = [row for name, path in self._find() for row in self._read(name, path)]
        names = ["file", "row", *self._columns, *self._optional, "surplus"]
        frame = pd.DataFrame(found, columns=names)
        return frame.astype(dict.fromkeys(names, "str") | {"row": "int64"})

    def _find(self) -> list[tuple[str, str]]:
        """Return names and paths of the files."""
        if not self._fs.exists(self._path):
            return []
        folder = Path(self._path).name
        if self._fs.isfile(self._path):
            return [(folder, self._path)]
        found: list[tuple[str, str]] = []
        for name, path, is_folder in list_folder(self._fs, self._path):
            suffix = Path(name).suffix.lower()
            if suffix == ".csv" and not is_folder:
                found.append((f"{folder}/{name}", path))
            elif suffix in NO_TABLE_BY_HAND:
                raise UnreadableTableError(
                    f"{name} in {self._filepath} cannot be read: only .csv files are. {_WHAT_TO_DO}"
                )
            else:
                logger.warning("Ignored %s in %s: it is no .csv file", name, self._filepath)
        return found

    def _read(self, name: str, path: str) -> Iterator[list[Any]]:
        records = csv.reader(io.StringIO(self._text(name, path), newline=""), strict=True)
        row = 0
        try:
            header = next(records, [])
            positions = self._positions(name, header)
            for row, cells in enumerate(records, start=2):
                surplus = ",".join(cells[len(header) :]).strip(", ")
                padded = cells + [""] * (len(header) - len(cells))
                if surplus or any(cell.strip() for cell in cells):
                    yield [
                        name,
                        row,
                        *("" if place is None else padded[place].strip() for place in positions),
                        surplus,
                    ]
        except csv.Error as error:
            raise UnreadableTableError(
                f"{name} cannot be read beyond row {max(row, 1)} ({error}). Look there for a "
                "quotation mark that is not closed, or save the file again."
            ) from error

    def _text(self, name: str, path: str) -> str:
        try:
            content: bytes = self._fs.cat_file(path)
        except OSError as error:
            raise UnreadableTableError(
                f"{name} cannot be read ({error}). Check its permissions, or copy it again."
            ) from error
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            row = content[: error.start].count(b"\n") + 1
            raise UnreadableTableError(
                f"{name} is not text in UTF-8 (row {row}). {_WHAT_TO_DO}"
            ) from error
        if "\0" in text:
            raise UnreadableTableError(f"{name} is no text. {_WHAT_TO_DO}")
        return text

    def _positions(self, name: str, header: Sequence[str]) -> list[int | None]:
        """Return the position of each column in a file's header; None for one that it may lack."""
        names = [cell.strip().casefold() for cell in header]
        needed = ",".join(self._columns)
        for column in (*self._columns, *self._optional):
            if names.count(column) == 1 or (column in self._optional and column not in names):
                continue
            problem = "two columns" if column in names else "no column"
            semicolons = " Separate its cells by commas." if ";" in "".join(header) else ""
            raise UnreadableTableError(
                f"{name} cannot be used: it has {problem} {column} in its first row, which must "
                f"be a header with {needed}.{semicolons} Correct it, or remove the file."
            )
        return [
            names.index(column) if column in names else None
            for column in (*self._columns, *self._optional)
        ]

    def _describe(self) -> dict[str, Any]:
        return super()._describe() | {"columns": self._columns, "optional": self._optional}
