"""Mean curves of launches by class, and how single launches differ from them.

The curve of a class is shrunk towards that of all launches, and this towards a default shape: with
few launches, or none, the default remains. Estimation is by generalised least squares beside the
covariance of paths, whose numbers maximise the likelihood with a weak prior at the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from book_forecast.forecasters.launches.past_launches import GRID, Matrix, evenly
from book_forecast.forecasters.launches.paths import (
    KNOTS,
    Spread,
    basis,
    covariance,
    decay_by_level,
    decline,
    default_curve,
)
from book_forecast.series.history import FloatArray

DEFAULT_LEVEL = 3.0
"""log(1 + copies) in the first week of a title of a panel without launches: about 20 copies."""
_MOST_FITTED = 120
_ROUNDS = 2
# Standard deviations of the priors, log scale: of the curve of all, and of a class beside it.
_OF_ALL = (2.0, 0.7)
_OF_CLASS = (0.5, 0.25)
# Of the covariance's numbers, in the logarithm.
_OF_SPREAD = 0.4
_BOUNDS = [(-3.0, 1.2), (-3.0, 1.0), (-1.5, 1.5), (-3.0, 0.7), (1.0, 4.2), (-3.0, 0.7)]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Curves:
    """What the launches of a panel have in common.

    Attributes:
        of_all: The curve of a class without launches, at the knots.
        by_class: Curves of the classes.
        spread: How launches differ from them.
        parts: Of the estimate, to leave launches out again.
    """

    of_all: FloatArray
    by_class: Mapping[str, FloatArray]
    spread: Spread
    parts: Estimate = field(repr=False)

    def curve(self, group: str) -> FloatArray:
        """Return the curve of a class."""
        return self.by_class.get(group, self.of_all)

    def without(self, row: int) -> FloatArray:
        """Return the curve of a launch's class as the other launches have it."""
        return self.parts.without(row)


@dataclass(frozen=True)
class Estimate:
    """A Bayesian regression of paths on curves, kept in parts.

    Attributes:
        precision: Shape (p, p), of the coefficients: the curve of all, then of each class.
        weighted: Shape (p,): precision times coefficients.
        own: Of each launch, its precision, shape (n, knots, knots).
        own_weighted: The same for `weighted`, shape (n, knots).
        groups: Number of each launch's class.
    """

    precision: FloatArray
    weighted: FloatArray
    own: FloatArray
    own_weighted: FloatArray
    groups: Integers

    def coefficients(self) -> FloatArray:
        """Return the coefficients, shape (1 + classes, knots)."""
        found = np.linalg.solve(self.precision, self.weighted)
        return np.asarray(found.reshape(-1, len(KNOTS)), dtype=np.float64)

    def without(self, row: int) -> FloatArray:
        """Return the curve of a launch's class without it."""
        precision, weighted = self.precision.copy(), self.weighted.copy()
        group = int(self.groups[row]) + 1
        for i in (0, group):
            weighted[_block(i)] -= self.own_weighted[row]
            for j in (0, group):
                precision[_block(i), _block(j)] -= self.own[row]
        found = np.linalg.solve(precision, weighted).reshape(-1, len(KNOTS))
        return np.asarray(found[0] + found[group], dtype=np.float64)


def learn_curves(matrix: Matrix, groups: list[str], level: float = DEFAULT_LEVEL) -> Curves:
    """Learn curves and spread.

    Args:
        matrix: The launches on the grid.
        groups: Class of each launch.
        level: log(1 + copies) of the first week by default.
    """
    names = sorted(set(groups))
    numbers = np.array([names.index(group) for group in groups], dtype=np.int64)
    spread = Spread()
    estimate = _estimate(matrix, numbers, len(names), spread, level)
    for _ in range(_ROUNDS if len(groups) else 0):
        found = estimate.coefficients()
        means = (found[0] + found[1:])[numbers] @ basis(GRID.astype(np.float64)).T
        spread = _fit_spread(matrix.values - means, matrix.counts, spread)
        estimate = _estimate(matrix, numbers, len(names), spread, level)
    found = estimate.coefficients()
    curves = {name: found[0] + found[1 + number] for number, name in enumerate(names)}
    return Curves(found[0], curves, spread, estimate)


def _block(number: int) -> slice:
    return slice(number * len(KNOTS), (number + 1) * len(KNOTS))


def _estimate(
    matrix: Matrix, groups: Integers, n_groups: int, spread: Spread, level: float
) -> Estimate:
    size = len(KNOTS) * (1 + n_groups)
    precision, weighted = np.zeros((size, size)), np.zeros(size)
    prior = np.linalg.inv(_prior(*_OF_ALL))
    precision[_block(0), _block(0)] = prior
    weighted[_block(0)] = prior @ default_curve(level)
    of_class = np.linalg.inv(_prior(*_OF_CLASS))
    for number in range(1, 1 + n_groups):
        precision[_block(number), _block(number)] = of_class
    n = len(matrix.values)
    own, own_weighted = np.zeros((n, len(KNOTS), len(KNOTS))), np.zeros((n, len(KNOTS)))
    design, whole = basis(GRID.astype(np.float64)), _on_grid(spread)
    for row in range(n):
        seen = np.flatnonzero(np.isfinite(matrix.values[row]))
        if not len(seen):
            continue
        noise = np.diag(matrix.counts[row, seen])
        solved = np.linalg.solve(
            whole[np.ix_(seen, seen)] + noise,
            np.column_stack([design[seen], matrix.values[row, seen]]),
        )
        own[row] = design[seen].T @ solved[:, :-1]
        own_weighted[row] = design[seen].T @ solved[:, -1]
        group = int(groups[row]) + 1
        for i in (0, group):
            weighted[_block(i)] += own_weighted[row]
            for j in (0, group):
                precision[_block(i), _block(j)] += own[row]
    return Estimate(precision, weighted, own, own_weighted, groups)


def _prior(level: float, shape: float) -> FloatArray:
    """Return the covariance of a curve at the knots: its level, and a smooth shape beside it."""
    apart = np.abs(np.subtract.outer(np.log1p(KNOTS), np.log1p(KNOTS)))
    return level**2 + shape**2 * np.exp(-apart) + 1e-6 * np.eye(len(KNOTS))


def _on_grid(spread: Spread) -> FloatArray:
    weeks = GRID.astype(np.float64)
    whole = covariance(weeks, weeks, spread)
    whole[np.diag_indices_from(whole)] += spread.noise**2
    return whole


def _fit_spread(residuals: FloatArray, counts: FloatArray, start: Spread) -> Spread:
    """Maximise the likelihood of residuals, shape (n, grid), NaN where unknown."""
    some = evenly(len(residuals), _MOST_FITTED)
    residuals, counts = residuals[some], counts[some]
    seen = np.isfinite(residuals)
    filled = np.where(seen, residuals, 0.0)
    both = seen[:, :, None] & seen[:, None, :]
    diagonal = np.arange(len(GRID))
    at = _numbers(Spread())

    def loss(numbers: FloatArray) -> float:
        whole = np.where(both, _on_grid(_spread(numbers))[None], 0.0)
        whole[:, diagonal, diagonal] += np.where(seen, counts, 1.0)
        try:
            factor = np.linalg.cholesky(whole)
        except np.linalg.LinAlgError:
            return 1e12
        solved = np.linalg.solve(factor, filled[:, :, None])[:, :, 0]
        log_determinant = 2.0 * np.log(factor[:, diagonal, diagonal]).sum()
        off = np.sum(((numbers - at) / _OF_SPREAD) ** 2)
        return float(0.5 * (np.sum(solved**2) + log_determinant + off))

    found = minimize(
        loss, _numbers(start), method="L-BFGS-B", bounds=_BOUNDS, options={"maxiter": 20}
    )
    return _spread(found.x)


def _numbers(spread: Spread) -> FloatArray:
    """Return the numbers of a spread without bounds."""
    return np.array(
        [
            np.log(spread.level),
            np.log(spread.decay),
            np.arctanh(spread.correlation),
            np.log(spread.wave),
            np.log(spread.memory),
            np.log(spread.noise),
        ]
    )


def _spread(numbers: FloatArray) -> Spread:
    level, decay, wave, memory, noise = np.exp(numbers[[0, 1, 3, 4, 5]]).tolist()
    return Spread(level, decay, float(np.tanh(numbers[2])), wave, memory, noise)


def level_of(
    curve: FloatArray, values: FloatArray, counts: FloatArray, spread: Spread
) -> tuple[float, float]:
    """Return the level of one launch beside a curve, and its variance given the launch's weeks.

    Args:
        curve: At the knots.
        values: On the grid, NaN where unknown.
        counts: Variance of counting on the grid.
        spread: How launches differ.
    """
    seen = np.flatnonzero(np.isfinite(values))
    if not len(seen):
        return 0.0, spread.level**2
    weeks = GRID[seen].astype(np.float64)
    whole = covariance(weeks, weeks, spread)
    whole[np.diag_indices_from(whole)] += spread.noise**2 + counts[seen]
    across = spread.level**2 * (1.0 + decay_by_level(spread) * decline(weeks))
    solved = np.linalg.solve(whole, np.column_stack([values[seen] - basis(weeks) @ curve, across]))
    mean, explained = across @ solved
    return float(mean), float(max(spread.level**2 - explained, 1e-6))
