"""Schemas of the tables of ingest; the catalog validates each before it writes."""

import numpy as np
import pandas as pd
from pandera.pandas import Check, Column, DataFrameSchema

from book_forecast.bookscan.columns import ATTRIBUTES
from book_forecast.bookscan.conventions.weeks import SATURDAY
from book_forecast.bookscan.isbn_text import check_digit_13


def _are_isbns(column: pd.Series) -> bool:
    """Return whether every distinct value is thirteen digits with the right check digit."""
    return all(_is_isbn(isbn) for isbn in column.unique())


def _is_isbn(text: str) -> bool:
    digits = len(text) == 13 and text.isascii() and text.isdigit()
    return digits and check_digit_13(text[:12]) == text[12]


def _are_saturdays(column: pd.Series) -> bool:
    if not pd.api.types.is_datetime64_dtype(column):
        return False
    weeks = pd.DatetimeIndex(column.unique())
    return bool(((weeks.day_of_week == SATURDAY) & (weeks == weeks.normalize())).all())


def _are_finite(column: pd.Series) -> bool:
    return not np.isinf(column.to_numpy()).any()


def _one_per_title_and_week(frame: pd.DataFrame) -> bool:
    isbn, week = frame["isbn"], frame["week"]
    same = isbn == isbn.shift()
    if ((isbn > isbn.shift()) | (same & (week > week.shift()))).iloc[1:].all():
        return True  # sorted, so that no hash of millions of rows is needed
    return not frame.duplicated(["isbn", "week"]).any()


def _are_days(column: pd.Series) -> bool:
    if not pd.api.types.is_datetime64_dtype(column):
        return False
    return bool((column == column.dt.normalize()).all())


_ISBN = Check(_are_isbns, error="13 digits with the right check digit")
ARE_SATURDAYS = Check(_are_saturdays, error="Saturdays without a time")
_FINITE = Check(_are_finite, error="finite")

WEEKLY_SALES = DataFrameSchema(
    {
        "isbn": Column("str", _ISBN),
        "week": Column(checks=ARE_SATURDAYS),
        "volume": Column(float, _FINITE),
        "value": Column(float, _FINITE, nullable=True),
        "asp": Column(float, [Check.gt(0), _FINITE], nullable=True),
        "rrp": Column(float, [Check.gt(0), _FINITE], nullable=True),
    },
    checks=Check(_one_per_title_and_week, error="one row per isbn and week"),
    strict=True,
    ordered=True,
    name="weekly_sales",
)
"""``weekly_sales``: one row per title and week with a sale."""

TITLES = DataFrameSchema(
    {"isbn": Column("str", _ISBN, unique=True)}
    | {attribute: Column("str", nullable=True) for attribute in ATTRIBUTES}
    | {
        "publication_date": Column(
            checks=Check(_are_days, error="days without a time"), nullable=True, required=False
        ),
        "country": Column("str", nullable=True, required=False),
        "list_price": Column(float, [Check.gt(0), _FINITE], nullable=True, required=False),
    },
    strict=True,
    ordered=True,
    name="titles",
)
"""``titles``: one row per title that has sales, or is in a table of launches.

Tables of versions without lists of titles lack the last three columns.
"""

LAUNCHES = DataFrameSchema(
    TITLES.columns
    | {
        "publication_date": Column(checks=Check(_are_days, error="days without a time")),
        "comparable": Column("str", nullable=True),
        "print_run": Column(float, [Check.gt(0), _FINITE], nullable=True),
    },
    strict=True,
    name="launches",
)
"""``launches``: one row per title of the tables of launches; comparable ISBNs between blanks."""

REJECTED_ROWS = DataFrameSchema(
    {
        "file": Column("str", Check.str_length(min_value=1)),
        "sheet": Column("str"),
        "row": Column("int64", Check.ge(1)),
        "column": Column("str"),
        "value": Column("str"),
        "reason": Column("str", Check.str_length(min_value=1)),
    },
    strict=True,
    ordered=True,
    name="rejected_rows",
)
"""``rejected_rows``: one row per row of an export that could not be used.

``rejected_titles`` is alike, with a row per cell of a list of titles.
"""
