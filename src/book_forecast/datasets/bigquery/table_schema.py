"""The form of a table that is written: a frame's columns beside those that the table has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from book_forecast.storage.errors import UserError

if TYPE_CHECKING:
    from google.cloud.bigquery import SchemaField, Table

_ARROW: Mapping[str, pa.DataType] = {
    "STRING": pa.string(),
    "DATE": pa.date32(),
    "DATETIME": pa.timestamp("us"),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "INTEGER": pa.int64(),
    "FLOAT": pa.float64(),
    "BOOLEAN": pa.bool_(),
}
# The names of the same types in SQL, with which a table may have been created.
_ALIASES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}
_NOT_IN_A_COLUMN = re.compile(r"[^A-Za-z0-9_]")


def to_arrow(frame: pd.DataFrame) -> pa.Table:
    """Convert a frame: days to dates, and names such as ``lo-80`` to ``lo_80``.

    A column without any value has no type and is left out.

    Raises:
        UserError: A column has values that are no column of a table, such as lists.
    """
    columns: dict[str, pa.ChunkedArray] = {}
    for name in frame.columns:
        try:
            column = pa.chunked_array(pa.array(frame[name], from_pandas=True))
            columns[_NOT_IN_A_COLUMN.sub("_", str(name))] = _simple(column)
        except (pa.ArrowException, TypeError, KeyError) as error:
            raise UserError(
                f"Column {name} cannot be written to BigQuery ({str(error)[:200]}). Name the "
                "table's entry without BigQuery, or change the column."
            ) from error
    return pa.table({name: c for name, c in columns.items() if not pa.types.is_null(c.type)})


def fit(table: pa.Table, existing: Table, *, replaces_all: bool) -> pa.Table:
    """Give a table the columns and types of the one that it is written to.

    Args:
        table: The rows.
        existing: What BigQuery has.
        replaces_all: Whether all rows of it are replaced, and not those of one partition.

    Returns:
        The rows; a column that they lack is null.

    Raises:
        UserError: A type does not fit, or a column would be lost.
    """
    shown = f"{existing.project}.{existing.dataset_id}.{existing.table_id}"
    columns = {name: table.column(name) for name in table.column_names}
    for field in existing.schema:
        kind = _ARROW.get(_ALIASES.get(field.field_type, field.field_type))
        if field.name in columns and kind is not None and field.mode != "REPEATED":
            columns[field.name] = _cast(columns[field.name], field, kind, shown)
        elif field.name in columns or field.mode == "REQUIRED" or replaces_all or kind is None:
            raise UserError(
                f"BigQuery table {shown} has another form: its field {field.name} "
                f"({field.mode} {field.field_type}) is not what this version writes. Rename or "
                "copy the table, or remove the field; it is unchanged."
            )
        else:
            columns[field.name] = pa.chunked_array(pa.nulls(table.num_rows, kind))
    return pa.table(columns)


def schema_of(table: pa.Table) -> list[SchemaField]:
    """Return the fields of a table as BigQuery names them."""
    from google.cloud.bigquery import SchemaField

    names = {kind: name for name, kind in _ARROW.items()}
    return [SchemaField(field.name, names[field.type]) for field in table.schema]


def _simple(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column with one of the types of a table, or with the null type."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_null(kind):
        return column
    if pa.types.is_large_string(kind) or pa.types.is_string(kind):
        return column.cast(pa.string())
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if pa.types.is_floating(kind):
        return column.cast(pa.float64())
    if pa.types.is_timestamp(kind) and kind.tz is None:
        moments = column.cast(pa.timestamp("us"))
        days = moments.cast(pa.date32(), safe=False)
        return days if pc.all(pc.equal(days.cast(pa.timestamp("us")), moments)).as_py() else moments
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", "UTC"))
    if pa.types.is_boolean(kind) or pa.types.is_date(kind):
        return column.cast(pa.bool_() if pa.types.is_boolean(kind) else pa.date32())
    raise TypeError(f"its values are {kind}")


def _cast(
    column: pa.ChunkedArray, field: SchemaField, kind: pa.DataType, shown: str
) -> pa.ChunkedArray:
    try:
        return column.cast(kind)
    except pa.ArrowException as error:
        raise UserError(
            f"BigQuery table {shown} has another form: its field {field.name} is "
            f"{field.field_type}, and the values are {column.type}. Rename or copy the table, or "
            "name another one; it is unchanged."
        ) from error
