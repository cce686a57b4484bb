"""Draws of the weeks ahead from what a policy knows: sales up to a review, or a release."""

from __future__ import annotations

import numpy as np

from book_forecast.forecasters.naive import SeasonalNaive
from book_forecast.payload.draws import stratified
from book_forecast.series.history import FloatArray, History

RECENT = 8
FEWEST_ERRORS = 26
"""Seasonal differences below which a title has no season yet."""
SEASON = SeasonalNaive.SEASON


def seasonal_naive_draws(history: History, n_weeks: int) -> FloatArray:
    """Return seasonal naive's forecast plus blocks of its own past errors, shape (weeks, draws).

    A block has consecutive weeks, so that errors depend on each other as they did. There is a block
    for each week of the past; it continues with the first errors after the last. A title without
    enough seasonal differences repeats its last week, with sums of weekly changes as errors.

    Args:
        history: The weeks up to the review.
        n_weeks: Weeks ahead.
    """
    volumes = history.volumes
    differences = _differences(volumes, SEASON)
    season = SEASON if len(differences) >= FEWEST_ERRORS else 1
    errors = differences if season > 1 else _differences(volumes, 1)
    if not len(errors):
        errors = np.zeros(1)
    starts = np.arange(len(errors))
    blocks = errors[(starts + np.arange(n_weeks)[:, None]) % len(errors)]
    if season == 1:
        blocks = np.cumsum(blocks, axis=0)
    point = SeasonalNaive.fit(history, season).forecast(n_weeks, []).mean
    return np.maximum(point[:, None] + blocks, 0.0)


def recent_mean_draws(history: History, n_weeks: int, *, with_safety: bool) -> FloatArray:
    """Return the last eight weeks' mean for each week ahead, shape (weeks, draws).

    With safety stock, weeks are independent normals with the deviation of these eight weeks. So the
    quantile of the lead time is mean · L + z · deviation · √L, as in textbooks.

    Args:
        history: The weeks up to the review.
        n_weeks: Weeks ahead.
        with_safety: Whether weeks vary.
    """
    known = history.volumes[np.isfinite(history.volumes)][-RECENT:]
    mean = float(known.mean()) if len(known) else 0.0
    if not with_safety:
        return np.full((n_weeks, 1), mean)
    deviation = float(known.std(ddof=1)) if len(known) > 1 else mean
    return np.asarray(mean + deviation * stratified(n_weeks, "recent mean"))


def _differences(volumes: FloatArray, season: int) -> FloatArray:
    found = volumes[season:] - volumes[:-season]
    return np.asarray(found[np.isfinite(found)])
