"""Nodes from the raw rows of exports to weekly sales, titles and rejected rows."""

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from book_forecast.bookscan.aggregation import aggregate_rows, describe_titles
from book_forecast.bookscan.conventions.find import Conventions
from book_forecast.bookscan.export import CleanExport, clean_export
from book_forecast.bookscan.hints import ExportHints, hints_for
from book_forecast.bookscan.rows import RawRows
from book_forecast.bookscan.rules.rejections import IMPLAUSIBLE, list_reasons
from book_forecast.bookscan.titles.metadata import add_launches, complete_titles
from book_forecast.options.groups import IngestOptions
from book_forecast.pipelines.ingest.changes import FormerImport, ImportSummary, describe_import
from book_forecast.pipelines.ingest.implausible import hold_back
from book_forecast.pipelines.ingest.launches import warn_of_new_classes
from book_forecast.pipelines.ingest.title_lists import separate_title_lists
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)


class Exports(Protocol):
    """Exports in order of reading."""

    def files(self) -> list[str]:
        """Return their names."""

    def read(self, file: str, hints: ExportHints) -> Iterator[RawRows]:
        """Read one in parts, at least one."""


def clean_exports(
    exports: Exports, hints: Mapping[str, Any], ingest: IngestOptions
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, int, pd.DataFrame, list[RawRows]]:
    """Find the conventions of every export and apply the rules for rows.

    Args:
        exports: The exports, in order of name.
        hints: What the user says about them, by pattern.
        ingest: The limits.

    Returns:
        The usable rows (``isbn, week, volume, value, asp, rrp`` and ``delivery``, the number of
        the file in this order); the latest texts about each title; the rejected rows; the number
        of rows read; the import table, a row for each sheet; and the rows of lists of titles among
        the exports.

    Raises:
        UserError: A file cannot be used, or none has sales.
    """
    clean, sales, lists = _clean_files(exports, hints, ingest.max_rejected_share)
    if not clean:
        raise UserError(
            f"There are no sales among the exports: {lists[0].file} is a list of titles. Put an "
            "export with ISBN, Volume, and End Date or Interval beside it, into 01_raw/sales."
        )
    files = [export.file for export in clean]
    rounded = [part for export in clean for part in export.rounded]
    rows, held_back = hold_back(sales, files, rounded, ingest)
    rejected = pd.concat([*(export.rejected for export in clean), held_back], ignore_index=True)
    if len(rejected):
        logger.warning("Rejected %s rows, see rejected_rows", f"{len(rejected):,}")
    return (
        rows.drop(columns=["row", "sheet"]),
        pd.concat([export.attributes for export in clean], ignore_index=True),
        rejected,
        sum(export.rows for export in clean),
        _import_table(clean),
        lists,
    )


def _clean_files(
    exports: Exports, hints: Mapping[str, Any], max_rejected_share: float
) -> tuple[list[CleanExport], pd.DataFrame, list[RawRows]]:
    """Return every export without its sales, the sales of all, and lists of titles among them."""
    today = dt.datetime.now(tz=dt.UTC).date()
    clean: list[CleanExport] = []
    sales: list[pd.DataFrame] = []
    lists: list[RawRows] = []
    former: Conventions | None = None
    last_week: dt.date | None = None
    for file in exports.files():
        chosen = hints_for(file, hints)
        parts, listed = separate_title_lists(exports.read(file, chosen), chosen)
        lists += listed
        if not parts:
            continue
        export = clean_export(_drain(parts), chosen, today, former, last_week)
        _log_file(export, max_rejected_share)
        former = export.conventions
        if len(export.sales):
            newest = export.sales["week"].max().date()
            last_week = newest if last_week is None else max(last_week, newest)
        sales.append(export.sales.assign(delivery=np.int32(len(clean))))
        clean.append(replace(export, sales=export.sales.iloc[:0]))
    return clean, pd.concat(sales, ignore_index=True) if sales else pd.DataFrame(), lists


def _drain(parts: list[RawRows]) -> Iterator[RawRows]:
    """Yield parts and let go of them: they may be large."""
    while parts:
        yield parts.pop(0)


def check_rejected_share(
    rows: pd.DataFrame, rejected_rows: pd.DataFrame, rows_read: int, max_rejected_share: float
) -> pd.DataFrame:
    """Stop the run when too much of the exports cannot be used.

    Args:
        rows: The usable rows.
        rejected_rows: The others, which are already written.
        rows_read: Number of both.
        max_rejected_share: The largest accepted share of rejected rows, 0 to 1; implausible ones,
            which are held back, do not count.

    Returns:
        The usable rows, unchanged.

    Raises:
        UserError: More rows are rejected, or no row is usable.
    """
    unread = rejected_rows[~rejected_rows["reason"].str.startswith(IMPLAUSIBLE)]
    rejected = len(unread)
    if rows_read == 0:
        raise UserError("The exports hold no rows below their headers: export them again.")
    if rejected > max_rejected_share * rows_read or rows.empty:
        files = rejected_rows["file"].value_counts()
        raise UserError(
            f"{rejected:,} of {rows_read:,} rows ({rejected / rows_read:.1%}) cannot be used, most "
            f"of them in {files.index[0]}; max_rejected_share={max_rejected_share:g} is the limit. "
            f"Reasons: {list_reasons(rejected_rows)}. Files, sheets and row "
            "numbers are in rejected_rows (02_intermediate/rejected_rows.parquet); weekly_sales is "
            "unchanged. Correct the exports, say with the parameter exports how they are written, "
            "or raise max_rejected_share."
        )
    return rows


def add_up_sales(
    rows: pd.DataFrame,
    title_texts: pd.DataFrame,
    listed_titles: pd.DataFrame,
    former_import: FormerImport,
    launches: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, ImportSummary]:
    """Make one row per title and week, and one per title, and compare them with those before.

    Rows of one file add up. The last file replaces the others.

    Args:
        rows: The usable rows, as `clean_exports` returns them.
        title_texts: The latest texts about each title, as `clean_exports` returns them.
        listed_titles: One row per title of the lists of titles; there may be none.
        former_import: Summary of the weekly sales that these replace.
        launches: One row per title of the tables of launches, which tell what lists do not; those
            without sales are titles too. None without any.

    Returns:
        ``titles`` (isbn, attributes, publication_date, country, list_price) and ``weekly_sales``
        (isbn, week, volume, value, asp, rrp), both sorted; and these in numbers, beside those
        before. A volume is negative where returns exceed sales.
    """
    weekly, replaced = aggregate_rows(rows)
    isbns, known = weekly["isbn"], listed_titles
    if launches is not None:
        isbns = pd.concat([isbns, launches["isbn"]], ignore_index=True)
        known = add_launches(listed_titles, launches)
    titles = complete_titles(describe_titles(title_texts, isbns), known)
    if launches is not None:
        warn_of_new_classes(titles, launches, weekly["isbn"])
    if len(listed_titles):
        logger.info(
            "Lists of titles have %s of %s titles with sales, and %s publication dates of them",
            f"{titles['isbn'].isin(listed_titles['isbn']).sum():,}",
            f"{len(titles):,}",
            f"{titles['publication_date'].notna().sum():,}",
        )
    if replaced:
        logger.info("Replaced %s title-weeks by those of a later file", f"{replaced:,}")
    negative = int((weekly["volume"] < 0).sum())
    if negative:
        logger.info("Returns exceed sales in %s title-weeks, which stay negative", f"{negative:,}")
    return titles, weekly, describe_import(weekly, former_import)


def _log_file(export: CleanExport, max_rejected_share: float) -> None:
    rejected = len(export.rejected)
    if export.rows:
        logger.info("Read %s: %s rows, %s rejected", export.file, f"{export.rows:,}", rejected)
    else:
        logger.warning("Read %s: it has a header but no rows", export.file)
    for remark in export.remarks:
        logger.warning("%s: %s", export.file, remark)
    if rejected > max_rejected_share * export.rows:
        share = rejected / export.rows
        reasons = list_reasons(export.rejected, shown=1)
        logger.warning(
            "%s: %.0f %% of its rows are rejected: %s", export.file, 100 * share, reasons
        )


def _import_table(clean: list[CleanExport]) -> pd.DataFrame:
    table = pd.DataFrame([record for export in clean for record in export.sheets])
    remarks = {export.file: " ".join(export.remarks) for export in clean}
    table["remarks"] = table["file"].map(remarks).where(~table["file"].duplicated(), "")
    return table
