"""The ends of upper bounds: the largest week that titles like a title have ever sold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from book_forecast.forecasters.base import Forecast
from book_forecast.forecasters.transforms import CEILING
from book_forecast.series.history import FloatArray

FEWEST_ALIKE = 5
"""Titles whose largest week tells what is possible."""
OF_FEW_TITLES = 1.5
"""Multiple of a title's own largest week where there are fewer."""
KEY = "ceiling"
"""Its name in specifications and in the states of models."""


def ceilings(weeks: pd.DataFrame, titles: pd.DataFrame) -> pd.Series:
    """Return the largest week of the titles like each title, by ISBN.

    These are the titles of its product class, or all titles if the class has too few.

    Args:
        weeks: isbn, week, volume.
        titles: isbn, product_class; missing where the export has none.
    """
    own = weeks.groupby("isbn")["volume"].max().fillna(0.0)
    found = own * OF_FEW_TITLES
    if len(own) >= FEWEST_ALIKE:
        found[:] = own.max()
    classes = titles.set_index("isbn")["product_class"].reindex(own.index)
    alike = own.groupby(classes)
    return found.mask(alike.transform("size") >= FEWEST_ALIKE, alike.transform("max")).rename(KEY)


def own_ceiling(volumes: FloatArray) -> float:
    """Return the ceiling of a title without others to compare it with."""
    return CEILING * largest(volumes)


def largest(volumes: FloatArray) -> float:
    """Return the largest known week, at least one copy."""
    return float(np.max(volumes[np.isfinite(volumes)], initial=1.0))


def capped(forecast: Forecast, ceiling: float) -> Forecast:
    """Return the forecast with bounds up to the ceiling; an upper one is never below the mean."""
    top = np.maximum(ceiling, forecast.mean)
    lower = {level: np.minimum(bound, top) for level, bound in forecast.lower.items()}
    upper = {level: np.minimum(bound, top) for level, bound in forecast.upper.items()}
    return Forecast(forecast.mean, lower, upper)


def ceiling_state(ceiling: float) -> dict[str, Any]:
    """Return the ceiling as a part of a model's state; nothing without one."""
    return {KEY: ceiling} if np.isfinite(ceiling) else {}
