"""Parts of a forecast, on the scale of log(1 + copies), on which what multiplies copies adds up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from book_forecast.series.history import YEAR, FloatArray


def parts_of(mean: FloatArray, told: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Parts of two years' mean, from those that one of its models tells, if any does.

    Args:
        mean: Copies by week ahead, shape (104,).
        told: By part, as `FittedForecaster.explain` returns them, each of shape (104,).

    Returns:
        "level", the same in all weeks: the usual one of the first year; "trend", a straight line
        that begins at nothing and leads from the one year's level to the next one's; what the model
        tells or, if it tells nothing, a "season" that both years have in common; and "other", all
        the rest. Their sum is log(1 + mean).
    """
    parts = {name: values for name, values in told.items() if name not in ("level", "other")}
    left = np.log1p(mean) - np.sum(list(parts.values()), axis=0)
    slope = (left[YEAR:].mean() - left[:YEAR].mean()) / YEAR
    trend = slope * np.arange(2 * YEAR)
    level = np.full(2 * YEAR, (left - trend)[:YEAR].mean())
    rest = left - trend - level
    if not told:
        season = np.tile(rest.reshape(2, YEAR).mean(axis=0), 2)
        parts, rest = {"season": season}, rest - season
    return {"level": level, "trend": trend, **parts, "other": rest}
