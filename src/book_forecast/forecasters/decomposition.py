"""The seasonal component of a series, shrunk by its noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from book_forecast.series.history import YEAR, FloatArray
from book_forecast.series.seasonality import WEEKS_A_YEAR

# Weeks of the moving average that serves as the level when noise is measured.
QUARTER = 13
# Effective share of the seasons in a window of STL, by its tricube weights at the end.
SHARE_OF_WINDOW = 0.6
# STL fits its level and its low pass, which are smooth over more than a season, at up to so many
# weeks of one and interpolates between them. Cleveland et al. (1990) use ten of a window. A fit for
# each week takes five times as long.
FITS_OF_A_SEASON = 10


@dataclass(frozen=True, slots=True)
class Season:
    """The seasonal part of a series.

    Attributes:
        fitted: In each week of the series, shape (n,).
        ahead: In the weeks after, shape (ahead,).
    """

    fitted: FloatArray
    ahead: FloatArray


def fixed_season(values: FloatArray, season: int, ahead: int) -> Season:
    """Return a season that is the same in all years.

    The deviations from a centred moving average are averaged by week of the season (classical
    decomposition). A year has 365.25 days: with a season of 52, each week lies between two of 52
    knots around the year, so that ten years do not smear Christmas over two weeks.

    Args:
        values: On the model's scale, finite, shape (n,).
        season: In weeks; below 2, or with fewer than two seasons of weeks, there is none.
        ahead: Weeks after the series.
    """
    if not has_season(len(values), season):
        return _none(len(values), ahead)
    window = np.full(season, 1.0)
    if season % 2 == 0:
        window = np.concatenate([[0.5], np.ones(season - 1), [0.5]])
    level = np.convolve(values, window / season, mode="valid")
    first = (len(window) - 1) // 2
    middle = slice(first, first + len(level))
    hats = _hats(np.arange(len(values) + ahead), season)
    seen = hats[middle]
    # The ridge gives knots without weeks the mean of all.
    gram = seen.T @ seen + 1e-3 * np.eye(season)
    heights = np.linalg.solve(gram, seen.T @ (values[middle] - level))
    course = hats @ (heights - np.mean(heights))
    return _shrunk(values, course, len(values) / season)


def evolving_season(values: FloatArray, season: int, window: int, ahead: int) -> Season:
    """Return an evolving season by STL (Cleveland et al. 1990); the last one repeats ahead.

    Args:
        values: On the model's scale, finite, shape (n,).
        season: In weeks; below 2, or with fewer than two seasons of weeks, there is none.
        window: Seasons that one week of the year is smoothed over, odd.
        ahead: Weeks after the series.
    """
    if not has_season(len(values), season):
        return _none(len(values), ahead)
    from statsmodels.tsa.seasonal import STL

    steps = dict.fromkeys(("trend_jump", "low_pass_jump"), math.ceil(season / FITS_OF_A_SEASON))
    fitted = STL(values, period=season, seasonal=window, seasonal_deg=0, **steps).fit().seasonal
    course = np.concatenate([fitted, np.resize(fitted[-season:], ahead)])
    return _shrunk(values, course, min(len(values) / season, SHARE_OF_WINDOW * window))


def has_season(n_weeks: int, season: int) -> bool:
    """Return whether the weeks hold two seasons."""
    return season > 1 and n_weeks >= 2 * season


def _none(n_weeks: int, ahead: int) -> Season:
    return Season(np.zeros(n_weeks), np.zeros(ahead))


def _shrunk(values: FloatArray, course: FloatArray, n_seasons: float) -> Season:
    """Shrink a season towards zero by the share of noise in its variance (James and Stein 1961).

    A slow seller's season is mostly chance, and forecasts are better without it.

    Args:
        values: The series, shape (n,).
        course: The season in its weeks and after them, shape (n + ahead,).
        n_seasons: Weeks in the mean for one week of the season.
    """
    fitted, ahead = course[: len(values)], course[len(values) :]
    rest = values - fitted
    around = np.pad(rest, QUARTER // 2, mode="edge")
    level = np.convolve(around, np.full(QUARTER, 1.0 / QUARTER), mode="valid")
    noise = float(np.var(rest - level)) * QUARTER / (QUARTER - 1)
    variance = float(np.var(fitted))
    share = max(0.0, 1.0 - noise / n_seasons / variance) if variance > 0.0 else 0.0
    return Season(share * fitted, share * ahead)


def _hats(weeks: npt.NDArray[np.int_], season: int) -> FloatArray:
    """Return the weight of each of `season` knots in each week, shape (n, season)."""
    length = WEEKS_A_YEAR if season == YEAR else season
    position = (weeks % length) * (season / length)
    below = np.floor(position).astype(int)
    share = position - below
    hats = np.zeros((len(weeks), season))
    rows = np.arange(len(weeks))
    hats[rows, below % season] += 1.0 - share
    hats[rows, (below + 1) % season] += share
    return hats
