"""The level of a launch from those of titles like it.

Levels beside the curve of the class are a Gaussian process over titles: what author, imprint,
binding and a near price share, each by a variance of its own that the panel's launches decide.
Comparable titles that a user names come on top of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from book_forecast.forecasters.launches.past_launches import Facts, evenly
from book_forecast.series.history import FloatArray

SHARED = ("author", "imprint", "binding", "price")
# Shares of the variance of levels by default: an author counts more than an imprint.
_DEFAULT_SHARES = np.array([0.25, 0.05, 0.05, 0.05])
_OF_SHARES = 1.0
_FEWEST_FITTED = 10
_MOST_FITTED = 300
# Log scale: prices that differ by a quarter are near.
_PRICE_REACH = 0.25
# Variance between a title and one that it is compared with, as a share of that between any two.
COMPARABLE_SHARE = 0.25
# The variance of a level beside those of titles like it is at least this share.
_LEAST_SHARE = 0.05


@dataclass(frozen=True)
class Levels:
    """Levels of the launches of a panel.

    Attributes:
        isbns: The launches.
        codes: What is known of them, to be compared.
        levels: Beside the curves of their classes, shape (n,).
        variances: Of these, shape (n,).
        starts: Mean of each one's curve in its first quarter, shape (n,), to compare classes.
        variance: Between titles of a class.
        shares: Of the variance that titles with the same author and so on share; (4,).
        precision: Inverse of the covariance of the levels as they are known, shape (n, n).
    """

    isbns: Sequence[str]
    codes: Codes
    levels: FloatArray
    variances: FloatArray
    starts: FloatArray
    variance: float
    shares: FloatArray
    precision: FloatArray

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
        codes, shares = Codes.of(facts), _DEFAULT_SHARES
        kernels = codes.kernels(facts)
        if len(isbns) >= _FEWEST_FITTED:
            some = evenly(len(isbns), _MOST_FITTED)
            shares = _fit(kernels[:, some, some], levels[some], variances[some])
        whole = variance * np.tensordot(shares, kernels, axes=1)
        whole[np.diag_indices_from(whole)] = variance + variances
        precision = np.asarray(np.linalg.inv(whole), dtype=np.float64)
        return cls(isbns, codes, levels, variances, starts, variance, shares, precision)

    def of(self, facts: Facts, start: float, without: int | None = None) -> tuple[float, float]:
        """Return the level of a title beside the curve of its class, and its variance.

        Args:
            facts: What is known of it.
            start: Mean of its curve in its first quarter.
            without: Row of the title among the launches, as if it had not been there.
        """
        level, variance = 0.0, self.variance
        weighted = self.precision @ self.levels
        if without is not None:
            own = float(self.precision[without, without])
            level = float(self.levels[without] - weighted[without] / own)
            variance = 1.0 / own - float(self.variances[without])
        elif len(self.isbns):
            across = self.variance * (self.shares @ self.codes.kernels([facts])[:, 0])
            level = float(across @ weighted)
            variance = float(self.variance - across @ self.precision @ across)
        variance = min(max(variance, _LEAST_SHARE * self.variance), self.variance)
        return self._beside_comparable(facts, start, level, variance, without)

    def _beside_comparable(
        self, facts: Facts, start: float, level: float, variance: float, without: int | None
    ) -> tuple[float, float]:
        """Combine a level with those of the titles that the user names, by their precisions."""
        rows = [
            row
            for row, isbn in enumerate(self.isbns)
            if isbn in facts.comparable and row != without
        ]
        if not rows:
            return level, variance
        found = self.levels[rows] + self.starts[rows] - start
        between = COMPARABLE_SHARE * self.variance
        of_mean = between * (1.0 + 1.0 / len(rows)) + float(np.mean(self.variances[rows]))
        share = variance / (variance + of_mean)
        return level + share * (float(np.mean(found)) - level), variance * (1.0 - share)


@dataclass(frozen=True, slots=True)
class Codes:
    """What is known of titles, as numbers.

    Attributes:
        numbers: For each text of `SHARED`, its number by text; unknown texts have none.
        texts: Number of each title's text, shape (3, n); -1 if it is unknown.
        prices: In the logarithm, shape (n,); NaN if unknown.
    """

    numbers: Sequence[Mapping[str, int]]
    texts: npt.NDArray[np.int64]
    prices: FloatArray

    @classmethod
    def of(cls, facts: Sequence[Facts]) -> Codes:
        """Number the texts of titles."""
        numbers: list[dict[str, int]] = []
        for name in SHARED[:-1]:
            texts = dict.fromkeys(getattr(each, name).casefold() for each in facts)
            texts.pop("", None)
            numbers.append({text: number for number, text in enumerate(texts)})
        return cls(numbers, *_coded(numbers, facts))

    def kernels(self, facts: Sequence[Facts]) -> FloatArray:
        """Return what titles share with these, 0 to 1, shape (4, titles, n)."""
        texts, prices = _coded(self.numbers, facts)
        found = np.zeros((len(SHARED), len(facts), len(self.prices)))
        for number in range(len(SHARED) - 1):
            a, b = texts[number][:, None], self.texts[number][None, :]
            found[number] = (a == b) & (a >= 0)
        near = np.exp(-0.5 * ((prices[:, None] - self.prices[None, :]) / _PRICE_REACH) ** 2)
        found[-1] = np.where(np.isfinite(near), near, 0.0)
        return found


def _coded(
    numbers: Sequence[Mapping[str, int]], facts: Sequence[Facts]
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    texts = [
        [known.get(getattr(each, name).casefold(), -1) for each in facts]
        for name, known in zip(SHARED[:-1], numbers, strict=True)
    ]
    prices = np.log(np.maximum([each.price for each in facts], 0.01))
    return np.array(texts, dtype=np.int64).reshape(len(SHARED) - 1, -1), prices


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
