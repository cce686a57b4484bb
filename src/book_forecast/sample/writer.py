"""Write the sample as an export: a workbook, CSV or Parquet."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from book_forecast.sample import workbook
from book_forecast.sample.generator import (
    DEFAULT_SEED,
    DEFAULT_TITLES,
    SCHEMA,
    sample_tables,
)
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

Format = Literal["xlsx", "csv", "parquet"]


def write_sample(
    path: Path,
    titles: int | None = None,
    seed: int = DEFAULT_SEED,
    format: Format = "xlsx",  # noqa: A002
) -> Path:
    """Write generated weekly sales; the same arguments give the same bytes.

    The file appears under its name once it is complete: whatever goes wrong, a file that was
    there before stays as it was.

    Args:
        path: File to write; its folder is made.
        titles: Number of titles, the default sample's if None.
        seed: Seed of everything random.
        format: ``xlsx`` is one workbook with a sheet per product class, as exports come; ``csv``
            and ``parquet`` take any number of rows, in one file and little memory.

    Returns:
        The path of the written file.

    Raises:
        UserError: If ``titles`` is below one, the format is unknown or not what the file's name
            ends with, or a sheet of the workbook would get more rows than it can hold.
    """
    titles = DEFAULT_TITLES if titles is None else titles
    if titles < 1:
        raise UserError(f"titles must be at least 1, got {titles}")
    if format not in _WRITERS:
        raise UserError(f"format must be one of {', '.join(_WRITERS)}, got {format!r}")
    path = Path(path)
    if path.suffix.lower() != f".{format}" or path.is_dir():
        # Exports are read by what their names end with.
        raise UserError(
            f"{path} must be a file whose name ends with .{format}, or --format another one"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=".sample-", delete=False) as temporary:
        part = Path(temporary.name)
    try:
        rows = _WRITERS[format](part, titles, seed)
        part.chmod(0o644)
        os.replace(part, path)  # noqa: PTH105
    finally:
        part.unlink(missing_ok=True)
    logger.info("Wrote %d weekly sales of %d generated titles to %s", rows, titles, path)
    return path


def _write_csv(path: Path, titles: int, seed: int) -> int:
    rows = 0
    with pa.csv.CSVWriter(path, SCHEMA) as file:
        for table in sample_tables(titles, seed):
            file.write_table(table)
            rows += table.num_rows
    return rows


def _write_parquet(path: Path, titles: int, seed: int) -> int:
    rows = 0
    with pa.parquet.ParquetWriter(path, SCHEMA, compression="zstd") as file:
        for table in sample_tables(titles, seed):
            file.write_table(table)
            rows += table.num_rows
    return rows


_WRITERS: dict[str, Callable[[Path, int, int], int]] = {
    "xlsx": workbook.write_workbook,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
