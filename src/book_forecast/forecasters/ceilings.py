"""The ends of upper bounds: the largest week that titles like a title have ever sold."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

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
    by_class = _by_class(zip(classes, own, strict=True))
    known = {name: max(weeks) for name, weeks in by_class.items() if len(weeks) >= FEWEST_ALIKE}
    of_all = known.get(ANY_CLASS, own * OF_FEW_TITLES)
    return classes.map(known).astype("float64").fillna(of_all).rename(KEY)


@dataclass(frozen=True, slots=True)
class LaunchCeilings:
    """Ceilings of launches, which may leave a title out.

    Attributes:
        weeks: By class and for `ANY_CLASS`, the largest week of each title, in ascending order.
    """

    weeks: Mapping[str, Sequence[float]]

    @classmethod
    def of(cls, titles: Iterable[tuple[str, float]]) -> Self:
        """Sort the class and the largest week of titles, launches included."""
        return cls({name: sorted(weeks) for name, weeks in _by_class(titles).items()})

    def ceiling(self, group: str, without: float | None = None) -> float:
        """Return the ceiling of a launch of a class.

        Args:
            group: The class.
            without: The largest week of one of its titles, which is left out; None for none.
        """
        others: Sequence[float] = ()
        for name in (group, ANY_CLASS):
            others = _without(self.weeks.get(name, ()), without)
            if len(others) >= FEWEST_ALIKE:
                return others[-1]
        return OF_FEW_LAUNCHES * max(others, default=np.inf)


def _without(weeks: Sequence[float], one: float | None) -> Sequence[float]:
    """Return sorted values without one of them, if it is there."""
    at = len(weeks) if one is None else bisect_left(weeks, one)
    is_there = at < len(weeks) and weeks[at] == one
    return [*weeks[:at], *weeks[at + 1 :]] if is_there else weeks


def _by_class(titles: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    """Return the largest weeks of each class, and of all titles."""
    found: dict[str, list[float]] = {}
    for group, week in titles:
        for name in {group, ANY_CLASS}:
            found.setdefault(name, []).append(week)
    return found


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
