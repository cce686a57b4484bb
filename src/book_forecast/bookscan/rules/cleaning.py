"""The rules for single rows: which become sales, and which are rejected for what reason.

A usable row has an ISBN, a date or else an interval, and a volume; returns are negative. The first
of these that fails, in this order, is the reason of the rejection. A date and an interval of
different weeks contradict each other. Prices never reject a row: an unreadable or negative price,
and an ASP or RRP of 0 (exports write it for "no price"), become missing. Empty rows, totals, notes
and repeated headers do not count.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from book_forecast.bookscan.cells import parse_cells, tidy_texts
from book_forecast.bookscan.column import TextColumn
from book_forecast.bookscan.columns import LABELS, PRICES, column_named
from book_forecast.bookscan.conventions.find import Conventions
from book_forecast.bookscan.isbn import are_plain_isbns, is_rounded, normalise_isbn
from book_forecast.bookscan.rows import RawRows
from book_forecast.bookscan.rules.attributes import latest_texts
from book_forecast.bookscan.rules.rejections import Rejections
from book_forecast.bookscan.rules.row_figures import (
    clean_volumes,
    possible_prices,
    read_numbers,
    reject_contradictions,
)
from book_forecast.bookscan.rules.row_weeks import clean_dates, stray_dates

_TOTALS = re.compile(
    r"(grand|sub|overall|report|page)?[\s-]*totals?\b.*|.*\btotals?:?|sum|summe|gesamt(summe)?|"
    r"total (général|general)|suma|somme|totale|totaal|zwischensumme",
    re.IGNORECASE,
)
_DESCRIBED = ("author", "binding", "imprint", "product_class", "rrp")
_RETURNS = re.compile(
    r"(sales? )?(returns?|returned|refunds?|refunded|credits?|credit notes?)|retouren?|rücksendung|"
    r"rückgaben?|remission(en)?|gutschrift|retours?|devoluci(ó|o)n(es)?|resi|reso",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class CleanRows:
    """The result of the rules for some raw rows.

    Attributes:
        sales: Usable rows: ``isbn``, ``week`` (a Saturday), ``volume`` (negative for returns),
            ``value``, ``asp``, ``rrp`` (float, NaN where missing), ``row`` (its number).
        isbns: The distinct ISBNs.
        isbn_codes: Position of each usable row's ISBN among them.
        kept: Whether each raw row is usable.
        days: Day of each usable row, ``datetime64[D]``; the Saturday where dates stand for weeks.
        attributes: The latest texts about each title in these rows: ``isbn``, ``week`` (of the
            row), ``attribute``, ``text``.
        rejected: The other rows: ``file, sheet, row, column, value, reason``.
        rows: Number of rows that count, usable or not.
        passed_over: Number of totals, notes and repeated headers.
        moved: Number of usable rows with a date that is no Saturday.
        stray: Usable dates on another weekday than those of the source's weeks.
        unreadable_prices: Number of prices of usable rows that are no numbers.
        returns: Number of usable rows with a negative volume.
        turned: Number of these whose cell is positive beside a word for returns.
        rounded: Distinct titles of each ISBN that a spreadsheet may have rounded; without titles,
            what else describes them.
    """

    sales: pd.DataFrame
    isbns: pd.Index
    isbn_codes: np.ndarray
    kept: np.ndarray
    days: np.ndarray
    attributes: pd.DataFrame
    rejected: pd.DataFrame
    rows: int
    passed_over: int
    moved: int
    stray: frozenset[dt.date]
    unreadable_prices: int
    returns: int
    turned: int
    rounded: Mapping[str, frozenset[str]] = field(default_factory=dict)


def clean_rows(raw: RawRows, conventions: Conventions, today: dt.date) -> CleanRows:
    """Apply the rules for single rows.

    Args:
        raw: Rows of one sheet.
        conventions: Those of the file.
        today: Later weeks than 366 days after it are rejected.
    """
    columns = {name: TextColumn(raw, name) for name in LABELS}
    blank = np.logical_and.reduce([each.spread(each.empty) for each in columns.values()])
    isbns, isbn_codes, isbn_reasons = find_isbns(columns["isbn"])
    no_sale = ~blank & (isbn_codes < 0)
    if no_sale.any():
        no_sale &= _are_no_sales(columns)
    rejections = Rejections(~blank & ~no_sale)
    columns["isbn"].reject(rejections, isbn_codes < 0, isbn_reasons)
    dates, weeks = clean_dates(columns, conventions, raw.layout.date_1904, today, rejections)
    volumes = clean_volumes(columns["volume"], raw, conventions, rejections)
    turned = _spread_matches(columns["transaction"], _RETURNS) & (volumes > 0)
    volumes = np.where(turned, -volumes, volumes)
    prices = {name: read_numbers(columns[name], raw, conventions) for name in PRICES}
    reject_contradictions(columns["volume"], volumes, prices, rejections)
    kept = rejections.kept
    isbn_codes = isbn_codes[kept]
    sales = pd.DataFrame({"isbn": isbns.take(isbn_codes)})
    sales["week"] = weeks[kept].astype("datetime64[us]")
    sales["volume"] = volumes[kept]
    for name, numbers in prices.items():
        sales[name] = possible_prices(name, numbers[kept], volumes[kept])
    sales["row"] = raw.rows[kept].astype(np.int32)
    given = {name: ~columns[name].spread(columns[name].empty)[kept] for name in PRICES}
    return CleanRows(
        sales=sales,
        isbns=isbns,
        isbn_codes=isbn_codes,
        kept=kept,
        days=(weeks if conventions.is_weekly else dates)[kept],
        attributes=latest_texts(columns, sales, isbn_codes, kept, raw.sheet),
        rejected=rejected_rows(raw, rejections),
        rows=int((~blank & ~no_sale).sum()) + len(raw.unreadable),
        passed_over=int(no_sale.sum()),
        moved=int((weeks[kept] != dates[kept]).sum()),
        stray=stray_dates(columns["end_date"], dates[kept], kept, conventions.weekday),
        unreadable_prices=sum(
            int((given[name] & np.isnan(prices[name][kept])).sum()) for name in PRICES
        ),
        returns=int((volumes[kept] < 0).sum()),
        turned=int(turned[kept].sum()),
        rounded=_rounded(isbns, isbn_codes, columns, kept),
    )


def find_isbns(column: TextColumn) -> tuple[pd.Index, np.ndarray, np.ndarray]:
    """Return the distinct ISBNs, the code of each row's (-1 if it has none), and the reasons."""
    texts = np.where(column.empty, "", column.texts.to_numpy(zero_copy_only=False)).astype(object)
    found, reasons = texts.copy(), np.full(len(texts), "", dtype=object)
    others = np.flatnonzero(~are_plain_isbns(column.texts))
    found[others], reasons[others] = parse_cells(normalise_isbn, texts[others].tolist())
    codes, isbns = pd.factorize(pd.Series(found, dtype="str"))
    return isbns, column.spread(codes), column.spread(reasons)


def _are_no_sales(columns: Mapping[str, TextColumn]) -> np.ndarray:
    """Return whether each row without an ISBN is a total, a note or a repeated header."""
    shown = ("isbn", "title", "author", "product_class", "interval", "end_date")
    totals = [_spread_matches(columns[name], _TOTALS) for name in shown]
    isbn = columns["isbn"]
    without_digits = isbn.spread(~np.asarray(pc.match_substring_regex(isbn.texts, "[0-9]")))
    measures = ("volume", "end_date", "interval")
    filled = [~columns[name].spread(columns[name].empty) for name in measures]
    is_header = isbn.spread(_are_headings(isbn))
    is_note = ~filled[0] & ~(filled[1] & filled[2])
    is_total = totals[0] | (without_digits & np.logical_or.reduce(totals))
    is_sum = isbn.spread(isbn.empty) & ~filled[1] & ~filled[2]
    found: np.ndarray = is_total | is_note | is_header | is_sum
    return found


def _spread_matches(column: TextColumn, form: re.Pattern[str]) -> np.ndarray:
    matches = [bool(form.fullmatch(text.strip())) for text in column.texts.to_pylist()]
    return column.spread(np.array(matches, dtype=bool))


def _are_headings(column: TextColumn) -> np.ndarray:
    return np.array([column_named(text) == "isbn" for text in column.texts.to_pylist()], dtype=bool)


def _rounded(
    isbns: pd.Index, codes: np.ndarray, columns: Mapping[str, TextColumn], kept: np.ndarray
) -> dict[str, frozenset[str]]:
    """Return the distinct titles of each suspect, or what else describes a title in these rows."""
    suspects = np.flatnonzero([is_rounded(isbn) for isbn in isbns])
    if not len(suspects):
        return {}
    title = columns["title"]
    described = [title] if not title.empty.all() else [columns[name] for name in _DESCRIBED]
    texts = [pc.utf8_lower(tidy_texts(column.texts)).to_pylist() for column in described]
    found = {}
    for code in suspects:
        rows = np.flatnonzero(kept)[codes == code]
        of_rows = np.unique(np.stack([column.codes[rows] for column in described]), axis=1).T
        words = (" ".join(t[at] for t, at in zip(texts, row, strict=True)) for row in of_rows)
        found[str(isbns[int(code)])] = frozenset(filter(None, map(str.strip, words)))
    return found


def rejected_rows(raw: RawRows, rejections: Rejections) -> pd.DataFrame:
    """Return rejected and unreadable rows: file, sheet, row, column, value, reason."""

    def origins(positions: np.ndarray) -> pd.DataFrame:
        origin = pd.DataFrame({"row": raw.rows[positions]})
        return origin.assign(file=raw.file, sheet=raw.sheet)[["file", "sheet", "row"]]

    found = rejections.frame(origins)
    if not raw.unreadable:
        return found
    unreadable = pd.DataFrame(raw.unreadable).assign(file=raw.file, sheet=raw.sheet, column="")
    both = pd.concat([unreadable[list(found.columns)], found], ignore_index=True)
    return both.astype(found.dtypes).sort_values("row", kind="stable", ignore_index=True)
