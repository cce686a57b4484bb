"""Explanation of one forecast: its ensemble members, and the factors of its mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from book_forecast.plots.intervals import (
    available_levels,
    forecast_line,
    interval_bands,
    upper_limit,
)
from book_forecast.plots.style import (
    COPIES_AXIS,
    FAINT,
    HEADLINE_ON_TOP,
    ONE_WEEK,
    SALES,
    TEMPLATE,
    WEEK_FORMAT,
    annotation,
    model_colour,
    model_label,
    titled,
    week_texts,
)
from book_forecast.plots.traces import line, sales_line

_LEVEL = 80
_YEAR = 52 * ONE_WEEK
# Factors that change no week by more than this share are not drawn.
_MIN_CHANGE = 0.005
# Members below this weight are hidden until their legend entry is clicked.
_MIN_WEIGHT = 0.005
_FACTORS: dict[str, tuple[str, dict[str, Any]]] = {
    "trend": ("Trend", {"color": "#6B6B6B", "width": 2.2}),
    "season": ("Season", {"color": "#0072B2", "width": 2.2}),
    "holidays": ("Holidays", {"color": "#D55E00"}),
    "promotion": ("Promotion", {"color": "#009E73"}),
    "other": ("Other", {"color": "#9167FF", "width": 1.8, "dash": "dot"}),
}
_AS_BARS = ("holidays", "promotion")
_TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
_FINE_TICKS = (0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.3, 1.4)
_MINUS = "\N{MINUS SIGN}"
# Top of the lower panel and bottom of the upper one, as shares of the height.
_LOWER_TOP, _UPPER_BOTTOM = 0.4, 0.5


def explanation_figure(
    explanation: pd.DataFrame,
    forecast: pd.DataFrame,
    history: pd.DataFrame,
    levels: Sequence[float],
    name: str,
) -> go.Figure:
    """Draw the forecasts of a title's ensemble members, and the factors of their mean.

    Args:
        explanation: kind, name, week, value, weight, as `explain_forecasts` returns them.
        forecast: The title's forecast rows, or none.
        history: week, volume; NaN = missing.
        levels: Interval levels in percent; one of them is drawn.
        name: The title's name in the headline.
    """
    forecast = forecast.sort_values("week")
    explanation = explanation.sort_values("week", kind="stable")
    members = explanation[explanation["kind"] == "member"]
    parts = explanation[explanation["kind"] == "part"]
    before = _year_before(history, explanation["week"])
    available = available_levels(forecast, levels)
    drawn = [_LEVEL] if _LEVEL in available else available[:1]
    factors = _factors(parts)
    traces = [*_forecast_traces(members, forecast, before, drawn), *_factor_traces(factors)]
    layout = _layout(members, factors, forecast, before, drawn)
    layout["title"] = HEADLINE_ON_TOP | titled(name, *_notes(forecast, parts))
    return go.Figure(traces, layout)


def _year_before(history: pd.DataFrame, weeks: pd.Series) -> pd.DataFrame:
    """Sales of the year before, dated 52 weeks later."""
    shifted = history.assign(week=history["week"] + _YEAR)
    return shifted[shifted["week"].isin(weeks)].dropna(subset=["volume"]).sort_values("week")


def _notes(forecast: pd.DataFrame, parts: pd.DataFrame) -> list[str]:
    notes = ["Above: ensemble members (a thicker line has a larger weight) and their weighted mean"]
    if len(forecast):
        copies = forecast["mean"].sum()
        notes[0] += f" · {len(forecast)} weeks: {copies:,.0f} copies"
    level = parts.loc[parts["name"] == "level", "value"]
    if len(level):
        notes.append(
            f"Below: factors that raise or lower a week against the level of "
            f"{max(level.iloc[0] - 1.0, 0.0):,.0f} copies a week; they multiply each other"
        )
    return notes


def _forecast_traces(
    members: pd.DataFrame, forecast: pd.DataFrame, before: pd.DataFrame, levels: Sequence[float]
) -> list[dict[str, Any]]:
    """The upper panel from back to front: band, last year, members, their mean."""
    traces = interval_bands(forecast, levels, name="{level} % interval", legendrank=3)
    if len(before):
        dotted = {"color": SALES, "width": 1.3, "dash": "dot"}
        traces.append(sales_line(before, name="Sold a year before", legendrank=4, line=dotted))
    by_weight = members.groupby("name", sort=False)["weight"].mean().sort_values(ascending=False)
    for position, (family, weight) in enumerate(by_weight.items()):
        rows = members[members["name"] == family]
        traces.append(
            line(
                week_texts(rows["week"]),
                rows["value"].to_numpy().round(2),
                name=f"{model_label(str(family))}, {weight:.0%}",
                legendrank=10 + position,
                line={"color": model_colour(str(family)), "width": 0.9 + 2.0 * weight},
                hovertemplate="%{y:,.0f}",
                visible=True if weight >= _MIN_WEIGHT else "legendonly",
            )
        )
    if len(forecast):
        model = forecast["model"].iloc[0]
        pen = {"color": model_colour(model), "width": 3.2}
        label = f"{model_label(model)}, weighted mean"
        traces.append(forecast_line(forecast, levels, name=label, legendrank=2, line=pen))
    return traces


def _factor_traces(factors: dict[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """The lower panel: logarithms of factors, which add up."""
    traces = []
    for name, rows in factors.items():
        label, pen = _FACTORS[name]
        values = rows["value"].to_numpy()
        trace = line(
            week_texts(rows["week"]),
            np.log(values).round(4),
            name=label,
            yaxis="y2",
            legend="legend2",
            line=pen,
            customdata=[_percent(factor) for factor in values],
            hovertemplate="%{customdata}",
        )
        if name in _AS_BARS:
            del trace["mode"], trace["line"]
            trace |= {"type": "bar", "marker": {"color": pen["color"], "opacity": 0.75}}
            # A bar is half a week wide, in milliseconds.
            trace |= {"width": ONE_WEEK / 2 / pd.Timedelta(milliseconds=1), "offsetgroup": name}
        traces.append(trace)
    return traces


def _factors(parts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The factors that change something, in the order of the legend."""
    by_name = {str(name): rows for name, rows in parts.groupby("name", sort=False)}
    return {
        name: by_name[name]
        for name in _FACTORS
        if name in by_name and (by_name[name]["value"] - 1.0).abs().max() > _MIN_CHANGE
    }


def _percent(factor: float) -> str:
    """A factor as a change, such as +80 %."""
    share = round(100.0 * (factor - 1.0))
    return "±0 %" if share == 0 else f"{'+' if share > 0 else _MINUS}{abs(share):,} %"


def _layout(
    members: pd.DataFrame,
    factors: dict[str, pd.DataFrame],
    forecast: pd.DataFrame,
    before: pd.DataFrame,
    levels: Sequence[float],
) -> dict[str, Any]:
    weight = members.groupby("name")["weight"].transform("mean")
    shown = members.loc[weight >= _MIN_WEIGHT, "value"]
    volumes = pd.concat([shown, before["volume"]])
    weeks = members["week"]
    x_range = [(weeks.min() - ONE_WEEK).isoformat(), (weeks.max() + ONE_WEEK).isoformat()]
    legend = {"orientation": "v", "x": 1.01, "xanchor": "left", "yanchor": "top"}
    flat = annotation(0.5, _LOWER_TOP / 2, "every week is forecast at the level", 13)
    return {
        "template": TEMPLATE,
        "height": 720,
        "margin": {"t": 104, "r": 190},
        "hovermode": "x unified",
        "barmode": "overlay",
        "legend": legend | {"y": 1},
        "legend2": legend | {"y": _LOWER_TOP, "font": {"size": 12}},
        "xaxis": {
            "range": x_range,
            "type": "date",
            "anchor": "y2",
            "showgrid": True,  # Plotly leaves it out where there are bars
            "hoverformat": WEEK_FORMAT,
        },
        "yaxis": COPIES_AXIS
        | {"domain": [_UPPER_BOTTOM, 1], "range": [0, upper_limit(volumes, [forecast], levels)]},
        "yaxis2": _factor_axis(factors),
        "annotations": [] if factors else [flat | {"xref": "paper", "yref": "paper"}],
    }


def _factor_axis(factors: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """The lower panel's y axis: logarithms of factors, labelled as percentages."""
    values = np.concatenate([[0.95, 1.05], *(rows["value"] for rows in factors.values())])
    low, high = float(np.log(values.min())), float(np.log(values.max()))
    pad = 0.08 * (high - low)
    ticks = _FINE_TICKS if high - low < np.log(1.6) else _TICKS
    inside = [tick for tick in ticks if low - pad <= np.log(tick) <= high + pad]
    return {
        "domain": [0, _LOWER_TOP],
        "range": [low - pad, high + pad],
        "tickmode": "array",
        "tickvals": [float(np.log(tick)) for tick in inside],
        "ticktext": [_percent(tick) for tick in inside],
        "title": {"text": "relative to the level", "standoff": 14},
        "zeroline": True,
        "zerolinecolor": FAINT,
    }
