"""How much wider a week's interval is than those of the title's other weeks.

The boosting's quantiles say it for each week ahead, and the residuals at rolling origins say how
far that is true: the scale of a week is a power of the relative width, zero without evidence.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from book_forecast.series.history import BoolArray, FloatArray

WIDTH = "width"
"""Column of the global models' forecasts: the logarithm of the distance of two quantiles. Also the
name of the relative widths among the kinds of weeks, and of their factor in a calibration."""
# Relative widths, as logarithms, beyond which weeks are alike.
FARTHEST = 1.0
POWERS = np.linspace(0.0, 1.0, 21)
# Standard deviation of the power, around zero, before any evidence.
PRIOR = 0.25
# Smaller residuals, such as those of weeks without sales, show no size.
SMALLEST = 1e-3
# Residuals of one fold are dependent, and so are those of titles: so many count as one.
RESIDUALS_ALIKE = 4.0
# Two digits are finer than the power is known.
DECIMALS = 2


def relative_widths(logs: FloatArray, longest: int) -> FloatArray:
    """Return how much wider each week is than the first weeks ahead in the mean.

    Args:
        logs: Logarithms of the widths by week ahead, shape (r, horizon); NaN where unknown.
        longest: Weeks of the mean.

    Returns:
        Logarithms, shape (r, horizon), from -1 to 1; zero where unknown.
    """
    first = logs[:, :longest]
    known = np.isfinite(first)
    means = np.where(known, first, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    apart = np.clip(np.nan_to_num(logs - means[:, None]), -FARTHEST, FARTHEST)
    return np.asarray(np.round(apart, DECIMALS))


def width_factor(residuals: FloatArray, widths: FloatArray, share_of_a_fold: float) -> float:
    """Return by how much residuals grow where the width is e times as large.

    The power is the most likely one where residuals follow Laplace's distribution with a scale of
    their own for each fold and each week ahead, and powers are normal around zero before.

    Args:
        residuals: On the scale of log(1 + copies), shape (r, h); NaN where unknown.
        widths: As `relative_widths` returns them, shape (r, h).
        share_of_a_fold: Share of its weeks that a fold does not have in common with another.
    """
    known = np.abs(np.nan_to_num(residuals)) > SMALLEST
    shown = known.any(axis=1)
    if not shown.any():
        return 1.0
    known, widths = known[shown], widths[shown]
    sizes = np.where(known, np.abs(residuals[shown]), 0.0)
    evidence = known.sum() * share_of_a_fold / RESIDUALS_ALIKE
    losses = [
        evidence * _loss(sizes, known, power * widths) + (power / PRIOR) ** 2 / 2.0
        for power in POWERS
    ]
    return round(float(np.exp(POWERS[np.argmin(losses)])), 4)


def _loss(sizes: FloatArray, known: BoolArray, logs: FloatArray) -> float:
    """Return the mean loss of sizes whose scales differ by `logs` within a fold."""
    alike = sizes * np.exp(-logs)
    of_fold = _mean(alike, known, axis=1)
    of_week = _mean(alike / of_fold, known, axis=0)
    scales = of_fold * np.where(of_week > 0.0, of_week, 1.0)
    return float(np.mean((np.log(scales) + logs + alike / scales)[known]))


def widths_by_title(forecasts: pd.DataFrame) -> dict[str, FloatArray]:
    """Return the widths of the weeks ahead by ISBN; nothing where no model has any.

    Args:
        forecasts: isbn, family, week, of one cutoff; `WIDTH` where a model has it.
    """
    if WIDTH not in forecasts:
        return {}
    known = forecasts.dropna(subset=[WIDTH]).sort_values(["isbn", "week"], kind="stable")
    return {
        str(isbn): values.to_numpy(dtype=np.float64)
        for isbn, values in known.groupby("isbn", sort=False)[WIDTH]
    }


def with_widths(forecasts: pd.DataFrame, global_forecasts: pd.DataFrame) -> pd.DataFrame:
    """Return forecasts at rolling origins with the widths of their weeks, NaN where unknown.

    Args:
        forecasts: isbn, cutoff, week and others.
        global_forecasts: isbn, cutoff, week, of several families; `WIDTH` where a model has it.
    """
    keys = ["isbn", "cutoff", "week"]
    known = global_forecasts.reindex(columns=[*keys, WIDTH]).dropna(subset=[WIDTH])
    return forecasts.merge(known, on=keys, how="left", validate="one_to_one")


def _mean(sizes: FloatArray, known: BoolArray, axis: int) -> FloatArray:
    return sizes.sum(axis=axis, keepdims=True) / np.maximum(known.sum(axis=axis, keepdims=True), 1)
