"""Linear effects of covariates on log volumes, which the global model takes out of its features.

Prices and promotions move a week more than anything that the weeks before it say. Without their
effects, levels and lags are those of an average week, and a known price moves the forecast by what
it has moved this title. The trees add what is not linear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits

from book_forecast.forecasters.global_models.windows import CHUNK, Float32Array, Windows
from book_forecast.series.history import FloatArray, IntArray

# Weeks before and after a week whose mean is its level.
AROUND = 26
# Deviations from that level are clipped at this many units of noise.
FARTHEST = 6.0
# Weeks of evidence for the effects over all titles, and for no effect at all.
PRIOR_WEEKS = 20.0
PRIOR_NONE = 30.0
# A smaller deviation from the title's level is rounding.
SMALLEST = 1e-6


@dataclass(frozen=True, slots=True)
class CovariateEffects:
    """What covariates add to a title's log volumes.

    Attributes:
        names: Of the covariates with an effect.
        slopes: Per unit of each covariate, shape (titles, names).
        means: Of each covariate over the title's weeks, where its effect is zero, same shape.
        lowest, highest: Deviations from the mean beyond which an effect stays the same, shape
            (names,): those of all titles.
    """

    names: tuple[str, ...]
    slopes: FloatArray
    means: FloatArray
    lowest: FloatArray
    highest: FloatArray

    @classmethod
    def none(cls, n_titles: int) -> Self:
        """Return no effects."""
        nothing = np.zeros((n_titles, 0))
        return cls((), nothing, nothing, np.zeros(0), np.zeros(0))

    def take(self, titles: IntArray) -> Self:
        """Return the effects on some titles."""
        return replace(self, slopes=self.slopes[titles], means=self.means[titles])

    def over(self, values: Mapping[str, Float32Array]) -> FloatArray | float:
        """Return the effects of all covariates, shape (titles, weeks); unknown values have none."""
        titles = np.arange(len(self.slopes))[:, None]
        return sum((self.of(name, titles, values[name]) for name in self.names), start=0.0)

    def of(self, name: str, title: IntArray, values: Float32Array) -> FloatArray:
        """Return the effects of one covariate's values; zero where unknown or without an effect."""
        if name not in self.names:
            return np.zeros(values.shape)
        column = self.names.index(name)
        deviations = np.nan_to_num(values - self.means[title, column])
        within = np.clip(deviations, self.lowest[column], self.highest[column])
        return np.asarray(self.slopes[title, column] * within, dtype=np.float64)


def fit_effects(
    logs: Float32Array, noise: FloatArray, values: Mapping[str, Float32Array]
) -> CovariateEffects:
    """Fit each title's effects, shrunk towards those over all titles.

    Args:
        logs: Log volumes, shape (titles, weeks); NaN where unknown.
        noise: Of each title's weeks, shape (titles,).
        values: Covariates by name, shape (titles, weeks); NaN where unknown.

    Returns:
        The effects; without names where no covariate ever varies.
    """
    values = {name: known for name, known in values.items() if _varies(known, logs)}
    n_titles = len(logs)
    names = tuple(values)
    if not names:
        return CovariateEffects.none(n_titles)
    columns = list(values.values())
    means = np.stack([_means(column) for column in columns], axis=-1)
    ranges = [_range(column, means[:, place]) for place, column in enumerate(columns)]
    products, targets = _products(logs, noise, columns)
    n_weeks = int(np.isfinite(logs).sum())
    scale = np.sqrt(np.diagonal(products.sum(axis=0)) / n_weeks)
    slopes = _shrunk(products / np.outer(scale, scale), targets / scale, noise, n_weeks)
    return CovariateEffects(names, slopes / scale, means, *np.array(ranges).T)


def _products(
    logs: Float32Array, noise: FloatArray, columns: list[Float32Array]
) -> tuple[FloatArray, FloatArray]:
    """Return each title's products of covariates with each other and with log volumes."""
    n_titles, size = len(logs), len(columns)
    products, targets = np.zeros((n_titles, size, size)), np.zeros((n_titles, size))
    for start in range(0, n_titles, CHUNK):
        rows = slice(start, start + CHUNK)
        known, most = np.isfinite(logs[rows]), FARTHEST * noise[rows, None]
        wanted = np.clip(_deviations(logs[rows]), -most, most)
        given = [_deviations(np.where(known, column[rows], np.nan)) for column in columns]
        stacked = np.stack(given, axis=-1)
        products[rows] = np.einsum("itj,itk->ijk", stacked, stacked)
        targets[rows] = np.einsum("itj,it->ij", stacked, wanted)
    return products, targets


def _varies(values: Float32Array, logs: Float32Array) -> bool:
    """Return whether a covariate changes within any title's known weeks."""
    deviations = _deviations(np.where(np.isfinite(logs), values, np.float32(np.nan)))
    rounding = SMALLEST * (1.0 + np.abs(np.nan_to_num(values)).max(initial=0.0))
    return bool((np.abs(deviations) > rounding).any())


def _shrunk(
    products: FloatArray, targets: FloatArray, noise: FloatArray, n_weeks: int
) -> FloatArray:
    """Solve each title's least squares with a prior at the solution over all titles.

    For that solution, titles count by their precision.
    """
    precision = 1.0 / noise**2
    precision /= precision.mean()
    pooled = np.einsum("i,ijk->jk", precision, products)
    target = np.einsum("i,ij->j", precision, targets)
    prior = PRIOR_WEEKS * np.diag(np.diagonal(products.sum(axis=0))) / n_weeks
    none = PRIOR_NONE * np.eye(targets.shape[1])
    # Threads change the order of sums, and a last digit changes the trees.
    with threadpool_limits(1, user_api="blas"):
        common = np.linalg.solve(pooled + none, target)
        own = np.linalg.solve(products + prior, (targets + prior @ common)[:, :, None])
    return np.asarray(own[:, :, 0], dtype=np.float64)


def _deviations(values: Float32Array) -> FloatArray:
    """Return values less their mean over the weeks around each; zero where unknown."""
    n_titles, n_weeks = values.shape
    windows = Windows.of(values)
    weeks = np.arange(n_weeks)
    end = np.minimum(weeks + AROUND + 1, n_weeks)
    start = np.maximum(weeks - AROUND, 0)
    total = windows.totals[:, end] - windows.totals[:, start]
    count = windows.counts[:, end] - windows.counts[:, start]
    means = np.divide(total, count, out=np.zeros((n_titles, n_weeks)), where=count > 0)
    return np.where(np.isfinite(values), values - means, 0.0)


def _range(values: Float32Array, means: FloatArray) -> tuple[float, float]:
    """Return the smallest and the largest deviation of a known value from its title's mean."""
    deviations = np.nan_to_num(values - means[:, None])
    return float(deviations.min()), float(deviations.max())


def _means(values: Float32Array) -> FloatArray:
    """Return the mean of each title's known weeks; zero without any."""
    count = np.isfinite(values).sum(axis=1)
    total = np.nansum(values, axis=1, dtype=np.float64)
    return np.divide(total, count, out=np.zeros(len(values)), where=count > 0)
