"""A regression with ARIMA errors whose coefficients are believed as far as weeks speak for them.

Every coefficient has a normal prior around zero. Groups share a spread, in units of the standard
deviation of the innovations, and the spreads are those at which the weeks are most likely once the
coefficients are integrated out (MacKay 1992). A group that explains nothing gets a spread of zero
and leaves; where there are few weeks or the columns resemble each other, as Christmas's windows do
the season's faster waves, coefficients stay small. Choosing columns by AICc, the alternative, makes
all of these choices hard ones.
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
    Errors,
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
"""Spreads to try for each group, of columns that `weights` has brought to a common scale."""
FIRST = {"season": 0.8, "holidays": 3.0, "promotion": 1.0, "other": 1.0}
ROUNDS = 2
ORDERS = ((1, 0, 0), (2, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1), (1, 1, 2))
"""(p, d, q) of the errors to choose from, by AICc."""
# Errors at which regressors are first judged: a level that wanders, and noise around it.
FIRST_ERRORS = Specification(0, 1, 1)
FIRST_ARMA = np.array([-0.5])
TURNS = 2


def regress(
    values: FloatArray, names: Sequence[str], design: FloatArray
) -> tuple[Errors, list[str]]:
    """Chooses spreads and errors in turn, then fits errors and coefficients at these spreads.

    Args:
        values: Weekly values, shape (n,); NaN where the week is missing.
        names: Of the columns, as `design` names them; the errors alone are fitted without any.
        design: Shape (n, columns).

    Returns:
        The regression, and the columns that it uses.

    Raises:
        ValueError: If there are too few weeks, or they do not vary.
    """
    if not names:
        return best_errors(values, ORDERS), []
    groups = [group_of(name) for name in names]
    weights = _weights(names, design, np.isfinite(values))
    specification, arma, spreads = FIRST_ERRORS, FIRST_ARMA, FIRST
    for _ in range(TURNS):
        whitened = whiten_regression(values, specification, arma, design)
        shrunk = shrink(whitened, groups, weights, spreads)
        errors = best_errors(values - design @ shrunk.coefficients, ORDERS)
        specification, arma, spreads = errors.specification, errors.arma, shrunk.spreads
    whitened = whiten_regression(values, specification, arma, design)
    spread = shrink(whitened, groups, weights, spreads).spread
    used = np.flatnonzero(spread).tolist()
    if not used:
        return best_errors(values, ORDERS), []
    errors = fit_errors(
        values, specification, design[:, used], spread=spread[used], start=errors.arma
    )
    return errors, [names[place] for place in used]


def _weights(names: Sequence[str], design: FloatArray, seen: npt.NDArray[np.bool_]) -> FloatArray:
    """What brings the columns of a group to a common scale.

    Faster waves are expected to be smaller; windows are shares of a week; other regressors have
    units of their own.
    """
    weights = np.ones(len(names))
    for place, name in enumerate(names):
        group = group_of(name)
        if group == "season":
            weights[place] = 1.0 / wave_number(name)
        elif group != "holidays":
            weights[place] = 1.0 / np.std(design[seen, place])
    return weights


@dataclass(frozen=True, slots=True)
class Shrunk:
    """Coefficients at the spreads that the weeks speak for.

    Attributes:
        spreads: By group.
        spread: By column, shape (r,); zero where the column's group has left.
        coefficients: Shape (r,), zero there as well.
    """

    spreads: dict[str, float]
    spread: FloatArray
    coefficients: FloatArray


def shrink(
    whitened: Whitened,
    groups: Sequence[str],
    weights: FloatArray,
    first: dict[str, float] | None = None,
) -> Shrunk:
    """Chooses the groups' spreads one after the other, each at what the others are.

    Args:
        whitened: The regression; a column more than there are groups is a constant without prior.
        groups: Of each regressor, names of `GRIDS`; shape (r,).
        weights: By which a group's spread is multiplied for each regressor, shape (r,).
        first: Spreads to begin from.
    """
    evidence = _Evidence(whitened, len(groups))
    names = np.array(groups)
    present = [group for group in GRIDS if group in set(groups)]
    spreads = {group: (first or FIRST)[group] for group in present}

    def spread_of(each: dict[str, float]) -> FloatArray:
        return weights * np.array([each[group] for group in names])

    highest = evidence.height(spread_of(spreads))
    for _, group in product(range(ROUNDS), present):
        for value in GRIDS[group]:
            trial = spreads | {group: value}
            height = highest if trial == spreads else evidence.height(spread_of(trial))
            if height > highest:
                spreads, highest = trial, height
    spread = spread_of(spreads)
    return Shrunk(spreads, spread, evidence.coefficients(spread))


class _Evidence:
    """Log marginal likelihood of a whitened regression, but for a constant, by its spreads."""

    def __init__(self, whitened: Whitened, n_columns: int) -> None:
        self.products = whitened.factor.T @ whitened.factor
        self.products[-1, -1] += whitened.squares
        self.n_free = len(self.products) - 1 - n_columns
        self.freedom = max(whitened.n_weeks - self.n_free, 1)

    def _factor(self, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Cholesky's factor of what is kept, and which columns these are."""
        kept = np.r_[np.arange(self.n_free), self.n_free + np.flatnonzero(spread), -1]
        matrix = self.products[np.ix_(kept, kept)]
        priors = np.arange(self.n_free, len(kept) - 1)
        matrix[priors, priors] += spread[spread > 0.0] ** -2.0
        return np.linalg.cholesky(matrix), kept

    def height(self, spread: FloatArray) -> float:
        """At given spreads; minus infinity where nothing is left to be explained."""
        try:
            diagonal = np.diagonal(self._factor(spread)[0])
        except np.linalg.LinAlgError:
            return -np.inf
        used = spread[spread > 0.0]
        volume = np.log(diagonal[:-1]).sum() + np.log(used).sum()
        return float(-self.freedom * np.log(diagonal[-1]) - volume)

    def coefficients(self, spread: FloatArray) -> FloatArray:
        """Expectations of the coefficients given the spreads, shape (r,)."""
        found = np.zeros(len(spread))
        try:
            factor, _ = self._factor(spread)
        except np.linalg.LinAlgError:
            return found
        solution = np.linalg.solve(factor[:-1, :-1].T, factor[-1, :-1])
        found[spread > 0.0] = solution[self.n_free :]
        return found
