"""Autocovariances of a stationary ARMA process with unit innovation variance."""

from __future__ import annotations

import numpy as np
from numba import njit

from book_forecast.sarima.arrays import FloatArray
from book_forecast.sarima.polynomials import LARGEST_PARTIAL, nonzero_lags


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def partial_autocorrelations(ar: FloatArray) -> FloatArray:
    """Run the Levinson recursion down from the coefficients, in O(r^2); NaN if not stationary."""
    r = len(ar)
    partials = np.zeros(r)
    row, reverse = ar.copy(), np.empty(r)
    for k in range(r, 0, -1):
        last = row[k - 1]
        if not abs(last) < LARGEST_PARTIAL:
            partials[0] = np.nan
            return partials
        partials[k - 1] = last
        if last == 0.0:
            continue
        scale = 1.0 / ((1.0 - last) * (1.0 + last))
        for i in range(k - 1):
            reverse[i] = row[k - 2 - i]
        for i in range(k - 1):
            row[i] = (row[i] + last * reverse[i]) * scale
    return partials


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
def ar_autocovariance(ar: FloatArray, n_lags: int) -> FloatArray:
    """Return the autocovariances of 1 / (1 - sum ar_i B^i) at lags 0 to n_lags.

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
    partials = partial_autocorrelations(ar)
    variance = 1.0
    for last in partials:
        variance /= (1.0 - last) * (1.0 + last)
    if not np.isfinite(variance):
        gamma[0] = np.inf
        return gamma
    # Lag h stands at r - h, where sums over lags that fall read forwards.
    backwards = np.zeros(r + 1)
    gamma[0] = backwards[r] = variance
    row, reverse = np.zeros(r), np.empty(r)
    for k in range(1, r + 1):
        last = partials[k - 1]
        lagged = backwards[r - k + 1 :]
        total = last * variance
        for i in range(k - 1):
            total += row[i] * lagged[i]
        gamma[k] = backwards[r - k] = total
        variance *= (1.0 - last) * (1.0 + last)
        if last == 0.0:
            continue
        for i in range(k - 1):
            reverse[i] = row[k - 2 - i]
        for i in range(k - 1):
            row[i] -= last * reverse[i]
        row[k - 1] = last
    lags = nonzero_lags(ar)
    for k in range(r + 1, n_lags + 1):
        for lag in lags:
            gamma[k] += ar[lag - 1] * gamma[k - lag]
    return gamma


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def arma_autocovariance(ar: FloatArray, ma: FloatArray, n_lags: int) -> FloatArray:
    """Return autocovariances of (1 + sum ma_j B^j) / (1 - sum ar_i B^i) at lags 0 to n_lags."""
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
    # Lag h stands at q + h, so that no lag is negative.
    around = np.empty(n_lags + 2 * q + 1)
    around[q:] = gamma_ar[: n_lags + q + 1]
    for lag in range(1, q + 1):
        around[q - lag] = gamma_ar[lag]
    gamma = correlation[0] * gamma_ar[: n_lags + 1]
    for lag in nonzero_lags(correlation[1:]):
        factor = correlation[lag]
        later, earlier = around[q + lag :], around[q - lag :]
        for h in range(n_lags + 1):
            gamma[h] += factor * (later[h] + earlier[h])
    return gamma
