"""Residuals given zeros before the first week: Box and Jenkins's conditional sum of squares.

It approximates the exact innovations at a fraction of their cost, factor by factor: the plain one
is a recursion from week to week, the seasonal one works on the weeks of a season side by side.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from book_forecast.sarima.arrays import FloatArray, IntArray


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def multiply_by(factor: FloatArray, step: int, series: FloatArray) -> FloatArray:
    """Multiply a series by (1 + sum factor_i B^(i step)), with zeros before its first week."""
    product = series.copy()
    for i in range(len(factor)):
        lag = (i + 1) * step
        coefficient = factor[i]
        for t in range(len(series) - lag):
            product[t + lag] += coefficient * series[t]
    return product


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def divide_by_plain(factor: FloatArray, series: FloatArray) -> None:
    """Divide a series by (1 + sum factor_i B^i), in place."""
    q, n = len(factor), len(series)
    # Up to three lags stay in registers: the recursion then takes a multiplication a week.
    first = factor[0] if q > 0 else 0.0
    second = factor[1] if q > 1 else 0.0
    third = factor[2] if q > 2 else 0.0
    one = two = three = 0.0
    for t in range(n):
        value = series[t] - third * three - second * two
        for i in range(3, min(q, t)):
            value -= factor[i] * series[t - 1 - i]
        value -= first * one
        three, two, one = two, one, value
        series[t] = value


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def divide_by_seasonal(factor: FloatArray, s: int, series: FloatArray) -> None:
    """Divide a series by (1 + sum factor_j B^(j s)), in place."""
    for begin in range(s, len(series), s):
        end = min(begin + s, len(series))
        for j in range(min(len(factor), begin // s)):
            coefficient, back = factor[j], (j + 1) * s
            for t in range(begin, end):
                series[t] -= coefficient * series[t - back]


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def whiten_conditionally(
    columns: FloatArray, starts: IntArray, arma: FloatArray, orders: IntArray, s: int
) -> FloatArray:
    """Return innovations given zeros before the first week; zero where they need such weeks.

    Args:
        columns: One series a row, shape (k, n).
        starts: First week of each column that is not zero, shape (k,).
        arma: Coefficients in the order of `Specification.arma_names`.
        orders: (p, q, P, Q).
        s: Weeks in a season.

    Returns:
        Shape (k, n).
    """
    p, q, n_seasonal_ar = orders[0], orders[1], orders[2]
    seasonal = arma[p + q :]
    longest = p + s * n_seasonal_ar
    n = columns.shape[1]
    whitened = np.zeros(columns.shape)
    for c in range(len(columns)):
        begin = starts[c]
        series = multiply_by(-arma[:p], 1, columns[c, begin:])
        series = multiply_by(-seasonal[:n_seasonal_ar], s, series)
        if 2 * longest < n:
            series[: max(longest - begin, 0)] = 0.0
        if q > 0:
            divide_by_plain(arma[p : p + q], series)
        divide_by_seasonal(seasonal[n_seasonal_ar:], s, series)
        whitened[c, begin:] = series
    return whitened
