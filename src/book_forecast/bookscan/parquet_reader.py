"""Reader of Parquet exports of any column types."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from book_forecast.bookscan.columns import (
    NUMBERS,
    DuplicateColumnError,
    MissingColumnsError,
    find_header,
)
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.rows import CHUNK_ROWS, Layout, RawRows, to_text
from book_forecast.storage.errors import UserError


def read_parquet(path: Path, name: str, hints: ExportHints) -> Iterator[RawRows]:
    """Read a Parquet export in chunks.

    Args:
        path: The local file.
        name: Its name in messages and rows.
        hints: Columns that the user names.

    Yields:
        The rows; the first is row 2, as in formats with a header in row 1. An empty part where
        there are none.

    Raises:
        UserError: The file is damaged, lacks a required column, or has a column of lists.
    """
    try:
        with pq.ParquetFile(path) as file:
            yield from _read(file, name, hints)
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


def _read(file: pq.ParquetFile, name: str, hints: ExportHints) -> Iterator[RawRows]:
    names = file.schema_arrow.names
    try:
        header = find_header([names], hints.columns)
    except DuplicateColumnError as error:
        raise UserError(f"{name} cannot be used: {error}. Remove or rename one.") from error
    layout = Layout(
        file=name, format="parquet", headings=header.headings, passed_over=header.passed_over
    )
    first_row = 2
    wanted = [names[at] for at in header.positions.values()]
    empty = [pa.RecordBatch.from_pylist([], schema=file.schema_arrow)] * (
        not file.metadata.num_rows
    )
    for batch in chain(file.iter_batches(CHUNK_ROWS, columns=wanted), empty):
        table = pa.Table.from_batches([batch])
        columns = {column: to_text(table[names[at]]) for column, at in header.positions.items()}
        numbers = {
            column: _numbers(table[names[header.positions[column]]])
            for column in NUMBERS
            if column in columns and _is_number(table[names[header.positions[column]]].type)
        }
        rows = np.arange(first_row, first_row + table.num_rows)
        yield RawRows(layout, rows, pa.table(columns), numbers)
        first_row += table.num_rows


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
