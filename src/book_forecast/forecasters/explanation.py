"""Components of a forecast: factors of copies are terms on the scale of log(1 + copies)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from book_forecast.series.history import YEAR, FloatArray


def parts_of(mean: FloatArray, model_parts: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Decompose the mean of two years, with the components of one of its models if there are any.

    Args:
        mean: Copies by week ahead, shape (104,).
        model_parts: By component, as `FittedForecaster.explain` returns them, shape (104,) each.

    Returns:
        Terms of log(1 + mean): a constant "level", the mean of the first year; "trend", a straight
        line from zero with the slope between the two years' levels; the model's components; a
        "season" common to both years where the model has none; and "other", the remainder.
    """
    parts = {name: values for name, values in model_parts.items() if name not in ("level", "other")}
    left = np.log1p(mean) - np.sum(list(parts.values()), axis=0)
    slope = (left[YEAR:].mean() - left[:YEAR].mean()) / YEAR
    trend = slope * np.arange(2 * YEAR)
    level = np.full(2 * YEAR, (left - trend)[:YEAR].mean())
    rest = left - trend - level
    if "season" not in parts:
        season = np.tile(rest.reshape(2, YEAR).mean(axis=0), 2)
        parts, rest = {"season": season, **parts}, rest - season
    return {"level": level, "trend": trend, **parts, "other": rest}
