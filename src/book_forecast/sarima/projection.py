"""Least squares of whitened series on whitened regressors and impulses of missing weeks."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.linalg import solve_triangular

from book_forecast.sarima.arrays import FloatArray, IntArray

# A regressor with a smaller share of its length beside the others is a combination of them.
SMALLEST_LENGTH = 1e-9


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
def triangularise(whitened: FloatArray, starts: IntArray) -> FloatArray:
    """Apply modified Gram-Schmidt to the rows: each becomes orthogonal to those before it.

    Args:
        whitened: Shape (k, n). Overwritten: all rows but the last get unit length, or zero if they
            depend on those before; the last one has its full length.
        starts: First week of each row that is not zero; late ones first are faster.

    Returns:
        The triangular factor, shape (k, k), with a zero on the diagonal for a dependent row and for
        the last one.
    """
    k, n = whitened.shape
    triangle = np.zeros((k, k))
    begin = n
    for i in range(k - 1):
        begin = min(begin, starts[i])
        row = whitened[i, begin:]
        squares = 0.0
        for t in range(n - begin):
            squares += row[t] * row[t]
        length = np.sqrt(squares)
        before = squares
        for j in range(i):
            before += triangle[j, i] ** 2
        independent = length > SMALLEST_LENGTH * np.sqrt(before)
        scale = 1.0 / length if independent else 0.0
        for t in range(n - begin):
            row[t] *= scale
        if not independent:
            continue
        triangle[i, i] = length
        for j in range(i + 1, k):
            other = whitened[j, begin:]
            share = 0.0
            for t in range(n - begin):
                share += row[t] * other[t]
            triangle[i, j] = share
            for t in range(n - begin):
                other[t] -= share * row[t]
    return triangle


@njit(cache=True, error_model="numpy")
def project_out(
    whitened: FloatArray, starts: IntArray, n_impulses: int
) -> tuple[FloatArray, FloatArray, float, int]:
    """Regress the last row on all rows before it by least squares.

    Args:
        whitened: Standardised innovations, shape (k, n): impulses, regressors, the series last.
            Overwritten.
        starts: First week of each row that is not zero.
        n_impulses: Number of first rows that are impulses of missing weeks.

    Returns:
        The residuals (n,); the triangular factor (k, k); the log determinant from integrating the
        impulses out; the number of independent impulses.
    """
    triangle = triangularise(whitened, starts)
    log_determinant = 0.0
    counted = 0
    for i in range(n_impulses):
        if triangle[i, i] > 0.0:
            log_determinant += 2.0 * np.log(triangle[i, i])
            counted += 1
    return whitened[len(whitened) - 1], triangle, log_determinant, counted


def regression_coefficients(triangle: FloatArray) -> FloatArray:
    """Return the coefficients of the last column on the others, (k - 1,); 0 if dependent."""
    independent = np.flatnonzero(np.diagonal(triangle))
    coefficients = np.zeros(len(triangle) - 1)
    if len(independent):
        factor = triangle[np.ix_(independent, independent)]
        coefficients[independent] = solve_triangular(factor, triangle[independent, -1])
    return coefficients
