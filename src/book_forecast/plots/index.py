"""The page that leads to all others: a row per title, and the figures and tables of all titles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import pandas as pd

from book_forecast.plots.listing import (
    LISTING_SCRIPT,
    LISTING_STYLE,
    Heading,
    Link,
    TitlePages,
    link_list,
    links_cell,
    listing,
    number_cell,
    table_row,
    text_cell,
    title_cell,
)
from book_forecast.plots.pages import page
from book_forecast.plots.style import title_or_isbn

_YEAR = pd.Timedelta(weeks=52)

_STYLE = (
    LISTING_STYLE
    + """
ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 6px 24px; margin: 0; }
"""
)


class _Column(NamedTuple):
    name: str
    heading: str
    form: str


_COLUMNS = (
    _Column("sold", "Copies, last 52 weeks", "{:,.0f}"),
    _Column("forecast", "Copies, forecast", "{:,.0f}"),
    _Column("wape", "WAPE", "{:.2f}"),
    _Column("seasonal_naive_wape", "WAPE of seasonal naive", "{:.2f}"),
)


def index_titles(
    isbns: Sequence[str],
    titles: pd.DataFrame | None = None,
    model_input: pd.DataFrame | None = None,
    forecasts: pd.DataFrame | None = None,
    score_table: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the titles of the index, those with the largest recent volume first.

    Args:
        isbns: Titles that have a page.
        titles: isbn, title.
        model_input: isbn, week, volume.
        forecasts: isbn, mean; its titles are listed too.
        score_table: isbn, wape, seasonal_naive_wape.

    Returns:
        isbn, title, and as far as they are known: sold (copies of the last 52 weeks), forecast
        (copies of all weeks ahead), wape, seasonal_naive_wape.
    """
    listed = set(isbns) | (set() if forecasts is None else set(forecasts["isbn"]))
    frame = pd.DataFrame(index=pd.Index(sorted(listed), name="isbn", dtype="str"))
    if titles is not None:
        frame["title"] = titles.set_index("isbn")["title"].astype("object")
    if model_input is not None:
        recent = model_input[model_input["week"] > model_input["week"].max() - _YEAR]
        frame["sold"] = recent.groupby("isbn")["volume"].sum()
    if forecasts is not None:
        frame["forecast"] = forecasts.groupby("isbn")["mean"].sum()
    if score_table is not None:
        errors = score_table.set_index("isbn")
        for name in ("wape", "seasonal_naive_wape"):
            frame[name] = errors[name]
    frame = frame.reindex(columns=["title", *(column.name for column in _COLUMNS)])
    frame["title"] = [
        title_or_isbn(title, isbn) for isbn, title in zip(frame.index, frame["title"], strict=True)
    ]
    frame["sold"] = frame["sold"].astype(float)
    return frame.reset_index().sort_values(
        ["sold", "title"], ascending=[False, True], ignore_index=True
    )


def index_page(
    titles: pd.DataFrame,
    kinds: Sequence[TitlePages],
    figures: Sequence[Link],
    tables: Sequence[Link],
    note: str = "",
) -> str:
    """Return the index.

    Args:
        titles: As `index_titles` returns them.
        kinds: Pages of titles.
        figures: Pages of all titles.
        tables: Files.
        note: A line below the heading.
    """
    shown = [column for column in _COLUMNS if titles[column.name].notna().any()]
    listed = [(kind, frozenset(kind.isbns)) for kind in kinds]
    rows = (_row(row, shown, listed) for row in titles.to_dict("records"))
    body = f"""<main>
<h1>Book forecasts</h1>
<p class="faint">{escape(note)}</p>
{link_list("Figures and reports", figures)}
<h2>Titles</h2>
{listing(_headings(shown), rows)}
{link_list("Tables", tables)}
</main>
<script>{LISTING_SCRIPT}</script>"""
    return page("Book forecasts: all pages", body, _STYLE)


def _headings(shown: Sequence[_Column]) -> Iterator[Heading]:
    yield Heading("Title")
    yield Heading("ISBN")
    for column in shown:
        yield Heading(column.heading, True, "descending" if column.name == "sold" else "")
    yield Heading("Pages", is_fixed=True)


def _row(
    row: Mapping[Any, Any],
    shown: Sequence[_Column],
    kinds: Sequence[tuple[TitlePages, frozenset[str]]],
) -> str:
    isbn = str(row["isbn"])
    links = [kind.link(isbn) for kind, isbns in kinds if isbn in isbns]
    cells = [
        title_cell(row["title"], links[0] if links else None),
        text_cell(isbn),
        *(number_cell(row[column.name], column.form) for column in shown),
        links_cell(links),
    ]
    return table_row(cells)
