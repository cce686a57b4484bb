"""Bounds of what a payload may take, so that a damaged or hostile one costs its reader no memory.

Like `contents`, this module imports nothing else of the project: MLflow stores a copy of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .manifest import LONGEST_HORIZON, PROBABILITIES, PayloadError

LONGEST_NAME = 1000
"""Characters of a title, an author or another name; longer ones are cut when they are written."""
_TEXTS_A_TITLE = 1 << 20
"""Bytes of a title's model, specification and explanation, on average."""
_TEXTS = 1 << 24
"""Bytes of texts beside those."""
_JSON = {"specification", "state", "members", "regressors"}
_FLOAT = 4
_COPIES = 4
"""How often a table is in memory while it is read: as bytes, decoded, joined, and shared."""


def check_texts(path: Path, file: pq.ParquetFile) -> None:
    """Refuse a table that says that its texts are beyond all measure, before it is read.

    Raises:
        PayloadError: If they are; names the table and the bound.
    """
    described = file.metadata
    size = sum(
        described.row_group(group).column(column).total_uncompressed_size
        for group in range(described.num_row_groups)
        for column in range(described.num_columns)
        if described.schema.column(column).physical_type == "BYTE_ARRAY"
    )
    most = _TEXTS + _TEXTS_A_TITLE * described.num_rows
    if size > most:
        raise PayloadError(
            f"{path} has {size >> 20} MB of texts in {described.num_rows} rows: at most "
            f"{most >> 20} MB are read."
        )


def check_names(path: Path, table: pa.Table) -> None:
    """Refuse names that are longer than those that are written.

    Raises:
        PayloadError: If there is one; names the column.
    """
    for name in _names_of(table.schema):
        longest = pc.max(pc.utf8_length(table[name])).as_py() or 0
        if longest > LONGEST_NAME:
            raise PayloadError(
                f"{path} has a {name} of {longest} characters: at most {LONGEST_NAME} are read."
            )


def with_short_names(table: pa.Table) -> pa.Table:
    """Cut names that are too long."""
    for name in _names_of(table.schema):
        column = table[name]
        if (pc.max(pc.utf8_length(column)).as_py() or 0) > LONGEST_NAME:
            cut = pc.utf8_slice_codeunits(column, 0, LONGEST_NAME)
            table = table.set_column(table.schema.get_field_index(name), name, cut)
    return table


def memory_of(files: Mapping[str, pq.ParquetFile], content: int) -> int:
    """Return the bytes that reading a payload takes at most, by what its files say of themselves.

    Args:
        files: Its tables by kind, opened.
        content: Bytes of all files.
    """
    declared = sum(
        file.metadata.row_group(group).total_byte_size
        for file in files.values()
        for group in range(file.metadata.num_row_groups)
    )
    rows = files["titles"].metadata.num_rows
    numbers = rows * LONGEST_HORIZON * (len(PROBABILITIES) + 1) * _FLOAT
    return content + _COPIES * (declared + numbers)


def _names_of(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if field.type == pa.string() and field.name not in _JSON]
