"""Titles whose level of sales has shifted beside their forecasts.

Season, holidays and planned promotions are in the forecast. So the test is on the logarithm of the
copies sold over those expected, in a window of weeks after one cutoff. Earlier windows, of folds
and of recorded forecasts, tell all that it is held against: how much the level of the half year
before it counts beside the newest forecast, how far titles move together, and how far each moves
on its own.

A window with some weeks unknown deviates more. So its deviation is taken for that of a
whole window, of as many copies as all its weeks would have: less, by the root of the known share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from book_forecast.monitoring.shift_variances import (
    Market,
    OwnVariance,
    Variance,
    independent_shares,
)
from book_forecast.monitoring.shift_windows import HALF, window_ratios
from book_forecast.series.history import FloatArray

__all__ = ["FEWEST_WINDOWS", "find_shifts", "window_ratios"]

FEWEST_WINDOWS = 30
"""Earlier windows, of all titles together, without which nothing is tested."""
_OUTLIER = 3.0
"""Standard deviations beyond which a window does not tell how much the half year counts."""
_MOST_BEYOND = 2.0


@dataclass(frozen=True)
class ShiftTest:
    """What earlier windows say of windows without a shift.

    Attributes:
        half_year: Weight of the level of the half year, 0 to 1, beside the newest forecast.
        scale: The variance of logarithms, which says on which scale deviations are.
        variance: Of a title's deviation on that scale, beside what titles share.
        market: What titles share.
        own: What a title's own windows say of its variance.
        smallest: p-values of the earlier windows, ascending.
    """

    half_year: float
    scale: Variance
    variance: Variance
    market: Market
    own: OwnVariance
    smallest: FloatArray

    @classmethod
    def of(cls, past: pd.DataFrame, window: int, share: float = 1.0) -> Self:
        """Learn from earlier windows.

        Args:
            past: As `window_ratios` returns them.
            window: Weeks of a window.
            share: Part of half a year that windows to come know; earlier ones know no more.
        """
        weight = _half_year(past)
        past = past.assign(share=past["share"].clip(upper=share))
        expected = _whole_expected(past)
        scale = Variance.of(expected, _deviations(past, weight, None) ** 2)
        deviations = _deviations(past, weight, scale)
        variance = Variance.of(expected, deviations**2)
        cutoffs = past["cutoff"].to_numpy()
        market = Market.of(deviations, variance.at(expected), cutoffs)
        deviations, shared = market.removed(deviations, variance.at(expected), cutoffs)
        variance = Variance.of(expected, deviations**2)
        usual = variance.at(expected) + shared
        shares = independent_shares(past, window)
        scatter = past["scatter"].to_numpy()
        scatter = scatter / Variance.of(expected, scatter).at(expected)
        counts = np.stack([shares, shares * (past["known"].to_numpy() * window - 1)])
        own = OwnVariance.of(past["isbn"], deviations**2 / usual, scatter, counts)
        # Each window against the others: one that is in its own variance looks too usual.
        relative, n = own.without(past["isbn"], deviations**2 / usual, shares)
        p = own.p_values(deviations, usual, relative, n)
        return cls(weight, scale, variance, market, own, np.sort(p))

    def p_values(self, windows: pd.DataFrame) -> FloatArray:
        """Return the probability of a ratio as far from its usual one, without a shift."""
        variance = self.variance.at(_whole_expected(windows))
        deviations, shared = self.market.removed(
            _deviations(windows, self.half_year, self.scale), variance, windows["cutoff"].to_numpy()
        )
        relative, n = self.own.at(windows["isbn"])
        p = self.own.p_values(deviations, variance + shared, relative, n)
        # The share of earlier windows with such a p-value, where the tails are heavier.
        seen = np.searchsorted(self.smallest, p, side="right")
        return np.maximum(p, seen / (len(self.smallest) + 1))


def find_shifts(
    latest: pd.DataFrame, past: pd.DataFrame, alarm_rate: float, window: int = 4
) -> pd.DataFrame:
    """Test every title for a shift of its level.

    Args:
        latest: The newest window of each title, as `window_ratios` returns it.
        past: Windows that end before it; several a title, and they may overlap.
        alarm_rate: Share of titles without a shift that may be alarmed in a week.
        window: Weeks of a window.

    Returns:
        isbn, cutoff, sold, expected, change (sold over expected, minus one), p_value and shifted,
        those that are least likely first. p_value is NaN where there are too few earlier windows.
    """
    found = latest[["isbn", "cutoff", "sold", "expected"]].assign(change=np.expm1(latest["ratio"]))
    found["p_value"] = np.nan
    if len(past) >= FEWEST_WINDOWS and len(latest):
        test = ShiftTest.of(past, window, float(latest["share"].median()))
        found["p_value"] = test.p_values(latest)
    found["shifted"] = found["p_value"] < alarm_rate
    return found.sort_values(["p_value", "isbn"], ignore_index=True)


def _whole_expected(windows: pd.DataFrame) -> FloatArray:
    """Return the copies that are expected of all weeks of windows."""
    return (windows["expected"] / windows["known"]).to_numpy() + HALF


def _half_year(past: pd.DataFrame) -> float:
    """Return the weight of the half year's level with which earlier windows deviate least."""
    known, expected = np.sqrt(past["known"].to_numpy()), _whole_expected(past)
    ratio = past["ratio"].to_numpy() * known
    longer = (past["longer"] * past["share"]).to_numpy() * known
    variance = Variance.of(expected, ratio**2).at(expected)
    usual = np.maximum(np.abs(ratio), np.abs(longer)) <= _OUTLIER * np.sqrt(variance)
    weights = usual / variance
    scale = float(np.sum(weights * longer**2))
    if scale == 0.0:
        return 0.0
    return float(np.clip(np.sum(weights * longer * ratio) / scale, 0.0, 1.0))


def _deviations(windows: pd.DataFrame, half_year: float, scale: Variance | None) -> FloatArray:
    """Return how far titles are from both references.

    After a shift, forecasts follow and the half year does not. So a window that the newest forecast
    explains has not shifted: its deviation counts for at most twice what that forecast leaves.

    Args:
        windows: As `window_ratios` returns them.
        half_year: Weight of the half year's level.
        scale: On which the deviations are; None for logarithms.
    """
    ratio, expected = windows["ratio"].to_numpy(), _whole_expected(windows)
    moved = half_year * (windows["longer"] * windows["share"]).to_numpy()
    whole = ratio - moved
    if scale is not None:
        whole = scale.evened(whole, expected * np.exp(moved))
        ratio = scale.evened(ratio, expected)
    size = np.minimum(np.abs(whole), _MOST_BEYOND * np.abs(ratio))
    size = size * np.sqrt(windows["known"].to_numpy())
    return np.where(np.sign(whole) == np.sign(ratio), np.sign(whole) * size, 0.0)
