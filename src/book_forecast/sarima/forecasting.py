"""Forecasts with exact prediction variances, and standardised residuals.

A week ahead is a missing week at the end of the series. Its impulse is estimated with the others by
generalised least squares; the triangular factor of that regression holds the prediction covariance.
The same pass interpolates gaps, whatever the differencing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from book_forecast.sarima.arrays import FloatArray
from book_forecast.sarima.estimation import SarimaFit
from book_forecast.sarima.likelihood import full_design, make_problem, whiten_problem
from book_forecast.sarima.projection import triangularise
from book_forecast.sarima.specification import Specification


@dataclass(frozen=True, slots=True)
class Prediction:
    """Gaussian predictive distribution of the weeks ahead.

    Attributes:
        mean: Shape (horizon,).
        covariance: Of the prediction errors, shape (horizon, horizon), parameters taken as known.
    """

    mean: FloatArray
    covariance: FloatArray

    @property
    def variance(self) -> FloatArray:
        """Of each week's prediction error, shape (horizon,)."""
        return np.diagonal(self.covariance)


def predict(
    fit: SarimaFit,
    values: FloatArray,
    horizon: int,
    regressors: FloatArray | None = None,
    future_regressors: FloatArray | None = None,
) -> Prediction:
    """Forecast the weeks after a series with the parameters of a fit.

    Args:
        fit: The model; its weeks may differ from `values`.
        values: Weekly values up to the cutoff, shape (n,); NaN where the week is missing.
        horizon: Weeks ahead.
        regressors: Shape (n, r), as in the fit.
        future_regressors: Shape (horizon, r).

    Raises:
        ValueError: If the series is too short to undo the model's differences.
    """
    if horizon < 1:
        raise ValueError(f"horizon must be at least 1, not {horizon}.")
    specification = fit.specification
    n = len(values)
    past = full_design(n, specification, regressors) @ fit.coefficients
    future = full_design(horizon, specification, future_regressors) @ fit.coefficients
    extended = np.concatenate([values - past, np.full(horizon, np.nan)])
    problem = make_problem(extended, specification.without_trend)
    whitened, _ = whiten_problem(problem, specification, fit.arma)
    triangle = triangularise(whitened, problem.starts)
    mean, covariance = _weeks_ahead(triangle, horizon, specification)
    return Prediction(mean=mean + future, covariance=fit.sigma2 * covariance)


def _weeks_ahead(
    triangle: FloatArray, horizon: int, specification: Specification
) -> tuple[FloatArray, FloatArray]:
    """Return mean and covariance, for unit variance, of the first impulses, the latest first."""
    diagonal = np.diagonal(triangle)[:-1]
    independent = np.flatnonzero(diagonal)
    factor = triangle[np.ix_(independent, independent)]
    # The impulse of a gap without information is a combination of others. That is an error only if
    # weeks ahead are among these.
    dependent = np.flatnonzero(diagonal == 0.0)
    shares = solve_triangular(factor, triangle[np.ix_(independent, dependent)])
    if np.any(dependent < horizon) or np.any(np.abs(shares[independent < horizon]) > 1e-9):
        raise ValueError(f"{specification}: too few weeks are known to forecast.")
    inverse = solve_triangular(factor, np.eye(len(independent)))[:horizon]
    mean = -(inverse @ triangle[independent, -1])
    covariance = inverse @ inverse.T
    return mean[::-1], covariance[::-1, ::-1]


def standardised_residuals(
    fit: SarimaFit, values: FloatArray, regressors: FloatArray | None = None
) -> FloatArray:
    """Return one-step prediction errors in units of their standard deviation, shape (n,).

    NaN where the week is missing or lost to differencing. Gaps are filled with their expectation
    given all weeks.
    """
    specification = fit.specification
    past = full_design(len(values), specification, regressors) @ fit.coefficients
    problem = make_problem(values - past, specification.without_trend)
    whitened, _ = whiten_problem(problem, specification, fit.arma)
    triangularise(whitened, problem.starts)
    residuals = np.full(len(values), np.nan)
    residuals[specification.lost_weeks :] = whitened[-1] / np.sqrt(fit.sigma2)
    residuals[~np.isfinite(values)] = np.nan
    return residuals
