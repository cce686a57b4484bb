"""The rules for single rows of promotion plans and of tables of covariates.

A row is usable if each of its cells has a value of the column's type. The first cell that has
none, in the order of the columns, is the reason of a rejection.
"""

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from book_forecast.bookscan.cells import parse_cells
from book_forecast.bookscan.conventions.dates import parse_date
from book_forecast.bookscan.conventions.weeks import SATURDAY
from book_forecast.bookscan.isbn import normalise_isbn
from book_forecast.bookscan.rules.rejections import Rejections
from book_forecast.series.calendar import CALENDAR_COVARIATES
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import ALL_TITLES, MODEL_HORIZON, PROMOTION

RESERVED = frozenset({PROMOTION, PROMOTION_PLAN, *CALENDAR_COVARIATES})
"""Names of covariates that every run has."""

LARGEST_VALUE = 1e12
"""The limit of values: sums with larger ones lose their digits."""

_TYPES: Mapping[str, Any] = {"isbn": "str", "week": "datetime64[us]", "name": "str"}
_LONGEST_NAME = 40
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)

Parser = Callable[[str], Any]
"""From a cell to its value; a `ValueError` is the reason why it has none."""


class CleanTable(NamedTuple):
    """Usable and rejected rows of a table.

    Attributes:
        rows: The usable ones, typed, sorted, without repetitions.
        rejected: The others in order: file, row, column, value, reason.
    """

    rows: pd.DataFrame
    rejected: pd.DataFrame


def clean_plan(raw: pd.DataFrame, last_week: dt.date) -> CleanTable:
    """Parse the rows of promotion plans.

    Args:
        raw: file, row, isbn, week, depth, surplus; text, as `CsvTableDataset` reads it.
        last_week: Last week of the sales.

    Returns:
        One row per title and week: isbn, week (its Saturday), depth (0 to 1).
    """
    week = partial(_parse_week, last_week=last_week)
    return _clean(raw, {"isbn": _parse_isbn, "week": week, "depth": _parse_depth})


def clean_covariates(raw: pd.DataFrame, last_week: dt.date) -> CleanTable:
    """Parse the rows of tables of covariates.

    Args:
        raw: file, row, isbn, week, name, value, surplus; text, as `CsvTableDataset` reads it.
        last_week: Last week of the sales.

    Returns:
        One row per name, title (or "all") and week: isbn, week (its Saturday), name, value.
    """
    week = partial(_parse_week, last_week=last_week)
    parsers: dict[str, Parser] = {"isbn": _parse_isbn_or_all, "week": week, "name": _parse_name}
    return _clean(raw, parsers | {"value": _parse_value})


def _clean(raw: pd.DataFrame, parsers: Mapping[str, Parser]) -> CleanTable:
    rejections = Rejections(np.ones(len(raw), dtype=bool))

    def reject(bad: np.ndarray, column: str, reasons: np.ndarray | str) -> None:
        label = "" if column == "surplus" else column
        rejections.reject(bad, label, lambda rows: raw[column].iloc[rows].tolist(), reasons)

    too_long = "more cells than the header: a comma inside a cell needs quotation marks around it"
    reject((raw["surplus"] != "").to_numpy(), "surplus", too_long)
    columns = {}
    for column, parse in parsers.items():
        codes, cells = pd.factorize(raw[column])
        values, reasons = parse_cells(parse, [str(cell) for cell in cells])
        columns[column] = pd.array(values, dtype=_TYPES.get(column, "float64")).take(codes)
        reject((reasons != "")[codes], column, reasons[codes])
    *keys, measure = parsers
    kept = np.flatnonzero(rejections.kept)
    found = pd.DataFrame(columns | {"file": raw["file"].array}).iloc[kept]
    contradictory = _contradictory(found, keys, measure)
    reject(
        np.isin(np.arange(len(raw)), kept[contradictory]),
        measure,
        "the same file has another value for this week: keep one",
    )
    # Later files correct earlier ones, as later exports do.
    found = found[~contradictory].drop_duplicates(keys, keep="last")[list(parsers)]
    order = [key for key in ("name", "isbn", "week") if key in keys]
    rejected = rejections.frame(lambda rows: raw[["file", "row"]].iloc[rows])
    return CleanTable(found.sort_values(order, ignore_index=True), rejected)


def _contradictory(rows: pd.DataFrame, keys: list[str], measure: str) -> np.ndarray:
    """Return whether each row's file has another value for the same title, week and name."""
    key = ["file", *keys]
    different = rows.groupby(key)[measure].transform("nunique") > 1
    return different.to_numpy(dtype=bool)


def _parse_isbn(cell: str) -> str:
    if cell.casefold() == ALL_TITLES:
        raise ValueError("a plan names single titles: give a row for each ISBN")
    return normalise_isbn(cell)


def _parse_isbn_or_all(cell: str) -> str:
    return ALL_TITLES if cell.casefold() == ALL_TITLES else normalise_isbn(cell)


def _parse_week(cell: str, last_week: dt.date) -> dt.date:
    if not cell:
        raise ValueError("no week")
    date = parse_date(cell, dt.date.max)
    if date > last_week + dt.timedelta(weeks=MODEL_HORIZON):
        raise ValueError(
            f"more than {MODEL_HORIZON} weeks after the last week of sales, {last_week:%Y-%m-%d}"
        )
    return date + dt.timedelta(days=(SATURDAY - date.weekday()) % 7)


def _parse_name(cell: str) -> str:
    if not cell:
        raise ValueError("no name")
    if cell.casefold() in RESERVED:
        raise ValueError("the name of a built-in covariate: choose another")
    if not cell.isidentifier() or len(cell) > _LONGEST_NAME:
        raise ValueError(
            f"not a name: use letters, digits and _, a letter first, at most {_LONGEST_NAME}"
        )
    return cell


def _parse_depth(cell: str) -> float:
    depth = _parse_value(cell)
    if not 0 <= depth <= 1:
        raise ValueError("not between 0 and 1: a discount of a quarter is 0.25")
    return depth


def _parse_value(cell: str) -> float:
    if not cell:
        raise ValueError("no value")
    number = float(cell) if _NUMBER.fullmatch(cell) else math.nan
    if _INFINITE.fullmatch(cell) or math.isinf(number):
        raise ValueError("not a finite number")
    if math.isnan(number):
        raise ValueError("not a number: write it as 1234.5")
    if abs(number) > LARGEST_VALUE:
        raise ValueError(f"beyond {LARGEST_VALUE:g}: give it in larger units")
    return number
