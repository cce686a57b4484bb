"""What a forecast consists of: what each model says, and what the parts make of the level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from book_forecast.plots.intervals import forecast_line, interval_bands, known_levels, upper_limit
from book_forecast.plots.style import (
    FAINT,
    SALES,
    TEMPLATE,
    model_colour,
    model_label,
    shortened,
    titled,
    week_texts,
)

MEMBER, PART = "member", "part"
_LEVEL = 80
_YEAR = pd.Timedelta(weeks=52)
_HALF_WEEK = pd.Timedelta(days=3.5)
# A part that nowhere changes the forecast by more than this share is not drawn.
_UNSEEN = 0.005
_LIGHT = 0.005
_PARTS: dict[str, tuple[str, dict[str, Any]]] = {
    "trend": ("Trend", {"color": "#6B6B6B", "width": 2.2}),
    "season": ("Season", {"color": "#0072B2", "width": 2.2}),
    "holidays": ("Holidays", {"color": "#D55E00"}),
    "promotion": ("Promotion", {"color": "#009E73"}),
    "other": ("All else", {"color": "#9167FF", "width": 1.8, "dash": "dot"}),
}
_AS_BARS = ("holidays", "promotion")
_TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
_FINE_TICKS = (0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.3, 1.4)
_MINUS = "\N{MINUS SIGN}"
# The panels' shares of the height, and where the upper one begins.
_LOWER_TOP, _UPPER_BOTTOM = 0.4, 0.5
_NAME_LENGTH = 80


def explanation_figure(
    explanation: pd.DataFrame,
    forecast: pd.DataFrame,
    history: pd.DataFrame,
    levels: Sequence[float],
    name: str,
) -> go.Figure:
    """Draw what the members of one title's ensemble say, and the parts of their mean.

    Args:
        explanation: kind, name, week, value, weight, as `explain_forecasts` makes them.
        forecast: The title's forecast rows, or none.
        history: week, volume; NaN = missing.
        levels: Interval levels in percent; one of them is drawn.
        name: What to call the title.
    """
    forecast = forecast.sort_values("week")
    explanation = explanation.sort_values("week", kind="stable")
    members = explanation[explanation["kind"] == MEMBER]
    parts = explanation[explanation["kind"] == PART]
    before = _year_before(history, explanation["week"])
    drawn = _level(forecast, levels)
    traces = [*_saying(members, forecast, before, drawn), *_making(parts)]
    layout = _layout(members, parts, forecast, before, drawn)
    layout["title"] |= titled(shortened(name, _NAME_LENGTH), *_notes(forecast, parts))
    return go.Figure(traces, layout)


def _level(forecast: pd.DataFrame, levels: Sequence[float]) -> list[float]:
    """The level that is drawn: 80 %, or else the narrowest."""
    known = known_levels(forecast, levels)
    return [_LEVEL] if _LEVEL in known else known[:1]


def _year_before(history: pd.DataFrame, weeks: pd.Series) -> pd.DataFrame:
    """Sales of a year before, by the weeks that they stand beside."""
    shifted = history.assign(week=history["week"] + _YEAR)
    return shifted[shifted["week"].isin(weeks)].dropna(subset=["volume"]).sort_values("week")


def _notes(forecast: pd.DataFrame, parts: pd.DataFrame) -> list[str]:
    notes = ["Above: what each model says, the heavier the thicker, and their weighted mean"]
    if len(forecast):
        copies = forecast["mean"].sum()
        notes[0] += f" · {len(forecast)} weeks: {copies:,.0f} copies"
    level = parts.loc[parts["name"] == "level", "value"]
    if len(level):
        notes.append(
            f"Below: what makes a week larger or smaller than the level of "
            f"{max(level.iloc[0] - 1.0, 0.0):,.0f} copies a week; the parts multiply each other"
        )
    return notes


def _saying(
    members: pd.DataFrame, forecast: pd.DataFrame, before: pd.DataFrame, levels: Sequence[float]
) -> list[dict[str, Any]]:
    """The upper panel from back to front: band, last year, members, their mean."""
    traces = interval_bands(forecast, levels, name="{level} % interval", legendrank=3)
    if len(before):
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": week_texts(before["week"]),
                "y": before["volume"].to_numpy(),
                "name": "Sold a year before",
                "legendrank": 4,
                "line": {"color": SALES, "width": 1.3, "dash": "dot"},
                "hovertemplate": "%{y:,.0f}",
            }
        )
    by_weight = members.groupby("name", sort=False)["weight"].first().sort_values(ascending=False)
    for place, (family, weight) in enumerate(by_weight.items()):
        rows = members[members["name"] == family]
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": week_texts(rows["week"]),
                "y": rows["value"].to_numpy().round(2),
                "name": f"{model_label(str(family))}, {weight:.0%}",
                "legendrank": 10 + place,
                "line": {"color": model_colour(str(family)), "width": 0.9 + 2.0 * weight},
                "hovertemplate": "%{y:,.0f}",
                "visible": True if weight >= _LIGHT else "legendonly",
            }
        )
    if len(forecast):
        label = f"{model_label(forecast['model'].iloc[0])}, the mean"
        line = {"color": model_colour(forecast["model"].iloc[0]), "width": 3.2}
        traces.append(forecast_line(forecast, levels, name=label, legendrank=2, line=line))
    return traces


def _making(parts: pd.DataFrame) -> list[dict[str, Any]]:
    """The lower panel: factors as what they add, on a scale on which they add up."""
    traces = []
    for name, rows in _factors(parts).items():
        label, line = _PARTS[name]
        factors = rows["value"].to_numpy()
        trace = {
            "x": week_texts(rows["week"]),
            "y": np.log(factors).round(4),
            "name": label,
            "yaxis": "y2",
            "legend": "legend2",
            "customdata": [_change(factor) for factor in factors],
            "hovertemplate": "%{customdata}",
        }
        if name in _AS_BARS:
            trace |= {"type": "bar", "marker": {"color": line["color"], "opacity": 0.75}}
            # A bar is half a week wide, in milliseconds.
            trace |= {"width": _HALF_WEEK / pd.Timedelta(milliseconds=1), "offsetgroup": name}
        else:
            trace |= {"type": "scatter", "mode": "lines", "line": line}
        traces.append(trace)
    return traces


def _factors(parts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The parts that change something, in the order of the legend."""
    by_name = {str(name): rows for name, rows in parts.groupby("name", sort=False)}
    return {
        name: by_name[name]
        for name in _PARTS
        if name in by_name and (by_name[name]["value"] - 1.0).abs().max() > _UNSEEN
    }


def _change(factor: float) -> str:
    """A factor in words, such as +80 %."""
    share = round(100.0 * (factor - 1.0))
    return "±0 %" if share == 0 else f"{'+' if share > 0 else _MINUS}{abs(share):,} %"


def _layout(
    members: pd.DataFrame,
    parts: pd.DataFrame,
    forecast: pd.DataFrame,
    before: pd.DataFrame,
    levels: Sequence[float],
) -> dict[str, Any]:
    shown = members.loc[members["weight"] >= _LIGHT, "value"]
    volumes = pd.concat([shown, before["volume"]])
    weeks = members["week"]
    margin = 2 * _HALF_WEEK
    x_range = [(weeks.min() - margin).isoformat(), (weeks.max() + margin).isoformat()]
    legend = {"orientation": "v", "x": 1.01, "xanchor": "left", "yanchor": "top"}
    values, texts, limits = _percents(parts)
    layout = {
        "template": TEMPLATE,
        "height": 720,
        "margin": {"t": 104, "r": 190},
        "title": {"y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 14}},
        "hovermode": "x unified",
        "barmode": "overlay",
        "legend": legend | {"y": 1},
        "legend2": legend | {"y": _LOWER_TOP, "font": {"size": 12}},
        "xaxis": {
            "range": x_range,
            "type": "date",
            "anchor": "y2",
            # Plotly leaves it out where there are bars.
            "showgrid": True,
            "hoverformat": "Week to %-d %b %Y",
        },
        "yaxis": {
            "domain": [_UPPER_BOTTOM, 1],
            "range": [0, upper_limit(volumes, [forecast], levels)],
            "title": "copies a week",
            "tickformat": ",",
        },
        "yaxis2": {
            "domain": [0, _LOWER_TOP],
            "range": limits,
            "tickmode": "array",
            "tickvals": values,
            "ticktext": texts,
            "title": {"text": "against the level", "standoff": 14},
            "zeroline": True,
            "zerolinecolor": FAINT,
        },
    }
    if not _factors(parts):
        layout["annotations"] = [_nothing()]
    return layout


def _percents(parts: pd.DataFrame) -> tuple[list[float], list[str], list[float]]:
    """Ticks of the lower panel with their texts, and its range, as logarithms of factors."""
    factors = _factors(parts)
    every = np.concatenate([[0.95, 1.05], *(rows["value"] for rows in factors.values())])
    low, high = float(np.log(every.min())), float(np.log(every.max()))
    pad = 0.08 * (high - low)
    limits = [low - pad, high + pad]
    ticks = _FINE_TICKS if high - low < np.log(1.6) else _TICKS
    inside = [tick for tick in ticks if limits[0] <= np.log(tick) <= limits[1]]
    return [float(np.log(tick)) for tick in inside], [_change(tick) for tick in inside], limits


def _nothing() -> dict[str, Any]:
    return {
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": _LOWER_TOP / 2,
        "text": "every week is forecast at the level",
        "showarrow": False,
        "font": {"color": FAINT},
    }
