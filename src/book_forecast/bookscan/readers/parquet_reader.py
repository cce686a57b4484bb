"""Reader of Parquet exports of any column types."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from book_forecast.bookscan.cell_hashes import MOST_COLUMNS, hash_rows
from book_forecast.bookscan.columns import (
    NUMBERS,
    DuplicateColumnError,
    Header,
    MissingColumnsError,
    find_header,
)
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.readers.refusals import refuse_columns, refuse_duplicate
from book_forecast.bookscan.rows import CHUNK_ROWS, Layout, RawRows, to_text
from book_forecast.storage.errors import UserError

_MOST_ROWS = 1_000_000_000
_BUFFER_BYTES = 1 << 20
_SAMPLE_ROWS = 10
_LONGEST_CELL = 100


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
        # The buffer streams a row group, which may be the whole file.
        with pq.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
            yield from _read(file, name, hints)
    except pa.ArrowMemoryError:
        raise
    except pa.ArrowException as error:
        raise _damaged(name, error) from error
    except OSError as error:  # pyarrow's for a broken page
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> UserError:
    reason = str(error).partition("\n")[0][:200]
    return UserError(
        f"{name} cannot be read as Parquet ({reason}). It may be damaged or only half copied: "
        "write or copy it again, or remove it from the folder."
    )


def _read(file: pq.ParquetFile, name: str, hints: ExportHints) -> Iterator[RawRows]:
    if file.metadata.num_rows > _MOST_ROWS:
        raise UserError(
            f"{name} cannot be used: it has {file.metadata.num_rows:,} rows, and at most "
            f"{_MOST_ROWS:,} are read. Split it, or remove it from the folder."
        )
    header = _find_header(file, name, hints)
    names = file.schema_arrow.names
    layout = Layout(
        file=name, format="parquet", headings=header.headings, passed_over=header.passed_over
    )
    others = _others(file.schema_arrow, header)
    wanted = [names[at] for at in header.positions.values()]
    empty = [_no_rows(file.schema_arrow)] * (not file.metadata.num_rows)
    first_row = 2
    for batch in chain(file.iter_batches(CHUNK_ROWS, columns=[*wanted, *others]), empty):
        cells = pa.Table.from_batches([batch])
        columns = {column: cells[names[at]] for column, at in header.positions.items()}
        table = pa.table({column: to_text(values) for column, values in columns.items()})
        numbers = {
            column: numbers
            for column in NUMBERS
            if column in columns and (numbers := _numbers(columns[column])) is not None
        }
        rows = np.arange(first_row, first_row + cells.num_rows)
        hashes = hash_rows([to_text(cells[other]) for other in others])
        yield RawRows(layout, rows, table, numbers, hashes)
        first_row += cells.num_rows


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)


def _find_header(file: pq.ParquetFile, name: str, hints: ExportHints) -> Header:
    names = file.schema_arrow.names
    try:
        return find_header([names], hints.columns)
    except DuplicateColumnError as error:
        raise refuse_duplicate(name, error) from error
    except MissingColumnsError as error:
        first = next(file.iter_batches(_SAMPLE_ROWS), _no_rows(file.schema_arrow))
        below = [
            ["" if cell is None else str(cell)[:_LONGEST_CELL] for cell in row]
            for row in zip(*(column.to_pylist() for column in first.columns), strict=True)
        ]
        raise refuse_columns(name, error, [names, *below], hints.columns) from error


def _others(schema: pa.Schema, header: Header) -> list[str]:
    """Return the columns that are passed over and have a simple type."""
    return [
        field.name
        for at, field in enumerate(schema)
        if at in header.others and _is_simple(field.type) and schema.names.count(field.name) == 1
    ][:MOST_COLUMNS]


def _is_simple(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_simple(kind.value_type)
    return not (
        pa.types.is_nested(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def _numbers(column: pa.ChunkedArray) -> np.ndarray | None:
    """Return the numbers of a column of numbers; None for another one."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        return None
    # Integers beyond 2^53 are rounded; they are no sales.
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
