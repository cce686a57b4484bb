"""All titles in one figure: their total, and a small panel for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from book_forecast.plots.choice import chosen_rows, largest_titles, rows_by_title
from book_forecast.plots.gaps import gap_layout
from book_forecast.plots.intervals import forecast_line, interval_bands, upper_limit
from book_forecast.plots.panels import panel_axes, panel_layout
from book_forecast.plots.style import (
    BASELINE,
    FAINT,
    LEGEND_RANKS,
    ONE_WEEK,
    TEMPLATE,
    model_colour,
    model_label,
    shortened,
    title_or_isbn,
    titled,
    week_texts,
)
from book_forecast.plots.traces import legend_key, line, sales_line

MAX_PANELS = 30
_PANEL_WEEKS, _TOTAL_WEEKS = 104, 260
_NAME_LENGTH = 30


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
        models: isbn, model: the choice for the test weeks.
        titles: isbn, title.
        levels: Interval levels in percent; panels show the narrowest.
        max_panels: The largest number of panels; the headline says which titles have one.

    Returns:
        The figure. The total has no intervals: those of single titles do not add up.
    """
    shown = largest_titles(model_input, max_panels)
    chosen = chosen_rows(test_forecasts, models)
    baseline = test_forecasts[test_forecasts["model"] == BASELINE]
    sold = model_input.groupby("week")["volume"].sum(min_count=1).reset_index()
    last = sold["week"].iloc[-1]
    end = max([last, *forecasts["week"].unique()]) + ONE_WEEK

    start = last - _PANEL_WEEKS * ONE_WEEK
    frames = (model_input[model_input["week"] > start], chosen, forecasts)
    traces, layout = _panels(shown, frames, titles, sorted(levels)[:1], (start, end))

    totals = [sales_line(sold), *_total_traces(chosen, baseline, forecasts)]
    first = max(sold["week"].iloc[0], last - _TOTAL_WEEKS * ONE_WEEK)
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
    by_isbn = dict(zip(titles["isbn"], titles["title"], strict=True))
    traces, names, ranges = [], [], []
    for index, (isbn, *rows) in enumerate(rows_by_title(isbns, *frames)):
        history, *forecasts = (part.sort_values("week") for part in rows)
        drawn = [part for part in forecasts if len(part)]
        traces += [trace | panel_axes(index) for trace in _panel_traces(history, drawn, levels)]
        ranges.append([0, upper_limit(history["volume"], drawn, levels)])
        names.append(shortened(title_or_isbn(by_isbn.get(isbn), isbn), _NAME_LENGTH))
    return traces, panel_layout(names, ranges, [week.isoformat() for week in weeks])


def _total_traces(
    chosen: pd.DataFrame, baseline: pd.DataFrame, forecasts: pd.DataFrame
) -> list[dict[str, Any]]:
    colour = model_colour(forecasts["model"].mode().iloc[0]) if len(forecasts) else FAINT
    dotted = {"color": model_colour(BASELINE), "width": 1.8, "dash": "dot"}
    solid = {"color": colour, "width": 2.2}
    tests = f"{model_label(BASELINE)}, test weeks"
    drawn = [
        (tests, "baseline", baseline, dotted),
        ("Chosen models, test weeks", "forecast", chosen, solid | {"dash": "dash"}),
        ("Forecast", "forecast", forecasts, solid),
    ]
    return [
        line(
            week_texts(total.index),
            total.to_numpy().round(1),
            name=name,
            line=pen,
            legendrank=LEGEND_RANKS[rank],
            hovertemplate="%{y:,.0f}",
        )
        for name, rank, frame, pen in drawn
        if len(total := frame.groupby("week")["mean"].sum())
    ]


def _panel_traces(
    history: pd.DataFrame, forecasts: Sequence[pd.DataFrame], levels: Sequence[float]
) -> list[dict[str, Any]]:
    bands = [band for part in forecasts for band in interval_bands(part, levels, showlegend=False)]
    traces = [*bands, sales_line(history, width=1, showlegend=False)]
    for part in forecasts:
        model = part["model"].iloc[0]
        pen = {"color": model_colour(model), "width": 1.5}
        traces.append(
            forecast_line(part, levels, name=model_label(model), showlegend=False, line=pen)
        )
    return traces


def _model_keys(forecasts: pd.DataFrame) -> list[dict[str, Any]]:
    """A legend entry for the colour of each model, where there are several."""
    models = sorted(forecasts["model"].unique())
    return [
        legend_key(
            forecasts["week"].iloc[0].isoformat(),
            model_label(model),
            mode="lines",
            line={"color": model_colour(model), "width": 5},
            legendrank=LEGEND_RANKS["baseline"] + 1,
        )
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
        parts.append(f"more than {n_shown} panels are not readable")
    return titled(headline, " · ".join(parts))
