"""Sales and forecasts of one title."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from book_forecast.plots.gaps import gap_layout
from book_forecast.plots.intervals import forecast_line, interval_bands, upper_limit
from book_forecast.plots.style import (
    BASELINE,
    COPIES_AXIS,
    FAINT,
    HEADLINE_ON_TOP,
    LEGEND_RANKS,
    ONE_WEEK,
    SHADE,
    TEMPLATE,
    WEEK_FORMAT,
    annotation,
    model_colour,
    model_label,
    shortened,
    titled,
)
from book_forecast.plots.traces import legend_key, sales_line

_WINDOWS = {"1 year": 52, "3 years": 156, "All weeks": None}
_DEFAULT_WINDOW = "3 years"
_NOTE_LENGTH = 130


def title_figure(
    history: pd.DataFrame,
    test_forecasts: pd.DataFrame,
    forecasts: pd.DataFrame,
    levels: Sequence[float],
    name: str,
    model: str,
    note: str = "",
) -> go.Figure:
    """Draw one title's sales, the forecast of its test weeks and that of its future.

    Args:
        history: week, volume; NaN = missing.
        test_forecasts: Forecast rows of the test weeks; any number of models, or no row.
        forecasts: Forecast rows of the future, of one model, or no row.
        levels: Interval levels in percent.
        name: The title's name in the headline.
        model: The model chosen for the test weeks; seasonal naive is drawn beside it.
        note: A further line below the headline, such as the model's orders.

    Returns:
        The figure. It opens on the last three years; its buttons show more or less.
    """
    history = history.sort_values("week")
    test = test_forecasts[test_forecasts["model"] == model].sort_values("week")
    future = forecasts.sort_values("week")
    baseline = test_forecasts[test_forecasts["model"] == BASELINE].sort_values("week")
    if model == BASELINE:
        baseline = baseline.iloc[:0]
    # The baseline's intervals are hidden, and so must not stretch the y axis.
    parts = [part for part in (test, baseline[["week", "mean"]], future) if len(part)]
    layout = _layout(history, parts, levels)
    shapes, annotations = _marks(test, future)
    gaps = gap_layout(history)
    layout["shapes"] = gaps["shapes"] + shapes
    layout["annotations"] = gaps["annotations"] + annotations
    lines = [_summary(history, test, future), shortened(note, _NOTE_LENGTH)]
    layout["title"] = HEADLINE_ON_TOP | titled(name, *lines)
    return go.Figure(_traces(history, test, baseline, future, levels), layout)


def _traces(
    history: pd.DataFrame,
    test: pd.DataFrame,
    baseline: pd.DataFrame,
    future: pd.DataFrame,
    levels: Sequence[float],
) -> list[dict[str, Any]]:
    """All traces from back to front: bands, baseline, sales, forecasts."""
    label, rank = model_label(BASELINE), LEGEND_RANKS["baseline"]
    # The baseline's intervals appear when their legend entry is clicked.
    traces = interval_bands(
        baseline,
        levels,
        name=f"{label}, {{level}} % interval",
        visible="legendonly",
        legendrank=rank + 1,
    )
    for part in (test, future):
        # One legend entry per level: a click hides the level in both parts.
        traces += interval_bands(
            part,
            levels,
            name="{level} % interval",
            legendgroup="interval-{level}",
            legendrank=LEGEND_RANKS["interval"],
            showlegend=part is future or future.empty,
        )
    if len(baseline):
        dotted = {"color": model_colour(BASELINE), "width": 1.8, "dash": "dot"}
        name = f"{label}, test weeks"
        traces.append(forecast_line(baseline, levels, name=name, legendrank=rank, line=dotted))
    traces.append(sales_line(history))
    for part, text in ((test, "test weeks"), (future, "forecast")):
        if len(part):
            name = f"{model_label(part['model'].iloc[0])}, {text}"
            rank = LEGEND_RANKS["forecast"]
            traces.append(forecast_line(part, levels, name=name, legendrank=rank))
    if history["volume"].isna().any():
        square = {"symbol": "square", "size": 12, "color": SHADE}
        first, rank = history["week"].iloc[0].isoformat(), LEGEND_RANKS["gap"]
        traces.append(legend_key(first, "Not reported", legendrank=rank, marker=square))
    return traces


def _summary(history: pd.DataFrame, test: pd.DataFrame, future: pd.DataFrame) -> str:
    first, last = (f"{week.day} {week:%b %Y}" for week in history["week"].iloc[[0, -1]])
    n_missing = history["volume"].isna().sum()
    if n_missing == len(history):
        return " · ".join(["Copies a week, no sale yet", *_forecast_facts(test, future)])
    parts = [f"Copies sold a week, {first} to {last}"]
    if n_missing:
        parts.append(f"{n_missing} weeks not reported")
    return " · ".join([*parts, *_forecast_facts(test, future)])


def _forecast_facts(test: pd.DataFrame, future: pd.DataFrame) -> list[str]:
    parts = []
    if len(test):
        parts.append(f"{len(test)} test weeks")
    if len(future):
        parts.append(f"forecast of {len(future)} weeks: {future['mean'].sum():,.0f} copies")
    return parts


def _layout(
    history: pd.DataFrame, parts: list[pd.DataFrame], levels: Sequence[float]
) -> dict[str, Any]:
    """Axes, and buttons that set both of them: Plotly does not fit y to the visible x."""
    views = {label: _view(history, parts, levels, weeks) for label, weeks in _WINDOWS.items()}
    buttons = [
        {
            "label": label,
            "method": "relayout",
            "args": [{"xaxis.range": x_range, "yaxis.range": y_range}],
        }
        for label, (x_range, y_range) in views.items()
    ]
    x_range, y_range = views[_DEFAULT_WINDOW]
    menu = {
        "type": "buttons",
        "direction": "right",
        "buttons": buttons,
        "active": list(views).index(_DEFAULT_WINDOW),
        "x": 1,
        "xanchor": "right",
        "y": 1.02,
        "yanchor": "bottom",
        "pad": {"b": 0},
        "bgcolor": "rgba(127, 127, 127, 0.1)",
        "font": {"size": 11},
    }
    return {
        "template": TEMPLATE,
        "height": 550,
        "margin": {"t": 120},
        "hovermode": "x unified",
        "xaxis": {"range": x_range, "type": "date", "hoverformat": WEEK_FORMAT},
        "yaxis": COPIES_AXIS | {"range": y_range},
        "updatemenus": [menu],
    }


def _view(
    history: pd.DataFrame, parts: list[pd.DataFrame], levels: Sequence[float], weeks: int | None
) -> tuple[list[str], list[float]]:
    """Axis ranges that show the last `weeks` weeks of the history and all forecasts."""
    last = history["week"].max()
    first = history["week"].min() if weeks is None else last - weeks * ONE_WEEK
    end = max([last, *(part["week"].max() for part in parts)]) + ONE_WEEK
    first = max(first, history["week"].min()) - ONE_WEEK
    shown = history.loc[history["week"] >= first, "volume"]
    return [first.isoformat(), end.isoformat()], [0, upper_limit(shown, parts, levels)]


def _marks(
    test: pd.DataFrame, future: pd.DataFrame
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Lines where the test weeks and the future begin, and labels above both parts."""
    shapes, annotations = [], []
    for part, text in ((test, "test"), (future, "forecast")):
        if part.empty:
            continue
        begin, end = part["week"].iloc[0] - ONE_WEEK / 2, part["week"].iloc[-1] + ONE_WEEK / 2
        dotted = {"color": FAINT, "width": 1, "dash": "dot"}
        mark = {"type": "line", "y0": 0, "y1": 1, "yref": "paper", "line": dotted}
        shapes.append(mark | dict.fromkeys(("x0", "x1"), begin.isoformat()))
        middle = (begin + (end - begin) / 2).isoformat()
        annotations.append(annotation(middle, 1, text, yref="paper", yanchor="top"))
    return shapes, annotations
