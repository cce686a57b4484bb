"""Lists of titles, such as the ISBN list of BookScan: which cells are used, and which are rejected.

A row needs an ISBN; a row without one is rejected. A date or a price that cannot be read is
rejected alone: the other cells of its row are used. A price of 0 and a date such as 1 January 1900
stand for an unknown one. Empty rows, notes and repeated headers do not count. An ISBN that a
spreadsheet has rounded, which several titles then have, is rejected.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from book_forecast.bookscan.cells import are_empty, tidy_texts
from book_forecast.bookscan.column import TextColumn
from book_forecast.bookscan.columns import ATTRIBUTES, LIST_LABELS, column_named
from book_forecast.bookscan.conventions.dates import DateOrder
from book_forecast.bookscan.conventions.decimal_marks import find_number_convention
from book_forecast.bookscan.conventions.numbers import DecimalMark, parse_numbers
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.isbn import is_rounded
from book_forecast.bookscan.rows import RawRows, texts_and_codes
from book_forecast.bookscan.rules.attributes import class_of_sheet
from book_forecast.bookscan.rules.cleaning import find_isbns, rejected_rows
from book_forecast.bookscan.rules.plausibility import ROUNDED, rounded_isbns
from book_forecast.bookscan.rules.rejections import Rejections
from book_forecast.bookscan.rules.row_figures import LARGEST_NUMBER
from book_forecast.bookscan.titles.natural_order import in_natural_order
from book_forecast.bookscan.titles.publication_dates import PublicationDates, find_date_order

TEXTS = (*ATTRIBUTES, "country")
"""Columns of texts."""

FIELDS = (*TEXTS, "publication_date", "list_price")
"""What a list says about a title."""

_NO_CLASS = re.compile(r"(isbn|ean|title|book|product|metadata)s?\W*(list|data)?", re.IGNORECASE)
_MOST_FILLED_IN_NOTE = 1
_SHOWN = 3


@dataclass(frozen=True)
class TitleList:
    """The usable rows of a list.

    Attributes:
        file: Its name.
        titles: isbn, the `FIELDS` (missing where unknown) and ``sheet`` and ``row``, in order of
            the file; an ISBN may occur several times.
        rejected: Cells that are not used: file, sheet, row, column, value, reason.
        rows: Number of rows that count, usable or not.
        order: Of day and month in its dates.
        remarks: What a user should know.
    """

    file: str
    titles: pd.DataFrame
    rejected: pd.DataFrame
    rows: int
    order: str
    remarks: tuple[str, ...]


def clean_title_list(
    parts: Sequence[RawRows],
    hints: ExportHints,
    today: dt.date,
    date_order: DateOrder = "day_first",
) -> TitleList:
    """Read the rows of a list of titles.

    Args:
        parts: All rows of the file, at least one part.
        hints: What the user says about it.
        today: Dates more than ten years after it are rejected.
        date_order: Of day and month where no date shows it.
    """
    file = parts[0].file
    numbers = find_number_convention(parts, hints)
    dates = find_date_order(_distinct_dates(parts), hints, date_order)
    found = [_clean_part(part, numbers.decimal_mark, dates, today) for part in parts]
    titles = pd.concat([each for each, _, _ in found], ignore_index=True)
    rejected = [each for _, each, _ in found]
    titles, rounded = _without_rounded(titles, file)
    notes = dict.fromkeys(note for part in parts for note in part.layout.notes)
    remarks = (*notes, numbers.remark, dates.remark, _contradictions(titles))
    return TitleList(
        file=file,
        titles=titles,
        rejected=pd.concat([*rejected, rounded], ignore_index=True),
        rows=sum(rows for _, _, rows in found),
        order=dates.order,
        remarks=tuple(text for text in remarks if text),
    )


def merge_title_lists(lists: Sequence[TitleList]) -> pd.DataFrame:
    """Make one row per title; of several rows, the later one wins in each field that it has.

    Args:
        lists: In order; none is possible.

    Returns:
        isbn and `FIELDS`, sorted by isbn.
    """
    columns = ["isbn", *FIELDS]
    rows = pd.concat([_no_titles(), *(each.titles[columns] for each in lists)], ignore_index=True)
    return rows.groupby("isbn", sort=True).last().reset_index()[columns].astype(_DTYPES)


_DTYPES = {
    "isbn": "str",
    **dict.fromkeys(TEXTS, "str"),
    "publication_date": "datetime64[us]",
    "list_price": "float64",
}


def _no_titles() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in _DTYPES.items()})


def _distinct_dates(parts: Sequence[RawRows]) -> list[str]:
    found: dict[str, None] = {}
    for part in parts:
        if "publication_date" in part.table.column_names:
            texts, _ = texts_and_codes(part.table["publication_date"])
            found.update(dict.fromkeys(texts.filter(pa.array(~are_empty(texts))).to_pylist()))
    return list(found)


def _clean_part(
    raw: RawRows, mark: DecimalMark, dates: PublicationDates, today: dt.date
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Return the usable rows of a part, the rejected cells, and the number of rows that count."""
    columns = {name: TextColumn(raw, name) for name in LIST_LABELS}
    isbns, codes, reasons = find_isbns(columns["isbn"])
    counts = _that_count(columns)
    of_rows = Rejections(counts.copy())
    columns["isbn"].reject(of_rows, codes < 0, reasons)
    kept = of_rows.kept
    published, of_dates = _dates(columns["publication_date"], raw, dates, today, kept)
    prices, of_prices = _prices(columns["rrp"], raw, mark, kept)
    titles = pd.DataFrame({"isbn": isbns.take(codes[kept])})
    for name in TEXTS:
        titles[name] = _texts(
            columns[name], kept, _class_of(raw) if name == "product_class" else ""
        )
    titles["publication_date"] = published[kept].astype("datetime64[us]")
    titles["list_price"] = prices[kept]
    titles = titles.astype(_DTYPES).assign(sheet=raw.sheet, row=raw.rows[kept])
    rejected = pd.concat(
        [
            rejected_rows(raw, of_rows),
            *(each for each in (of_dates, of_prices) if len(each)),
        ],
        ignore_index=True,
    ).sort_values("row", kind="stable", ignore_index=True)
    return titles, rejected, int(counts.sum()) + len(raw.unreadable)


def _that_count(columns: Mapping[str, TextColumn]) -> np.ndarray:
    """Return whether each row is neither blank, nor a note, nor a repeated header."""
    filled = np.sum([~column.spread(column.empty) for column in columns.values()], axis=0)
    isbn = columns["isbn"]
    no_number = ~np.asarray(pc.match_substring_regex(isbn.texts, "[0-9]{5}"))
    is_note = (filled <= _MOST_FILLED_IN_NOTE) & isbn.spread(no_number)
    is_header = no_number.copy()
    words = isbn.texts.filter(pa.array(no_number)).to_pylist()
    is_header[no_number] = [column_named(text) == "isbn" for text in words]
    counts: np.ndarray = ~is_note & ~isbn.spread(is_header)
    return counts


def _dates(
    column: TextColumn, raw: RawRows, dates: PublicationDates, today: dt.date, kept: np.ndarray
) -> tuple[np.ndarray, pd.DataFrame]:
    texts = np.where(column.empty, "", column.texts.to_numpy(zero_copy_only=False)).tolist()
    found, reasons = dates.read(texts, today, raw.layout.date_1904)
    rejections = Rejections(kept.copy())
    column.reject(rejections, column.spread(reasons != ""), column.spread(reasons))
    return column.spread(found), _cells(raw, rejections)


def _prices(
    column: TextColumn, raw: RawRows, mark: DecimalMark, kept: np.ndarray
) -> tuple[np.ndarray, pd.DataFrame]:
    numbers = column.spread(parse_numbers(column.texts, mark))
    typed = raw.numbers.get(column.name)
    if typed is not None:
        numbers = np.where(np.isnan(typed), numbers, typed)
    bad = ~column.spread(column.empty) & ~((numbers >= 0) & (numbers <= LARGEST_NUMBER))
    rejections = Rejections(kept.copy())
    column.reject(rejections, bad, "not a price")
    return np.where(bad | ~(numbers > 0), np.nan, numbers), _cells(raw, rejections)


def _cells(raw: RawRows, rejections: Rejections) -> pd.DataFrame:
    """Return rejected cells alone; the unreadable rows are those of the whole part."""
    return rejected_rows(RawRows(raw.layout, raw.rows, raw.table), rejections)


def _texts(column: TextColumn, kept: np.ndarray, otherwise: str) -> np.ndarray:
    texts = tidy_texts(column.texts).to_numpy(zero_copy_only=False).astype(object)
    texts[column.empty] = otherwise or None
    of_rows: np.ndarray = texts[column.codes[kept]]
    return of_rows


def _class_of(raw: RawRows) -> str:
    return "" if _NO_CLASS.fullmatch(raw.sheet.strip()) else class_of_sheet(raw.sheet)


def _without_rounded(titles: pd.DataFrame, file: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Separate the rows of ISBNs that a spreadsheet has rounded."""
    suspects = titles[titles["isbn"].map(is_rounded).astype(bool)]
    named = suspects.dropna(subset="title")
    names = [
        {isbn: frozenset([title.lower()])}
        for isbn, title in zip(named["isbn"], named["title"], strict=True)
    ]
    several = rounded_isbns(names)
    is_bad = titles["isbn"].isin(several)
    bad = titles[is_bad]
    rejected = pd.DataFrame(
        {
            "file": file,
            "sheet": bad["sheet"],
            "row": bad["row"].astype("int64"),
            "column": LIST_LABELS["isbn"],
            "value": bad["isbn"],
            "reason": ROUNDED,
        }
    )
    kinds = dict.fromkeys(rejected.columns, "str") | {"row": "int64"}
    return titles[~is_bad].reset_index(drop=True), rejected.astype(kinds)


def _contradictions(titles: pd.DataFrame) -> str:
    """Return a remark on ISBNs with several titles or publication dates."""
    again = titles[titles["isbn"].duplicated(keep=False)]
    names = again["title"].map(in_natural_order, na_action="ignore").str.casefold()
    several = [
        values.groupby(again["isbn"]).nunique() for values in (names, again["publication_date"])
    ]
    isbns = several[0].index[(several[0] > 1) | (several[1] > 1)].tolist()
    if not isbns:
        return ""
    shown = ", ".join(isbns[:_SHOWN])
    return (
        f"{len(isbns):,} ISBNs have several titles or publication dates ({shown}): the last is used"
    )
