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
    FAINT,
    LEGEND_RANKS,
    SALES,
    SHADE,
    TEMPLATE,
    model_colour,
    model_label,
    shortened,
    titled,
    week_texts,
)

_WINDOWS = {"1 year": 52, "3 years": 156, "All weeks": None}
_DEFAULT_WINDOW = "3 years"
_NAME_LENGTH, _NOTE_LENGTH = 80, 130
_WEEK = pd.Timedelta(weeks=1)


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
        name: What to call the title.
        model: The model chosen for the test weeks; seasonal naive is drawn beside it.
        note: What else there is to say, such as the model's orders.

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
    layout["title"] |= titled(shortened(name, _NAME_LENGTH), *lines)
    return go.Figure(_traces(history, test, baseline, future, levels), layout)


def _traces(
    history: pd.DataFrame,
    test: pd.DataFrame,
    baseline: pd.DataFrame,
    future: pd.DataFrame,
    levels: Sequence[float],
) -> list[dict[str, Any]]:
    """Everything drawn from back to front: bands, lines beside the sales, sales, forecasts."""
    traces = _hidden_bands(baseline, levels)
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
        traces.append(_baseline_line(baseline, levels))
    traces.append(_sales_trace(history))
    for part, text in ((test, "test weeks"), (future, "forecast")):
        if len(part):
            label = f"{model_label(part['model'].iloc[0])}, {text}"
            rank = LEGEND_RANKS["forecast"]
            traces.append(forecast_line(part, levels, name=label, legendrank=rank))
    if history["volume"].isna().any():
        traces.append(_gap_key(history))
    return traces


def _summary(history: pd.DataFrame, test: pd.DataFrame, future: pd.DataFrame) -> str:
    parts = [
        f"Copies sold a week, {_date(history['week'].min())} to {_date(history['week'].max())}"
    ]
    n_missing = history["volume"].isna().sum()
    if n_missing:
        parts.append(f"{n_missing} weeks not reported")
    if len(test):
        parts.append(f"{len(test)} test weeks")
    if len(future):
        parts.append(f"forecast of {len(future)} weeks: {future['mean'].sum():,.0f} copies")
    return " · ".join(parts)


def _date(week: pd.Timestamp) -> str:
    return f"{week.day} {week:%b %Y}"


def _sales_trace(history: pd.DataFrame) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": week_texts(history["week"]),
        "y": history["volume"].to_numpy(),
        "name": "Sold",
        "legendrank": LEGEND_RANKS["sales"],
        "mode": "lines",
        "line": {"color": SALES, "width": 1.4},
        "connectgaps": False,
        "hovertemplate": "%{y:,.0f}",
    }


def _hidden_bands(baseline: pd.DataFrame, levels: Sequence[float]) -> list[dict[str, Any]]:
    """The baseline's intervals, drawn once their legend entry is clicked."""
    return interval_bands(
        baseline,
        levels,
        name=f"{model_label(BASELINE)}, {{level}} % interval",
        visible="legendonly",
        legendrank=LEGEND_RANKS["baseline"] + 1,
    )


def _baseline_line(baseline: pd.DataFrame, levels: Sequence[float]) -> dict[str, Any]:
    return forecast_line(
        baseline,
        levels,
        name=f"{model_label(BASELINE)}, test weeks",
        legendrank=LEGEND_RANKS["baseline"],
        line={"color": model_colour(BASELINE), "width": 1.8, "dash": "dot"},
    )


def _gap_key(history: pd.DataFrame) -> dict[str, Any]:
    """A legend entry for the shading; it draws nothing."""
    return {
        "type": "scatter",
        "x": week_texts(history["week"].iloc[:1]),
        "y": [None],
        "name": "Not reported",
        "legendrank": LEGEND_RANKS["gap"],
        "mode": "markers",
        "marker": {"symbol": "square", "size": 12, "color": SHADE},
        "hoverinfo": "skip",
    }


def _layout(
    history: pd.DataFrame, parts: list[pd.DataFrame], levels: Sequence[float]
) -> dict[str, Any]:
    """Axes, and buttons that set both of them: Plotly does not fit y to the x that is shown."""
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
        "title": {"y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 14}},
        "hovermode": "x unified",
        "xaxis": {"range": x_range, "type": "date", "hoverformat": "Week to %-d %b %Y"},
        "yaxis": {"range": y_range, "title": "copies a week", "tickformat": ","},
        "updatemenus": [menu],
    }


def _view(
    history: pd.DataFrame, parts: list[pd.DataFrame], levels: Sequence[float], weeks: int | None
) -> tuple[list[str], list[float]]:
    """Axis ranges that show the last `weeks` weeks of the history and all forecasts."""
    last = history["week"].max()
    first = history["week"].min() if weeks is None else last - weeks * _WEEK
    end = max([last, *(part["week"].max() for part in parts)]) + _WEEK
    first = max(first, history["week"].min()) - _WEEK
    shown = history.loc[history["week"] >= first, "volume"]
    return [first.isoformat(), end.isoformat()], [0, upper_limit(shown, parts, levels)]


def _marks(
    test: pd.DataFrame, future: pd.DataFrame
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Lines where the test weeks and the future begin, and their names above them."""
    shapes, annotations = [], []
    for part, text in ((test, "test"), (future, "forecast")):
        if part.empty:
            continue
        begin, end = part["week"].iloc[0] - _WEEK / 2, part["week"].iloc[-1] + _WEEK / 2
        shapes.append(
            {
                "type": "line",
                "x0": begin.isoformat(),
                "x1": begin.isoformat(),
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"color": FAINT, "width": 1, "dash": "dot"},
            }
        )
        annotations.append(
            {
                "x": (begin + (end - begin) / 2).isoformat(),
                "y": 1,
                "yref": "paper",
                "yanchor": "top",
                "text": text,
                "showarrow": False,
                "font": {"size": 11, "color": FAINT},
            }
        )
    return shapes, annotations
