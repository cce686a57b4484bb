"""Starting values for the maximisation of the likelihood."""

from __future__ import annotations

import numpy as np
from scipy.linalg import lstsq
from scipy.stats import qmc

from book_forecast.sarima.arrays import FloatArray
from book_forecast.sarima.likelihood import Problem
from book_forecast.sarima.specification import Specification

SCATTERED_PER_COEFFICIENT = 24
SCATTER_RADIUS = 0.9


def informed_starts(problem: Problem, specification: Specification) -> list[FloatArray]:
    """Return two starts: no dependence at all, and Hannan and Rissanen's (1982).

    Args:
        problem: The differenced series.
        specification: The model.

    Returns:
        Arrays in the order of `specification.arma_names`; they may lie outside the stable region.
    """
    if specification.n_arma == 0:
        return [np.empty(0)]
    return [np.zeros(specification.n_arma), _hannan_rissanen(problem, specification)]


def scattered_starts(specification: Specification) -> list[FloatArray]:
    """Return partial autocorrelations scattered over the stable region, in the same order."""
    k = specification.n_arma
    if k == 0:
        return []
    halton = qmc.Halton(d=k, scramble=False)
    halton.fast_forward(1)
    return list(SCATTER_RADIUS * (2.0 * halton.random(SCATTERED_PER_COEFFICIENT * k) - 1.0))


def _hannan_rissanen(problem: Problem, specification: Specification) -> FloatArray:
    """Regress on own lags and on the lagged residuals of a long autoregression."""
    series = _filled(problem)
    s, n = specification.s, len(series)
    long_lags = sorted({*range(1, 7), *((s - 1, s, s + 1, 2 * s) if s > 1 else ())})
    long_lags = [lag for lag in long_lags if 3 * lag < n]
    residuals = np.zeros(n)
    first = max(long_lags, default=0)
    if long_lags:
        lagged = _lagged(series, long_lags, first)
        residuals[first:] = series[first:] - lagged @ lstsq(lagged, series[first:])[0]
    own = [*range(1, specification.p + 1)]
    shocks = [*range(1, specification.q + 1)]
    own_seasonal = [s * i for i in range(1, specification.P + 1)]
    shocks_seasonal = [s * i for i in range(1, specification.Q + 1)]
    begin = max(own + shocks + own_seasonal + shocks_seasonal)
    if begin + first + 2 * specification.n_arma >= n:
        return np.zeros(specification.n_arma)
    begin += first
    design = np.concatenate(
        [
            _lagged(series, own, begin),
            _lagged(residuals, shocks, begin),
            _lagged(series, own_seasonal, begin),
            _lagged(residuals, shocks_seasonal, begin),
        ],
        axis=1,
    )
    return np.asarray(lstsq(design, series[begin:])[0], dtype=np.float64)


def _filled(problem: Problem) -> FloatArray:
    """Return the series without regressors, with missing weeks fitted by least squares."""
    others, series = problem.columns[:-1], problem.columns[-1]
    if not len(others):
        return series
    return np.asarray(series - others.T @ lstsq(others.T, series)[0], dtype=np.float64)


def _lagged(series: FloatArray, lags: list[int], begin: int) -> FloatArray:
    n = len(series)
    if not lags:
        return np.empty((n - begin, 0))
    return np.stack([series[begin - lag : n - lag] for lag in lags], axis=1)
