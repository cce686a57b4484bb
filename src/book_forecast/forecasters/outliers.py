"""Detection of outliers, which become missing weeks in a fit.

A prize or a film lifts a title for a few weeks far above its sales before and after. A fit would
take that for dependence, noise and seasons. An outlier stands out from the weeks on both sides, so
that the first weeks of a new level are none. A peak that recurs a year later is no outlier, nor is
a week with an unusual covariate, such as a promotion.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from book_forecast.series.history import FloatArray, History
from book_forecast.series.seasonality import period_of

SIDE = 9
"""Weeks on each side whose median is the level there: outliers of up to four weeks are found."""
FEWEST = 4
"""Known weeks among these that a level needs. A recent peak may still become a new level."""
DEVIATIONS = 4.0
LEAST_RISE = np.log(2.5)
# Sales fall for many recurring reasons: only a week with next to no sales is an outlier.
LEAST_FALL = np.log(8.0)
RECURRENCE = 0.4
"""A rise recurs if another season reached this share of it within `AROUND` weeks."""
AROUND = 2
UNUSUAL = 0.2
"""Share of a covariate's range by which an unusual week differs from its median."""
NORMAL_MAD = 1.4826


def clean(history: History, season: int) -> tuple[History, FloatArray]:
    """Return a history without its outliers, and the outliers' excess.

    With a season, a week is no outlier if no week a season before or after is known.

    Args:
        history: A title's weeks.
        season: Weeks in a season; 1 for none.

    Returns:
        The history with outliers as missing weeks, and the distance of each outlier from the level
        around it, in log(1 + copies), shape (n,); 0 in all other weeks.
    """
    values = np.log1p(history.volumes)
    before, after = _levels(values)
    noise = _noise(values, before, after)
    excess = np.zeros(len(values))
    for sign, least in ((1.0, LEAST_RISE), (-1.0, LEAST_FALL)):
        rise = np.minimum(sign * (values - before), sign * (values - after))
        stands_out = rise > np.maximum(DEVIATIONS * noise, least)
        once = _recurring(rise, season) < RECURRENCE * rise
        excess = np.where(stands_out & once & ~_explained(history), sign * rise, excess)
    return replace(history, volumes=np.where(excess == 0.0, history.volumes, np.nan)), excess


def _levels(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return medians of the weeks before and after each week; NaN where too few are known."""
    n = len(values)
    padded = np.concatenate([np.full(SIDE, np.nan), values, np.full(SIDE, np.nan)])
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, SIDE), axis=1)
    known = np.isfinite(windows).sum(axis=1)
    rows = np.arange(len(windows))
    low, high = windows[rows, np.maximum(known - 1, 0) // 2], windows[rows, known // 2 % SIDE]
    medians = np.where(known >= FEWEST, 0.5 * (low + high), np.nan)
    return medians[:n], medians[SIDE + 1 : SIDE + 1 + n]


def _noise(values: FloatArray, before: FloatArray, after: FloatArray) -> FloatArray:
    """Return the robust standard deviation around the level, at least that of Poisson counts."""
    residuals = values - 0.5 * (before + after)
    residuals = residuals[np.isfinite(residuals)]
    usual = NORMAL_MAD * float(np.median(np.abs(residuals))) if len(residuals) else 0.0
    copies = np.expm1(np.nan_to_num(np.fmax(before, after)))
    return np.maximum(usual, np.sqrt(copies + 0.5) / (copies + 1.0))


def _recurring(rise: FloatArray, season: int) -> FloatArray:
    """Return the largest rise at the same time of other seasons; infinite where none is known."""
    n = len(rise)
    if season == 1:
        return np.zeros(n)
    seen = np.where(np.isfinite(rise), rise, -np.inf)
    largest = np.full(n, -np.inf)
    for k in range(1, int(n / period_of(season)) + 2):
        middle = round(k * period_of(season))
        for lag in range(middle - min(AROUND, season // 4), middle + min(AROUND, season // 4) + 1):
            if 0 < lag < n:
                largest[lag:] = np.maximum(largest[lag:], seen[:-lag])
                largest[:-lag] = np.maximum(largest[:-lag], seen[lag:])
    return np.where(np.isfinite(largest), largest, np.inf)


def _explained(history: History) -> npt.NDArray[np.bool_]:
    """Return whether a covariate is far from its usual value, by week."""
    explained = np.zeros(history.n_weeks, dtype=bool)
    if history.covariates is not None and history.n_weeks:
        columns = history.covariates.before(history.n_weeks)
        distance = np.abs(columns - np.median(columns, axis=0))
        usual = NORMAL_MAD * np.median(distance, axis=0)
        reach = np.maximum(DEVIATIONS * usual, UNUSUAL * np.ptp(columns, axis=0))
        explained = np.any(distance > reach, axis=1)
    return explained
