"""Exact maximum likelihood of seasonal ARIMA models.

Non-linear least squares finds the maximum in few evaluations; several starts guard against local
optima.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from book_forecast.sarima.arrays import FloatArray, IntArray
from book_forecast.sarima.descent import descend
from book_forecast.sarima.likelihood import Problem, make_problem, whiten_problem
from book_forecast.sarima.objective import scaled_residuals, to_arma, to_point
from book_forecast.sarima.projection import project_out, regression_coefficients
from book_forecast.sarima.specification import Specification
from book_forecast.sarima.starts import informed_starts, scattered_starts

MAX_ITERATIONS = 60
TOLERANCE = 1e-9
QUICK_TOLERANCE = 1e-6
SCOUTS_PER_COEFFICIENT = 1
SCOUTING_ITERATIONS = 6
DESCENTS = 6
# A descent is given up after so many iterations if its squares are larger by the share below.
FIRST_ITERATIONS = 2
HOPELESS = 0.02
# Points whose partial autocorrelations are this near each other lead to the same optimum.
SAME_BASIN = 0.05
# From this lag on the exact likelihood takes several times as long as the conditional one.
CONDITIONAL_LAG = 30
# Residuals of this size, squared and beside the largest value's square, are rounding errors.
ROUNDING = 1e-24


Fixed = tuple[FloatArray, IntArray, int, IntArray, int]
"""Columns, their starts, how many are impulses, the orders and the season of a problem."""


@dataclass(frozen=True, slots=True)
class Projected:
    """Least squares at given ARMA coefficients.

    Attributes:
        residuals: Shape (n,) or longer.
        triangle: The triangular factor, as `project_out` returns it.
        log_scale: Log determinant of the innovations' variances and of what is integrated out.
        n_effective: Weeks that carry likelihood.
    """

    residuals: FloatArray
    triangle: FloatArray
    log_scale: float
    n_effective: int


@dataclass(frozen=True, slots=True)
class SarimaFit:
    """A fitted seasonal ARIMA model, as plain numbers.

    Attributes:
        specification: The model.
        arma: Coefficients in the order of `specification.arma_names`.
        sigma2: Variance of the innovations.
        coefficients: Of the trend's constant and the regressors, shape (trend + r,).
        log_likelihood: Exact, at these parameters.
        n_effective: Weeks that carry likelihood: known weeks, less those lost to differencing.
        evaluations: Likelihoods computed for the fit.
    """

    specification: Specification
    arma: FloatArray
    sigma2: float
    coefficients: FloatArray
    log_likelihood: float
    n_effective: int
    evaluations: int = 0

    @classmethod
    def at_optimum(
        cls,
        problem: Problem,
        specification: Specification,
        arma: FloatArray,
        projected: Projected,
        evaluations: int = 0,
    ) -> Self:
        """Return the fit at given ARMA coefficients, with all other parameters concentrated out.

        Raises:
            ValueError: If no residual variance is left.
        """
        n, residuals = projected.n_effective, projected.residuals
        sigma2 = float(residuals @ residuals) / max(n, 1)
        if n < 1 or not sigma2 > ROUNDING * float(np.max(problem.columns[-1] ** 2)):
            raise ValueError(
                f"{specification} leaves no residual variance: the series does not vary."
            )
        value = -0.5 * (n * (np.log(2.0 * np.pi * sigma2) + 1.0) + projected.log_scale)
        return cls(
            specification=specification,
            arma=arma,
            sigma2=sigma2,
            coefficients=regression_coefficients(projected.triangle)[problem.n_impulses :],
            log_likelihood=float(value),
            n_effective=n,
            evaluations=evaluations,
        )

    @property
    def n_parameters(self) -> int:
        """Number of estimated parameters, including the variance of the innovations."""
        return len(self.arma) + len(self.coefficients) + 1

    @property
    def aicc(self) -> float:
        """Akaike's criterion, corrected for short series; infinite if the series is too short."""
        k = self.n_parameters
        if self.n_effective <= k + 1:
            return float("inf")
        correction = 2.0 * k * (k + 1) / (self.n_effective - k - 1)
        return -2.0 * self.log_likelihood + 2.0 * k + correction


def fit(
    values: FloatArray,
    specification: Specification,
    regressors: FloatArray | None = None,
    start: FloatArray | None = None,
    *,
    thorough: bool = True,
) -> SarimaFit:
    """Fit a seasonal ARIMA model by exact maximum likelihood.

    Args:
        values: Weekly values, shape (n,); NaN where the week is missing.
        specification: The model.
        regressors: Shape (n, r), complete.
        start: Coefficients near the expected optimum, such as a former fit's; then the only start.
        thorough: Whether to search for optima beyond those near the informed starts.

    Raises:
        ValueError: If the series has too few weeks for the model, or does not vary.
    """
    problem = make_problem(values, specification, regressors)
    needed = specification.n_arma + problem.n_regressors + 2
    if problem.n_weeks - problem.n_impulses < needed:
        raise ValueError(
            f"{specification} needs at least {needed} weeks beyond those lost to differencing, "
            f"not {problem.n_weeks - problem.n_impulses}."
        )
    orders = np.array(specification.arma_orders, dtype=np.int64)
    fixed = (problem.columns, problem.starts, problem.n_impulses, orders, specification.s)
    if start is not None:
        points, evaluations = [to_point(np.asarray(start, dtype=np.float64), orders)], 0
    else:
        informed = informed_starts(problem, specification)
        points, evaluations = [to_point(p, orders) for p in informed], 0
        if thorough:
            points, evaluations = _scout(
                points, scattered_starts(specification), specification, fixed
            )
            points, used = _hopeful(points, fixed)
            evaluations += used
    best, lowest = points[0], np.inf
    for candidate in points:
        point, squares, used = descend(candidate, MAX_ITERATIONS, QUICK_TOLERANCE, *fixed, True)
        evaluations += used
        if squares < lowest:
            best, lowest = point, squares
    if thorough:
        best, _, used = descend(best, MAX_ITERATIONS, TOLERANCE, *fixed, True)
        evaluations += used
    whitened, log_variance = whiten_problem(problem, specification, arma := to_arma(best, orders))
    residuals, triangle, log_determinant, counted = project_out(
        whitened, problem.starts, problem.n_impulses
    )
    projected = Projected(
        residuals, triangle, log_variance + log_determinant, problem.n_weeks - counted
    )
    return SarimaFit.at_optimum(problem, specification, arma, projected, evaluations)


def _scout(
    informed: list[FloatArray],
    scattered: list[FloatArray],
    specification: Specification,
    fixed: Fixed,
) -> tuple[list[FloatArray], int]:
    """Return the best points after a few iterations from each of the better starts.

    Args:
        informed: Points that are always starts.
        scattered: Partial autocorrelations; the best of them are starts as well.
        specification: The model; with long lags, scouts use the conditional sum of squares.
        fixed: Arguments of the likelihood beside the point.
    """
    exact = specification.longest_lag < CONDITIONAL_LAG
    candidates = [partials / np.sqrt(1.0 - partials**2) for partials in scattered]
    heights = [_height(point, fixed, exact=exact) for point in candidates]
    evaluations = len(candidates) if exact else len(informed)
    scouts = 2 + SCOUTS_PER_COEFFICIENT * len(informed[0])
    ranked = np.argsort(heights, kind="stable")[:scouts]
    scouted = [] if exact else [(_height(point, fixed, exact=True), point) for point in informed]
    for start in [*informed, *(candidates[i] for i in ranked)]:
        point, squares, used = descend(start, SCOUTING_ITERATIONS, TOLERANCE, *fixed, exact)
        scouted.append((squares if exact else _height(point, fixed, exact=True), point))
        evaluations += used if exact else 1
    scouted.sort(key=lambda pair: pair[0])
    apart: list[FloatArray] = []
    for _, point in scouted:
        if all(_distance(point, other) > SAME_BASIN for other in apart):
            apart.append(point)
    return apart[:DESCENTS], evaluations


def _hopeful(points: list[FloatArray], fixed: Fixed) -> tuple[list[FloatArray], int]:
    """Return the points after a few iterations, without those far behind the best."""
    begun = [descend(p, FIRST_ITERATIONS, QUICK_TOLERANCE, *fixed, True) for p in points]
    enough = (1.0 + HOPELESS) * min(squares for _, squares, _ in begun)
    kept = [point for point, squares, _ in begun if squares <= enough]
    return kept or points, sum(used for _, _, used in begun)


def _distance(point: FloatArray, other: FloatArray) -> float:
    """Return the largest difference of two points' partial autocorrelations."""
    partials = point / np.sqrt(1.0 + point**2), other / np.sqrt(1.0 + other**2)
    return float(np.max(np.abs(partials[0] - partials[1]), initial=0.0))


def _height(point: FloatArray, fixed: Fixed, *, exact: bool) -> float:
    residuals = scaled_residuals(point, *fixed, exact)
    squares = float(residuals @ residuals)
    return squares if np.isfinite(squares) else float("inf")
