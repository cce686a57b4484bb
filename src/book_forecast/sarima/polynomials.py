"""Lag polynomials: the stationary region, products of seasonal factors, differencing.

All coefficients follow statsmodels: an autoregressive polynomial is 1 - a_1 B - ... - a_p B^p, a
moving-average polynomial is 1 + m_1 B + ... + m_q B^q.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from book_forecast.sarima.arrays import FloatArray, IntArray
from book_forecast.sarima.specification import Specification

# Beyond this partial autocorrelation a process counts as non-stationary: the variance, which starts
# the recursions, would lose half of its digits.
LARGEST_PARTIAL = 1.0 - 1e-8


@njit(cache=True, error_model="numpy")
def partials_to_coefficients(partials: FloatArray) -> FloatArray:
    """Return the AR coefficients with given partial autocorrelations (Monahan 1984)."""
    coefficients = partials.copy()
    for k in range(1, len(partials)):
        previous = coefficients[:k].copy()
        for i in range(k):
            coefficients[i] = previous[i] - partials[k] * previous[k - 1 - i]
    return coefficients


@njit(cache=True, error_model="numpy")
def coefficients_to_partials(coefficients: FloatArray) -> FloatArray:
    """Return the partial autocorrelations of AR coefficients; not all in (-1, 1) if unstable."""
    partials = coefficients.copy()
    for k in range(len(coefficients) - 1, 0, -1):
        last = partials[k]
        scale = 1.0 - last * last
        if scale == 0.0:
            partials[k] = np.inf
            return partials
        previous = partials[:k].copy()
        for i in range(k):
            partials[i] = (previous[i] + last * previous[k - 1 - i]) / scale
    return partials


@njit(cache=True, error_model="numpy")
def multiply_factors(plain: FloatArray, seasonal: FloatArray, s: int) -> FloatArray:
    """Return the coefficients of (1 + sum plain_i B^i)(1 + sum seasonal_j B^(j s)), lags 1, ..."""
    p, n_seasonal = len(plain), len(seasonal)
    product = np.zeros(p + n_seasonal * s)
    for i in range(p):
        product[i] += plain[i]
    for j in range(n_seasonal):
        product[(j + 1) * s - 1] += seasonal[j]
        for i in range(p):
            product[(j + 1) * s + i] += seasonal[j] * plain[i]
    return product


@njit(cache=True, error_model="numpy")
def nonzero_lags(coefficients: FloatArray) -> IntArray:
    """Return the lags, from 1, with a non-zero coefficient."""
    lags = np.empty(len(coefficients), dtype=np.int64)
    found = 0
    for i in range(len(coefficients)):
        if coefficients[i] != 0.0:
            lags[found] = i + 1
            found += 1
    return lags[:found]


def difference(values: FloatArray, specification: Specification) -> FloatArray:
    """Difference d times at lag 1 and D times at lag s along the last axis."""
    for _ in range(specification.D):
        values = values[..., specification.s :] - values[..., : -specification.s]
    for _ in range(specification.d):
        values = values[..., 1:] - values[..., :-1]
    return values
