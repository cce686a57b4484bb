"""Forecasts as lines with interval bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.plots.style import model_colour, translucent, week_texts
from book_forecast.plots.traces import line

# A y axis ends at this multiple of the highest volume or mean; wider intervals are cut off.
_HEADROOM = 2.0


def bounds(level: float) -> tuple[str, str]:
    """Return the columns of a level's lower and upper bound."""
    return f"lo-{level}", f"hi-{level}"


def available_levels(forecast: pd.DataFrame, levels: Sequence[float]) -> list[float]:
    """Return the levels, ascending, for which a forecast has bounds in every week."""
    return [
        level
        for level in sorted(levels)
        if all(
            column in forecast and not np.isnan(forecast[column].to_numpy()).any()
            for column in bounds(level)
        )
    ]


def interval_bands(
    forecast: pd.DataFrame, levels: Sequence[float], **trace: Any
) -> list[dict[str, Any]]:
    """Return one filled outline per level, the widest first so that narrower ones cover it.

    Args:
        forecast: week, model and the bounds, of one title and model, in the order of weeks.
        levels: Interval levels in percent; those without bounds are left out.
        trace: Further properties of every trace; "{level}" in a text stands for the level.
    """
    if forecast.empty:
        return []
    drawn = available_levels(forecast, levels)
    weeks = week_texts(forecast["week"])
    colour = model_colour(forecast["model"].iloc[0])
    bands = []
    for level in reversed(drawn):
        low, high = bounds(level)
        texts = {
            key: value.format(level=f"{level:g}") if isinstance(value, str) else value
            for key, value in trace.items()
        }
        opacity = min(0.12 + 0.14 * (len(drawn) - 1 - drawn.index(level)), 0.5)
        band = line(
            [*weeks, *reversed(weeks)],
            np.round([*forecast[high], *forecast[low][::-1]], 2),
            fill="toself",
            fillcolor=translucent(colour, opacity),
            line={"width": 0},
            hoverinfo="skip",
        )
        bands.append(band | texts)
    return bands


def forecast_line(forecast: pd.DataFrame, levels: Sequence[float], **trace: Any) -> dict[str, Any]:
    """Return the line of a forecast's means; the hover text has the intervals too."""
    drawn = available_levels(forecast, levels)
    hover = "%{y:,.0f}"
    if drawn:
        ranges = (
            f"{level:g} %: %{{customdata[{2 * i}]:,.0f}} to %{{customdata[{2 * i + 1}]:,.0f}}"
            for i, level in enumerate(drawn)
        )
        hover += f" ({'; '.join(ranges)})"
        columns = [column for level in drawn for column in bounds(level)]
        trace = {"customdata": forecast[columns].to_numpy().round(1)} | trace
    means = line(
        week_texts(forecast["week"]),
        forecast["mean"].to_numpy().round(2),
        line={"color": model_colour(forecast["model"].iloc[0]), "width": 2.2},
        hovertemplate=hover,
    )
    return means | trace


def upper_limit(
    volumes: pd.Series, forecasts: Sequence[pd.DataFrame], levels: Sequence[float]
) -> float:
    """Return the end of a y axis that begins at zero.

    Intervals on a log scale can be so wide that they hide the sales: the axis cuts them off.
    """
    parts = [part for part in forecasts if len(part)]
    peaks = [volumes.max(), *(part["mean"].max() for part in parts)]
    peak = max((value for value in peaks if value > 0), default=1.0)
    bands = [
        part[bounds(level)[1]].max() for part in parts for level in available_levels(part, levels)
    ]
    return 1.06 * float(max([peak, *(min(band, _HEADROOM * peak) for band in bands)]))
