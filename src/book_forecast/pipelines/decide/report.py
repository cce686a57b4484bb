"""The advice on stock as a page to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import unquote

import pandas as pd

from book_forecast.plots.listing import (
    LISTING_SCRIPT,
    LISTING_STYLE,
    Heading,
    Link,
    date_cell,
    listing,
    number_cell,
    range_cell,
    table_row,
    text_cell,
    title_cell,
)
from book_forecast.plots.pages import page
from book_forecast.plots.style import title_or_isbn

LIKELY = 0.5
_MOST_REJECTED = 200
_PERCENT = "{:.0%}"
_REJECTED = {"file": "File", "row": "Row", "column": "Column", "value": "Value", "reason": "Reason"}
_STYLE = (
    LISTING_STYLE
    + """
main { max-width: 1500px; }
td.reason { min-width: 18em; }
@media print { td.reason { min-width: 0; } @page { size: landscape; } }
"""
)


def report_stock(
    stock_advice: pd.DataFrame,
    rejected_stock: pd.DataFrame,
    titles: pd.DataFrame | None,
    title_plots: Mapping[str, str] | None = None,
) -> str:
    """Write the advice on stock as a page, the titles that run out first on top.

    Args:
        stock_advice: As `advise_on_stock` returns it.
        rejected_stock: Rows of stock that are not used.
        titles: isbn, title; None where there are none.
        title_plots: Addresses of titles' pages by ISBN, in a folder beside this page.

    Returns:
        An HTML page.
    """
    names = {} if titles is None else dict(zip(titles["isbn"], titles["title"], strict=True))
    columns = map(str, stock_advice.columns)
    levels = [name.removeprefix("lo-") for name in columns if name.startswith("lo-")]
    urgent = stock_advice.sort_values(
        ["cover_weeks", "chance_to_run_out", "isbn"], ascending=[True, False, True]
    )
    pages = {isbn: _beside(isbn, address) for isbn, address in (title_plots or {}).items()}
    rows = (_row(row, names, pages, levels) for row in urgent.to_dict("records"))
    body = [
        '<nav><a href="index.html">All pages</a></nav>',
        "<main>",
        "<h1>Advice on stock</h1>",
        f'<p class="faint">{escape(_note(stock_advice))}</p>',
        listing(_headings(levels), rows),
        *_rejected(rejected_stock),
        "</main>",
        f"<script>{LISTING_SCRIPT}</script>",
    ]
    return page("Advice on stock", "\n".join(body), _STYLE)


def _beside(isbn: str, address: str) -> Link:
    """Return the link to a page in a folder beside this one."""
    return Link(isbn, "/".join(unquote(address).rsplit("/", 2)[1:]))


def _note(advice: pd.DataFrame) -> str:
    if advice.empty:
        return "There is no advice: 01_raw/stock has no table with stock of a title that is known."
    orders = advice["order"] > 0
    likely = int((advice["chance_to_run_out"] >= LIKELY).sum())
    return (
        f"Stock at the end of the week to {advice['last_week'].max():%-d %B %Y}, of "
        f"{len(advice):,} titles. Order {advice['order'].sum():,} copies of {orders.sum():,} "
        f"titles. {likely:,} may run out within their lead time."
    )


def _headings(levels: Sequence[str]) -> Iterator[Heading]:
    yield Heading("Title")
    yield Heading("ISBN")
    yield Heading("Order", is_number=True)
    yield Heading("On hand", is_number=True)
    yield Heading("On order", is_number=True)
    yield Heading("Lead time, weeks", is_number=True)
    yield Heading("Demand in it", is_number=True)
    for level in levels:
        yield Heading(f"{level} % of cases", is_number=True)
    yield Heading("Chance to run out in it", is_number=True)
    yield Heading("Runs out in week to")
    yield Heading("Weeks of cover", is_number=True, sorted="ascending")
    yield Heading("Why", is_fixed=True)


def _row(
    row: Mapping[Any, Any],
    names: Mapping[str, Any],
    pages: Mapping[str, Link],
    levels: Sequence[str],
) -> str:
    isbn = str(row["isbn"])
    numbers = ("order", "on_hand", "on_order", "lead_weeks", "demand")
    cells = [
        title_cell(title_or_isbn(names.get(isbn), isbn), pages.get(isbn)),
        text_cell(isbn),
        *(number_cell(row[name]) for name in numbers),
        *(range_cell(row[f"lo-{level}"], row[f"hi-{level}"]) for level in levels),
        number_cell(row["chance_to_run_out"], _PERCENT),
        date_cell(row["run_out_week"]),
        number_cell(row["cover_weeks"]),
        f'<td class="reason">{escape(row["reason"])}</td>',
    ]
    return table_row(cells, isbn)


def _rejected(rows: pd.DataFrame) -> Iterator[str]:
    if rows.empty:
        return
    yield f"<h2>Rows of stock that are not used: {len(rows):,}</h2>"
    yield '<div class="wide"><table><thead><tr>'
    yield from (f"<th>{text}</th>" for text in _REJECTED.values())
    yield "</tr></thead><tbody>"
    for row in rows.head(_MOST_REJECTED)[[*_REJECTED]].to_dict("records"):
        yield table_row(text_cell(str(value)) for value in row.values())
    yield "</tbody></table></div>"
    if len(rows) > _MOST_REJECTED:
        yield f"<p>The first {_MOST_REJECTED}; rejected_stock.parquet has all.</p>"
