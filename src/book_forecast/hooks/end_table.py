"""The table at the end of a run: errors beside the baseline's, copies forecast, and by what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich import box
from rich.cells import cell_len
from rich.markup import escape
from rich.table import Table

from book_forecast.payload.contents import Payload

WIDTH = 80
"""Characters of a line; a wider terminal gets no wider table."""
MOST_ROWS = 40
ERRORS = ("wape", "seasonal_naive_wape")
OVER_ALL = ("test_wape", "test_wape_seasonal_naive")
_ID_SUFFIX = 8
_SHORTEST_TITLE = 8
_NUMBERS = ("WAPE", "naive's", "Copies")


def sum_forecasts(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Sum the forecasts of each title.

    Args:
        forecasts: As the catalog's entry of this name.

    Returns:
        isbn, copies (over the horizon), weeks, cutoff, model, release: one row a title.
    """
    return forecasts.groupby("isbn", as_index=False, sort=False).agg(
        copies=("mean", "sum"),
        weeks=("week", "size"),
        cutoff=("cutoff", "last"),
        model=("model", "last"),
        release=("release", "last"),
    )


def stored_scores(release: Payload) -> pd.DataFrame:
    """Return isbn, title and the errors that are stored with a release, if there are any."""
    rows = release.titles.select(["isbn", "title"]).to_pandas()
    if release.scores is None:
        return rows
    return rows.join(release.scores.select(list(ERRORS)).to_pandas())


def end_rows(
    scores: pd.DataFrame | None,
    sums: pd.DataFrame | None,
    names: Mapping[str, str | None] | None = None,
) -> pd.DataFrame:
    """Put errors and forecasts of titles side by side, the largest forecast first.

    Args:
        scores: isbn, and as far as known title, model and `ERRORS`.
        sums: As `sum_forecasts` returns them.
        names: Of titles, by ISBN, for those without errors; None if unknown.

    Returns:
        isbn, title, wape, seasonal_naive_wape, copies, model, release; missing where not known.
    """
    columns = ["isbn", "title", *ERRORS, "copies", "model", "release"]
    if sums is None:
        return (scores if scores is not None else pd.DataFrame()).reindex(columns=columns)
    if scores is not None:
        known = [name for name in ("isbn", "title", *ERRORS) if name in scores]
        sums = sums.merge(scores[known], on="isbn", how="left")
    rows = sums.reindex(columns=columns)
    if names:
        rows["title"] = rows["title"].fillna(rows["isbn"].map(names))
    return rows.sort_values("copies", ascending=False, kind="stable", ignore_index=True)


def render(
    rows: pd.DataFrame, over_all: Mapping[str, float], caption: str = "", width: int = WIDTH
) -> Table:
    """Return the table: at most 40 titles, and a last line for all titles.

    Args:
        rows: As `end_rows` returns them.
        over_all: The errors over all titles, by the names in `OVER_ALL`, if they are known.
        caption: A line below the table.
        width: Characters of a line; titles are shortened to fit.
    """
    table = Table(
        title=_heading(rows),
        caption=caption or None,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    cells = _cells(rows, over_all)
    used = [str(name) for name in cells if cells[name].any()]
    others = sum(
        max(cell_len(text) for text in [name, *cells[name]]) + 2 for name in used if name != "Title"
    )
    for name in used:
        table.add_column(
            name,
            justify="right" if name in _NUMBERS else "left",
            no_wrap=True,
            overflow="ellipsis",
            max_width=max(width - others - 1, _SHORTEST_TITLE) if name == "Title" else None,
        )
    for position, row in enumerate(cells[used].itertuples(index=False)):
        # A bracket in a title is no mark-up.
        table.add_row(*map(escape, row), end_section=position == len(cells) - 2)
    return table


def _heading(rows: pd.DataFrame) -> str:
    parts = {"Errors on the test weeks": "wape", "copies forecast": "copies"}
    heading = ", and ".join(text for text, name in parts.items() if rows[name].notna().any())
    return heading[:1].upper() + heading[1:]


def _cells(rows: pd.DataFrame, over_all: Mapping[str, float]) -> pd.DataFrame:
    """The texts of the table, with a line for the titles without one and one for all."""
    shown = rows.head(MOST_ROWS)
    by = shown["model"].map(_text)
    if len(rows["release"].dropna().unique()) > 1:
        by += " " + shown["release"].map(lambda release: _text(release)[-_ID_SUFFIX:])
    columns = {
        "ISBN": shown["isbn"].map(str),
        "Title": shown["title"].map(_text),
        "WAPE": shown["wape"].map(_number),
        "naive's": shown["seasonal_naive_wape"].map(_number),
        "Copies": shown["copies"].map(_count),
        "Model": by,
    }
    cells = [pd.DataFrame(columns, dtype=object)]
    if len(rows) > MOST_ROWS:
        rest = rows["copies"].iloc[MOST_ROWS:].sum(min_count=1)
        more = f"and {len(rows) - MOST_ROWS:,} more"
        cells.append(pd.DataFrame([{"ISBN": more, "Copies": _count(rest)}]))
    known = over_all if rows["wape"].notna().any() else {}
    wape, naive = (_number(known.get(name)) for name in OVER_ALL)
    total = _count(rows["copies"].sum(min_count=1))
    last = {"ISBN": f"all {len(rows):,}", "WAPE": wape, "naive's": naive, "Copies": total}
    return pd.concat([*cells, pd.DataFrame([last])], ignore_index=True).fillna("")


def caption_of(sums: pd.DataFrame) -> str:
    """Return the weeks of the forecasts, and their release."""
    releases = sums["release"].dropna().unique()
    weeks, cutoff = int(sums["weeks"].max()), sums["cutoff"].max()
    by = f"release {releases[0]}" if len(releases) == 1 else f"{len(releases)} releases"
    return f"{weeks} weeks after {cutoff:%Y-%m-%d}, by {by}"


def _text(value: Any) -> str:
    # A line break would break the table.
    return "" if pd.isna(value) else " ".join(str(value).split())


def _number(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:.2f}"


def _count(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:,.0f}"
