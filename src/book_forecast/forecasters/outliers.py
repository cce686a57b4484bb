"""Bursts that are of one time only: found, and turned into missing weeks for a fit.

A prize or a film puts a title for a week or a few far above what it sells before and after. A fit
would see dependence, noise and seasons in that. What recurs a year later is no outlier, nor is a
week whose promotion explains it, and the first weeks of a new level are not: weeks must stand out
from those on both sides.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from book_forecast.series.history import FloatArray, History
from book_forecast.series.seasonality import period_of

SIDE = 9
"""Weeks on each side whose median is the level there: a burst may last for four of them."""
FEWEST = 4
"""Of these, how many must be known. In the most recent weeks a burst may still prove a step."""
DEVIATIONS = 4.0
LEAST_RISE = np.log(2.5)
# Sales fall short for many reasons that come again; only near-silence between usual weeks counts.
LEAST_FALL = np.log(8.0)
RECURRENCE = 0.4
"""A rise is recurring that in another season reached this share of it, give or take `AROUND`."""
AROUND = 2
UNUSUAL = 0.2
"""Share of a regressor's range by which a week must differ from its median to be unusual."""
NORMAL_MAD = 1.4826


def clean(history: History, season: int) -> tuple[History, FloatArray]:
    """Takes outliers out of a history.

    With a season, weeks without a known one a season before or after are left alone: nobody can
    tell whether they recur.

    Args:
        history: A title's weeks.
        season: Weeks in a season; 1 for none.

    Returns:
        The history with outliers as missing weeks, and by how much each exceeds the level around
        it (falls short of it where negative), in logs of one plus the copies, shape (n,); 0 in
        weeks that stay.
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
    """Medians of the weeks before and after each week; NaN where too few of them are known."""
    n = len(values)
    padded = np.concatenate([np.full(SIDE, np.nan), values, np.full(SIDE, np.nan)])
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, SIDE), axis=1)
    known = np.isfinite(windows).sum(axis=1)
    rows = np.arange(len(windows))
    low, high = windows[rows, np.maximum(known - 1, 0) // 2], windows[rows, known // 2 % SIDE]
    medians = np.where(known >= FEWEST, 0.5 * (low + high), np.nan)
    return medians[:n], medians[SIDE + 1 : SIDE + 1 + n]


def _noise(values: FloatArray, before: FloatArray, after: FloatArray) -> FloatArray:
    """Robust standard deviation around the level, for few copies at least that of counts."""
    residuals = values - 0.5 * (before + after)
    residuals = residuals[np.isfinite(residuals)]
    usual = NORMAL_MAD * float(np.median(np.abs(residuals))) if len(residuals) else 0.0
    copies = np.expm1(np.nan_to_num(np.fmax(before, after)))
    return np.maximum(usual, np.sqrt(copies + 0.5) / (copies + 1.0))


def _recurring(rise: FloatArray, season: int) -> FloatArray:
    """The largest rise at about the same time of other seasons; infinite where none is known."""
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
    """Weeks in which a regressor is far from what it usually is."""
    explained = np.zeros(history.n_weeks, dtype=bool)
    if history.regressors is not None and history.n_weeks:
        columns = history.regressors.before(history.n_weeks)
        distance = np.abs(columns - np.median(columns, axis=0))
        usual = NORMAL_MAD * np.median(distance, axis=0)
        reach = np.maximum(DEVIATIONS * usual, UNUSUAL * np.ptp(columns, axis=0))
        explained = np.any(distance > reach, axis=1)
    return explained
