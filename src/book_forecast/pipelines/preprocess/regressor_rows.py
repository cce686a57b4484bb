"""The rules for single rows of the promotion plan and of the table of further regressors.

A row is used when each of its cells says what its column must; the first that does not, in the
order of the columns, is the reason for which it is rejected.
"""

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from book_forecast.bookscan.isbn import normalise_isbn
from book_forecast.bookscan.weeks import parse_date
from book_forecast.series.calendar import CALENDAR_COVARIATES
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import ALL_TITLES, MODEL_HORIZON, PROMOTION

REJECTED_COLUMNS = ("file", "row", "column", "value", "reason")

RESERVED = frozenset({PROMOTION, PROMOTION_PLAN, *CALENDAR_COVARIATES})
"""Names of what is known without the table."""

LARGEST = 1e12
"""Of a value: a larger one leaves no digits to those it is added to."""

_TYPES: Mapping[str, Any] = {"isbn": "str", "week": "datetime64[us]", "name": "str"}
_LONGEST_NAME = 40
_SATURDAY = 5
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)

Read = Callable[[str], Any]
"""From a cell to what it says; a `ValueError` is the reason why it says nothing."""


class CleanTable(NamedTuple):
    """What has become of raw rows.

    Attributes:
        rows: The usable ones, each cell as its column's type, sorted, without repetitions.
        rejected: `REJECTED_COLUMNS` of the others, in order.
    """

    rows: pd.DataFrame
    rejected: pd.DataFrame


def clean_plan(raw: pd.DataFrame, last_week: dt.date) -> CleanTable:
    """Read the rows of promotion plans.

    Args:
        raw: file, row, isbn, week, depth, surplus; text, as `CsvTableDataset` reads it.
        last_week: Of the sales.

    Returns:
        One row per title and week: isbn, week (its Saturday), depth (0 to 1).
    """
    week = partial(_read_week, last_week=last_week)
    return _clean(raw, {"isbn": _read_isbn, "week": week, "depth": _read_depth})


def clean_table(raw: pd.DataFrame, last_week: dt.date) -> CleanTable:
    """Read the rows of tables of further regressors.

    Args:
        raw: file, row, isbn, week, name, value, surplus; text, as `CsvTableDataset` reads it.
        last_week: Of the sales.

    Returns:
        One row per name, title (or "all") and week: isbn, week (its Saturday), name, value.
    """
    week = partial(_read_week, last_week=last_week)
    readers: dict[str, Read] = {"isbn": _read_isbn_or_all, "week": week, "name": _read_name}
    return _clean(raw, readers | {"value": _read_value})


class _Rejections:
    """Rows that fail, each with what failed first."""

    def __init__(self, raw: pd.DataFrame) -> None:
        self.kept = np.ones(len(raw), dtype=bool)
        self._raw = raw
        self._column = np.full(len(raw), "", dtype=object)
        self._value = np.full(len(raw), "", dtype=object)
        self._reason = np.full(len(raw), "", dtype=object)

    def reject(self, bad: np.ndarray, column: str, reasons: np.ndarray | str) -> None:
        """Reject those of the rows `bad` that are kept so far; `column` is to blame."""
        new = bad & self.kept
        self._column[new] = column
        self._value[new] = self._raw[column].to_numpy(dtype=object)[new]
        self._reason[new] = reasons if isinstance(reasons, str) else reasons[new]
        self.kept &= ~bad

    def frame(self) -> pd.DataFrame:
        """The rejected rows, `REJECTED_COLUMNS`."""
        told = {"column": self._column, "value": self._value, "reason": self._reason}
        frame = self._raw[["file", "row"]].assign(**told)[~self.kept].reset_index(drop=True)
        texts = frame.astype(dict.fromkeys(("file", "column", "value", "reason"), "str"))
        return texts.replace({"column": {"surplus": ""}})


def _clean(raw: pd.DataFrame, readers: Mapping[str, Read]) -> CleanTable:
    rejections = _Rejections(raw)
    too_long = "more cells than the header: a comma inside a cell needs quotation marks around it"
    rejections.reject((raw["surplus"] != "").to_numpy(), "surplus", too_long)
    columns = {}
    for column, read in readers.items():
        codes, cells = pd.factorize(raw[column])
        values, reasons = _read_all(read, [str(cell) for cell in cells])
        columns[column] = pd.array(values, dtype=_TYPES.get(column, "float64")).take(codes)
        rejections.reject((reasons != "")[codes], column, reasons[codes])
    *keys, measure = readers
    kept = rejections.kept.copy()
    found = pd.DataFrame(columns | {"file": raw["file"].array})[kept]
    contradicted = _contradicted(found, keys, measure)
    bad = np.zeros(len(raw), dtype=bool)
    bad[np.flatnonzero(kept)[contradicted]] = True
    rejections.reject(bad, measure, "the same file has another value for this week: keep one")
    # Later files correct earlier ones, as later exports do.
    found = found[~contradicted].drop_duplicates(keys, keep="last")[list(readers)]
    order = [key for key in ("name", "isbn", "week") if key in keys]
    return CleanTable(found.sort_values(order, ignore_index=True), rejections.frame())


def _read_all(read: Read, cells: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """What cells say (None for those that say nothing), and the reasons ("" for the others)."""
    values = np.full(len(cells), None, dtype=object)
    reasons = np.full(len(cells), "", dtype=object)
    for place, cell in enumerate(cells):
        try:
            values[place] = read(cell)
        except ValueError as error:
            reasons[place] = str(error)
    return values, reasons


def _contradicted(rows: pd.DataFrame, keys: list[str], measure: str) -> np.ndarray:
    """Whether a row's file has another value for the same title, week and name."""
    key = ["file", *keys]
    contradicted = rows.duplicated(key, keep=False).to_numpy(copy=True)
    several = rows[contradicted]
    differ = several.groupby(key)[measure].transform("nunique") > 1
    contradicted[contradicted] = differ.to_numpy(dtype=bool)
    return contradicted


def _read_isbn(cell: str) -> str:
    if cell.casefold() == ALL_TITLES:
        raise ValueError("a plan names single titles: give a row for each ISBN")
    return normalise_isbn(cell)


def _read_isbn_or_all(cell: str) -> str:
    return ALL_TITLES if cell.casefold() == ALL_TITLES else normalise_isbn(cell)


def _read_week(cell: str, last_week: dt.date) -> dt.date:
    if not cell:
        raise ValueError("no week")
    date = parse_date(cell, dt.date.max)
    if date > last_week + dt.timedelta(weeks=MODEL_HORIZON):
        raise ValueError(
            f"more than {MODEL_HORIZON} weeks after the last week of sales, {last_week:%Y-%m-%d}"
        )
    return date + dt.timedelta(days=(_SATURDAY - date.weekday()) % 7)


def _read_name(cell: str) -> str:
    if not cell:
        raise ValueError("no name")
    if cell.casefold() in RESERVED:
        raise ValueError("the name of something that is known already: choose another")
    if not cell.isidentifier() or len(cell) > _LONGEST_NAME:
        raise ValueError(
            f"not a name: use letters, digits and _, a letter first, at most {_LONGEST_NAME}"
        )
    return cell


def _read_depth(cell: str) -> float:
    depth = _read_value(cell)
    if not 0 <= depth <= 1:
        raise ValueError("not between 0 and 1: a discount of a quarter is 0.25")
    return depth


def _read_value(cell: str) -> float:
    if not cell:
        raise ValueError("no value")
    number = float(cell) if _NUMBER.fullmatch(cell) else math.nan
    if _INFINITE.fullmatch(cell) or math.isinf(number):
        raise ValueError("not a finite number")
    if math.isnan(number):
        raise ValueError("not a number: write it as 1234.5")
    if abs(number) > LARGEST:
        raise ValueError(f"beyond {LARGEST:g}: give it in larger units")
    return number
