"""The node that reads tables of launches: titles that are not out yet."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from typing import Any

import pandas as pd

from book_forecast.bookscan.rules.rejections import list_reasons
from book_forecast.bookscan.titles.launch_tables import (
    LaunchTable,
    clean_launch_table,
    merge_launch_tables,
)
from book_forecast.bookscan.titles.lists import clean_title_list
from book_forecast.pipelines.ingest.title_lists import (
    TitleLists,
    join_rejected,
    order_of,
    read_folder,
)

logger = logging.getLogger(__name__)

_FOLDER = "launches/"


def read_launches(
    launch_tables: TitleLists,
    import_table: pd.DataFrame,
    hints: Mapping[str, Any],
    accepted_rows: pd.DataFrame,  # noqa: ARG001 - waits for them
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the tables of launches; of several rows of a title, the later one wins by field.

    Args:
        launch_tables: The tables; there may be none.
        import_table: What was understood of the exports. The order of day and month of the last
            one holds for a table that shows none.
        hints: What the user says about them; patterns of the folder begin with ``launches/``.
        accepted_rows: Rows of the exports: if they are refused, the launches before stay too.

    Returns:
        One row per title: isbn, the fields of lists of titles, comparable, print_run. The rows and
        cells that are not used, as in rejected_rows.
    """
    today = dt.datetime.now(tz=dt.UTC).date()
    tables: list[LaunchTable] = []
    for parts, chosen in read_folder(launch_tables, _FOLDER, hints):
        listed = clean_title_list(parts, chosen, today, order_of(import_table))
        found = clean_launch_table(listed, parts)
        tables.append(found)
        _log(found)
    return merge_launch_tables(tables), join_rejected(table.rejected for table in tables)


def _log(found: LaunchTable) -> None:
    logger.info(
        "Launches %.60s: %s titles, %s rows or cells not used",
        *(found.listed.file, f"{found.launches['isbn'].nunique():,}", f"{len(found.rejected):,}"),
    )
    for remark in found.listed.remarks:
        logger.warning("%s: %s", found.listed.file, remark)
    if len(found.rejected):
        reasons = list_reasons(found.rejected, shown=1)
        logger.warning("%.50s: see rejected_launches: %.80s", found.listed.file, reasons)


def warn_of_new_classes(titles: pd.DataFrame, launches: pd.DataFrame, sold: pd.Series) -> None:
    """Warn of product classes of launches that no title with sales has, often another spelling.

    Args:
        titles: isbn, product_class of all titles.
        launches: isbn, product_class of titles to come.
        sold: ISBNs with sales.
    """
    selling = sold.unique()  # isin is slow with millions of values
    known = titles.loc[titles["isbn"].isin(selling), "product_class"].dropna().unique()
    new = launches.loc[~launches["isbn"].isin(selling), "product_class"].dropna().unique()
    strange = sorted(set(new) - set(known))
    if strange and len(known):
        logger.warning(
            "Launches: no title with sales has the product class %.60s: launches of it learn from "
            "those of all classes. Correct it if it is meant as one of: %.80s",
            *(", ".join(strange), ", ".join(sorted(known))),
        )
