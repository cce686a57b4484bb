"""Exports made in code: rows of cells, as a reader hands them to the rules."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from book_forecast.bookscan.columns import LABELS, NUMBERS
from book_forecast.bookscan.conventions.find import Conventions
from book_forecast.bookscan.export import CleanExport, clean_export
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.rows import TEXT, Layout, RawRows, UnreadableRow

TODAY = dt.date(2026, 11, 25)
ALCHEMIST, CATERPILLAR, TIGER = "9780722532935", "9780241003008", "9780007215997"
GOOD = {"isbn": ALCHEMIST, "volume": "3", "end_date": "02/03/2019"}

Row = Mapping[str, str | float]


def raw_rows(
    rows: Sequence[Row],
    *,
    sheet: str = "",
    columns: Sequence[str] | None = None,
    headings: Mapping[str, str] | None = None,
    date_1904: bool = False,
    unreadable: Sequence[UnreadableRow] = (),
    others: Sequence[str] | None = None,
) -> RawRows:
    """Return the rows of a sheet; numbers among volumes and prices are typed cells."""
    names = columns or list(dict.fromkeys(name for row in rows for name in row)) or list(GOOD)
    table = {}
    typed = {}
    for name in names:
        cells = [row.get(name, "") for row in rows]
        table[name] = pa.array([str(cell) for cell in cells], pa.string()).cast(TEXT)
        if name in NUMBERS and any(isinstance(cell, (int, float)) for cell in cells):
            typed[name] = np.array([c if isinstance(c, (int, float)) else np.nan for c in cells])
    own = {name: LABELS[name] for name in names} | dict(headings or {})
    layout = Layout("sales.xlsx", sheet, headings=own, date_1904=date_1904)
    hashes = None if others is None else pd.util.hash_array(np.array(others, dtype=object))
    numbers = np.arange(2, 2 + len(rows))
    return RawRows(layout, numbers, pa.table(table), typed, hashes, list(unreadable))


def read(
    *rows: Row,
    hints: ExportHints | None = None,
    today: dt.date = TODAY,
    former: Conventions | None = None,
    last_week: dt.date | None = None,
    **layout: Any,
) -> CleanExport:
    """Read an export of one sheet, whose rows are good but for what is given."""
    raw = raw_rows([{**GOOD, **row} for row in rows], **layout)
    return clean_export([raw], hints or ExportHints(), today, former, last_week)


def volumes(export: CleanExport) -> list[float]:
    """Return the volumes of the usable rows."""
    found: list[float] = export.sales["volume"].tolist()
    return found


def weeks(export: CleanExport) -> list[str]:
    """Return the weeks of the usable rows, as ISO dates."""
    found: list[str] = export.sales["week"].dt.strftime("%Y-%m-%d").tolist()
    return found


def reasons(export: CleanExport) -> list[str]:
    """Return the reason of each rejected row."""
    found: list[str] = export.rejected["reason"].tolist()
    return found


def saturdays(number: int, first: str = "2025-01-04") -> list[dt.date]:
    """Return some Saturdays in a row."""
    return [day.date() for day in pd.date_range(first, periods=number, freq="7D")]
