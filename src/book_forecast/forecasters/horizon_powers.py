"""How the residuals of a title grow with the weeks ahead.

Sales that wander leave a forecast ever farther behind; sales that return to a level do not. The
size of a title's residuals is a power of the week ahead. A single title's residuals are too few to
know it: the power is that of titles whose past weeks differ as much more from later ones.
"""

from __future__ import annotations

import numpy as np

from book_forecast.forecasters.residual_scales import SMALLEST_SCALE, FoldErrors
from book_forecast.series.history import FloatArray, IntArray

# No growth, and that of a trend which turns.
LIMITS = (0.0, 1.0)
# Of slopes that a line goes through: by chance, residuals also shrink.
LIMITS_OF_SLOPES = (-1.0, 1.0)
# Weeks ahead that a power needs, and pairs of weeks behind each of them.
FEWEST_WEEKS = 4
FEWEST_PAIRS = 8
# Titles that a line needs.
FEWEST_TITLES = 10


def expected_power(volumes: FloatArray, horizon: int) -> float:
    """Return the power of the time between two weeks by which their volumes differ.

    Args:
        volumes: Copies by week, shape (n,); NaN where missing.
        horizon: The most weeks between them.

    Returns:
        The slope of the mean absolute difference on the scale of log(1 + copies), both in
        logarithms: about a half for a random walk, zero for noise around a level. NaN where the
        weeks are too few.
    """
    logs = np.log1p(volumes)
    sizes = np.full(min(horizon, max(len(logs) - FEWEST_PAIRS, 0)), np.nan)
    for between in range(1, len(sizes) + 1):
        apart = np.abs(logs[between:] - logs[:-between])
        known = np.isfinite(apart)
        if known.sum() >= FEWEST_PAIRS:
            sizes[between - 1] = apart[known].mean()
    return float(_powers(sizes[None])[0])


def title_powers(found: FoldErrors) -> FloatArray:
    """Return, by title, the power of the week ahead by which its residuals grow, shape (n,)."""
    n = len(found.expected)
    own = np.clip(_powers(_sizes(found)), *LIMITS_OF_SLOPES)
    known = np.isfinite(own)
    if not known.any():
        return np.zeros(n)
    powers = np.full(n, own[known].mean())
    if found.expected_powers is not None:
        given = np.clip(found.expected_powers, *LIMITS_OF_SLOPES)
        both = known & np.isfinite(given)
        if both.sum() >= FEWEST_TITLES and np.ptp(given[both]) > 0.0:
            slope = float(np.clip(np.polyfit(given[both], own[both], 1)[0], 0.0, 1.0))
            line = own[both].mean() + slope * (given - given[both].mean())
            powers = np.where(np.isfinite(given), line, powers)
    return np.asarray(np.clip(powers, *LIMITS), dtype=np.float64)


def profile(power: float | FloatArray, ahead: IntArray, longest: int) -> FloatArray:
    """Return factors of a title's scale by week ahead, one in the geometric mean.

    Args:
        power: The title's; of several titles, shape (titles, 1).
        ahead: Weeks ahead, from 1 on, shape (horizon,).
        longest: Last week ahead with residuals; the factor of later ones is that of this week.
    """
    middle = np.log(np.arange(1, longest + 1)).mean()
    return np.asarray(np.exp(power * (np.log(np.minimum(ahead, longest)) - middle)))


def _sizes(found: FoldErrors) -> FloatArray:
    """Return the mean absolute residual of each title and week ahead; NaN where none is known."""
    sums = np.zeros((len(found.expected), found.errors.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, found.titles, np.abs(np.nan_to_num(found.errors)))
    np.add.at(counts, found.titles, np.isfinite(found.errors))
    return np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan)


def _powers(sizes: FloatArray) -> FloatArray:
    """Return slopes of log sizes on the logarithm of the week ahead; NaN where few are known."""
    known = np.isfinite(sizes)
    counts = known.sum(axis=1)
    logs = np.log(np.maximum(np.where(known, sizes, 1.0), SMALLEST_SCALE))
    ahead = np.where(known, np.log(np.arange(1, sizes.shape[1] + 1)), 0.0)
    middle = ahead.sum(axis=1) / np.maximum(counts, 1)
    apart = np.where(known, ahead - middle[:, None], 0.0)
    squares = np.where(counts >= FEWEST_WEEKS, (apart**2).sum(axis=1), np.nan)
    return np.asarray((apart * logs).sum(axis=1) / squares, dtype=np.float64)
