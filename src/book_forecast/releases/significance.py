"""Tests whether a difference on the test weeks is more than chance; all are one-sided.

They import SciPy's distributions when they run: every command imports this module, few test.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

FEWEST_PAIRS = 6
"""Titles that differ, for the test by titles: fewer cannot show anything."""
FEWEST_TEST_WEEKS = 8
"""Test weeks, for the test by weeks."""


def p_by_weeks(differences: FloatArray) -> float | None:
    """Test whether errors are larger, by weeks, allowing for few titles.

    The test of Diebold and Mariano (1995) with the small-sample correction of Harvey, Leybourne and
    Newbold (1997) and Bartlett weights. A title whose forecast is too high or too low is so in all
    weeks, as all have one origin: where the variance between titles is larger, it decides.

    Args:
        differences: Errors minus the other's errors, shape (titles, weeks).

    Returns:
        The one-sided p value; None with too few weeks.
    """
    from scipy import stats

    titles, weeks = differences.shape
    if weeks < FEWEST_TEST_WEEKS:
        return None
    lag = int(weeks ** (1 / 3))
    centred = differences.sum(axis=0) - differences.sum() / weeks
    products = [centred[k:] @ centred[: weeks - k] for k in range(lag + 1)]
    shares = 1.0 - np.arange(1, lag + 1) / (lag + 1)
    steps = lag + 1
    correction = (weeks + 1 - 2 * steps + steps * lag / weeks) / weeks
    variance, freedom = (products[0] + 2.0 * shares @ products[1:]) / correction, weeks - 1
    if titles > 1:
        between = differences.sum(axis=1).var(ddof=1) * titles
        if between > variance:
            variance, freedom = between, titles - 1
    if not variance > 0.0:
        return 0.0 if differences.sum() > 0.0 else 1.0
    return float(stats.t.sf(differences.sum() / math.sqrt(variance), freedom))


def p_by_titles(errors: FloatArray, others: FloatArray) -> float | None:
    """Test whether errors are larger, by titles: Wilcoxon's signed-rank test of log ratios.

    Args:
        errors: Shape (titles, weeks).
        others: Errors to compare with, in the same shape.

    Returns:
        The one-sided p value; None with too few titles that differ.
    """
    from scipy import stats

    ours, theirs = errors.sum(axis=1), others.sum(axis=1)
    usable = (ours > 0.0) & (theirs > 0.0) & (ours != theirs)
    if usable.sum() < FEWEST_PAIRS:
        return None
    ratios = np.log(ours[usable] / theirs[usable])
    return float(stats.wilcoxon(ratios, alternative="greater").pvalue)


def p_of_coverage(shares: FloatArray, lowest: float) -> float:
    """Test whether coverage is below a bound: the binomial test, each title being one draw.

    Weeks of a title depend on each other, so that they count as one. The number of draws inside
    need not be whole.

    Args:
        shares: Share of weeks inside the interval, one value a title.
        lowest: The bound.
    """
    from scipy import stats

    inside, outside = float(shares.sum()), float((1.0 - shares).sum())
    if outside <= 0.0 or lowest <= 0.0:
        return 1.0
    return float(stats.beta.sf(lowest, inside + 1.0, outside))
