"""The exact Gaussian likelihood of a seasonal ARIMA model from its innovations.

A missing week is set to zero and gets a regressor of its own, an impulse, which is integrated out
(Gomez, Maravall and Pena 1999). On the differenced series this equals the exact diffuse likelihood
of the known weeks. Generalised least squares concentrate out the regression coefficients and the
innovation variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from book_forecast.sarima.arrays import FloatArray, IntArray
from book_forecast.sarima.polynomials import difference, multiply_factors
from book_forecast.sarima.projection import project_out
from book_forecast.sarima.specification import Specification
from book_forecast.sarima.whitening import whiten


@dataclass(frozen=True, slots=True)
class Problem:
    """A differenced series with an impulse for each missing week.

    Attributes:
        columns: Impulses (of the latest missing week first), regressors and the series,
            differenced, shape (k, n - lost weeks).
        starts: First week of each column that is not zero.
        n_impulses: Number of missing weeks.
        n_regressors: Number of regressors, including the trend's constant, which is the first.
    """

    columns: FloatArray
    starts: IntArray
    n_impulses: int
    n_regressors: int

    @property
    def n_weeks(self) -> int:
        """Weeks left after differencing."""
        return int(self.columns.shape[1])


def make_problem(
    values: FloatArray, specification: Specification, regressors: FloatArray | None = None
) -> Problem:
    """Difference a series with its regressors and add an impulse for each missing week.

    Args:
        values: Weekly values, shape (n,); NaN where the week is missing.
        specification: The model.
        regressors: Shape (n, r), complete; the trend's constant is added here.

    Raises:
        ValueError: If the series is too short to be differenced, or a regressor is not finite or
            not as long as the series.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    n = len(values)
    if n <= specification.lost_weeks:
        raise ValueError(
            f"{specification} needs more than {specification.lost_weeks} weeks, not {n}."
        )
    # Latest first, which is fast in `triangularise`.
    missing = np.flatnonzero(~np.isfinite(values))[::-1]
    impulses = np.zeros((len(missing), n))
    impulses[np.arange(len(missing)), missing] = 1.0
    blocks = [impulses]
    if specification.trend == "c":
        blocks.append(np.ones((1, n)))
    if regressors is not None and regressors.size:
        if regressors.shape[0] != n or not np.all(np.isfinite(regressors)):
            raise ValueError(f"Regressors must be finite and cover the {n} weeks of the series.")
        blocks.append(np.asarray(regressors, dtype=np.float64).T)
    blocks.append(np.where(np.isfinite(values), values, 0.0)[None, :])
    columns = np.ascontiguousarray(difference(np.concatenate(blocks), specification))
    filled = columns != 0.0
    starts = np.where(filled.any(axis=1), filled.argmax(axis=1), columns.shape[1])
    return Problem(
        columns=columns,
        starts=starts.astype(np.int64),
        n_impulses=len(missing),
        n_regressors=len(columns) - len(missing) - 1,
    )


@njit(cache=True, error_model="numpy")
def reduced_polynomials(
    arma: FloatArray, p: int, q: int, n_seasonal_ar: int, n_seasonal_ma: int, s: int
) -> tuple[FloatArray, FloatArray]:
    """Return the products of plain and seasonal factors, autoregressive and moving-average."""
    seasonal_ar = arma[p + q : p + q + n_seasonal_ar]
    seasonal_ma = arma[p + q + n_seasonal_ar : p + q + n_seasonal_ar + n_seasonal_ma]
    ar = -multiply_factors(-arma[:p], -seasonal_ar, s)
    ma = multiply_factors(arma[p : p + q], seasonal_ma, s)
    return ar, ma


def whiten_problem(
    problem: Problem, specification: Specification, arma: FloatArray
) -> tuple[FloatArray, float]:
    """Call `whiten` with the polynomials of a model at given coefficients."""
    ar, ma = reduced_polynomials(arma, *specification.arma_orders, specification.s)
    return whiten(problem.columns, problem.starts, ar, ma)


def log_likelihood(
    values: FloatArray,
    specification: Specification,
    arma: FloatArray,
    sigma2: float,
    regressors: FloatArray | None = None,
    coefficients: FloatArray | None = None,
) -> float:
    """Return the exact log-likelihood of a series at given parameters.

    It equals statsmodels' `SARIMAX(..., use_exact_diffuse=True).loglike(...)` plus
    (d + D s)/2 log 2 pi, and without missing weeks that with `simple_differencing=True`. If missing
    weeks leave a week of the season without any known value, constants differ: such weeks are
    skipped here.

    Args:
        values: Weekly values, shape (n,); NaN where the week is missing.
        specification: The model.
        arma: Coefficients in the order of `specification.arma_names`.
        sigma2: Variance of the innovations.
        regressors: Shape (n, r).
        coefficients: Of the trend's constant and the regressors, in this order; shape (trend + r,).

    Returns:
        The log-likelihood; minus infinity where the process is not stationary.
    """
    if coefficients is not None and len(coefficients):
        design = full_design(len(values), specification, regressors)
        values = values - design @ np.asarray(coefficients)
    problem = make_problem(values, specification.without_trend)
    whitened, log_variance = whiten_problem(problem, specification, np.asarray(arma, dtype=float))
    if not np.isfinite(log_variance):
        return -np.inf
    residuals, _, log_determinant, counted = project_out(
        whitened, problem.starts, problem.n_impulses
    )
    n_effective = problem.n_weeks - counted
    squares = float(residuals @ residuals)
    return -0.5 * (
        n_effective * np.log(2.0 * np.pi * sigma2)
        + log_variance
        + log_determinant
        + squares / sigma2
    )


def full_design(n: int, specification: Specification, regressors: FloatArray | None) -> FloatArray:
    """Return the trend's constant and the regressors side by side, shape (n, trend + r)."""
    blocks = [np.ones((n, 1))] if specification.trend == "c" else []
    if regressors is not None and regressors.size:
        blocks.append(np.asarray(regressors, dtype=np.float64))
    return np.concatenate(blocks, axis=1) if blocks else np.empty((n, 0))
