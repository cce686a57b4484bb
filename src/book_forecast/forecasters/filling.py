"""Values for missing weeks, for models that cannot do without."""

from __future__ import annotations

import numpy as np

from book_forecast.forecasters.transforms import Transform
from book_forecast.series.history import FloatArray


def fill_missing(volumes: FloatArray, season: int) -> FloatArray:
    """Puts a value in place of each missing week.

    It is the volume a season before and a season after, where either is known, on the scale of
    log1p and raised or lowered by how much the known weeks around the gap differ from theirs: a
    lockdown in December keeps its Christmas at the level of its own year. What no season tells is
    interpolated between the known weeks on that scale; before the first and after the last of
    them theirs is repeated.

    Args:
        volumes: Copies a week, shape (n,); NaN where the week is missing.
        season: Weeks after which the year repeats; 1 where it does not.

    Returns:
        Shape (n,): known weeks as they are, the others between none and three times the largest
        known week.

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
        told = _told_by_seasons(values, weeks, season)
        weeks = weeks[np.isfinite(told)]
        filled[weeks] = scale.invert(told[np.isfinite(told)])
    return filled


def _told_by_seasons(values: FloatArray, weeks: np.ndarray, season: int) -> FloatArray:
    """What the seasons before and after say of missing weeks; NaN where neither does.

    Args:
        values: On the scale of log1p, shape (n,).
        weeks: Places of the missing weeks, rising, shape (k,).
        season: More than one week.
    """
    before = np.concatenate([np.full(season, np.nan), values])[: len(values)]
    after = np.concatenate([values, np.full(season, np.nan)])[-len(values) :]
    told = np.full((2, len(weeks)), np.nan)
    gaps = np.split(np.arange(len(weeks)), np.flatnonzero(np.diff(weeks) > 1) + 1)
    for gap in gaps:
        first, last = weeks[gap[0]], weeks[gap[-1]]
        around = slice(max(first - season // 4, 0), last + season // 4 + 1)
        for row, other in enumerate((before, after)):
            rise = values[around] - other[around]
            rise = rise[np.isfinite(rise)]
            if len(rise):
                told[row, gap] = other[weeks[gap]] + np.mean(rise)
    heard = np.isfinite(told)
    total = np.where(heard, told, 0.0).sum(axis=0)
    return np.where(heard.any(axis=0), total / np.maximum(heard.sum(axis=0), 1), np.nan)
