"""A regression with ARIMA errors and shrunk coefficients (empirical Bayes).

Every coefficient has a normal prior around zero. The coefficients of a group share the prior's
scale, in units of the innovations' standard deviation. The scales maximise the marginal likelihood,
with the coefficients integrated out (MacKay 1992). A group that explains nothing gets a scale of
zero and leaves. Coefficients stay small where weeks are few or columns alike, such as Christmas's
windows and the season's faster waves. Choosing columns by AICc would make hard choices instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from book_forecast.forecasters.design import group_of, wave_number
from book_forecast.sarima import Specification
from book_forecast.sarima.marginal import (
    ArmaErrors,
    Whitened,
    best_errors,
    fit_errors,
    whiten_regression,
)
from book_forecast.series.history import FloatArray

GRIDS = {
    "season": (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8),
    "holidays": (0.0, 0.3, 1.0, 3.0, 10.0, 30.0),
    "promotion": (0.0, 0.1, 0.3, 1.0, 3.0, 10.0),
    "other": (0.0, 0.1, 0.3, 1.0, 3.0, 10.0),
}
"""Prior scales to try for each group, of columns that `_weights` brings to a common unit."""
FIRST = {"season": 0.8, "holidays": 3.0, "promotion": 1.0, "other": 1.0}
ROUNDS = 2
SHRUNK_ORDERS = ((1, 0, 0), (2, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1), (1, 1, 2))
"""(p, d, q) of the errors to choose from, by AICc."""
# Errors of the first coefficients: a random walk with noise.
FIRST_ERRORS = Specification(0, 1, 1)
FIRST_ARMA = np.array([-0.5])
# (p, d, q) to choose from while the coefficients are those beside `FIRST_ERRORS`. All of
# `SHRUNK_ORDERS` would take a quarter more time, for errors that are as large.
FIRST_ORDERS = ((1, 0, 0), (0, 1, 1))


def regress(
    values: FloatArray, names: Sequence[str], design: FloatArray
) -> tuple[ArmaErrors, list[str]]:
    """Choose prior scales and errors in turn, then fit errors and coefficients.

    Args:
        values: Weekly values, shape (n,); NaN where the week is missing.
        names: Of the columns, as `design` names them; without any, only the errors are fitted.
        design: Shape (n, columns).

    Returns:
        The regression, and the columns that it uses.

    Raises:
        ValueError: If there are too few weeks, or they do not vary.
    """
    if not names:
        return best_errors(values, SHRUNK_ORDERS), []
    groups = [group_of(name) for name in names]
    weights = _weights(names, design, np.isfinite(values))
    specification, arma, group_scales = FIRST_ERRORS, FIRST_ARMA, FIRST
    for orders in (FIRST_ORDERS, SHRUNK_ORDERS):
        whitened = whiten_regression(values, specification, arma, design)
        shrunk = shrink(whitened, groups, weights, group_scales)
        errors = best_errors(values - design @ shrunk.coefficients, orders)
        specification, arma = errors.specification, errors.arma
        group_scales = shrunk.group_scales
    whitened = whiten_regression(values, specification, arma, design)
    scales = shrink(whitened, groups, weights, group_scales).scales
    used = np.flatnonzero(scales).tolist()
    if not used:
        return best_errors(values, SHRUNK_ORDERS), []
    errors = fit_errors(
        values, specification, design[:, used], prior_scales=scales[used], start=errors.arma
    )
    return errors, [names[column] for column in used]


def _weights(names: Sequence[str], design: FloatArray, seen: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the factors that bring the columns of a group to a common unit.

    Faster waves are expected to be smaller, windows are shares of a week, other covariates have
    their own units.
    """
    weights = np.ones(len(names))
    for column, name in enumerate(names):
        group = group_of(name)
        if group == "season":
            weights[column] = 1.0 / wave_number(name)
        elif group != "holidays":
            weights[column] = 1.0 / np.std(design[seen, column])
    return weights


@dataclass(frozen=True, slots=True)
class Shrunk:
    """Coefficients at the chosen prior scales.

    Attributes:
        group_scales: By group.
        scales: By column, shape (r,); zero where the column's group has left.
        coefficients: Shape (r,); zero there as well.
    """

    group_scales: dict[str, float]
    scales: FloatArray
    coefficients: FloatArray


def shrink(
    whitened: Whitened,
    groups: Sequence[str],
    weights: FloatArray,
    first: dict[str, float] | None = None,
) -> Shrunk:
    """Choose the groups' prior scales in turn, each given the others.

    Args:
        whitened: The regression; a column more than there are groups is a constant without prior.
        groups: A name of `GRIDS` for each column, shape (r,).
        weights: Factors of the group's scale by column, shape (r,).
        first: Scales to begin from.
    """
    evidence = _Evidence(whitened, len(groups))
    names = np.array(groups)
    present = [group for group in GRIDS if group in set(groups)]
    group_scales = {group: (first or FIRST)[group] for group in present}
    scales = weights * np.array([group_scales[group] for group in groups])
    (highest,) = evidence.heights(scales[None])
    for _, group in product(range(ROUNDS), present):
        trials = np.repeat(scales[None], len(GRIDS[group]), axis=0)
        own = names == group
        trials[:, own] = np.outer(GRIDS[group], weights[own])
        heights = evidence.heights(trials)
        best = int(np.argmax(heights))
        if heights[best] > highest:
            group_scales[group] = GRIDS[group][best]
            scales, highest = trials[best], heights[best]
    return Shrunk(group_scales, scales, evidence.coefficients(scales))


class _Evidence:
    """Log marginal likelihood of a whitened regression by prior scales, up to a constant.

    Columns are in units of their priors: a column with a scale of zero is one of zeros.
    """

    def __init__(self, whitened: Whitened, n_columns: int) -> None:
        self.products = whitened.factor.T @ whitened.factor
        self.products[-1, -1] += whitened.squares
        self.n_free = len(self.products) - 1 - n_columns
        self.freedom = max(whitened.n_weeks - self.n_free, 1)

    def heights(self, scales: FloatArray) -> FloatArray:
        """Return the likelihoods, shape (m,); minus infinity where no residual variance is left.

        Args:
            scales: Of the columns, shape (m, r).
        """
        try:
            factors = self._factors(scales)
        except np.linalg.LinAlgError:
            if len(scales) == 1:
                return np.array([-np.inf])
            return np.concatenate([self.heights(each[None]) for each in scales])
        logs = np.log(np.diagonal(factors, axis1=1, axis2=2))
        return np.asarray(-self.freedom * logs[:, -1] - logs[:, :-1].sum(axis=1))

    def coefficients(self, scales: FloatArray) -> FloatArray:
        """Return the posterior means of the coefficients, shape (r,)."""
        try:
            (factor,) = self._factors(scales[None])
        except np.linalg.LinAlgError:
            return np.zeros(len(scales))
        solution = np.linalg.solve(factor[:-1, :-1].T, factor[-1, :-1])
        return np.asarray(scales * solution[self.n_free :])

    def _factors(self, scales: FloatArray) -> FloatArray:
        """Return Cholesky's factors by scales of shape (m, r); raise where there is none."""
        n = len(self.products)
        units = np.ones((len(scales), n))
        units[:, self.n_free : -1] = scales
        matrices = units[:, :, None] * self.products * units[:, None, :]
        priors = np.arange(self.n_free, n - 1)
        matrices[:, priors, priors] += 1.0
        return np.asarray(np.linalg.cholesky(matrices))
