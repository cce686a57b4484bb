"""Titles whose level of sales has shifted beside their forecasts.

Season, holidays and planned promotions are in the forecast. So the test is on the logarithm of the
copies sold over those expected, in a window of weeks after one cutoff. Its spread is that of the
same ratio in earlier windows: of the folds and of recorded forecasts. The variance of all titles is
a constant plus a share that falls with the copies expected. A title's own windows move it (an
inverse-gamma prior), so the ratio has a t distribution. Earlier windows of the catalogue then say
how small p-values get without a shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy.optimize import nnls
from scipy.stats import t as student

from book_forecast.series.history import WEEK, FloatArray

FEWEST_WINDOWS = 30
"""Earlier windows, of all titles together, without which nothing is tested."""
_PRIOR_WINDOWS = 8.0
"""Windows of its own that count as much for a title's variance as all other titles."""
_HALF = 0.5
# A squared ratio beyond this many variances is an outlier to the variance of all titles.
_MOST = 9.0


def window_ratios(forecasts: pd.DataFrame, known: pd.DataFrame, window: int) -> pd.DataFrame:
    """Return what titles sold in the first weeks after a cutoff, beside their forecast.

    Args:
        forecasts: isbn, cutoff, week, mean.
        known: isbn, week, volume, without missing weeks.
        window: Weeks after the cutoff; titles that lack one of them have no row.

    Returns:
        isbn, cutoff, sold, expected and ratio, the logarithm of one over the other.
    """
    ahead = forecasts["week"] - forecasts["cutoff"]
    near = forecasts.loc[ahead <= pd.Timedelta(window * WEEK), ["isbn", "cutoff", "week", "mean"]]
    rows = near.merge(known[["isbn", "week", "volume"]], on=["isbn", "week"])
    sums = rows.groupby(["isbn", "cutoff"], as_index=False).agg(
        n=("week", "size"), sold=("volume", "sum"), expected=("mean", "sum")
    )
    sums = sums[sums.pop("n") == window].reset_index(drop=True)
    sold, expected = (sums[name].clip(lower=0.0) + _HALF for name in ("sold", "expected"))
    return sums.assign(ratio=np.log(sold / expected))


@dataclass(frozen=True)
class RatioSpread:
    """The spread of ratios without a shift.

    Attributes:
        constant: Variance that does not depend on the volume.
        by_copies: Variance of a title that is expected to sell one copy.
        own: By ISBN, the variance of its own windows over that of all titles, and their number.
        smallest: p-values of the earlier windows, ascending.
    """

    constant: float
    by_copies: float
    own: pd.DataFrame
    smallest: FloatArray

    @classmethod
    def of(cls, past: pd.DataFrame) -> Self:
        """Estimate the spread from earlier windows, as `window_ratios` returns them."""
        expected = past["expected"].to_numpy() + _HALF
        squares = past["ratio"].to_numpy() ** 2
        constant, by_copies = _variances(expected, squares)
        relative = squares / (constant + by_copies / expected)
        own = pd.DataFrame({"isbn": past["isbn"], "relative": relative}).groupby("isbn")["relative"]
        table = pd.DataFrame({"mean": own.mean(), "n": own.size()})
        spread = cls(constant, by_copies, table, np.empty(0))
        # Each window against the others: one that is in its own variance looks too usual.
        n = table["n"].reindex(past["isbn"]).to_numpy()
        mean = table["mean"].reindex(past["isbn"]).to_numpy()
        others = np.divide(n * mean - relative, n - 1, out=np.ones(len(n)), where=n > 1)
        p = _p_values(past["ratio"].to_numpy(), expected, spread, others, n - 1)
        return cls(constant, by_copies, table, np.sort(p))

    def p_values(self, windows: pd.DataFrame) -> FloatArray:
        """Return the probability of a ratio as far from its usual one, without a shift."""
        own = self.own.reindex(windows["isbn"])
        mean, n = own["mean"].fillna(1.0).to_numpy(), own["n"].fillna(0).to_numpy()
        expected = windows["expected"].to_numpy() + _HALF
        p = _p_values(windows["ratio"].to_numpy(), expected, self, mean, n)
        # The share of earlier windows with such a p-value, where the tails are heavier.
        seen = np.searchsorted(self.smallest, p, side="right")
        return np.maximum(p, seen / (len(self.smallest) + 1))


def find_shifts(latest: pd.DataFrame, past: pd.DataFrame, alarm_rate: float) -> pd.DataFrame:
    """Test every title for a shift of its level.

    Args:
        latest: The newest window of each title, as `window_ratios` returns it.
        past: Windows that end before it; several a title.
        alarm_rate: Share of titles without a shift that may be alarmed in a week.

    Returns:
        isbn, cutoff, sold, expected, change (sold over expected, minus one), p_value and shifted,
        those that are least likely first. p_value is NaN where there are too few earlier windows.
    """
    found = latest.assign(change=np.expm1(latest["ratio"])).drop(columns="ratio")
    found["p_value"] = np.nan
    if len(past) >= FEWEST_WINDOWS and len(latest):
        found["p_value"] = RatioSpread.of(past).p_values(latest)
    found["shifted"] = found["p_value"] < alarm_rate
    return found.sort_values(["p_value", "isbn"], ignore_index=True)


def _p_values(
    ratio: FloatArray, expected: FloatArray, spread: RatioSpread, own: FloatArray, n: FloatArray
) -> FloatArray:
    variance = spread.constant + spread.by_copies / expected
    variance = variance * (_PRIOR_WINDOWS + n * own) / (_PRIOR_WINDOWS + n)
    deviation = np.sqrt(np.maximum(variance, np.finfo(float).tiny))
    return np.asarray(2.0 * student.sf(np.abs(ratio) / deviation, _PRIOR_WINDOWS + n))


def _variances(expected: FloatArray, squares: FloatArray) -> tuple[float, float]:
    """Return the constant and the other part of the variance, by least squares without outliers."""
    columns = np.stack([np.ones(len(expected)), 1.0 / expected], axis=1)
    variance = np.full(len(expected), max(float(np.median(squares)) / 0.455, 1e-6))
    found = np.zeros(2)
    for _ in range(5):
        capped = np.minimum(squares, _MOST * variance)
        found, _ = nnls(columns / variance[:, None], capped / variance)
        variance = np.maximum(columns @ found, 1e-6)
    return float(found[0]), float(found[1])
