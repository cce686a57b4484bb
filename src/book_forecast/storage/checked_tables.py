"""Parquet files in which every bit that is read has a checksum.

Parquet has checksums of pages, which hold the values. Names, types, the number of rows and what
pandas writes beside a table have none: this module adds one. It covers the name of the table too,
so that a whole file in the place of another is recognised.
"""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_CHECKSUM = b"book_forecast.checksum"
# The writer's own copy of names and types, which holds the checksum itself.
_NOT_COVERED = (_CHECKSUM, b"ARROW:schema")


class DamagedTableError(ValueError):
    """A table that is not as it was written."""


def is_damage(error: BaseException | None) -> bool:
    """Return whether a file was read, but not as what it should be."""
    import pyarrow as pa

    if isinstance(error, OSError):
        # Errors of a disk or a bucket have a number; those of a content have none.
        return error.errno is None and not isinstance(error, FileNotFoundError)
    # PyArrow looks up what pandas has written beside a table, which may be anything.
    kinds = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)
    return isinstance(error, (*kinds, MemoryError, pa.ArrowException))


def write_frame(
    frame: pd.DataFrame, file: Any, name: str, index: bool | None = None, **options: Any
) -> None:
    """Write a frame as pandas does, with checksums.

    Args:
        frame: Its `attrs` are written too.
        file: A path, or a file that is open for writing.
        name: Of the table, by which it is read again.
        index: Whether the index is written; None writes one that is no range.
        options: More of `pyarrow.parquet.write_table`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=index)
    beside = dict(table.schema.metadata or {})
    if frame.attrs:
        beside[b"PANDAS_ATTRS"] = json.dumps(frame.attrs).encode()
    table = table.replace_schema_metadata(beside)
    # Parquet has no type for some of Arrow's: a file without rows shows what a reader will find.
    without_rows = io.BytesIO()
    pq.write_table(table.slice(0, 0), without_rows)
    without_rows.seek(0)
    checksum = _checksum(name, pq.read_schema(without_rows), table.num_rows)
    table = table.replace_schema_metadata({**beside, _CHECKSUM: checksum})
    pq.write_table(table, file, **{"write_page_checksum": True, **options})


def check_table(file: IO[bytes], name: str) -> None:
    """Check all of a table but its values; readers check those by page.

    Args:
        file: The table, open for reading; afterwards at its start. A frame without a checksum, as
            pandas writes it, is right.
        name: The name that it was written by.

    Raises:
        DamagedTableError: If names, types or size are not those that were written.
        pyarrow.ArrowInvalid: If it is no Parquet file.
    """
    import pyarrow.parquet as pq

    described = pq.ParquetFile(file)
    beside = described.metadata.metadata or {}
    wanted = beside.get(_CHECKSUM)
    if wanted is None and b"pandas" in beside and not _knows_checksums(beside):
        file.seek(0)
        return
    if wanted != _checksum(name, described.schema_arrow, described.metadata.num_rows):
        raise DamagedTableError("it is not the table that was written here")
    file.seek(0)


def _knows_checksums(beside: Mapping[bytes, bytes]) -> bool:
    """Whether a table was written with a checksum, whose own name may be damaged."""
    with suppress(ValueError):
        return _CHECKSUM in base64.b64decode(beside.get(b"ARROW:schema", b""))
    return True


def _checksum(name: str, schema: pa.Schema, rows: int) -> bytes:
    beside = schema.metadata or {}
    parts = [name.encode(), str(schema.remove_metadata()).encode(), str(rows).encode()]
    parts += [key + value for key, value in sorted(beside.items()) if key not in _NOT_COVERED]
    return b"%08x" % zlib.crc32(b"\0".join(parts))
