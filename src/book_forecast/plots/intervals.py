"""Forecasts as lines with interval bands, the way all figures draw them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.plots.style import model_colour, translucent, week_texts


def bounds(level: float) -> tuple[str, str]:
    """Column names of a level's lower and upper bound."""
    return f"lo-{level}", f"hi-{level}"


def known_levels(forecast: pd.DataFrame, levels: Sequence[float]) -> list[float]:
    """The levels, ascending, for which a forecast has bounds in every week."""
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
    """One filled outline per level, the widest first so that the narrower lie on top of it.

    Args:
        forecast: week, model and the bounds, of one title and model, in the order of weeks.
        levels: Interval levels in percent; those without bounds are left out.
        trace: Further properties of every trace; "{level}" in a text stands for the level.
    """
    if forecast.empty:
        return []
    drawn = known_levels(forecast, levels)
    weeks = week_texts(forecast["week"])
    colour = model_colour(forecast["model"].iloc[0])
    bands = []
    for level in reversed(drawn):
        low, high = bounds(level)
        texts = {
            key: value.format(level=f"{level:g}") if isinstance(value, str) else value
            for key, value in trace.items()
        }
        band = {
            "type": "scatter",
            "x": [*weeks, *reversed(weeks)],
            "y": np.round([*forecast[high], *forecast[low][::-1]], 2),
            "fill": "toself",
            "fillcolor": translucent(
                colour, min(0.12 + 0.14 * (len(drawn) - 1 - drawn.index(level)), 0.5)
            ),
            "mode": "lines",
            "line": {"width": 0},
            "hoverinfo": "skip",
        }
        bands.append(band | texts)
    return bands


def forecast_line(forecast: pd.DataFrame, levels: Sequence[float], **trace: Any) -> dict[str, Any]:
    """The means of a forecast; pointing at one tells its intervals as well."""
    drawn = known_levels(forecast, levels)
    columns = [column for level in drawn for column in bounds(level)]
    hover = "%{y:,.0f}"
    if drawn:
        ranges = (
            f"{level:g} %: %{{customdata[{2 * i}]:,.0f}} to %{{customdata[{2 * i + 1}]:,.0f}}"
            for i, level in enumerate(drawn)
        )
        hover += f" ({'; '.join(ranges)})"
    line: dict[str, Any] = {
        "type": "scatter",
        "x": week_texts(forecast["week"]),
        "y": forecast["mean"].to_numpy().round(2),
        "mode": "lines",
        "line": {"color": model_colour(forecast["model"].iloc[0]), "width": 2.2},
        "hovertemplate": hover,
    }
    if drawn:
        line["customdata"] = forecast[columns].to_numpy().round(1)
    return line | trace


# An interval may reach this many times as high as every volume and mean before it is cut off.
_HEADROOM = 2.0


def upper_limit(
    volumes: pd.Series, forecasts: Sequence[pd.DataFrame], levels: Sequence[float]
) -> float:
    """Where a y axis from zero ends that shows volumes and forecasts well.

    Intervals of a log scale may reach so far that nothing else could be seen: they are cut off.
    """
    parts = [part for part in forecasts if len(part)]
    highest = [volumes.max(), *(part["mean"].max() for part in parts)]
    highest_known = max((value for value in highest if value > 0), default=1.0)
    bands = [part[bounds(level)[1]].max() for part in parts for level in known_levels(part, levels)]
    cut = [min(band, _HEADROOM * highest_known) for band in bands]
    return 1.06 * float(max([highest_known, *cut]))
