"""Columns of a regression on the calendar: Fourier terms of the year, windows around feasts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.calendar import REGRESSORS, calendar_weeks
from book_forecast.histories import WEEK, FloatArray

DAYS_A_YEAR = 365.25
# The calendar is made once for a process, and anew for a wider span only.
FIRST_YEAR, LAST_YEAR = 1990, 2045
CHRISTMAS = tuple(name for name in REGRESSORS if "christmas" in name or name == "new_year")
FEASTS = tuple(name for name in REGRESSORS if name not in CHRISTMAS)


def weeks_from(first: np.datetime64, n: int) -> npt.NDArray[np.datetime64]:
    """Saturdays of `n` weeks from one on."""
    return first + WEEK * np.arange(n)


def fourier_terms(weeks: npt.NDArray[np.datetime64], pairs: int) -> FloatArray:
    """Sines and cosines of the year and its parts, shape (n, 2 pairs).

    A year has 365.25 days and not 52 weeks, so they depend on the date.
    """
    days = weeks.astype("datetime64[D]").astype(np.float64)
    angles = 2.0 * np.pi / DAYS_A_YEAR * days[:, None] * np.arange(1, pairs + 1)
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def calendar_columns(
    weeks: npt.NDArray[np.datetime64], names: Sequence[str]
) -> FloatArray:
    """Windows around feasts, shape (n, names).

    Args:
        weeks: Saturdays, one after the other.
        names: Of `calendar.REGRESSORS`.
    """
    if not len(names) or not len(weeks):
        return np.zeros((len(weeks), len(names)))
    years = weeks[[0, -1]].astype("datetime64[Y]").astype(int) + 1970
    first_year, last_year = min(FIRST_YEAR, int(years[0]) - 1), max(LAST_YEAR, int(years[1]) + 1)
    first, table = _table(first_year, last_year)
    start = int((weeks[0] - first) // WEEK)
    places = [REGRESSORS.index(name) for name in names]
    return table[start : start + len(weeks), places]


@lru_cache(maxsize=4)
def _table(first_year: int, last_year: int) -> tuple[np.datetime64, FloatArray]:
    """The first Saturday and all windows of a span of years."""
    saturdays = pd.date_range(f"{first_year}-01-01", f"{last_year}-12-31", freq="W-SAT", unit="us")
    calendar = calendar_weeks(saturdays[0], saturdays[-1], weeks_ahead=0)
    return np.datetime64(saturdays[0], "D"), calendar[list(REGRESSORS)].to_numpy(dtype=np.float64)
