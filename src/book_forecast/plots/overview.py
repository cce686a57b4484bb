"""All titles in one figure: their total, and one small panel for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from book_forecast.plots.choice import chosen_rows, largest_titles
from book_forecast.plots.gaps import gap_layout
from book_forecast.plots.intervals import forecast_line, interval_bands, upper_limit
from book_forecast.plots.panels import Panels
from book_forecast.plots.style import (
    BASELINE,
    FAINT,
    LEGEND_RANKS,
    SALES,
    TEMPLATE,
    model_colour,
    model_label,
    shortened,
    title_or_isbn,
    titled,
    week_texts,
)

MAX_PANELS = 30
_PANEL_WEEKS, _TOTAL_WEEKS = 104, 260
_NAME_LENGTH = 30
_WEEK = pd.Timedelta(weeks=1)


def overview_figure(
    model_input: pd.DataFrame,
    test_forecasts: pd.DataFrame,
    forecasts: pd.DataFrame,
    models: pd.DataFrame,
    titles: pd.DataFrame,
    levels: Sequence[float],
    max_panels: int = MAX_PANELS,
) -> go.Figure:
    """Draw the total of all titles above small panels of the largest ones.

    Args:
        model_input: isbn, week, volume; NaN = missing.
        test_forecasts: Forecast rows of the test weeks, of several models.
        forecasts: Forecast rows of the future, one model per title.
        models: isbn, model: what was chosen for the test weeks.
        titles: isbn, title.
        levels: Interval levels in percent; panels show the narrowest.
        max_panels: Titles with a panel of their own; with more, the headline says which.

    Returns:
        The figure. The total has no intervals: those of single titles do not add up.
    """
    shown = largest_titles(model_input, max_panels)
    chosen = chosen_rows(test_forecasts, models)
    baseline = test_forecasts[test_forecasts["model"] == BASELINE]
    sold = model_input.groupby("week")["volume"].sum(min_count=1).reset_index()
    last = sold["week"].iloc[-1]
    end = max([last, *forecasts["week"].unique()]) + _WEEK

    since = last - _PANEL_WEEKS * _WEEK
    recent = model_input[model_input["week"] > since]
    frames = (recent, chosen, forecasts)
    traces, layout = _panels(shown, frames, titles, sorted(levels)[:1], (since, end))

    totals = _total_traces(sold, chosen, baseline, forecasts)
    first = max(sold["week"].iloc[0], last - _TOTAL_WEEKS * _WEEK)
    highest = np.nanmax(np.concatenate([trace["y"] for trace in totals]), initial=1.0)
    layout["xaxis"]["range"] = [first.isoformat(), end.isoformat()]
    layout["yaxis"]["range"] = [0, 1.06 * float(highest)]
    gaps = gap_layout(sold, yref="y domain")
    layout["annotations"] += gaps["annotations"]
    layout |= {
        "template": TEMPLATE,
        "title": _headline(model_input, forecasts, len(shown)),
        "shapes": gaps["shapes"],
        "hovermode": "x unified",
        "legend": {"x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"},
    }
    return go.Figure([*totals, *_model_keys(forecasts), *traces], layout)


def _panels(
    isbns: Sequence[str],
    frames: Sequence[pd.DataFrame],
    titles: pd.DataFrame,
    levels: Sequence[float],
    weeks: tuple[pd.Timestamp, pd.Timestamp],
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Traces of the small panels, and the layout of all panels."""
    panels = Panels(len(isbns))
    by_isbn = dict(zip(titles["isbn"], titles["title"], strict=True))
    traces, names, ranges = [], [], []
    for index, (isbn, history, *parts) in enumerate(_by_title(isbns, frames)):
        axes = panels.axes(index)
        traces += [trace | axes for trace in _panel_traces(history, parts, levels)]
        ranges.append([0, upper_limit(history["volume"], parts, levels)])
        names.append(shortened(title_or_isbn(by_isbn.get(isbn), isbn), _NAME_LENGTH))
    return traces, panels.layout(names, ranges, [week.isoformat() for week in weeks])


def _by_title(isbns: Sequence[str], frames: Sequence[pd.DataFrame]) -> Iterator[tuple[Any, ...]]:
    """Each title with its rows of every frame, in the order of weeks."""
    rows_of = [frame.groupby("isbn").indices for frame in frames]
    for isbn in isbns:
        parts = (
            frame.iloc[rows.get(isbn, [])].sort_values("week")
            for frame, rows in zip(frames, rows_of, strict=True)
        )
        yield isbn, *parts


def _total_traces(
    sold: pd.DataFrame, chosen: pd.DataFrame, baseline: pd.DataFrame, forecasts: pd.DataFrame
) -> list[dict[str, Any]]:
    colour = model_colour(forecasts["model"].mode().iloc[0]) if len(forecasts) else FAINT
    dotted = {"color": model_colour(BASELINE), "width": 1.8, "dash": "dot"}
    solid = {"color": colour, "width": 2.2}
    tests = f"{model_label(BASELINE)}, test weeks"
    lines = [
        ("Sold", "sales", sold.set_index("week")["volume"], {"color": SALES, "width": 1.4}),
        (tests, "baseline", _total(baseline), dotted),
        ("Chosen models, test weeks", "forecast", _total(chosen), solid | {"dash": "dash"}),
        ("Forecast", "forecast", _total(forecasts), solid),
    ]
    return [
        {
            "type": "scatter",
            "x": week_texts(total.index.to_series()),
            "y": total.to_numpy().round(1),
            "name": name,
            "mode": "lines",
            "line": line,
            "legendrank": LEGEND_RANKS[rank],
            "hovertemplate": "%{y:,.0f}",
        }
        for name, rank, total, line in lines
        if len(total)
    ]


def _total(forecasts: pd.DataFrame) -> pd.Series:
    return forecasts.groupby("week")["mean"].sum()


def _panel_traces(
    history: pd.DataFrame, parts: Sequence[pd.DataFrame], levels: Sequence[float]
) -> list[dict[str, Any]]:
    drawn = [part for part in parts if len(part)]
    bands = [band for part in drawn for band in interval_bands(part, levels, showlegend=False)]
    sold = {
        "type": "scatter",
        "x": week_texts(history["week"]),
        "y": history["volume"].to_numpy(),
        "name": "Sold",
        "mode": "lines",
        "line": {"color": SALES, "width": 1},
        "showlegend": False,
        "hovertemplate": "%{y:,.0f}",
    }
    lines = [
        forecast_line(
            part,
            levels,
            name=model_label(model),
            showlegend=False,
            line={"color": model_colour(model), "width": 1.5},
        )
        for part in drawn
        for model in part["model"].iloc[:1]
    ]
    return [*bands, sold, *lines]


def _model_keys(forecasts: pd.DataFrame) -> list[dict[str, Any]]:
    """A legend entry for the colour of each model that a panel may show; they draw nothing."""
    models = sorted(forecasts["model"].unique())
    return [
        {
            "type": "scatter",
            "x": week_texts(forecasts["week"].iloc[:1]),
            "y": [None],
            "name": model_label(model),
            "mode": "lines",
            "line": {"color": model_colour(model), "width": 5},
            "legendrank": LEGEND_RANKS["baseline"] + 1,
            "hoverinfo": "skip",
        }
        for model in models
        if len(models) > 1
    ]


def _headline(model_input: pd.DataFrame, forecasts: pd.DataFrame, n_shown: int) -> dict[str, Any]:
    n_titles = model_input["isbn"].nunique()
    headline = f"Copies sold a week: {n_titles:,} {'title' if n_titles == 1 else 'titles'}"
    parts = []
    if len(forecasts):
        n_weeks = forecasts["week"].nunique()
        parts.append(f"next {n_weeks} weeks: {forecasts['mean'].sum():,.0f} copies")
    if n_shown < n_titles:
        headline += f", panels for the {n_shown} largest of the last year"
        parts.append(f"more than {n_shown} panels could not be read")
    return titled(headline, " · ".join(parts))
