"""The distribution of the weeks ahead as a release stores it: mean and quantiles, in copies."""

from __future__ import annotations

import numpy as np

from book_forecast.forecasters.base import Forecast
from book_forecast.payload.arrays import Floats
from book_forecast.payload.manifest import PROBABILITIES

LEVELS = (*(round(100.0 * (1.0 - 2.0 * p), 6) for p in PROBABILITIES if p < 0.5), 0.0)
"""Interval levels with the quantiles of a release as bounds; level 0 is the median."""


def distribution_of(forecast: Forecast) -> Floats:
    """Return mean and quantiles of one title, or of several.

    Args:
        forecast: Forecast with all `LEVELS`.

    Returns:
        Shape (1 + 17, horizon), the mean first, then quantiles by `PROBABILITIES`; (1 + 17, titles,
        horizon) of several titles.
    """
    lower = [forecast.lower[level] for level in LEVELS]
    upper = [forecast.upper[level] for level in reversed(LEVELS[:-1])]
    return np.stack([forecast.mean, *lower, *upper]).astype(np.float32)
