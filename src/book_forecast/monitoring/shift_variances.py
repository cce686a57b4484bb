"""How far windows deviate without a shift: what titles share, and each title's own variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from scipy.optimize import nnls
from scipy.special import digamma, polygamma
from scipy.stats import t as student

from book_forecast.series.history import WEEK, FloatArray

# A squared deviation beyond this many variances is an outlier to the variance of all titles.
_MOST = 9.0
_LEAST_VARIANCE = 1e-6
# Of the square of a standard normal variable.
_MEDIAN_SQUARE = 0.455
_NEAR = 2.5
"""Standard deviations from the median within which titles tell what all share."""
_UNUSUAL = 3.0
"""Standard deviations beyond which what titles share is a shift of the catalogue."""
_FEWEST_TITLES = 8
"""Titles in a week without which nothing is shared."""
_PRIOR_DF, _PRIOR_TITLES = 8.0, 10.0
"""Degrees of freedom of the prior without titles to learn them from, and its weight in titles."""
_LEAST_DF, _MOST_DF = 3.0, 200.0


@dataclass(frozen=True)
class Variance:
    """The variance of a window's deviation, over all titles.

    Attributes:
        constant: What does not depend on the volume.
        by_copies: That of a title that is expected to sell one copy.
    """

    constant: float
    by_copies: float

    @classmethod
    def of(cls, expected: FloatArray, squares: FloatArray) -> Self:
        """Fit both parts to squared deviations, by weighted least squares without outliers."""
        columns = np.stack([np.ones(len(expected)), 1.0 / expected], axis=1)
        start = max(float(np.median(squares)) / _MEDIAN_SQUARE, _LEAST_VARIANCE)
        variance, found = np.full(len(expected), start), np.zeros(2)
        for _ in range(5):
            capped = np.minimum(squares, _MOST * variance)
            found, _ = nnls(columns / variance[:, None], capped / variance)
            variance = np.maximum(columns @ found, _LEAST_VARIANCE)
        return cls(float(found[0]), float(found[1]))

    def at(self, expected: FloatArray) -> FloatArray:
        """Return the variance of titles by the copies expected."""
        return np.maximum(self.constant + self.by_copies / expected, _LEAST_VARIANCE)

    def evened(self, ratios: FloatArray, expected: FloatArray) -> FloatArray:
        """Return logarithms of ratios on the scale on which their variance is the same for all.

        Few copies are even on the scale of square roots, many on that of logarithms; the inverse
        hyperbolic sine is between both. Near 0 it leaves a logarithm as it is.
        """
        constant, copies = (max(v, _LEAST_VARIANCE) for v in (self.constant, self.by_copies))
        sold, usual = expected * np.exp(ratios), expected
        scale = constant / copies
        apart = np.arcsinh(np.sqrt(scale * sold)) - np.arcsinh(np.sqrt(scale * usual))
        return np.asarray(2.0 * apart * np.sqrt(1.0 + copies / (constant * usual)))


@dataclass(frozen=True)
class Market:
    """What all titles of a window share: a week in which everything sells less.

    Attributes:
        variance: Of what is shared, from window to window.
    """

    variance: float

    @classmethod
    def of(cls, deviations: FloatArray, variance: FloatArray, cutoffs: np.ndarray) -> Self:
        """Learn the variance from the windows of several cutoffs."""
        found = [
            mean**2 - chance
            for _, mean, chance in _shared(deviations, variance, cutoffs)
            if np.isfinite(mean)
        ]
        return cls(max(float(np.mean(found)), 0.0) if found else 0.0)

    def removed(
        self, deviations: FloatArray, variance: FloatArray, cutoffs: np.ndarray
    ) -> tuple[FloatArray, FloatArray]:
        """Return deviations beside those of all titles, and the variance of what remains shared.

        What is shared beyond all that is usual is no market, and stays with every title.
        """
        rest, shared = deviations.copy(), np.full(len(deviations), self.variance)
        for rows, mean, chance in _shared(deviations, variance, cutoffs):
            whole = self.variance + chance
            if self.variance and abs(mean) <= _UNUSUAL * np.sqrt(whole):
                rest[rows] -= mean * self.variance / whole
                shared[rows] = chance * self.variance / whole
        return rest, shared


def _shared(
    deviations: FloatArray, variance: FloatArray, cutoffs: np.ndarray
) -> list[tuple[np.ndarray, float, float]]:
    """Return the rows of each cutoff, their mean without outliers and its variance by chance."""
    found = []
    codes, _ = pd.factorize(cutoffs)
    order = np.argsort(codes, kind="stable")
    for rows in np.split(order, np.cumsum(np.bincount(codes))[:-1]):
        if len(rows) < _FEWEST_TITLES:
            found.append((rows, np.nan, np.nan))
            continue
        own, of = deviations[rows], variance[rows]
        near = np.abs(own - np.median(own)) <= _NEAR * np.sqrt(of)
        weights = near / of
        total = weights.sum()
        mean, chance = (float(np.sum(weights * own) / total), 1.0 / total) if total else (0.0, 0.0)
        found.append((rows, mean, chance))
    return found


@dataclass(frozen=True)
class OwnVariance:
    """What titles' own windows say of their variance beside that of all titles.

    Attributes:
        prior: Degrees of freedom of the variance of all titles: the more alike titles are, the
            more.
        table: By ISBN, the mean of the own squares over the variance of all titles, and of how
            many independent ones it is.
    """

    prior: float
    table: pd.DataFrame

    @classmethod
    def of(
        cls, isbns: pd.Series, relative: FloatArray, scatter: FloatArray, counts: FloatArray
    ) -> Self:
        """Learn from windows.

        Args:
            isbns: Of each window.
            relative: Its squared deviation over the variance of all titles.
            scatter: The variance of its weeks over that of all titles.
            counts: For how many independent windows it counts, and its weeks for how many beside
                that, shape (2, windows).
        """
        both = counts[0] * relative + counts[1] * scatter
        frame = pd.DataFrame({"isbn": isbns, "sum": both, "n": counts.sum(axis=0)})
        table = frame.groupby("isbn").sum()
        table = pd.DataFrame({"mean": table["sum"] / table["n"], "n": table["n"]})
        return cls(_prior_df(table["mean"].to_numpy(), table["n"].to_numpy()), table)

    def at(self, isbns: pd.Series) -> tuple[FloatArray, FloatArray]:
        """Return mean and number of titles; those without windows of their own are as all are."""
        own = self.table.reindex(isbns)
        return own["mean"].fillna(1.0).to_numpy(), own["n"].fillna(0.0).to_numpy()

    def without(
        self, isbns: pd.Series, relative: FloatArray, shares: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the same without the deviation of each row."""
        mean, n = self.at(isbns)
        rest = n - shares
        others = np.divide(n * mean - shares * relative, rest, out=np.ones(len(n)), where=rest > 0)
        return np.maximum(others, 0.0), np.maximum(rest, 0.0)

    def p_values(
        self, deviations: FloatArray, usual: FloatArray, mean: FloatArray, n: FloatArray
    ) -> FloatArray:
        """Return the probability of a deviation as large, by a t distribution."""
        variance = usual * (self.prior + n * mean) / (self.prior + n)
        return np.asarray(2.0 * student.sf(np.abs(deviations) / np.sqrt(variance), self.prior + n))


def _prior_df(means: FloatArray, n: FloatArray) -> float:
    """Return how alike the variances of titles are, from the variance of their logarithms.

    It is their variance beyond that by chance (Smyth 2004): a chi-square variable of n
    degrees of freedom has a logarithm with the variance trigamma(n / 2).
    """
    used = (means > 0.0) & (n >= 1.0)
    half = n[used] / 2.0
    prior = float(polygamma(1, _PRIOR_DF / 2.0))
    beyond = prior
    if used.sum() > 1:
        logs = np.log(means[used]) - digamma(half) + np.log(half)
        seen = float(np.var(logs, ddof=1) - np.mean(polygamma(1, half)))
        beyond = (seen * used.sum() + prior * _PRIOR_TITLES) / (used.sum() + _PRIOR_TITLES)
    if beyond <= float(polygamma(1, _MOST_DF / 2.0)):
        return _MOST_DF
    # trigamma falls, so that the degrees of freedom lie between two that are halved.
    low, high = _LEAST_DF, _MOST_DF
    for _ in range(40):
        middle = (low + high) / 2.0
        low, high = (middle, high) if float(polygamma(1, middle / 2.0)) > beyond else (low, middle)
    return low


def independent_shares(windows: pd.DataFrame, window: int) -> FloatArray:
    """Return for how many independent windows each counts, as the weeks of some overlap."""
    codes, cutoffs = pd.factorize(windows["cutoff"])
    days = pd.DatetimeIndex(cutoffs).to_numpy()
    apart = np.abs(days[:, None] - days[None, :]) / np.timedelta64(WEEK)
    common = np.maximum(1.0 - apart / window, 0.0)
    return np.asarray(1.0 / (common**2).sum(axis=1))[codes]
