"""Parts of a forecast, on the scale of log(1 + copies), on which what multiplies copies adds up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from book_forecast.histories import FloatArray

YEAR = 52
NAMED = ("season", "holidays", "promotion", "other")
"""Parts that a model tells; what they leave is the level, and its change the trend."""


def with_trend(mean: FloatArray, told: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Parts of a mean, from those that one of its models tells.

    Args:
        mean: Copies by week ahead, shape (horizon,).
        told: By part, as `FittedForecaster.explain` returns them.

    Returns:
        "level", the same in all weeks; "trend", what has changed of it since the first one; and the
        named parts. Their sum is log(1 + mean).
    """
    named = {name: told.get(name, np.zeros(len(mean))) for name in NAMED}
    left = np.log1p(mean) - np.sum(list(named.values()), axis=0)
    level = np.full(len(mean), left[0])
    return {"level": level, "trend": left - level, **named}


def of_path(mean: FloatArray, horizon: int) -> dict[str, FloatArray]:
    """Parts of a mean that no model tells any of: what two years ahead have in common.

    Args:
        mean: Copies by week ahead, shape (104,): two years.
        horizon: How many of its weeks to explain.

    Returns:
        "level", the same in all weeks; "trend", a straight line from one year's mean to the next
        one's; and "season", the rest, which feasts are in.
    """
    path = np.log1p(mean)
    first, second = path[:YEAR].mean(), path[YEAR : 2 * YEAR].mean()
    trend = (second - first) / YEAR * np.arange(len(path))
    level = np.full(len(path), (path - trend)[:YEAR].mean())
    parts = {"level": level, "trend": trend, "season": path - trend - level}
    return {name: values[:horizon] for name, values in parts.items()}
