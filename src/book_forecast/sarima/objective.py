"""The likelihood as an objective to minimise: a sum of squares over an unbounded space.

With the innovation variance and the regression coefficients concentrated out, the maximum of the
likelihood is the minimum of the innovations' sum of squares, scaled by the geometric mean of their
variances.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from book_forecast.sarima.arrays import FloatArray, IntArray
from book_forecast.sarima.conditional import whiten_conditionally
from book_forecast.sarima.likelihood import reduced_polynomials
from book_forecast.sarima.polynomials import coefficients_to_partials, partials_to_coefficients
from book_forecast.sarima.projection import project_out
from book_forecast.sarima.whitening import whiten

SMALLEST_STEP = 1e-7


@njit(cache=True, error_model="numpy")
def to_arma(point: FloatArray, orders: IntArray) -> FloatArray:
    """Return the coefficients of a point of the unbounded space, through partials in (-1, 1)."""
    partials = point / np.sqrt(1.0 + point * point)
    arma = np.empty(len(point))
    begin = 0
    for block in range(4):
        sign = 1.0 if block % 2 == 0 else -1.0
        coefficients = partials_to_coefficients(partials[begin : begin + orders[block]])
        for i in range(orders[block]):
            arma[begin + i] = sign * coefficients[i]
        begin += orders[block]
    return arma


def to_point(arma: FloatArray, orders: IntArray) -> FloatArray:
    """Return the inverse of `to_arma`; coefficients are shrunk into the stable region."""
    point = np.empty(len(arma))
    begin = 0
    for block, order in enumerate(orders):
        end = begin + int(order)
        if order:
            coefficients = arma[begin:end] if block % 2 == 0 else -arma[begin:end]
            partials = _stable_partials(np.ascontiguousarray(coefficients))
            point[begin:end] = partials / np.sqrt(1.0 - partials**2)
        begin = end
    return point


def _stable_partials(coefficients: FloatArray) -> FloatArray:
    for shrink in (1.0, 0.98, 0.9, 0.75, 0.5, 0.25):
        lags = np.arange(1, len(coefficients) + 1)
        partials = coefficients_to_partials(coefficients * shrink**lags)
        if np.all(np.abs(partials) < 0.995):
            return partials
    return np.zeros(len(coefficients))


@njit(cache=True, error_model="numpy")
def scaled_residuals(
    point: FloatArray,
    columns: FloatArray,
    starts: IntArray,
    n_impulses: int,
    orders: IntArray,
    s: int,
    exact: bool,
) -> FloatArray:
    """Return the residuals whose sum of squares is the objective; NaN where unstable."""
    arma = to_arma(point, orders)
    log_variance = 0.0
    if exact:
        ar, ma = reduced_polynomials(arma, orders[0], orders[1], orders[2], orders[3], s)
        whitened, log_variance = whiten(columns, starts, ar, ma)
    else:
        whitened = whiten_conditionally(columns, starts, arma, orders, s)
    if not np.isfinite(log_variance):
        return np.nan * columns[0]
    residuals, _, log_determinant, counted = project_out(whitened, starts, n_impulses)
    n_effective = columns.shape[1] - counted
    return residuals * np.exp(0.5 * (log_variance + log_determinant) / n_effective)


@njit(cache=True, error_model="numpy")
def finite_differences(
    point: FloatArray,
    residuals: FloatArray,
    columns: FloatArray,
    starts: IntArray,
    n_impulses: int,
    orders: IntArray,
    s: int,
    exact: bool,
) -> FloatArray:
    """Return the Jacobian of the residuals, a coefficient per row; steps go towards zero."""
    jacobian = np.empty((len(point), len(residuals)))
    for i in range(len(point)):
        moved = point.copy()
        step = SMALLEST_STEP * (1.0 + abs(point[i]))
        moved[i] += step if point[i] <= 0.0 else -step
        shifted = scaled_residuals(moved, columns, starts, n_impulses, orders, s, exact)
        scale = 1.0 / (moved[i] - point[i])
        for t in range(len(residuals)):
            jacobian[i, t] = scale * (shifted[t] - residuals[t])
    return jacobian
