"""The fields of a table or query with sales: their types, and those that are needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from book_forecast.bookscan.columns import (
    NUMBERS,
    REQUIRED,
    DuplicateColumnError,
    Header,
    MissingColumnsError,
    find_header,
)
from book_forecast.bookscan.hints import ExportHints
from book_forecast.storage.errors import UserError

if TYPE_CHECKING:
    from google.cloud.bigquery import SchemaField

_NUMERIC = ("INTEGER", "INT64", "FLOAT", "FLOAT64", "NUMERIC", "BIGNUMERIC")
_SIMPLE = (*_NUMERIC, "STRING", "DATE", "DATETIME", "TIMESTAMP", "TIME", "BOOLEAN", "BOOL")
_TYPES = {
    "isbn": (("STRING",), "a number loses leading zeros; use CAST(… AS STRING) in a query"),
    "end_date": (("DATE",), "use DATE(…) or PARSE_DATE(…) in a query"),
    **dict.fromkeys(NUMBERS, (_NUMERIC, "use CAST(… AS NUMERIC) in a query")),
}
_SHOWN = 12


def check_sales_schema(fields: Sequence[SchemaField], source: str, hints: ExportHints) -> Header:
    """Find the columns of sales among some fields, and check their types.

    Args:
        fields: Those of a table or of a query's result.
        source: The table or query in messages, as the subject of a sentence.
        hints: Columns that the user names.

    Returns:
        The columns; positions are those of the fields.

    Raises:
        UserError: A column is not there, there twice, or of another type.
    """
    header = _find(fields, source, hints)
    for name, at in header.positions.items():
        field = fields[at]
        allowed, remedy = _TYPES.get(name, (_SIMPLE, "select it in another form"))
        kind = "REPEATED" if field.mode == "REPEATED" else field.field_type
        if kind not in allowed:
            wanted = "a simple value" if allowed is _SIMPLE else " or ".join(_distinct(allowed))
            raise UserError(
                f"{source} cannot be used: field {field.name} is {kind}, and must be {wanted} "
                f"({remedy})."
            )
    return header


def simple_fields(fields: Sequence[SchemaField]) -> list[SchemaField]:
    """Return the fields that have a text form, which tell rows apart: no records, no lists."""
    return [each for each in fields if each.field_type in _SIMPLE and each.mode != "REPEATED"]


def _find(fields: Sequence[SchemaField], source: str, hints: ExportHints) -> Header:
    names = [field.name for field in fields]
    try:
        header = find_header([names], hints.columns)
    except DuplicateColumnError as error:
        raise UserError(
            f"{source} cannot be used: {error}. Rename one, or name the right one with the "
            "parameter exports (columns)."
        ) from error
    except MissingColumnsError as error:
        raise _missing(source, str(error), names) from error
    if "volume" not in header.positions:  # the header of a list of titles
        raise _missing(source, "it has no column Volume", names)
    return header


def _missing(source: str, problem: str, names: Sequence[str]) -> UserError:
    shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
    return UserError(
        f"{source} cannot be used: {problem}. Its fields are {shown}; sales need {REQUIRED}. "
        "Select them under these names in a query, or name yours with the parameter exports "
        "(columns)."
    )


def _distinct(kinds: Sequence[str]) -> list[str]:
    """The names of types without their second spellings."""
    return [kind for kind in kinds if not (kind.endswith("64") or kind == "BOOL")]
