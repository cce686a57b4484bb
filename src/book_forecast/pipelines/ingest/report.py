"""The import report: what was understood of the exports, as a page and in five lines of the log."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from html import escape

import pandas as pd

from book_forecast.bookscan.rules.rejections import list_reasons
from book_forecast.pipelines.ingest.changes import Changes, ImportSummary
from book_forecast.plots.pages import page

logger = logging.getLogger(__name__)

_EXAMPLES = 5
_MOST_ROWS = 200
_MOST_WEEKS = 20
_FILE_COLUMNS = {
    "file": "File",
    "sheet": "Sheet",
    "format": "Format",
    "encoding": "Encoding",
    "delimiter": "Delimiter",
    "header_row": "Header row",
    "numbers": "Numbers",
    "dates": "Dates",
    "weeks": "Weeks",
    "intervals": "Intervals",
    "columns": "Columns taken",
    "not_taken": "Columns passed over",
    "rows": "Rows",
    "rejected": "Rejected",
    "copies": "Copies",
    "no_sales": "Totals, notes",
    "returns": "Returns",
    "titles": "Titles",
    "first_week": "First week",
    "last_week": "Last week",
    "volume": "Copies sold",
}
_STYLE = """
table { border-collapse: collapse; margin: 8px 0 24px; font-size: 13px; }
th, td { text-align: left; padding: 3px 10px 3px 0; border-bottom: 1px solid #ddd; }
td { vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td { max-width: 28em; min-width: 5.5em; overflow-wrap: anywhere; }
td.number { min-width: 0; }
.wide { overflow-x: auto; }
li.warning { margin-bottom: 4px; }
li.warning::marker { content: "! "; color: #D55E00; font-weight: bold; }
"""


def report_import(
    import_table: pd.DataFrame,
    rejected_rows: pd.DataFrame,
    import_summary: ImportSummary,
    title_list_table: pd.DataFrame,
    rejected_titles: pd.DataFrame,
    rejected_launches: pd.DataFrame | None = None,
) -> str:
    """Write the import report, and its summary to the log.

    Args:
        import_table: A row for each sheet, with what was understood of it.
        rejected_rows: file, sheet, row, column, value, reason.
        import_summary: The weekly sales in numbers, beside those of the import before.
        title_list_table: A row for each list of titles.
        rejected_titles: Cells of them that are not used, as in `rejected_rows`.
        rejected_launches: The same of tables of launches; None without any.

    Returns:
        An HTML page.
    """
    changes = import_summary.changes
    summary = _summary(import_table, rejected_rows, import_summary)
    for line in summary:
        logger.info(line)
    if changes.lost:
        logger.warning(
            "%s title-weeks of the last import are gone: an export may be cut or missing",
            f"{changes.lost:,}",
        )
    replaced = _replaced(changes)
    for line in replaced:
        logger.warning(line)
    both = pd.concat([table[["file", "remarks"]] for table in (import_table, title_list_table)])
    remarks = both[both["remarks"] != ""]
    to_look_at = [*replaced, *(f"{row.file}: {row.remarks}" for row in remarks.itertuples())]
    body = [
        "<h1>Import report</h1>",
        _items(summary),
        "<h2>To look at</h2>",
        _items(to_look_at, "warning") or "<p>Nothing was read by a guess.</p>",
        "<h2>Newest weeks</h2>",
        _table(import_summary.newest.reset_index()),
        "<h2>Against the import before</h2>",
        _changes(changes),
        "<h2>Files and sheets</h2>",
        f'<div class="wide">{_table(_files(import_table))}</div>',
        "<h2>Rejected and held back</h2>",
        _rejections(rejected_rows),
        *_title_lists(title_list_table, rejected_titles),
        *_launches(rejected_launches),
    ]
    return page("Import report", "\n".join(body), _STYLE)


def _summary(table: pd.DataFrame, rejected: pd.DataFrame, summary: ImportSummary) -> list[str]:
    last = summary.newest.iloc[0]
    used, rows = int(table["used"].sum()), int(table["rows"].sum())
    copies, returns = int(table["copies"].sum()), int(table["returns"].sum())
    reasons = f": {list_reasons(rejected, shown=1)}" if len(rejected) else ""
    files = (
        f"Import: {table['file'].nunique():,} files, {rows:,} rows, {used:,} used, "
        f"{copies:,} copies, {returns:,} returns"
    )
    history = (
        f"Weekly sales: {summary.title_weeks:,} title-weeks of {summary.titles:,} titles, "
        f"{summary.first_week:%Y-%m-%d} to {summary.last_week:%Y-%m-%d}"
    )
    week = (
        f"Newest week {summary.last_week:%Y-%m-%d}: {last['titles']:,.0f} titles, "
        f"{last['copies']:,.0f} copies; {last['new_titles']:,.0f} titles are new, "
        f"{last['silent_titles']:,.0f} of {last['usual_titles']:,.0f} usual ones silent"
    )
    rejections = f"Rejected: {len(rejected):,} rows{_short(reasons)}"
    return [files, rejections, history, week, _difference(summary.changes)]


def _difference(changes: Changes) -> str:
    if changes.is_first:
        return "Against the last import: this is the first"
    return (
        f"Against the last import: {len(changes.new_weeks):,} new weeks, "
        f"{len(changes.changed_weeks):,} changed ones, {changes.lost:,} title-weeks lost, "
        f"{len(changes.new_titles):,} new titles, {len(changes.vanished_titles):,} vanished"
    )


def _short(text: str, most: int = 110) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _replaced(changes: Changes) -> list[str]:
    """Return a line about weeks whose copies have changed much; none if there are none."""
    weeks = changes.replaced_weeks
    if weeks.empty:
        return []
    newest = weeks.iloc[0]
    others = f" (and {len(weeks) - 1:,} others)" if len(weeks) > 1 else ""
    line = (
        f"Week {weeks.index[0]:%Y-%m-%d}{others} has {newest['volume']:,.0f} copies, "
        f"{newest['volume_before']:,.0f} in the last import: a correction, or a misread date?"
    )
    return [line]


def _changes(changes: Changes) -> str:
    if changes.is_first:
        return "<p>This is the first import.</p>"
    lists = [
        f"{name}: {', '.join(isbns[:_EXAMPLES])}{' …' if len(isbns) > _EXAMPLES else ''}"
        for name, isbns in (
            ("New titles", changes.new_titles),
            ("Vanished titles", changes.vanished_titles),
        )
        if isbns
    ]
    if changes.weeks.empty:
        return _items(lists) or "<p>All weeks are the same.</p>"
    return _items(lists) + _table(changes.weeks.reset_index(), _MOST_WEEKS)


def _files(table: pd.DataFrame) -> pd.DataFrame:
    shown = table.assign(delimiter=table["delimiter"].replace({"\t": "tab"}))
    return shown[list(_FILE_COLUMNS)].rename(columns=_FILE_COLUMNS)


def _title_lists(table: pd.DataFrame, rejected: pd.DataFrame) -> list[str]:
    if table.empty:
        return []
    shown = table.drop(columns="remarks").rename(columns={"not_taken": "passed_over"})
    return [
        "<h2>Lists of titles</h2>",
        f'<div class="wide">{_table(shown)}</div>',
        _rejections(rejected) if len(rejected) else "",
    ]


def _launches(rejected: pd.DataFrame | None) -> list[str]:
    if rejected is None or rejected.empty:
        return []
    return ["<h2>Rejected rows and cells of launches</h2>", _rejections(rejected)]


def _rejections(rejected: pd.DataFrame) -> str:
    if rejected.empty:
        return "<p>No row is rejected.</p>"
    parts = []
    for (column, reason), rows in rejected.groupby(["column", "reason"], sort=False):
        label = f"{column}: {reason}" if column else str(reason)
        parts.append(f"<h3>{escape(label)} ({len(rows):,})</h3>")
        parts.append(_table(rows.head(_EXAMPLES)[["file", "sheet", "row", "value"]]))
    return "\n".join(parts)


def _items(lines: Iterable[str], kind: str = "") -> str:
    items = "".join(f'<li class="{kind}">{escape(line)}</li>' for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def _table(frame: pd.DataFrame, most: int = _MOST_ROWS) -> str:
    numeric = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame]
    head = "".join(
        f"<th{_kind(number)}>{escape(str(name).replace('_', ' '))}</th>"
        for name, number in zip(frame, numeric, strict=True)
    )
    rows = [
        "".join(
            f"<td{_kind(number)}>{escape(_cell(value))}</td>"
            for value, number in zip(row, numeric, strict=True)
        )
        for row in frame.head(most).itertuples(index=False)
    ]
    more = len(frame) - most
    note = f"<p>… and {more:,} more</p>" if more > 0 else ""
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>{note}"


def _kind(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _cell(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if value is None or value is pd.NaT or (isinstance(value, float) and pd.isna(value)):
        return ""
    if isinstance(value, int | float):
        return f"{value:,.0f}"
    return str(value)
