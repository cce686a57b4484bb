"""Exact maximum likelihood of seasonal ARIMA models.

With the innovation variance and the regression coefficients concentrated out, the likelihood is
largest where the sum of squares of the innovations, scaled by the geometric mean of their variances,
is smallest. That is a non-linear least-squares problem, which Levenberg and Marquardt's method solves
in few evaluations; several starts guard against local optima.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from book_forecast.sarima.arrays import FloatArray, IntArray
from book_forecast.sarima.likelihood import (
    Problem,
    make_problem,
    project_out,
    reduced_polynomials,
    regression_coefficients,
    whiten,
    whiten_problem,
)
from book_forecast.sarima.polynomials import coefficients_to_partials, partials_to_coefficients
from book_forecast.sarima.specification import Specification
from book_forecast.sarima.starts import informed_starts, scattered_starts

MAX_ITERATIONS = 60
TOLERANCE = 1e-9
QUICK_TOLERANCE = 1e-6
# A step that gains less than this calls for a Jacobian of its own rather than an update.
WORTH_AN_UPDATE = 1e-4
LARGEST_COORDINATE = 5e3
SMALLEST_STEP = 1e-7
LARGEST_DAMPING = 1e7
SCOUTS_PER_COEFFICIENT = 2
SCOUTING_ITERATIONS = 3
DESCENTS = 3


@dataclass(frozen=True, slots=True)
class SarimaFit:
    """A fitted seasonal ARIMA model, as plain numbers.

    Attributes:
        specification: The model.
        arma: Coefficients in the order of `specification.arma_names`.
        sigma2: Variance of the innovations.
        coefficients: Of the trend's constant and the regressors, shape (trend + r,).
        log_likelihood: Exact, at these parameters.
        n_effective: Weeks that carry likelihood: those seen, less those that differencing takes.
        evaluations: Likelihoods computed for the fit.
    """

    specification: Specification
    arma: FloatArray
    sigma2: float
    coefficients: FloatArray
    log_likelihood: float
    n_effective: int
    evaluations: int

    @property
    def n_parameters(self) -> int:
        """Estimated parameters, the variance of the innovations included."""
        return len(self.arma) + len(self.coefficients) + 1

    @property
    def aicc(self) -> float:
        """Akaike's criterion with its correction for short series; infinite if too short for it."""
        k = self.n_parameters
        if self.n_effective <= k + 1:
            return float("inf")
        correction = 2.0 * k * (k + 1) / (self.n_effective - k - 1)
        return -2.0 * self.log_likelihood + 2.0 * k + correction


@njit(cache=True, error_model="numpy")
def to_arma(point: FloatArray, orders: IntArray) -> FloatArray:
    """Coefficients of a point in the unbounded space, through partial autocorrelations in (-1, 1)."""
    partials = point / np.sqrt(1.0 + point * point)
    arma = np.empty(len(point))
    begin = 0
    for block in range(4):
        end = begin + orders[block]
        if end > begin:
            coefficients = partials_to_coefficients(partials[begin:end])
            arma[begin:end] = coefficients if block % 2 == 0 else -coefficients
        begin = end
    return arma


def to_point(arma: FloatArray, orders: IntArray) -> FloatArray:
    """The inverse of `to_arma`; coefficients outside the stable region are drawn back into it."""
    point = np.empty(len(arma))
    begin = 0
    for block, order in enumerate(orders):
        end = begin + int(order)
        if order:
            coefficients = arma[begin:end] if block % 2 == 0 else -arma[begin:end]
            partials = _stable_partials(np.ascontiguousarray(coefficients))
            point[begin:end] = partials / np.sqrt(1.0 - partials**2)
        begin = end
    return point


def _stable_partials(coefficients: FloatArray) -> FloatArray:
    for shrink in (1.0, 0.98, 0.9, 0.75, 0.5, 0.25):
        lags = np.arange(1, len(coefficients) + 1)
        partials = coefficients_to_partials(coefficients * shrink**lags)
        if np.all(np.abs(partials) < 0.995):
            return partials
    return np.zeros(len(coefficients))


@njit(cache=True, error_model="numpy")
def scaled_residuals(
    point: FloatArray,
    columns: FloatArray,
    starts: IntArray,
    n_impulses: int,
    orders: IntArray,
    s: int,
) -> FloatArray:
    """Residuals whose sum of squares the maximum likelihood makes smallest; NaN where unstable."""
    arma = to_arma(point, orders)
    ar, ma = reduced_polynomials(arma, orders[0], orders[1], orders[2], orders[3], s)
    whitened, log_variance = whiten(columns, starts, ar, ma)
    if not np.isfinite(log_variance):
        return np.full(columns.shape[1], np.nan)
    residuals, _, log_determinant, counted = project_out(whitened, starts, n_impulses)
    n_effective = columns.shape[1] - counted
    return residuals * np.exp(0.5 * (log_variance + log_determinant) / n_effective)


@njit(cache=True, error_model="numpy")
def finite_differences(
    point: FloatArray,
    residuals: FloatArray,
    columns: FloatArray,
    starts: IntArray,
    n_impulses: int,
    orders: IntArray,
    s: int,
) -> FloatArray:
    """Jacobian of the residuals, one coefficient a row; steps are taken towards zero."""
    jacobian = np.empty((len(point), len(residuals)))
    for i in range(len(point)):
        moved = point.copy()
        step = SMALLEST_STEP * (1.0 + abs(point[i]))
        moved[i] += step if point[i] <= 0.0 else -step
        shifted = scaled_residuals(moved, columns, starts, n_impulses, orders, s)
        jacobian[i] = (shifted - residuals) / (moved[i] - point[i])
    return jacobian


@njit(cache=True, error_model="numpy")
def damped_step(jacobian: FloatArray, residuals: FloatArray, damping: float) -> FloatArray:
    """Levenberg and Marquardt's step; zeros where the Jacobian is not finite."""
    curvature = jacobian @ jacobian.T
    slope = jacobian @ residuals
    if not np.all(np.isfinite(slope)):
        return np.zeros(len(slope))
    ridge = 1e-12 * (1.0 + np.sum(residuals * residuals))
    for i in range(len(slope)):
        curvature[i, i] += damping * curvature[i, i] + ridge
    return -np.linalg.solve(curvature, slope)


@njit(cache=True, error_model="numpy")
def descend(
    start: FloatArray,
    iterations: int,
    tolerance: float,
    columns: FloatArray,
    starts: IntArray,
    n_impulses: int,
    orders: IntArray,
    s: int,
) -> tuple[FloatArray, float, int]:
    """Levenberg and Marquardt's method from one start.

    Between two Jacobians by finite differences, each of which costs one likelihood a coefficient,
    Broyden's (1965) update serves for as long as it leads downhill.

    Args:
        start: Where to begin.
        iterations: Most Jacobians to compute.
        tolerance: Relative gain below which the search ends.

    Returns:
        The best point, its sum of squares (infinite where the start is not usable), and the number
        of likelihoods computed.
    """
    point = start.copy()
    residuals = scaled_residuals(point, columns, starts, n_impulses, orders, s)
    squares = np.sum(residuals * residuals)
    evaluations = 1
    if not np.isfinite(squares):
        return point, np.inf, evaluations
    damping = 1e-2
    for _ in range(iterations):
        jacobian = finite_differences(point, residuals, columns, starts, n_impulses, orders, s)
        evaluations += len(point)
        before = squares
        exact = True
        while damping < LARGEST_DAMPING:
            trial = point + damped_step(jacobian, residuals, damping)
            trial = np.minimum(np.maximum(trial, -LARGEST_COORDINATE), LARGEST_COORDINATE)
            step = trial - point
            if not np.any(step != 0.0):
                break
            moved = scaled_residuals(trial, columns, starts, n_impulses, orders, s)
            lower = np.sum(moved * moved)
            evaluations += 1
            if lower < squares:
                gained = squares - lower
                predicted = residuals + step @ jacobian
                jacobian += np.outer(step, moved - predicted) / np.sum(step * step)
                point, residuals, squares = trial, moved, lower
                damping *= 0.2
                exact = False
                if gained < WORTH_AN_UPDATE * lower:
                    break
            elif exact:
                damping *= 5.0
            else:
                break
        if before - squares < tolerance * squares:
            break
    return point, squares, evaluations


def fit(
    values: FloatArray,
    specification: Specification,
    regressors: FloatArray | None = None,
    start: FloatArray | None = None,
    *,
    thorough: bool = True,
) -> SarimaFit:
    """Fits a seasonal ARIMA model by exact maximum likelihood.

    Args:
        values: Weekly values, shape (n,); NaN where the week is missing.
        specification: The model.
        regressors: Shape (n, r), complete.
        start: Coefficients near which the optimum is expected, such as a former fit's; then the
            only start.
        thorough: Whether to look for other optima than those near the informed starts.

    Raises:
        ValueError: If the series has too few weeks for the model, or does not vary.
    """
    problem = make_problem(values, specification, regressors)
    needed = specification.n_arma + problem.n_regressors + 2
    if problem.n_weeks - problem.n_impulses < needed:
        raise ValueError(
            f"{specification} needs at least {needed} weeks beyond those that differencing takes, "
            f"not {problem.n_weeks - problem.n_impulses}."
        )
    orders = np.array(specification.arma_orders, dtype=np.int64)
    fixed = (problem.columns, problem.starts, problem.n_impulses, orders, specification.s)
    if start is not None:
        points, evaluations = [to_point(np.asarray(start, dtype=np.float64), orders)], 0
    else:
        points, evaluations = (
            [to_point(p, orders) for p in informed_starts(problem, specification)],
            0,
        )
        if thorough:
            points, evaluations = _scout(points, scattered_starts(specification), fixed)
    best, lowest = points[0], np.inf
    tolerance = TOLERANCE if thorough else QUICK_TOLERANCE
    for candidate in points:
        point, squares, used = descend(candidate, MAX_ITERATIONS, tolerance, *fixed)
        evaluations += used
        if squares < lowest:
            best, lowest = point, squares
    return _finish(problem, specification, to_arma(best, orders), evaluations)


def _scout(
    informed: list[FloatArray], scattered: list[FloatArray], fixed: tuple[Any, ...]
) -> tuple[list[FloatArray], int]:
    """The most promising points after a few iterations from each of the better starts.

    Args:
        informed: Points to begin from in any case.
        scattered: Partial autocorrelations, of which the best are begun from as well.
        fixed: What the likelihood depends on beside the point.
    """
    candidates = [partials / np.sqrt(1.0 - partials**2) for partials in scattered]
    heights = [_height(scaled_residuals(point, *fixed)) for point in candidates]
    evaluations = len(candidates)
    scouts = 2 + SCOUTS_PER_COEFFICIENT * len(informed[0])
    ranked = np.argsort(heights, kind="stable")[:scouts]
    scouted = []
    for start in [*informed, *(candidates[i] for i in ranked)]:
        point, squares, used = descend(start, SCOUTING_ITERATIONS, TOLERANCE, *fixed)
        scouted.append((squares, point))
        evaluations += used
    scouted.sort(key=lambda pair: pair[0])
    return [point for _, point in scouted[:DESCENTS]], evaluations


def _height(residuals: FloatArray) -> float:
    squares = float(residuals @ residuals)
    return squares if np.isfinite(squares) else float("inf")


def _finish(
    problem: Problem, specification: Specification, arma: FloatArray, evaluations: int
) -> SarimaFit:
    whitened, log_variance = whiten_problem(problem, specification, arma)
    residuals, triangle, log_determinant, counted = project_out(
        whitened, problem.starts, problem.n_impulses
    )
    n_effective = problem.n_weeks - counted
    sigma2 = float(residuals @ residuals) / n_effective
    if not np.isfinite(sigma2) or sigma2 <= 0.0:
        raise ValueError(f"{specification} leaves no residual variance: the series does not vary.")
    value = -0.5 * (
        n_effective * (np.log(2.0 * np.pi * sigma2) + 1.0) + log_variance + log_determinant
    )
    return SarimaFit(
        specification=specification,
        arma=arma,
        sigma2=sigma2,
        coefficients=regression_coefficients(triangle)[problem.n_impulses :],
        log_likelihood=float(value),
        n_effective=n_effective,
        evaluations=evaluations,
    )
