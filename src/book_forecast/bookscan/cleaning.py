"""The rules for single rows: what becomes a sale, and what is rejected with its reason.

A row is used when it has an ISBN, a date or else an interval, and a volume of zero or more. The
first of these that fails, in this order, is the reason for which it is rejected. Prices never cost
a row: what cannot be read, a negative value, and an ASP or RRP that is not above zero (exports
write 0 for "no price") become missing. A row whose cells are all empty is no row.
"""

import datetime as dt
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from book_forecast.bookscan.cells import are_empty, parse_numbers, tidy_texts
from book_forecast.bookscan.columns import ATTRIBUTES, LABELS, PRICES
from book_forecast.bookscan.isbn import normalise_isbns
from book_forecast.bookscan.rows import RawRows, texts_and_codes
from book_forecast.bookscan.weeks import parse_dates, parse_intervals, saturday_on_or_after

REJECTED_COLUMNS = ("file", "sheet", "row", "column", "value", "reason")

# What spreadsheets call a sheet that nobody has named: no product class.
_UNNAMED_SHEET = re.compile(r"^(?:sheet|table|data|export|tabelle)?\s*\d*$", re.IGNORECASE)


@dataclass(frozen=True)
class CleanRows:
    """What has become of some raw rows.

    Attributes:
        sales: Usable rows: ``isbn``, ``week`` (a Saturday), ``volume``, ``value``, ``asp``,
            ``rrp`` (float, NaN where missing).
        attributes: The latest texts about each title in these rows: ``isbn``, ``week`` (of the
            row), ``attribute``, ``text``.
        rejected: `REJECTED_COLUMNS` of the other rows.
        rows: Number of rows that are not empty, usable or not.
        moved: Number of usable rows whose date is no Saturday.
        unreadable_prices: Number of prices that are present but became missing.
    """

    sales: pd.DataFrame
    attributes: pd.DataFrame
    rejected: pd.DataFrame
    rows: int
    moved: int
    unreadable_prices: int


class _Column:
    """A column's distinct texts, read once each, and the place of every row among them."""

    def __init__(self, raw: RawRows, name: str) -> None:
        if name in raw.table.column_names:
            self.texts, self.codes = texts_and_codes(raw.table[name])
        else:
            self.texts = pa.array([""])
            self.codes = np.zeros(raw.table.num_rows, np.int32)
        self.name = name
        self.empty = are_empty(self.texts)

    def spread(self, of_texts: np.ndarray) -> np.ndarray:
        """Give every row what its text has."""
        spread: np.ndarray = of_texts[self.codes]
        return spread

    def values_at(self, places: np.ndarray) -> list[str]:
        """Return the texts of some rows."""
        values: list[str] = self.texts.take(pa.array(self.codes[places])).to_pylist()
        return values


class _Rejections:
    """Collects the rows that fail, each once, with what failed first."""

    def __init__(self, raw: RawRows, blank: np.ndarray) -> None:
        self.kept = ~blank
        self._raw = raw
        self._frames = [
            self._frame([bad.row], "", [bad.value], [bad.reason]) for bad in raw.unreadable
        ]

    def reject(self, bad: np.ndarray, column: _Column, reasons: np.ndarray) -> None:
        """Reject rows.

        Args:
            bad: One bool per row.
            column: The column that is to blame.
            reasons: The reason for each row.
        """
        places = np.flatnonzero(bad & self.kept)
        if len(places):
            values = column.values_at(places)
            rows = self._raw.rows[places]
            self._frames.append(self._frame(rows, LABELS[column.name], values, reasons[places]))
            self.kept[places] = False

    def frame(self) -> pd.DataFrame:
        """Return the rejected rows with `REJECTED_COLUMNS`, in the order of the sheet."""
        if not self._frames:
            return self._frame([], "", [], [])
        return pd.concat(self._frames).sort_values("row", kind="stable", ignore_index=True)

    def _frame(self, rows, column, values, reasons) -> pd.DataFrame:  # type: ignore[no-untyped-def]
        frame = pd.DataFrame({"row": np.asarray(rows, np.int64)})
        frame["file"], frame["sheet"], frame["column"] = self._raw.file, self._raw.sheet, column
        frame["value"], frame["reason"] = list(values), list(reasons)
        text = dict.fromkeys(("file", "sheet", "column", "value", "reason"), "str")
        return frame.astype(text)[list(REJECTED_COLUMNS)]


def clean_rows(raw: RawRows, today: dt.date) -> CleanRows:
    """Apply the rules for single rows.

    Args:
        raw: Rows of one sheet.
        today: Weeks more than 366 days after it are taken for slips.

    Returns:
        Sales, what is known about their titles, and the rejected rows.
    """
    columns = {name: _Column(raw, name) for name in LABELS}
    blank = np.logical_and.reduce([each.spread(each.empty) for each in columns.values()])
    rejections = _Rejections(raw, blank)
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
        rejected=rejections.frame(),
        rows=int((~blank).sum()) + len(raw.unreadable),
        moved=int((weeks != dates[kept]).sum()),
        unreadable_prices=sum(int((given[name] & sales[name].isna()).sum()) for name in PRICES),
    )


def _clean_isbns(column: _Column, rejections: _Rejections) -> tuple[pd.Index, np.ndarray]:
    """Return the distinct ISBNs, and the place of each row's among them (-1 if it has none)."""
    texts = column.texts.to_pandas().astype(object)
    texts[column.empty] = None
    found = normalise_isbns(texts)
    codes, isbns = pd.factorize(found["isbn"])
    rejections.reject(
        column.spread(found["isbn"].isna().to_numpy()),
        column,
        column.spread(found["reason"].to_numpy(dtype=object)),
    )
    return isbns, column.spread(codes)


def _clean_dates(
    end_date: _Column, interval: _Column, today: dt.date, rejections: _Rejections
) -> np.ndarray:
    no_date, no_interval = end_date.spread(end_date.empty), interval.spread(interval.empty)
    dates, reasons = (
        end_date.spread(found) for found in parse_dates(end_date.texts.to_pylist(), today)
    )
    rejections.reject(~no_date & np.isnat(dates), end_date, reasons)
    if not no_date.any():
        return dates
    saturdays, reasons = (
        interval.spread(found) for found in parse_intervals(interval.texts.to_pylist(), today)
    )
    nothing = np.full(len(dates), "no date and no interval", dtype=object)
    rejections.reject(no_date & no_interval, end_date, nothing)
    rejections.reject(no_date & np.isnat(saturdays), interval, reasons)
    return np.where(no_date, saturdays, dates)


def _clean_volumes(column: _Column, rejections: _Rejections) -> np.ndarray:
    numbers = parse_numbers(column.texts)
    reasons = np.select(
        [column.empty, np.isnan(numbers), np.isinf(numbers), numbers < 0],
        ["no volume", "not a number", "not a finite number", "a negative volume"],
        default="",
    ).astype(object)
    rejections.reject(column.spread(reasons != ""), column, column.spread(reasons))
    return column.spread(numbers)


def _clean_prices(column: _Column) -> np.ndarray:
    numbers = parse_numbers(column.texts)
    possible = (numbers >= 0) if column.name == "value" else (numbers > 0)
    return column.spread(np.where(possible & np.isfinite(numbers), numbers, np.nan))


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
        # Of several rows of a title numpy keeps the one that it assigns last: the latest.
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
    """Return an attribute's distinct texts, and each kept row's place among them."""
    column = columns[attribute]
    texts, codes = tidy_texts(column.texts), column.codes[kept]
    if attribute != "product_class":
        return texts, codes
    # Class, else source, else sheet: put behind each other, a row points at the first it has.
    source = columns["source"]
    fallbacks = tidy_texts(source.texts)
    together = pa.concat_arrays([texts, fallbacks, pa.array([class_of_sheet])])
    told = np.asarray(pc.not_equal(together, ""))
    from_source = source.codes[kept] + len(texts)
    last = len(together) - 1
    return together, np.where(told[codes], codes, np.where(told[from_source], from_source, last))
