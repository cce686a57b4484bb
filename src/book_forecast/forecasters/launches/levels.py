"""The level of a launch from those of titles like it.

Levels beside the curve of the class are a Gaussian process over titles: what author, imprint,
binding and a near price share, each by a variance of its own that the panel's launches decide.
Comparable titles that a user names come on top of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from book_forecast.forecasters.launches.past import Facts
from book_forecast.series.history import FloatArray

SHARED = ("author", "imprint", "binding", "price")
# Shares of the variance of levels by default: an author says more than an imprint.
_DEFAULT_SHARES = np.array([0.25, 0.05, 0.05, 0.05])
_OF_SHARES = 1.0
_FEWEST_FITTED = 10
_MOST_FITTED = 400
# Log scale: prices that differ by a quarter are near.
_PRICE_REACH = 0.25
# Variance between a title and one that it is compared with, as a share of that between any two.
COMPARABLE_SHARE = 0.25


@dataclass(frozen=True)
class Levels:
    """Levels of the launches of a panel.

    Attributes:
        isbns: The launches.
        facts: What is known of each.
        levels: Beside the curves of their classes, shape (n,).
        variances: Of these, shape (n,).
        starts: Mean of each one's curve in its first quarter, shape (n,), to compare classes.
        variance: Between titles of a class.
        shares: Of the variance that titles with the same author and so on share; (4,).
    """

    isbns: Sequence[str]
    facts: Sequence[Facts]
    levels: FloatArray
    variances: FloatArray
    starts: FloatArray
    variance: float
    shares: FloatArray

    @classmethod
    def learn(
        cls,
        isbns: Sequence[str],
        facts: Sequence[Facts],
        levels: FloatArray,
        variances: FloatArray,
        starts: FloatArray,
        variance: float,
    ) -> Levels:
        """Learn the shares; see the attributes."""
        shares = _DEFAULT_SHARES
        if len(isbns) >= _FEWEST_FITTED:
            every = max(1, -(-len(isbns) // _MOST_FITTED))
            some = slice(None, None, every)
            shares = _fit(_kernels(facts[some], facts[some]), levels[some], variances[some])
        return cls(isbns, facts, levels, variances, starts, variance, shares)

    def of(self, facts: Facts, start: float, without: int | None = None) -> tuple[float, float]:
        """Return the level of a title beside the curve of its class, and its variance.

        Args:
            facts: What is known of it.
            start: Mean of its curve in its first quarter.
            without: Row of a launch that is to be left out.
        """
        rows = np.array([row for row in range(len(self.isbns)) if row != without], dtype=np.int64)
        if not len(rows):
            return 0.0, self.variance
        others = [self.facts[row] for row in rows]
        kernels = _kernels([facts], others)[:, 0]
        near = np.flatnonzero(kernels.any(axis=0))
        level, variance = 0.0, self.variance
        if len(near):
            among = [others[i] for i in near]
            whole = self.variance * np.tensordot(self.shares, _kernels(among, among), axes=1)
            rest = self.variance * (1.0 - self.shares.sum())
            whole[np.diag_indices_from(whole)] += rest + self.variances[rows[near]]
            across = self.variance * (self.shares @ kernels[:, near])
            solved = np.linalg.solve(whole, across)
            level = float(solved @ self.levels[rows[near]])
            variance = float(max(self.variance - across @ solved, 0.05 * self.variance))
        return self._beside_comparable(facts, start, level, variance)

    def _beside_comparable(
        self, facts: Facts, start: float, level: float, variance: float
    ) -> tuple[float, float]:
        """Combine a level with those of the titles that the user names, by their precisions."""
        rows = [row for row, isbn in enumerate(self.isbns) if isbn in facts.comparable]
        if not rows:
            return level, variance
        found = self.levels[rows] + self.starts[rows] - start
        between = COMPARABLE_SHARE * self.variance
        of_mean = between * (1.0 + 1.0 / len(rows)) + float(np.mean(self.variances[rows]))
        share = variance / (variance + of_mean)
        return level + share * (float(np.mean(found)) - level), variance * (1.0 - share)


def _kernels(first: Sequence[Facts], second: Sequence[Facts]) -> FloatArray:
    """Return what each pair of titles shares, 0 to 1, shape (4, n, m)."""
    found = np.zeros((len(SHARED), len(first), len(second)))
    for number, name in enumerate(SHARED[:-1]):
        a = np.array([getattr(facts, name).casefold() for facts in first], dtype=object)
        b = np.array([getattr(facts, name).casefold() for facts in second], dtype=object)
        found[number] = (a[:, None] == b[None, :]) & (a != "")[:, None]
    a, b = (np.log(np.maximum([f.price for f in x], 0.01)) for x in (first, second))
    near = np.exp(-0.5 * ((a[:, None] - b[None, :]) / _PRICE_REACH) ** 2)
    found[-1] = np.where(np.isfinite(near), near, 0.0)
    return found


def _fit(kernels: FloatArray, levels: FloatArray, variances: FloatArray) -> FloatArray:
    """Return the shares of the variance with the largest likelihood; its size is free too."""
    at = np.append(_logits(_DEFAULT_SHARES), np.log(max(float(np.var(levels)), 0.01)))

    def whole(numbers: FloatArray) -> FloatArray:
        shares, size = _shares(numbers[:-1]), np.exp(numbers[-1])
        found = size * np.tensordot(shares, kernels, axes=1)
        found[np.diag_indices_from(found)] += size * (1.0 - shares.sum()) + variances
        return np.asarray(found, dtype=np.float64)

    def loss(numbers: FloatArray) -> float:
        factor = np.linalg.cholesky(whole(numbers))
        solved = np.linalg.solve(factor, levels)
        off = np.sum(((numbers[:-1] - at[:-1]) / _OF_SHARES) ** 2)
        return float(0.5 * np.sum(solved**2) + np.log(np.diag(factor)).sum() + 0.5 * off)

    bounds = [(-6.0, 3.0)] * len(SHARED) + [(-4.0, 4.0)]
    found = minimize(loss, at, method="L-BFGS-B", bounds=bounds, options={"maxiter": 20})
    return _shares(found.x[:-1])


def _logits(shares: FloatArray) -> FloatArray:
    return np.asarray(np.log(shares / (1.0 - shares.sum())), dtype=np.float64)


def _shares(logits: FloatArray) -> FloatArray:
    odds = np.exp(logits)
    return np.asarray(odds / (1.0 + odds.sum()), dtype=np.float64)
