"""Nodes from the raw rows of exports to weekly sales, titles and rejected rows."""

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

from book_forecast.bookscan.aggregation import aggregate_rows, describe_titles
from book_forecast.bookscan.cleaning import CleanRows, clean_rows
from book_forecast.bookscan.hints import ExportHints, hints_for
from book_forecast.bookscan.rejections import list_reasons
from book_forecast.bookscan.rows import RawRows
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)


class Exports(Protocol):
    """Exports in order of reading."""

    def files(self) -> list[str]:
        """Return their names."""

    def read(self, file: str, hints: ExportHints) -> Iterator[RawRows]:
        """Read one in parts, at least one."""


def clean_exports(
    exports: Exports, hints: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, int]:
    """Apply the rules for single rows to every export.

    Args:
        exports: The exports, in order of name.
        hints: What the user says about them, by pattern.

    Returns:
        The usable rows (``isbn, week, volume, value, asp, rrp`` and ``delivery``, the number of
        the file in this order); the latest texts about each title; the rejected rows; and the
        number of rows read.
    """
    today = dt.datetime.now(tz=dt.UTC).date()
    sales: list[pd.DataFrame] = []
    clean: list[CleanRows] = []
    for delivery, file in enumerate(exports.files()):
        chunks = exports.read(file, hints_for(file, hints))
        of_file = [clean_rows(raw, today) for raw in chunks]
        sales += [part.sales.assign(delivery=np.int32(delivery)) for part in of_file]
        clean += of_file
        _log_file(file, of_file)
    rejected = pd.concat([part.rejected for part in clean], ignore_index=True)
    _log_totals(clean, rejected)
    return (
        pd.concat(sales, ignore_index=True),
        pd.concat([part.attributes for part in clean], ignore_index=True),
        rejected,
        sum(part.rows for part in clean),
    )


def check_rejected_share(
    rows: pd.DataFrame, rejected_rows: pd.DataFrame, rows_read: int, max_rejected_share: float
) -> pd.DataFrame:
    """Stop the run when too much of the exports cannot be used.

    Args:
        rows: The usable rows.
        rejected_rows: The others, which are already written.
        rows_read: Number of both.
        max_rejected_share: The largest accepted share of rejected rows, 0 to 1.

    Returns:
        The usable rows, unchanged.

    Raises:
        UserError: More rows are rejected, or no row is usable.
    """
    rejected = len(rejected_rows)
    if rows_read == 0:
        raise UserError("The exports hold no rows below their headers: export them again.")
    if rejected > max_rejected_share * rows_read or rows.empty:
        raise UserError(
            f"{rejected:,} of {rows_read:,} rows ({rejected / rows_read:.1%}) cannot be used; "
            f"max_rejected_share={max_rejected_share:g} is the limit. "
            f"Reasons: {list_reasons(rejected_rows)}. Files, sheets and row "
            "numbers are in rejected_rows (02_intermediate/rejected_rows.parquet); weekly_sales is "
            "unchanged. Correct the exports, or raise max_rejected_share."
        )
    return rows


def add_up_sales(
    rows: pd.DataFrame, title_texts: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make one row per title and week, and one per title.

    Rows of one file add up. The file with the name that sorts last replaces the others.

    Args:
        rows: The usable rows, as `clean_exports` returns them.
        title_texts: The latest texts about each title, as `clean_exports` returns them.

    Returns:
        ``titles`` (isbn and attributes) and ``weekly_sales`` (isbn, week, volume, value, asp, rrp),
        both sorted.
    """
    weekly, replaced = aggregate_rows(rows)
    titles = describe_titles(title_texts, weekly["isbn"])
    if replaced:
        logger.info("Replaced %s title-weeks by those of a later file", f"{replaced:,}")
    logger.info(
        "Weekly sales: %s rows, %s titles, weeks %s to %s",
        f"{len(weekly):,}",
        f"{len(titles):,}",
        weekly["week"].min().date(),
        weekly["week"].max().date(),
    )
    return titles, weekly


def _log_file(file: str, parts: list[CleanRows]) -> None:
    rows = sum(part.rows for part in parts)
    if rows:
        rejected = sum(len(part.rejected) for part in parts)
        logger.info("Read %s: %s rows, %s rejected", file, f"{rows:,}", f"{rejected:,}")
    else:
        logger.warning("Read %s: it has a header but no rows", file)


def _log_totals(clean: list[CleanRows], rejected: pd.DataFrame) -> None:
    moved = sum(part.moved for part in clean)
    if moved:
        logger.info("Moved %s rows to the Saturday that ends their week", f"{moved:,}")
    unreadable = sum(part.unreadable_prices for part in clean)
    if unreadable:
        logger.info("Set %s prices to missing: unreadable or not above 0", f"{unreadable:,}")
    if len(rejected):
        logger.warning(
            "Rejected %s rows, see rejected_rows: %s",
            f"{len(rejected):,}",
            list_reasons(rejected),
        )
