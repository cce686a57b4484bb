"""The season of a class: how its weeks of the year differ from the weeks around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from book_forecast.forecasters.ceilings import ANY_CLASS
from book_forecast.series.history import YEAR, FloatArray

Series = Sequence[tuple[str, npt.NDArray[np.datetime64], FloatArray]]
"""Class, weeks and copies of titles; NaN where a week is missing."""
PLACES = 53
"""Weeks of the year: the day of the year over seven."""
# Years of titles that count as much as the classes together.
_ENOUGH_YEARS = 12.0
_FEWEST_WEEKS = 2 * YEAR
# Log scale: titles that hardly sell have no season that counts would show.
_FEWEST_COPIES = 1.0
_KERNEL = np.array([0.25, 0.5, 0.25])


def place_of(weeks: npt.NDArray[np.datetime64]) -> npt.NDArray[np.int64]:
    """Return the place of each Saturday in the year, 0 to 52."""
    days = weeks.astype("datetime64[D]")
    return np.asarray((days - days.astype("datetime64[Y]")).astype(np.int64) // 7, dtype=np.int64)


def learn_seasons(series: Series) -> dict[str, FloatArray]:
    """Learn the season of each class, and that of all.

    Args:
        series: Of the titles of a panel.

    Returns:
        By class and for `ANY_CLASS`: differences on the scale of log(1 + copies), shape (53,);
        zero where nothing is known.
    """
    sums: dict[str, FloatArray] = {}
    counts: dict[str, FloatArray] = {}
    for group, weeks, volumes in series:
        if len(volumes) < _FEWEST_WEEKS:
            continue
        apart = _apart(volumes)
        seen = np.isfinite(apart)
        places = place_of(weeks)[seen]
        for name in dict.fromkeys((group, ANY_CLASS)):
            total = sums.setdefault(name, np.zeros(PLACES))
            count = counts.setdefault(name, np.zeros(PLACES))
            np.add.at(total, places, apart[seen])
            np.add.at(count, places, 1.0)
    zero = np.zeros(PLACES)
    whole = _smooth(sums.get(ANY_CLASS, zero) / (counts.get(ANY_CLASS, zero) + _ENOUGH_YEARS))
    found = {ANY_CLASS: whole}
    for group, total in sums.items():
        if group != ANY_CLASS:
            shrunk = (total + _ENOUGH_YEARS * whole) / (counts[group] + _ENOUGH_YEARS)
            found[group] = _smooth(shrunk)
    return found


def season_of(seasons: Mapping[str, FloatArray], group: str) -> FloatArray:
    """Return the season of a class, or that of all where the class has none."""
    return seasons.get(group, seasons.get(ANY_CLASS, np.zeros(PLACES)))


def _apart(volumes: FloatArray) -> FloatArray:
    """Return differences from the mean of the 53 weeks around, where most of them are known."""
    values = np.log1p(volumes)
    known = np.isfinite(values)
    window = np.ones(YEAR + 1)
    total = np.convolve(np.where(known, values, 0.0), window, mode="same")
    count = np.convolve(known.astype(np.float64), window, mode="same")
    around = np.where(count > YEAR // 2, total / np.maximum(count, 1.0), np.nan)
    # Less than half a year from either end, the weeks around have another season.
    around[: YEAR // 2] = np.nan
    around[-(YEAR // 2) :] = np.nan
    around[around < _FEWEST_COPIES] = np.nan
    return np.asarray(values - around, dtype=np.float64)


def _smooth(season: FloatArray) -> FloatArray:
    """Smooth a little and centre; the year is a circle whose last place is short."""
    padded = np.concatenate([season[-1:], season, season[:1]])
    smooth = np.convolve(padded, _KERNEL, mode="valid")
    # Peaks of a single week stay: only what two weeks share is smoothed.
    peak = np.abs(season) > np.abs(smooth)
    smooth = np.where(peak, season, smooth)
    return np.asarray(smooth - smooth.mean(), dtype=np.float64)
