"""The ends of upper bounds: the largest week that titles like a title have ever sold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.forecasters.base import Forecast
from book_forecast.forecasters.transforms import CEILING
from book_forecast.series.history import FloatArray

FEWEST_ALIKE = 5
"""Titles whose largest week shows what is possible."""
OF_FEW_TITLES = 1.5
"""Multiple of a title's own largest week where there are fewer."""
OF_FEW_LAUNCHES = 10.0
"""Multiple of the largest week of them all, for a launch: few weeks show little."""
ANY_CLASS = ""
"""In place of a product class: titles without one, and what holds for all titles together."""
KEY = "ceiling"
"""Its name in specifications and in the states of models."""


def ceilings(weeks: pd.DataFrame, titles: pd.DataFrame) -> pd.Series:
    """Return the largest week of the titles like each title, by ISBN.

    These are the titles of its product class, or all titles if the class has too few. Where all
    are too few, it is a multiple of the title's own largest week.

    Args:
        weeks: isbn, week, volume.
        titles: isbn, product_class; missing where the export has none.
    """
    own = weeks.groupby("isbn")["volume"].max().fillna(0.0)
    classes = titles.set_index("isbn")["product_class"].reindex(own.index).fillna(ANY_CLASS)
    known = _by_class(zip(classes, own, strict=True))
    of_all = known.get(ANY_CLASS, own * OF_FEW_TITLES)
    return classes.map(known).astype("float64").fillna(of_all).rename(KEY)


def launch_ceilings(titles: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Return the ceiling of launches by product class, and that of any other class.

    Args:
        titles: Class and largest week of each title, launches included.
    """
    of_few = OF_FEW_LAUNCHES * max((week for _, week in titles), default=np.inf)
    return {ANY_CLASS: of_few, **_by_class(titles)}


def _by_class(titles: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Return the largest week of each class with enough titles, and of all if these are enough."""
    found: dict[str, list[float]] = {}
    for group, week in titles:
        for name in {group, ANY_CLASS}:
            found.setdefault(name, []).append(week)
    return {name: max(weeks) for name, weeks in found.items() if len(weeks) >= FEWEST_ALIKE}


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
