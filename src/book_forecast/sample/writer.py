"""Write the sample as an export: a workbook, CSV or Parquet."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, Literal

from fsspec.implementations.local import LocalFileSystem
from pyarrow.csv import CSVWriter
from pyarrow.parquet import ParquetWriter

from book_forecast.sample import workbook
from book_forecast.sample.generator import (
    DEFAULT_SEED,
    DEFAULT_TITLES,
    SCHEMA,
    sample_tables,
)
from book_forecast.storage.errors import UserError
from book_forecast.storage.files import replacing

logger = logging.getLogger(__name__)

Format = Literal["xlsx", "csv", "parquet"]


def write_sample(
    path: Path,
    titles: int | None = None,
    seed: int = DEFAULT_SEED,
    format: Format = "xlsx",  # noqa: A002
) -> Path:
    """Write generated weekly sales; the same arguments give the same bytes.

    A failure leaves an existing file unchanged.

    Args:
        path: File to write, and its folder if need be.
        titles: Number of titles, that of the default sample if None.
        seed: Seed of all random draws.
        format: ``xlsx`` is one workbook with a sheet per product class, like real exports; ``csv``
            and ``parquet`` take any number of rows, in one file and little memory.

    Returns:
        The path of the written file.

    Raises:
        UserError: ``titles`` is below one, the format is unknown or not the file's suffix, or a
            sheet of the workbook would get too many rows.
    """
    titles = DEFAULT_TITLES if titles is None else titles
    if titles < 1:
        raise UserError(f"titles must be at least 1, got {titles}")
    if format not in _WRITERS:
        raise UserError(f"format must be one of {', '.join(_WRITERS)}, got {format!r}")
    path = Path(path)
    if path.suffix.lower() != f".{format}" or path.is_dir():
        raise UserError(
            f"{path} must be a file with a name that ends with .{format}, or --format another one"
        )
    with replacing(LocalFileSystem(), str(path)) as file:
        rows = _WRITERS[format](file, titles, seed)
    logger.info("Wrote %d weekly sales of %d generated titles to %s", rows, titles, path)
    return path


def _write_tables(writer: Any, titles: int, seed: int) -> int:
    rows = 0
    with writer:
        for table in sample_tables(titles, seed):
            writer.write_table(table)
            rows += table.num_rows
    return rows


def _write_csv(file: IO[bytes], titles: int, seed: int) -> int:
    return _write_tables(CSVWriter(file, SCHEMA), titles, seed)


def _write_parquet(file: IO[bytes], titles: int, seed: int) -> int:
    return _write_tables(ParquetWriter(file, SCHEMA, compression="zstd"), titles, seed)


_WRITERS: dict[str, Callable[[IO[bytes], int, int], int]] = {
    "xlsx": workbook.write_workbook,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
