"""One export: its conventions, its usable rows, and what was understood of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from book_forecast.bookscan.columns import column_named
from book_forecast.bookscan.conventions.find import Conventions, find_conventions
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.rows import Layout, RawRows, UnreadableRow
from book_forecast.bookscan.rules.cleaning import CleanRows, clean_rows
from book_forecast.bookscan.rules.copies import find_copies
from book_forecast.bookscan.year_weeks import join_years

_EXAMPLES = 3
# What spreadsheets leave of an ISBN that they show with six digits.
_ZEROS = "0" * 7


@dataclass(frozen=True)
class CleanExport:
    """The usable rows of an export.

    Attributes:
        file: Its name.
        conventions: Those of all of its rows.
        sales: Usable rows without copies: isbn, week, volume, value, asp, rrp, row, sheet.
        attributes: The latest texts about each title: isbn, week, attribute, text.
        rejected: The other rows: file, sheet, row, column, value, reason.
        rows: Number of rows that count, usable or not.
        rounded: Distinct titles of ISBNs that a spreadsheet may have rounded, by part.
        sheets: A record of each sheet, as the import table has it.
        remarks: What a user should know.
    """

    file: str
    conventions: Conventions
    sales: pd.DataFrame
    attributes: pd.DataFrame
    rejected: pd.DataFrame
    rows: int
    rounded: tuple[Mapping[str, frozenset[str]], ...]
    sheets: tuple[Mapping[str, object], ...]
    remarks: tuple[str, ...]


def clean_export(
    raw: Iterable[RawRows],
    hints: ExportHints,
    today: dt.date,
    former: Conventions | None = None,
    last_week: dt.date | None = None,
) -> CleanExport:
    """Find the conventions of an export and apply the rules for rows.

    Args:
        raw: Its rows, at least one part.
        hints: What the user says about it.
        today: Later weeks than 366 days after it are rejected.
        former: Conventions of the export before.
        last_week: Last week of the exports before.
    """
    parts = [join_years(part) for part in raw]
    conventions = find_conventions(parts, hints, today, former, last_week)
    clean = [clean_rows(part, conventions, today) for part in parts]
    copies = find_copies(parts, clean, hints.copies)
    layouts = [part.layout for part in parts]
    guessed = [row for part in parts for row in part.guessed]
    notes = tuple(dict.fromkeys(note for layout in layouts for note in layout.notes))
    del parts
    sales = pd.concat(
        [
            _with_sheet(part.sales[~of_part], layout.sheet)
            for part, of_part, layout in zip(clean, copies.of_part, layouts, strict=True)
        ],
        ignore_index=True,
    )
    return CleanExport(
        file=layouts[0].file,
        conventions=conventions,
        sales=sales,
        attributes=pd.concat(
            [part.attributes for part in _not_repeated(clean, copies.of_part)], ignore_index=True
        ),
        rejected=pd.concat([part.rejected for part in clean], ignore_index=True),
        rows=sum(part.rows for part in clean),
        rounded=tuple(part.rounded for part in clean),
        sheets=tuple(_sheets(layouts, clean, copies.of_part, conventions)),
        remarks=(
            *notes,
            *_other_volumes(layouts),
            *conventions.remarks,
            *copies.remarks,
            *_remarks_on_rows(clean, guessed),
        ),
    )


def _remarks_on_rows(clean: Sequence[CleanRows], guessed: Sequence[UnreadableRow]) -> list[str]:
    """Return remarks on rows that are used, but not without a doubt."""
    remarks = []
    if guessed:
        shown = ", ".join(f"row {row.row}" for row in guessed[:_EXAMPLES])
        remarks.append(f"{len(guessed):,} rows are read by a guess ({shown}): {guessed[0].reason}")
    doubtful = sorted({isbn for part in clean for isbn in part.rounded if isbn.endswith(_ZEROS)})
    if doubtful:
        shown = ", ".join(doubtful[:_EXAMPLES])
        remarks.append(f"A spreadsheet may have rounded several ISBNs to {shown}: check them.")
    if stray := sorted(frozenset[dt.date]().union(*(part.stray for part in clean))):
        shown = ", ".join(f"{day:%Y-%m-%d}" for day in stray[:_EXAMPLES])
        remarks.append(
            f"{len(stray):,} of its dates are on another weekday than the others ({shown}): each "
            "is taken for the nearest end of a week."
        )
    if turned := sum(part.turned for part in clean):
        remarks.append(f"{turned:,} returns have positive volumes: they are taken off the sales.")
    unreadable = sum(part.unreadable_prices for part in clean)
    if unreadable:
        remarks.append(f"{unreadable:,} prices are no numbers and are missing. Name decimal_mark.")
    return remarks


def _other_volumes(layouts: Sequence[Layout]) -> list[str]:
    """Return a remark for each column of copies beside the one that is taken."""
    return list(
        dict.fromkeys(
            f'Column "{layout.headings["volume"]}" is taken for the copies, "{heading}" is not. '
            "Name columns if this is wrong."
            for layout in layouts
            for heading in layout.passed_over
            if "volume" in layout.headings and column_named(heading) == "volume"
        )
    )


def _with_sheet(sales: pd.DataFrame, sheet: str) -> pd.DataFrame:
    codes = np.zeros(len(sales), dtype=np.int8)
    return sales.assign(sheet=pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype([sheet])))


def _not_repeated(clean: Sequence[CleanRows], copies: Sequence[np.ndarray]) -> list[CleanRows]:
    """Return the parts with rows of their own; the first if none has.

    The name of a sheet that repeats another is no product class.
    """
    own = [part for part, again in zip(clean, copies, strict=True) if not again.all()]
    return own or [clean[0]]


def _sheets(
    layouts: Sequence[Layout],
    clean: Sequence[CleanRows],
    copies: Sequence[np.ndarray],
    conventions: Conventions,
) -> list[Mapping[str, object]]:
    """Return a record for each sheet of a file."""
    numbers: dict[str, list[int]] = {}
    for number, layout in enumerate(layouts):
        numbers.setdefault(layout.sheet, []).append(number)
    records: list[Mapping[str, object]] = []
    for own in numbers.values():
        layout, parts = layouts[own[0]], [clean[number] for number in own]
        weeks = pd.concat([part.sales["week"] for part in parts])
        isbns = set().union(*(part.isbns[np.unique(part.isbn_codes)] for part in parts))
        records.append(
            {
                "file": layout.file,
                "sheet": layout.sheet,
                "format": layout.format,
                "encoding": layout.encoding,
                "delimiter": layout.delimiter,
                "header_row": layout.header_row,
                "columns": ", ".join(layout.headings.values()),
                "not_taken": ", ".join(layout.passed_over),
                **conventions.describe(),
                "rows": sum(part.rows for part in parts),
                "used": sum(len(part.sales) for part in parts),
                "rejected": sum(len(part.rejected) for part in parts),
                "copies": sum(int(copies[number].sum()) for number in own),
                "no_sales": sum(part.passed_over for part in parts),
                "returns": sum(part.returns for part in parts),
                "moved": sum(part.moved for part in parts),
                "unreadable_prices": sum(part.unreadable_prices for part in parts),
                "titles": len(isbns),
                "first_week": weeks.min(),
                "last_week": weeks.max(),
                "volume": sum(float(part.sales["volume"].sum()) for part in parts),
            }
        )
    return records
