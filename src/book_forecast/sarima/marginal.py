"""ARMA errors of a regression by the likelihood of what is left once it is integrated out.

The likelihood at estimated coefficients (`estimation`) takes what they explain by chance for
explained: errors look smaller and less dependent than they are, the more so the more regressors
there are and the fewer weeks. The marginal likelihood (Harville 1974; for ARMA errors Tunnicliffe
Wilson 1989) does not. It integrates the constant out as well, so that models with and without a
difference tell of the same weeks and their criteria may be compared.

Coefficients may have a normal prior around zero: they are then shrunk, as in a ridge regression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from book_forecast.sarima.arrays import FloatArray, IntArray
from book_forecast.sarima.descent import descend
from book_forecast.sarima.estimation import SarimaFit
from book_forecast.sarima.likelihood import Problem, make_problem, whiten_problem
from book_forecast.sarima.objective import to_arma, to_point
from book_forecast.sarima.projection import project_out, regression_coefficients
from book_forecast.sarima.specification import Specification
from book_forecast.sarima.starts import informed_starts

MAX_ITERATIONS = 40
TOLERANCE = 1e-6
MAX_EVALUATIONS = 80
# Stands for residuals where the process is not stationary: worse than any that occur.
UNSTABLE = 1e3
# Residuals of this size, squared and beside the largest value's square, are rounding errors.
ROUNDING = 1e-24


@dataclass(frozen=True, slots=True)
class Errors:
    """ARMA errors of a regression, as plain numbers.

    Attributes:
        specification: Their model.
        arma: Coefficients in the order of `specification.arma_names`.
        sigma2: Variance of the innovations, for the degrees of freedom that are left.
        coefficients: Of the trend's constant and the regressors given the errors, (trend + r,).
        log_likelihood: Marginal, at these parameters.
        n_effective: Weeks that carry it: those seen, less one for each difference and for each
            coefficient without a prior.
    """

    specification: Specification
    arma: FloatArray
    sigma2: float
    coefficients: FloatArray
    log_likelihood: float
    n_effective: int

    @property
    def aicc(self) -> float:
        """Akaike's criterion with its correction; infinite for a series too short for it.

        It compares errors of the same regression, whether differenced or not.
        """
        k = len(self.arma) + 1
        if self.n_effective <= k + 1:
            return float("inf")
        correction = 2.0 * k * (k + 1) / (self.n_effective - k - 1)
        return -2.0 * self.log_likelihood + 2.0 * k + correction

    def as_fit(self) -> SarimaFit:
        """The same as a model that forecasts."""
        return SarimaFit(
            specification=self.specification,
            arma=self.arma,
            sigma2=self.sigma2,
            coefficients=self.coefficients,
            log_likelihood=self.log_likelihood,
            n_effective=self.n_effective,
            evaluations=0,
        )


@dataclass(frozen=True, slots=True)
class Whitened:
    """A regression whose errors have been made white: all that least squares need of it.

    Attributes:
        factor: Upper triangular, shape (k, k): of the constant where the errors are not
            differenced, of the regressors, and of the series last. Gaps are integrated out.
        squares: What is left of the series beside all of them, its sum of squares.
        n_weeks: Weeks that carry information, before any coefficient is estimated.
    """

    factor: FloatArray
    squares: float
    n_weeks: int


def fit_errors(
    values: FloatArray,
    specification: Specification,
    regressors: FloatArray | None = None,
    *,
    spread: FloatArray | None = None,
    start: FloatArray | None = None,
) -> Errors:
    """Fits ARMA errors by marginal likelihood.

    Args:
        values: Weekly values, shape (n,); NaN where the week is missing.
        specification: The errors; with the trend "c" there is a constant, without a prior.
        regressors: Shape (n, r), complete.
        spread: Standard deviations of the coefficients' priors in units of the innovations', shape
            (r,); without it no coefficient has a prior.
        start: ARMA coefficients near which the optimum is expected; then the only start.

    Raises:
        ValueError: If there are too few weeks for the model, or nothing varies.
    """
    problem = make_problem(values, specification, regressors)
    free = problem.n_regressors - (0 if spread is None else len(spread))
    left = problem.n_weeks - problem.n_impulses - free
    if left < specification.n_arma + 2:
        raise ValueError(f"{max(left, 0)} weeks are too few for errors {specification}.")
    orders = np.array(specification.arma_orders, dtype=np.int64)
    starts = informed_starts(problem, specification) if start is None else [np.asarray(start)]
    points = [to_point(arma, orders) for arma in starts]
    if spread is None:
        nuisance = problem.n_impulses + problem.n_regressors
        fixed = (problem.columns, problem.starts, nuisance, orders, specification.s, True)
        found = [descend(point, MAX_ITERATIONS, TOLERANCE, *fixed)[:2] for point in points]
    else:
        found = [_descend_with_prior(point, problem, specification, spread) for point in points]
    best, _ = min(found, key=lambda each: each[1])
    return _errors(problem, specification, to_arma(best, orders), spread)


def best_errors(
    values: FloatArray,
    orders: Sequence[tuple[int, int, int]],
    regressors: FloatArray | None = None,
) -> Errors:
    """The errors of lowest AICc, with a constant where they are not differenced.

    Args:
        values: Weekly values, shape (n,); NaN where the week is missing.
        orders: (p, d, q) to choose from.
        regressors: Shape (n, r), complete.

    Raises:
        ValueError: If none of them can be fitted; with the first one's reason.
    """
    found, reasons = [], []
    for p, d, q in orders:
        try:
            errors = fit_errors(values, Specification(p, d, q, trend="n" if d else "c"), regressors)
        except ValueError as error:
            reasons.append(error)
        else:
            found.append(errors)
    if not found:
        raise reasons[0]
    return min(found, key=lambda each: each.aicc)


def _descend_with_prior(
    start: FloatArray, problem: Problem, specification: Specification, spread: FloatArray
) -> tuple[FloatArray, float]:
    """The best point near one, and its sum of squares."""
    orders: IntArray = np.array(specification.arma_orders, dtype=np.int64)

    def residuals(point: FloatArray) -> FloatArray:
        projected = _project(problem, specification, to_arma(point, orders), spread)
        if projected is None:
            return np.full(problem.n_weeks + len(spread), UNSTABLE)
        return projected.residuals * np.exp(0.5 * projected.log_scale / projected.n_effective)

    if not len(start):
        return start, 0.0
    tolerances = {"ftol": TOLERANCE, "xtol": TOLERANCE, "max_nfev": MAX_EVALUATIONS}
    found = least_squares(residuals, start, method="lm", **tolerances)
    return np.asarray(found.x, dtype=np.float64), float(found.cost)


@dataclass(frozen=True, slots=True)
class _Projected:
    """Least squares at given errors: `log_scale` is the log determinant that integrals leave."""

    residuals: FloatArray
    triangle: FloatArray
    log_scale: float
    n_effective: int


def _project(
    problem: Problem, specification: Specification, arma: FloatArray, spread: FloatArray | None
) -> _Projected | None:
    """Integrates gaps, constant and coefficients out; None where errors are not stationary.

    A prior is a further week for its coefficient, in which zero was seen for one over its spread.
    """
    whitened, log_variance = whiten_problem(problem, specification, arma)
    if not np.isfinite(log_variance):
        return None
    nuisance = problem.n_impulses + problem.n_regressors
    n_seen = problem.n_weeks
    if spread is not None:
        n_priors = len(spread)
        priors = np.zeros((len(whitened), n_priors))
        priors[nuisance - n_priors + np.arange(n_priors), np.arange(n_priors)] = 1.0 / spread
        whitened = np.ascontiguousarray(np.concatenate([whitened, priors], axis=1))
        log_variance += 2.0 * float(np.sum(np.log(spread)))
        n_seen += n_priors
    residuals, triangle, log_determinant, counted = project_out(whitened, problem.starts, nuisance)
    return _Projected(residuals, triangle, log_variance + log_determinant, n_seen - counted)


def _errors(
    problem: Problem, specification: Specification, arma: FloatArray, spread: FloatArray | None
) -> Errors:
    projected = _project(problem, specification, arma, spread)
    if projected is None:
        raise ValueError(f"No stationary errors {specification} were found.")
    n_effective, residuals = projected.n_effective, projected.residuals
    sigma2 = float(residuals @ residuals) / max(n_effective, 1)
    if n_effective < 1 or not sigma2 > ROUNDING * float(np.max(problem.columns[-1] ** 2)):
        raise ValueError(f"{specification} leaves no residual variance: the series does not vary.")
    value = -0.5 * (n_effective * (np.log(2.0 * np.pi * sigma2) + 1.0) + projected.log_scale)
    return Errors(
        specification=specification,
        arma=arma,
        sigma2=sigma2,
        coefficients=regression_coefficients(projected.triangle)[problem.n_impulses :],
        log_likelihood=float(value),
        n_effective=n_effective,
    )


def whiten_regression(
    values: FloatArray,
    specification: Specification,
    arma: FloatArray,
    regressors: FloatArray | None = None,
) -> Whitened:
    """Makes the errors of a regression white at given coefficients of theirs.

    Args:
        values: Weekly values, shape (n,); NaN where the week is missing.
        specification: The errors.
        arma: Their coefficients.
        regressors: Shape (n, r), complete.

    Raises:
        ValueError: If the errors are not stationary at these coefficients.
    """
    problem = make_problem(values, specification, regressors)
    whitened, log_variance = whiten_problem(problem, specification, arma)
    if not np.isfinite(log_variance):
        raise ValueError(f"{specification} is not stationary with the coefficients {arma}.")
    residuals, triangle, _, counted = project_out(whitened, problem.starts, problem.n_impulses)
    factor = triangle[problem.n_impulses :, problem.n_impulses :]
    return Whitened(factor, float(residuals @ residuals), problem.n_weeks - counted)
