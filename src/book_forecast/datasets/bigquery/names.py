"""Names of projects, datasets, tables and columns, checked against BigQuery's rules.

Names cannot be query parameters. Only names that pass these checks become a part of a query.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from book_forecast.storage.errors import UserError

_PROJECT = re.compile(r"(?:[a-z0-9.-]{1,253}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
_DATASET = re.compile(r"[A-Za-z0-9_]{1,1024}")
_LOCATION = re.compile(r"[A-Za-z]{2,20}(?:-[A-Za-z]{1,20}[0-9]{0,2})?")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}")
_LONGEST_TABLE = 1024
_IN_TABLES = ("L", "M", "N", "Pc", "Pd", "Zs")
_UNQUOTABLE = frozenset("`\\\n\r\0")


@dataclass(frozen=True)
class TableName:
    """A table, its names checked.

    Attributes:
        project: Of the dataset.
        dataset: Of the table.
        table: Of the table in it.
    """

    project: str
    dataset: str
    table: str

    def __post_init__(self) -> None:
        check_project(self.project)
        check_dataset(self.dataset)
        check_table(self.table)

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"

    @property
    def quoted(self) -> str:
        """The name as a query has it."""
        return f"`{self}`"


def check_project(name: str) -> None:
    """Check the id of a project.

    Raises:
        UserError: It is none, or there is none.
    """
    _require(
        bool(_PROJECT.fullmatch(name)),
        name,
        *("project", "BOOK_FORECAST_BIGQUERY_PROJECT"),
        "6 to 30 lower-case letters, digits and hyphens that begin with a letter",
    )


def check_dataset(name: str) -> None:
    """Check the name of a dataset.

    Raises:
        UserError: It is none, or there is none.
    """
    _require(
        bool(_DATASET.fullmatch(name)),
        name,
        *("dataset", "BOOK_FORECAST_BIGQUERY_DATASET"),
        "up to 1,024 letters, digits and underscores",
    )


def check_table(name: str) -> None:
    """Check the name of a table.

    Raises:
        UserError: It is none, or there is none.
    """
    fits = 0 < len(name.encode("utf-8", "replace")) <= _LONGEST_TABLE
    _require(
        fits and all(unicodedata.category(each).startswith(_IN_TABLES) for each in name),
        name,
        *("table", "table of the catalog's entry"),
        "up to 1,024 bytes of letters, digits, underscores, hyphens and blanks",
    )


def check_location(name: str) -> None:
    """Check a location such as ``EU`` or ``europe-west1``.

    Raises:
        UserError: It is none.
    """
    _require(
        bool(_LOCATION.fullmatch(name)),
        name,
        *("location", "BOOK_FORECAST_BIGQUERY_LOCATION"),
        "a region such as EU or europe-west1",
    )


def check_column(name: str, option: str) -> None:
    """Check the name of a column that an option names.

    Raises:
        UserError: It is none.
    """
    _require(
        bool(_COLUMN.fullmatch(name)),
        name,
        *("column", option),
        "up to 300 letters, digits and underscores, the first no digit",
    )


def quote_column(name: str) -> str:
    """Return the name of a column, which BigQuery itself has given, as a query has it.

    Raises:
        UserError: It has a character that ends a quoted name.
    """
    if _UNQUOTABLE & set(name):
        raise UserError(
            f"A column is named {name!r}, which no query can quote: rename it, or read a view."
        )
    return f"`{name}`"


def _require(fits: bool, name: str, kind: str, setting: str, rule: str) -> None:
    if not name:
        raise UserError(f"There is no BigQuery {kind}: set {setting}.")
    if not fits:
        raise UserError(
            f"{name[:100]!r} is no name of a BigQuery {kind} ({rule}): correct {setting}."
        )
