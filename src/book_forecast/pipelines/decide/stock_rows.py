"""The rules for rows of tables of stock.

A row has the stock of a title, a delivery that is on its way, or both. The first cell that cannot
be used is the reason of a rejection.
"""

from __future__ import annotations

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
from book_forecast.bookscan.isbn import normalise_isbn
from book_forecast.bookscan.rules.rejections import Rejections
from book_forecast.options.decisions import MOST_WEEKS

TERMS = (
    *("lead_weeks", "order_multiple", "smallest_order"),
    *("unit_cost", "price", "holding_cost"),
)
"""Columns in which a title may differ from the parameters."""
WHOLE = ("lead_weeks", "order_multiple", "smallest_order")
LARGEST = 1e9
_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
_LEAST = {"order_multiple": 1, "smallest_order": 1}
_POSITIVE = ("unit_cost", "price")
_TYPES: Mapping[str, Any] = {"isbn": "str", "arrives": "datetime64[us]"}


class Stock(NamedTuple):
    """The stock of titles, and the checks of all rows.

    Attributes:
        titles: By ISBN: on_hand, on_order and the terms; NaN where no cell has them.
        deliveries: isbn, arrives and on_order of what is on its way.
        positions: Positions of the rows of each title in the table as read.
        rejections: The rejected rows, to which further checks add.
    """

    titles: pd.DataFrame
    deliveries: pd.DataFrame
    positions: Mapping[str, np.ndarray]
    rejections: Rejections


def clean_stock(raw: pd.DataFrame, last_week: dt.date) -> Stock:
    """Parse the rows of tables of stock.

    Args:
        raw: file, row, isbn, on_hand, on_order, arrives, the terms, surplus; text, as
            `CsvTableDataset` reads it. A title that several files name is that of the last one.
        last_week: The release's last week, at whose end the stock is counted.
    """
    rejections = Rejections(np.ones(len(raw), dtype=bool))
    too_long = "more cells than the header: a comma inside a cell needs quotation marks around it"
    _reject(rejections, raw, (raw["surplus"] != "").to_numpy(), "surplus", too_long)
    columns: dict[str, Any] = {"position": np.arange(len(raw)), "file": raw["file"].array}
    for column, parse in _parsers(last_week).items():
        codes, cells = pd.factorize(raw[column])
        values, reasons = parse_cells(parse, [str(cell) for cell in cells])
        columns[column] = pd.array(values, dtype=_TYPES.get(column, "float64")).take(codes)
        _reject(rejections, raw, (reasons != "")[codes], column, reasons[codes])
    found = pd.DataFrame(columns)
    undated = (found["on_order"] > 0) & found["arrives"].isna()
    _reject(rejections, raw, undated.to_numpy(), "arrives", "no date: when does the order arrive?")
    later = found[rejections.kept]
    newest = later.groupby("isbn")["file"].transform("last")
    later = later[later["file"] == newest]
    _refuse_contradictions(rejections, raw, later)
    kept = later[rejections.kept[later["position"]]]
    by_title = kept.groupby("isbn")
    titles = by_title[["on_hand", *TERMS]].max().assign(on_order=by_title["on_order"].sum())
    deliveries = kept.loc[kept["on_order"] > 0, ["isbn", "arrives", "on_order"]]
    positions = {str(isbn): rows.to_numpy() for isbn, rows in by_title["position"]}
    return Stock(titles, deliveries.reset_index(drop=True), positions, rejections)


def reject_titles(stock: Stock, raw: pd.DataFrame, reasons: Mapping[str, str]) -> None:
    """Reject all rows of some titles.

    Args:
        stock: The titles, and the checks of all rows.
        raw: The table as read.
        reasons: By ISBN.
    """
    bad, texts = np.zeros(len(raw), dtype=bool), np.full(len(raw), "", dtype=object)
    for isbn, reason in reasons.items():
        bad[stock.positions[isbn]], texts[stock.positions[isbn]] = True, reason
    _reject(stock.rejections, raw, bad, "isbn", texts)


def _reject(
    rejections: Rejections,
    raw: pd.DataFrame,
    bad: np.ndarray,
    column: str,
    reasons: np.ndarray | str,
) -> None:
    label = "" if column == "surplus" else column
    rejections.reject(bad, label, lambda rows: raw[column].iloc[rows].tolist(), reasons)


def _refuse_contradictions(rejections: Rejections, raw: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Reject titles whose rows have no stock, or different values of what is one value."""
    by_title = rows.groupby("isbn")
    for column in ("on_hand", *TERMS):
        positions = rows.loc[by_title[column].transform("nunique") > 1, "position"]
        reason = f"another row of this title has another {column}: keep one"
        _reject(rejections, raw, np.isin(np.arange(len(raw)), positions), column, reason)
    none = rows.loc[by_title["on_hand"].transform("count") == 0, "position"]
    reason = "no stock on hand: write 0 if there is none"
    _reject(rejections, raw, np.isin(np.arange(len(raw)), none), "on_hand", reason)


def _parsers(last_week: dt.date) -> Mapping[str, Callable[[str], Any]]:
    numbers = ("on_hand", "on_order", *TERMS)
    return {
        "isbn": normalise_isbn,
        **{name: partial(_parse_number, name=name) for name in numbers},
        "arrives": partial(_parse_arrival, last_week=last_week),
    }


def _parse_number(cell: str, name: str) -> float | None:
    if not cell:
        return None
    if cell.startswith("-") and _NUMBER.fullmatch(cell[1:]):
        raise ValueError("negative")
    if not _NUMBER.fullmatch(cell):
        raise ValueError("not a number: write it as 1234.5, without a currency")
    number = float(cell)
    if number > LARGEST:
        raise ValueError(f"beyond {LARGEST:g}")
    if name in WHOLE and number != math.floor(number):
        raise ValueError("not a whole number")
    if number < _LEAST.get(name, 0) or (name in _POSITIVE and not number):
        raise ValueError("must be more than 0")
    if name == "lead_weeks" and number > MOST_WEEKS:
        raise ValueError(f"more than {MOST_WEEKS} weeks")
    return number


def _parse_arrival(cell: str, last_week: dt.date) -> dt.date | None:
    if not cell:
        return None
    date = parse_date(cell, dt.date.max)
    if date <= last_week:
        raise ValueError(
            f"not after the last week of sales, {last_week:%Y-%m-%d}: add what has arrived to "
            "on_hand, or correct the date"
        )
    return date
