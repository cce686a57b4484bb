"""How far the mean of a title's own observations counts beside what is expected of it."""

from __future__ import annotations

import numpy as np

from book_forecast.series.history import FloatArray


def observations_of_half_weight(
    means: FloatArray, counts: FloatArray, within: float, limits: tuple[float, float]
) -> float:
    """Return the number of observations at which a title's own mean has half of the weight.

    That is the variance of observations of one title over the variance between titles (empirical
    Bayes, as in Efron and Morris 1975).

    Args:
        means: Of the titles' observations, beside what is expected of them, shape (n,).
        counts: Independent observations behind each mean, shape (n,), positive.
        within: Variance of observations around their title's mean.
        limits: The fewest and the most.
    """
    fewest, most = limits
    if not within:
        return fewest
    between = float(np.mean(means**2 - within / counts))
    return float(np.clip(within / max(between, within / most), fewest, most))
