"""Advice on stock, which the pipeline `decide` writes beside the releases."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from typing import Any

import fsspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

MOST_BYTES = 50_000_000
"""Of the file, and five times as many of its tables in memory."""
MOST_ROWS = 500_000
COLUMNS = {
    "isbn": pa.string(),
    "release": pa.string(),
    "last_week": pa.date32(),
    "on_hand": pa.float64(),
    "on_order": pa.float64(),
    "lead_weeks": pa.int64(),
    "demand": pa.float64(),
    "chance_to_run_out": pa.float64(),
    "run_out_week": pa.date32(),
    "cover_weeks": pa.int64(),
    "target": pa.float64(),
    "order": pa.int64(),
    "reason": pa.string(),
}
"""What is read of the table `stock_advice`; other columns are ignored."""


class StockAdvice:
    """Advice on stock by ISBN.

    Attributes:
        last_week: At whose end the stock was counted, as an ISO day; None without any advice.
        release: That the advice was worked out from; None without any advice.
    """

    def __init__(self, table: pa.Table | None = None) -> None:
        """Index a table with `COLUMNS`; None is advice on no title."""
        self._table = table if table is not None else pa.table({n: [] for n in COLUMNS})
        self._columns = {name: self._table[name].to_pylist() for name in COLUMNS}
        self._rows = {isbn: row for row, isbn in enumerate(self._columns["isbn"])}
        self.last_week = str(self._columns["last_week"][0]) if self._rows else None
        self.release: str | None = self._columns["release"][0] if self._rows else None

    def __len__(self) -> int:
        """Return the number of titles."""
        return len(self._rows)

    def of(self, isbn: str) -> dict[str, Any] | None:
        """Return the advice on a title, by the names of `COLUMNS`; None if there is none."""
        row = self._rows.get(isbn)
        return None if row is None else {name: of[row] for name, of in self._columns.items()}

    def values(self, name: str, isbns: Sequence[str]) -> npt.NDArray[Any]:
        """Return a column of numbers or days for titles, NaN or NaT where there is no advice."""
        if not self._rows:
            return np.full(len(isbns), np.nan)
        found = self._table[name].to_numpy()
        is_day = found.dtype.kind == "M"
        found = found.astype("datetime64[D]") if is_day else found.astype(np.float64)
        rows = np.array([self._rows.get(isbn, -1) for isbn in isbns], dtype=np.int64)
        unknown = np.datetime64("NaT") if is_day else np.nan
        return np.where(rows >= 0, found[rows], unknown)


class StockFile:
    """The file with the advice, which is read again when it has changed."""

    def __init__(self, location: str) -> None:
        """Name the file, local or `gs://…`; nothing is read yet."""
        self._location = location
        self._version: object = None

    def read_if_new(self) -> StockAdvice | None:
        """Return the advice if the file is another than at the last call that returned one.

        A file that is not there is advice on no title.

        Raises:
            UserError: If the file is no advice on stock; it is read again when it has changed.
        """
        fs, path = fsspec.core.url_to_fs(self._location)
        fs.invalidate_cache()
        try:
            about = fs.info(path)
        except FileNotFoundError:
            about = {}
        keys = ("size", "mtime", "ino", "etag", "generation", "updated", "md5Hash")
        version = [str(about.get(key)) for key in keys]
        if version == self._version:
            return None
        # A file that cannot be fetched is tried again; one that is refused waits for a change.
        is_small = about.get("size", 0) <= MOST_BYTES
        content = fs.cat_file(path) if about and is_small else b""
        self._version = version
        if not is_small:
            raise self._refusal(f"it has {about['size']:,} bytes, more than {MOST_BYTES:,}")
        return self._parse(content) if about else StockAdvice()

    def _parse(self, content: bytes) -> StockAdvice:
        try:
            file = pq.ParquetFile(io.BytesIO(content))
            missing = [name for name in COLUMNS if name not in file.schema_arrow.names]
            if missing:
                raise self._refusal(f"it has no columns {', '.join(missing)}")
            if file.metadata.num_rows > MOST_ROWS:
                raise self._refusal(f"it has more than {MOST_ROWS:,} rows")
            groups = (file.metadata.row_group(n) for n in range(file.metadata.num_row_groups))
            if sum(group.total_byte_size for group in groups) > 5 * MOST_BYTES:
                raise self._refusal(f"it has more than {5 * MOST_BYTES:,} bytes when unpacked")
            table = file.read(columns=list(COLUMNS), use_threads=False)
            table = table.select(list(COLUMNS)).cast(pa.schema(COLUMNS))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._refusal(f"it is no Parquet file of `decide`: {error}") from None
        if table["isbn"].null_count:
            raise self._refusal("it has rows without an ISBN")
        return StockAdvice(table)

    def _refusal(self, why: str) -> UserError:
        return UserError(
            f"{self._location} cannot be used as advice on stock: {why}. Run `kedro run --pipeline "
            "decide`, which writes it."
        )
