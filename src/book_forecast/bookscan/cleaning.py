"""The rules for single rows: which become sales, and which are rejected for what reason.

A usable row has an ISBN, a date or else an interval, and a volume of zero or more. The first of
these that fails, in this order, is the reason of the rejection. Prices never reject a row: an
unreadable or negative price, and an ASP or RRP of 0 (exports write it for "no price"), become
missing. A row of empty cells does not count.
"""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from book_forecast.bookscan.cells import are_empty, parse_cells, parse_numbers, tidy_texts
from book_forecast.bookscan.columns import ATTRIBUTES, LABELS, PRICES
from book_forecast.bookscan.isbn import normalise_isbn
from book_forecast.bookscan.rejections import Rejections
from book_forecast.bookscan.rows import RawRows, texts_and_codes
from book_forecast.bookscan.weeks import parse_date, parse_interval, saturday_on_or_after

# Names that spreadsheets give to new sheets; they are no product class.
_UNNAMED_SHEET = re.compile(r"^(?:sheet|table|data|export|tabelle)?\s*\d*$", re.IGNORECASE)


@dataclass(frozen=True)
class CleanRows:
    """The result of the rules for some raw rows.

    Attributes:
        sales: Usable rows: ``isbn``, ``week`` (a Saturday), ``volume``, ``value``, ``asp``,
            ``rrp`` (float, NaN where missing).
        attributes: The latest texts about each title in these rows: ``isbn``, ``week`` (of the
            row), ``attribute``, ``text``.
        rejected: The other rows: ``file, sheet, row, column, value, reason``.
        rows: Number of rows that are not empty, usable or not.
        moved: Number of usable rows with a date that is no Saturday.
        unreadable_prices: Number of prices that are present but became missing.
    """

    sales: pd.DataFrame
    attributes: pd.DataFrame
    rejected: pd.DataFrame
    rows: int
    moved: int
    unreadable_prices: int


class _Column:
    """A column's distinct texts, which are read once each, and every row's code among them."""

    def __init__(self, raw: RawRows, name: str) -> None:
        if name in raw.table.column_names:
            self.texts, self.codes = texts_and_codes(raw.table[name])
        else:
            self.texts = pa.array([""])
            self.codes = np.zeros(raw.table.num_rows, np.int32)
        self.name = name
        self.empty = are_empty(self.texts)

    def parse(self, parse: Callable[[str], Any]) -> tuple[np.ndarray, np.ndarray]:
        """Parse the distinct texts, empty cells as the empty text; see `parse_cells`."""
        texts = np.where(self.empty, "", self.texts.to_numpy(zero_copy_only=False))
        return parse_cells(parse, texts.tolist())

    def spread(self, of_texts: np.ndarray) -> np.ndarray:
        """Give every row the value of its text."""
        spread: np.ndarray = of_texts[self.codes]
        return spread

    def reject(self, rejections: Rejections, bad: np.ndarray, reasons: np.ndarray | str) -> None:
        """Reject rows because of this column."""
        rejections.reject(bad, LABELS[self.name], self._cells, reasons)

    def _cells(self, positions: np.ndarray) -> list[str]:
        cells: list[str] = self.texts.take(pa.array(self.codes[positions])).to_pylist()
        return cells


def clean_rows(raw: RawRows, today: dt.date) -> CleanRows:
    """Apply the rules for single rows.

    Args:
        raw: Rows of one sheet.
        today: Later weeks than 366 days after it are rejected.
    """
    columns = {name: _Column(raw, name) for name in LABELS}
    blank = np.logical_and.reduce([each.spread(each.empty) for each in columns.values()])
    rejections = Rejections(~blank)
    isbns, isbn_codes = _clean_isbns(columns["isbn"], rejections)
    dates = _clean_dates(columns["end_date"], columns["interval"], today, rejections)
    volumes = _clean_volumes(columns["volume"], rejections)
    prices = {name: _clean_prices(columns[name]) for name in PRICES}
    kept = rejections.kept
    weeks = saturday_on_or_after(dates[kept])
    isbn_codes = isbn_codes[kept]
    sales = pd.DataFrame({"isbn": isbns.take(isbn_codes), "week": weeks.astype("datetime64[us]")})
    sales["volume"] = volumes[kept]
    for name, numbers in prices.items():
        sales[name] = numbers[kept]
    given = {name: ~columns[name].spread(columns[name].empty)[kept] for name in PRICES}
    return CleanRows(
        sales=sales,
        attributes=_latest_texts(columns, sales, isbn_codes, kept, _class_of_sheet(raw.sheet)),
        rejected=_rejected_rows(raw, rejections),
        rows=int((~blank).sum()) + len(raw.unreadable),
        moved=int((weeks != dates[kept]).sum()),
        unreadable_prices=sum(int((given[name] & sales[name].isna()).sum()) for name in PRICES),
    )


def _clean_isbns(column: _Column, rejections: Rejections) -> tuple[pd.Index, np.ndarray]:
    """Return the distinct ISBNs, and the code of each row's (-1 if it has none)."""
    found, reasons = column.parse(normalise_isbn)
    codes, isbns = pd.factorize(pd.Series(found, dtype="str"))
    column.reject(rejections, column.spread(codes < 0), column.spread(reasons))
    return isbns, column.spread(codes)


def _clean_dates(
    end_date: _Column, interval: _Column, today: dt.date, rejections: Rejections
) -> np.ndarray:
    no_date, no_interval = end_date.spread(end_date.empty), interval.spread(interval.empty)
    found, reasons = end_date.parse(partial(parse_date, today=today))
    dates = end_date.spread(found.astype("datetime64[D]"))
    end_date.reject(rejections, ~no_date & np.isnat(dates), end_date.spread(reasons))
    if not no_date.any():
        return dates
    found, reasons = interval.parse(partial(parse_interval, today=today))
    saturdays = interval.spread(found.astype("datetime64[D]"))
    end_date.reject(rejections, no_date & no_interval, "no date and no interval")
    interval.reject(rejections, no_date & np.isnat(saturdays), interval.spread(reasons))
    return np.where(no_date, saturdays, dates)


def _clean_volumes(column: _Column, rejections: Rejections) -> np.ndarray:
    numbers = parse_numbers(column.texts)
    reasons = np.select(
        [column.empty, np.isnan(numbers), np.isinf(numbers), numbers < 0],
        ["no volume", "not a number", "not a finite number", "a negative volume"],
        default="",
    ).astype(object)
    column.reject(rejections, column.spread(reasons != ""), column.spread(reasons))
    return column.spread(numbers)


def _clean_prices(column: _Column) -> np.ndarray:
    numbers = parse_numbers(column.texts)
    possible = (numbers >= 0) if column.name == "value" else (numbers > 0)
    return column.spread(np.where(possible & np.isfinite(numbers), numbers, np.nan))


def _rejected_rows(raw: RawRows, rejections: Rejections) -> pd.DataFrame:
    def origins(positions: np.ndarray) -> pd.DataFrame:
        origin = pd.DataFrame({"row": raw.rows[positions]})
        return origin.assign(file=raw.file, sheet=raw.sheet)[["file", "sheet", "row"]]

    found = rejections.frame(origins)
    if not raw.unreadable:
        return found
    unreadable = pd.DataFrame(raw.unreadable).assign(file=raw.file, sheet=raw.sheet, column="")
    both = pd.concat([unreadable[list(found.columns)], found], ignore_index=True)
    return both.astype(found.dtypes).sort_values("row", kind="stable", ignore_index=True)


def _class_of_sheet(sheet: str) -> str:
    return "" if _UNNAMED_SHEET.match(sheet.strip()) else sheet.strip()


def _latest_texts(
    columns: dict[str, _Column],
    sales: pd.DataFrame,
    isbn_codes: np.ndarray,
    kept: np.ndarray,
    class_of_sheet: str,
) -> pd.DataFrame:
    weeks = sales["week"].to_numpy()
    order = np.argsort(weeks, kind="stable")
    frames = []
    for attribute in ATTRIBUTES:
        texts, codes = _attribute(columns, attribute, kept, class_of_sheet)
        given = order[np.asarray(pc.not_equal(texts, ""))[codes[order]]]
        # Among several rows of a title numpy assigns the last one last, which is the latest.
        latest = np.full(isbn_codes.max(initial=-1) + 1, -1)
        latest[isbn_codes[given]] = given
        rows = latest[latest >= 0]
        frame = sales.loc[rows, ["isbn", "week"]].assign(attribute=attribute)
        frame["text"] = texts.take(pa.array(codes[rows])).to_pandas().array
        frames.append(frame)
    return pd.concat(frames, ignore_index=True).astype({"attribute": "str", "text": "str"})


def _attribute(
    columns: dict[str, _Column], attribute: str, kept: np.ndarray, class_of_sheet: str
) -> tuple[pa.StringArray, np.ndarray]:
    """Return an attribute's distinct texts, and each kept row's code among them."""
    column = columns[attribute]
    texts, codes = tidy_texts(column.texts), column.codes[kept]
    if attribute != "product_class":
        return texts, codes
    # A row has the first of its class, source and sheet that is given.
    source = columns["source"]
    fallbacks = tidy_texts(source.texts)
    together = pa.concat_arrays([texts, fallbacks, pa.array([class_of_sheet])])
    given = np.asarray(pc.not_equal(together, ""))
    from_source = source.codes[kept] + len(texts)
    last = len(together) - 1
    return together, np.where(given[codes], codes, np.where(given[from_source], from_source, last))
