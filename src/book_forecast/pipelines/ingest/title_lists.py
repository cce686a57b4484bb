"""Lists of titles: separated from exports, and read into metadata of titles."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import pandas as pd

from book_forecast.bookscan.columns import MissingColumnsError
from book_forecast.bookscan.conventions.dates import DateOrder
from book_forecast.bookscan.hints import ExportHints, hints_for
from book_forecast.bookscan.readers.refusals import refuse_columns
from book_forecast.bookscan.rows import Layout, RawRows, texts_and_codes
from book_forecast.bookscan.rules.rejections import list_reasons
from book_forecast.bookscan.titles.lists import TitleList, clean_title_list, merge_title_lists

logger = logging.getLogger(__name__)

_FOLDER = "titles/"
_ENOUGH_ROWS = 20
_MOST_ROWS_A_TITLE = 2.0
_LARGE_SHARE = 0.05
_NO_REJECTIONS = {"file": "str", "sheet": "str", "row": "int64"} | dict.fromkeys(
    ("column", "value", "reason"), "str"
)
_RECORD = (
    *("file", "sheets", "dates", "columns", "not_taken", "encoding"),
    *("rows", "rejected", "titles", "publication_dates", "remarks"),
)


class TitleLists(Protocol):
    """Lists of titles in order of reading."""

    def files(self) -> list[str]:
        """Return their names."""

    def read(self, file: str, hints: ExportHints) -> Iterator[RawRows]:
        """Read one in parts, at least one."""


def separate_title_lists(
    raw: Iterable[RawRows], hints: ExportHints
) -> tuple[list[RawRows], list[RawRows]]:
    """Separate the lists of titles among the sheets of a file from its sales.

    A sheet in which titles repeat as in weekly sales is no list. It lacks columns that an export
    needs: it is passed over beside sheets with sales, and refused without them.

    Args:
        raw: All rows of a file among the exports.
        hints: What the user says about it.

    Returns:
        Parts with sales; parts of lists.

    Raises:
        UserError: The file has neither sales nor a list.
    """
    parts = list(raw)
    sales = [part for part in parts if not part.layout.is_title_list]
    lists = [part for part in parts if part.layout.is_title_list]
    kept: list[RawRows] = []
    for sheet in dict.fromkeys(part.sheet for part in lists):
        own = [part for part in lists if part.sheet == sheet]
        if not _repeats_titles(own):
            kept += own
            _tell(own[0].layout)
        elif sales:
            logger.warning("Ignored sheet %.30s of %.40s: it has no Volume", sheet, own[0].file)
        else:
            raise _refuse(own[0].layout, hints)
    return sales, kept


def read_title_lists(
    title_lists: TitleLists,
    lists_in_exports: Sequence[RawRows],
    import_table: pd.DataFrame,
    hints: Mapping[str, Any],
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read the lists of titles in their own folder and among the exports.

    Of several lists that have a field of a title, the later one holds: those in the folder of lists
    come after those among the exports.

    Args:
        title_lists: Those in their own folder; there may be none.
        lists_in_exports: The rows of those among the exports.
        import_table: What was understood of the exports. The order of day and month of the last
            one holds for a list that shows none.
        hints: What the user says about them; patterns of the folder begin with ``titles/``.

    Returns:
        One row per title; the cells that are not used, as in rejected_rows; and a row per list:
        what was understood of it.
    """
    today = dt.datetime.now(tz=dt.UTC).date()
    order = order_of(import_table)
    lists: list[TitleList] = []
    records: list[Mapping[str, object]] = []
    for parts, chosen in _parts(title_lists, lists_in_exports, hints):
        found = clean_title_list(parts, chosen, today, order)
        lists.append(found)
        records.append(_record(found, parts))
        _log(found)
    table = pd.DataFrame(records, columns=list(_RECORD))
    return merge_title_lists(lists), join_rejected(each.rejected for each in lists), table


def _parts(
    title_lists: TitleLists, in_exports: Sequence[RawRows], hints: Mapping[str, Any]
) -> Iterator[tuple[list[RawRows], ExportHints]]:
    for file in dict.fromkeys(part.file for part in in_exports):
        yield [part for part in in_exports if part.file == file], hints_for(file, hints)
    yield from read_folder(title_lists, _FOLDER, hints)


def read_folder(
    tables: TitleLists, folder: str, hints: Mapping[str, Any]
) -> Iterator[tuple[list[RawRows], ExportHints]]:
    """Yield the rows of each table in a folder beside that of the exports, and its hints.

    Args:
        tables: Those in the folder.
        folder: Beginning of the patterns that are meant for it, as in ``titles/``.
        hints: What the user says about files, by pattern.
    """
    # A pattern such as *.csv is meant for exports.
    own = {at: hint for at, hint in hints.items() if at.casefold().startswith(folder)}
    for file in tables.files():
        chosen = hints_for(file, own)
        yield list(tables.read(file, chosen)), chosen


def order_of(import_table: pd.DataFrame) -> DateOrder:
    """Return the order of day and month of the last export, for tables that show none."""
    last = import_table["dates"].iloc[-1]
    return "month_first" if last == "month first" else "day_first"


def join_rejected(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the rejected cells of several lists, with the same columns where there are none."""
    nothing = pd.DataFrame({name: pd.Series([], dtype=t) for name, t in _NO_REJECTIONS.items()})
    return pd.concat([nothing, *tables], ignore_index=True)


def _repeats_titles(parts: Sequence[RawRows]) -> bool:
    texts = [texts_and_codes(part.table["isbn"])[0] for part in parts]
    distinct = len({text for each in texts for text in each.to_pylist() if text.strip()})
    rows = sum(len(part.rows) for part in parts)
    return rows >= _ENOUGH_ROWS and rows > _MOST_ROWS_A_TITLE * max(distinct, 1)


def _refuse(layout: Layout, hints: ExportHints) -> Exception:
    header = [*layout.headings.values(), *layout.passed_over]
    error = MissingColumnsError(["Volume", "End Date or Interval"], header)
    return refuse_columns(layout.file, error, [header], hints.columns, layout.sheet)


def _tell(layout: Layout) -> None:
    sheet = f"sheet {layout.sheet[:30]} of " if layout.sheet else ""
    place = f"{sheet}{layout.file[:40]}"
    if layout.passed_over:
        others = ", ".join(layout.passed_over)
        logger.warning(
            "Read %s as a list of titles: it has no Volume; passed over: %.50s", place, others
        )
    else:
        logger.info("Read %s as a list of titles: it has no Volume and no End Date", place)


def _log(found: TitleList) -> None:
    titles = found.titles["isbn"].nunique()
    logger.info(
        "List %.60s: %s titles, %s publication dates, %s cells not used",
        *(found.file, f"{titles:,}", f"{_dated(found):,}", f"{len(found.rejected):,}"),
    )
    for remark in found.remarks:
        logger.warning("%s: %s", found.file, remark)
    if len(found.rejected) > _LARGE_SHARE * found.rows:
        reasons = list_reasons(found.rejected, shown=1)
        logger.warning("%.50s: see rejected_titles: %.80s", found.file, reasons)


def _dated(found: TitleList) -> int:
    return int(found.titles.loc[found.titles["publication_date"].notna(), "isbn"].nunique())


def _record(found: TitleList, parts: Sequence[RawRows]) -> Mapping[str, object]:
    layouts = {part.sheet: part.layout for part in parts}
    first = parts[0].layout
    return {
        "file": found.file,
        "sheets": ", ".join(filter(None, layouts)),
        "dates": found.order.replace("_", " "),
        "columns": ", ".join(_distinct(layout.headings.values() for layout in layouts.values())),
        "not_taken": ", ".join(_distinct(layout.passed_over for layout in layouts.values())),
        "encoding": first.encoding,
        "rows": found.rows,
        "rejected": len(found.rejected),
        "titles": found.titles["isbn"].nunique(),
        "publication_dates": _dated(found),
        "remarks": " ".join(found.remarks),
    }


def _distinct(headings: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(heading for each in headings for heading in each))
