"""Innovations of series under an ARMA process, in O(n m) operations.

They come from the Chandrasekhar recursions (Morf, Sidhu and Kailath 1974; for ARMA Pearlman 1980
and Melard 1984). Written for the deviation of the gain from the autoregressive coefficients, they
become a Schur recursion on two vectors of length m = max(p*, q*), and the autoregressive part
enters through its non-zero coefficients alone.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from book_forecast.sarima.arrays import FloatArray, IntArray
from book_forecast.sarima.autocovariance import arma_autocovariance
from book_forecast.sarima.polynomials import nonzero_lags

# The recursion has converged once its generator does not change the gain in double precision.
SETTLED = 1e-14
CHECK_EVERY = 16
# Variances are multiplied until they are this large before their logarithm is taken.
LARGEST_PRODUCT = 1e200


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def first_gain(ar: FloatArray, ma: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Return the variance of the first week and the recursion's two generators of m elements."""
    m = max(len(ar), len(ma))
    gamma = arma_autocovariance(ar, ma, m)
    if not np.isfinite(gamma[0]):
        return np.inf, np.zeros(m), np.zeros(m)
    generator = gamma[1:] / gamma[0]
    correlations = generator.copy()
    for lag in nonzero_lags(ar):
        coefficient, later = ar[lag - 1], generator[lag:]
        for i in range(len(later)):
            later[i] -= coefficient * correlations[i]
    gain = generator.copy()
    gain[: len(ar)] -= ar
    return gamma[0], gain, generator


@njit(cache=True, error_model="numpy")
def vanishes(generator: FloatArray, left: float) -> bool:
    """Return whether the generator over the remaining variance does not change the gain."""
    largest = 0.0
    for value in generator:
        largest = max(largest, abs(value))
    return largest < SETTLED * left


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def filter_sparse(columns: FloatArray, starts: IntArray, ar: FloatArray) -> FloatArray:
    """Return each column less its autoregressive prediction."""
    k, n = columns.shape
    filtered = columns.copy()
    for lag in nonzero_lags(ar):
        coefficient = ar[lag - 1]
        for c in range(k):
            for t in range(starts[c], n - lag):
                filtered[c, t + lag] -= coefficient * columns[c, t]
    return filtered


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def pass_on(
    coming: FloatArray,
    gain: FloatArray,
    generator: FloatArray,
    partial: float,
    first: float,
    second: float,
) -> None:
    """Subtract the predictions by two innovations from a column's next weeks; see `rotate_twice`.

    Args:
        coming: From the third week on, as many weeks as the recursion has elements.
        gain: At least one element longer.
        generator: At least one element longer.
        partial: First partial autocorrelation.
        first: Innovation of the first week, divided by the remaining variance.
        second: Innovation of the second week, divided likewise.
    """
    for i in range(len(coming)):
        moved = gain[i] - partial * generator[i + 1]
        coming[i] -= gain[i + 1] * first + moved * second


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def rotate_twice(
    gain: FloatArray, generator: FloatArray, length: int, partial: float, following: float
) -> None:
    """Advance both generators by two weeks, in place.

    Two weeks at a time, as memory access limits the loop. The generators are not normalised: they
    lack a factor of the remaining variance.

    Args:
        gain: Deviation of the gain from the autoregressive coefficients; zero at and behind the
            length of the first week's recursion.
        generator: The other generator, from this week on; two elements longer.
        length: That of the second week's recursion.
        partial: The first of two partial autocorrelations.
        following: The second.
    """
    for i in range(length):
        moved = gain[i] - partial * generator[i + 1]
        shifted = generator[i + 2] - partial * gain[i + 1]
        gain[i] = moved - following * shifted
        generator[i] = shifted - following * moved
    generator[length] = 0.0
    generator[length + 1] = 0.0


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def whiten(
    columns: FloatArray, starts: IntArray, ar: FloatArray, ma: FloatArray
) -> tuple[FloatArray, float]:
    """Return each column's innovations under an ARMA process, in standard deviations.

    Args:
        columns: One series a row, shape (k, n).
        starts: First week of each column that is not zero, shape (k,).
        ar: Product of the autoregressive factors, lags 1 to p*.
        ma: Product of the moving-average factors, lags 1 to q*.

    Returns:
        The standardised innovations, shape (k, n), and the sum over the weeks of the log of the
        innovation variances (for unit variance of the noise); the sum is infinite where the process
        is not stationary.
    """
    k, n = columns.shape
    variance, first_of_gain, first_of_generator = first_gain(ar, ma)
    if not np.isfinite(variance):
        return np.zeros((k, n)), np.inf
    p, q = len(ar), len(ma)
    m = max(p, q)
    gain = np.zeros(m + 2)
    generator = np.zeros(m + 2)
    gain[:m] = first_of_gain
    generator[:m] = first_of_generator
    # Room for a week after the last, so that weeks come in pairs.
    coming = np.zeros((k, n + m + 2))
    coming[:, :n] = filter_sparse(columns, starts, ar)
    weights = np.ones(n + 1)
    log_variance, product, left = 0.0, 1.0, 1.0
    t = 0
    while t < n and not (t >= p and t % CHECK_EVERY == 0 and vanishes(generator[:q], left)):
        inverse = 1.0 / left
        partial = generator[0] * inverse
        left_after = left * (1.0 - partial) * (1.0 + partial)
        inverse_after = 1.0 / left_after
        following = (generator[1] - partial * gain[0]) * inverse_after
        weights[t], weights[t + 1] = variance * left, variance * left_after
        length = max(p - t - 1, q)
        for c in range(k):
            if t + 1 < starts[c]:
                continue
            first = coming[c, t] * inverse
            coming[c, t + 1] -= gain[0] * first
            second = coming[c, t + 1] * inverse_after
            begin = t + 2
            pass_on(coming[c, begin : begin + length], gain, generator, partial, first, second)
        rotate_twice(gain, generator, length, partial, following)
        gain[max(p - t - 2, q)] = 0.0
        left = left_after * (1.0 - following) * (1.0 + following)
        t += 2
    if t < n:
        settle(coming, ma, t, n)
    for week in range(n):
        product *= weights[week]
        if product > LARGEST_PRODUCT:
            log_variance += np.log(product)
            product = 1.0
    log_variance += np.log(product)
    return coming[:, :n] / np.sqrt(weights[:n]), log_variance


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def settle(coming: FloatArray, ma: FloatArray, begin: int, end: int) -> None:
    """Subtract the predictions by innovations once the gain has converged."""
    ma_lags = nonzero_lags(ma)
    for c in range(len(coming)):
        for t in range(begin, end):
            for lag in ma_lags:
                coming[c, t + lag] -= ma[lag - 1] * coming[c, t]
