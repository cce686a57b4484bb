"""Imputation of missing weeks, for models that need complete series."""

from __future__ import annotations

import numpy as np

from book_forecast.forecasters.transforms import Transform
from book_forecast.series.history import FloatArray


def fill_missing(volumes: FloatArray, season: int) -> FloatArray:
    """Impute each missing week.

    On the scale of log1p, the value is the mean of the weeks a season before and a season after,
    as far as they are known. It is shifted by the mean difference of the known weeks around the gap
    from theirs: a lockdown in December has its Christmas at the level of its own year. Weeks
    without either are interpolated between the known weeks; the first and last known week extend
    to the ends.

    Args:
        volumes: Copies a week, shape (n,); NaN where the week is missing.
        season: In weeks; 1 for none.

    Returns:
        Shape (n,): known weeks unchanged, the others at most three times the largest known week.

    Raises:
        ValueError: If no week is known.
    """
    missing = ~np.isfinite(volumes)
    if not missing.any():
        return volumes
    weeks = np.flatnonzero(missing)
    known = np.flatnonzero(~missing)
    if not len(known):
        raise ValueError("No week is known.")
    scale = Transform.fit("log", volumes)
    values = scale.apply(volumes)
    filled = volumes.copy()
    filled[weeks] = scale.invert(np.interp(weeks, known, values[known]))
    if season > 1:
        seasonal = _from_other_seasons(values, weeks, season)
        found = np.isfinite(seasonal)
        filled[weeks[found]] = scale.invert(seasonal[found])
    return filled


def _from_other_seasons(values: FloatArray, weeks: np.ndarray, season: int) -> FloatArray:
    """Impute missing weeks from the seasons before and after; NaN without either.

    Args:
        values: On the scale of log1p, shape (n,).
        weeks: Indices of the missing weeks, rising, shape (k,).
        season: More than one week.
    """
    before = np.concatenate([np.full(season, np.nan), values])[: len(values)]
    after = np.concatenate([values, np.full(season, np.nan)])[-len(values) :]
    found = np.full((2, len(weeks)), np.nan)
    gaps = np.split(np.arange(len(weeks)), np.flatnonzero(np.diff(weeks) > 1) + 1)
    for gap in gaps:
        first, last = weeks[gap[0]], weeks[gap[-1]]
        around = slice(max(first - season // 4, 0), last + season // 4 + 1)
        for row, other in enumerate((before, after)):
            rise = values[around] - other[around]
            rise = rise[np.isfinite(rise)]
            if len(rise):
                found[row, gap] = other[weeks[gap]] + np.mean(rise)
    count = np.isfinite(found).sum(axis=0)
    total = np.nansum(found, axis=0)
    return np.divide(total, count, out=np.full(len(weeks), np.nan), where=count > 0)
