"""Autocovariances of a stationary ARMA process with unit innovation variance."""

from __future__ import annotations

import numpy as np
from numba import njit

from book_forecast.sarima.arrays import FloatArray
from book_forecast.sarima.polynomials import LARGEST_PARTIAL, nonzero_lags


@njit(cache=True, error_model="numpy")
def ar_autocovariance(ar: FloatArray, n_lags: int) -> FloatArray:
    """Autocovariances of 1 / (1 - sum ar_i B^i) at lags 0 to n_lags.

    The Levinson recursion is run down from the coefficients to the partial autocorrelations, and
    up again to the autocovariances: O(r^2) for order r, where solving the Yule-Walker equations
    is O(r^3).

    Args:
        ar: Coefficients at lags 1 to r.
        n_lags: Largest lag wanted.

    Returns:
        n_lags + 1 autocovariances; the first is infinite where the process is not stationary.
    """
    r = len(ar)
    gamma = np.zeros(max(n_lags, r) + 1)
    rows = np.zeros((r + 1, r))
    for i in range(r):
        rows[r, i] = ar[i]
    prediction_variance = np.ones(r + 1)
    for k in range(r, 0, -1):
        last = rows[k, k - 1]
        if not abs(last) < LARGEST_PARTIAL:
            gamma[0] = np.inf
            return gamma
        scale = 1.0 / (1.0 - last * last)
        for i in range(k - 1):
            rows[k - 1, i] = (rows[k, i] + last * rows[k, k - 2 - i]) * scale
        prediction_variance[k - 1] = prediction_variance[k] * scale
    gamma[0] = prediction_variance[0]
    for k in range(1, r + 1):
        total = rows[k, k - 1] * prediction_variance[k - 1]
        for i in range(k - 1):
            total += rows[k - 1, i] * gamma[k - 1 - i]
        gamma[k] = total
    lags = nonzero_lags(ar)
    for k in range(r + 1, n_lags + 1):
        for lag in lags:
            gamma[k] += ar[lag - 1] * gamma[k - lag]
    return gamma


@njit(cache=True, error_model="numpy")
def arma_autocovariance(ar: FloatArray, ma: FloatArray, n_lags: int) -> FloatArray:
    """Autocovariances of (1 + sum ma_j B^j) / (1 - sum ar_i B^i) at lags 0 to n_lags."""
    q = len(ma)
    gamma_ar = ar_autocovariance(ar, n_lags + q)
    if not np.isfinite(gamma_ar[0]):
        return gamma_ar[: n_lags + 1]
    ma_lags = nonzero_lags(ma)
    correlation = np.zeros(q + 1)
    correlation[0] = 1.0
    for i in ma_lags:
        correlation[i] += ma[i - 1]
        for j in ma_lags:
            if j >= i:
                correlation[j - i] += ma[i - 1] * ma[j - 1]
    gamma = np.empty(n_lags + 1)
    for h in range(n_lags + 1):
        gamma[h] = correlation[0] * gamma_ar[h]
    for lag in nonzero_lags(correlation[1:]):
        for h in range(n_lags + 1):
            gamma[h] += correlation[lag] * (gamma_ar[h + lag] + gamma_ar[abs(h - lag)])
    return gamma
