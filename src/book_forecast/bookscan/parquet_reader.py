"""Reader of Parquet exports of any column types."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from book_forecast.bookscan.columns import DuplicateColumnError, MissingColumnsError, find_header
from book_forecast.bookscan.rows import CHUNK_ROWS, RawRows, to_text
from book_forecast.storage.errors import UserError


def read_parquet(path: Path, name: str) -> Iterator[RawRows]:
    """Read a Parquet export in chunks.

    Args:
        path: The local file.
        name: Its name in messages and rows.

    Yields:
        The rows; the first is row 2, as in formats with a header in row 1.

    Raises:
        UserError: The file is damaged, lacks a required column, or has a column of lists.
    """
    try:
        with pq.ParquetFile(path) as file:
            yield from _read(file, name)
    except MissingColumnsError as error:
        raise UserError(
            f"{name} cannot be used: {error}. Write it with the columns ISBN, Volume, and End Date "
            "or Interval, or remove it from the folder."
        ) from error
    except pa.ArrowException as error:
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"{name} cannot be read as Parquet ({reason}). It may be damaged or only half copied: "
            "write or copy it again, or remove it from the folder."
        ) from error


def _read(file: pq.ParquetFile, name: str) -> Iterator[RawRows]:
    header = file.schema_arrow.names
    try:
        _, positions = find_header([header])
    except DuplicateColumnError as error:
        raise UserError(f"{name} cannot be used: {error}. Remove or rename one.") from error
    first_row = 2
    for batch in file.iter_batches(CHUNK_ROWS, columns=[header[at] for at in positions.values()]):
        table = pa.Table.from_batches([batch])
        columns = {column: to_text(table[header[at]]) for column, at in positions.items()}
        rows = np.arange(first_row, first_row + table.num_rows)
        yield RawRows(name, "", rows, pa.table(columns))
        first_row += table.num_rows
