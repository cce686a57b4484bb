"""Reading Parquet exports of any column types."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from book_forecast.bookscan.columns import DoubledColumnError, MissingColumnsError, find_header
from book_forecast.bookscan.rows import CHUNK_ROWS, RawRows, to_text
from book_forecast.storage.errors import UserError


def read_parquet(path: Path, name: str) -> Iterator[RawRows]:
    """Read a Parquet export a stretch at a time.

    Args:
        path: The local file.
        name: How to name it in messages and in the rows.

    Yields:
        The rows; the first is row 2, as in the other formats, where the header is row 1.

    Raises:
        UserError: It is damaged, lacks a needed column, or a column holds lists or the like.
    """
    try:
        with pq.ParquetFile(path) as file:
            yield from _read(file, name)
    except MissingColumnsError as error:
        raise UserError(
            f"{name} cannot be used: {error}. Write it with the columns ISBN, Volume, and End Date "
            "or Interval, or take it out of the folder."
        ) from error
    except pa.ArrowException as error:
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"{name} cannot be read as Parquet ({reason}). It may be damaged or only half copied: "
            "write or copy it again, or take it out of the folder."
        ) from error


def _read(file: pq.ParquetFile, name: str) -> Iterator[RawRows]:
    header = file.schema_arrow.names
    try:
        _, places = find_header([header])
    except DoubledColumnError as error:
        raise UserError(f"{name} cannot be used: {error}. Remove or rename one.") from error
    first_row = 2
    for batch in file.iter_batches(CHUNK_ROWS, columns=[header[at] for at in places.values()]):
        table = pa.Table.from_batches([batch])
        columns = {column: to_text(table[header[at]]) for column, at in places.items()}
        rows = np.arange(first_row, first_row + table.num_rows)
        yield RawRows(name, "", rows, pa.table(columns))
        first_row += table.num_rows
