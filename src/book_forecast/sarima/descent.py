"""Levenberg and Marquardt's method for the sum of squares of `objective`.

Loops are written out: array expressions would take Numba many times as long to compile.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from book_forecast.sarima.arrays import FloatArray, IntArray
from book_forecast.sarima.objective import finite_differences, scaled_residuals

LARGEST_COORDINATE = 5e3
FIRST_DAMPING = 1e-2
# Below this damping changes no digit of a step, and would sink to a zero that cannot be raised.
SMALLEST_DAMPING = 1e-12
LARGEST_DAMPING = 1e7
# The sum of squares of a perfectly explained series falls forever.
MOST_STEPS = 100
# After a step with a smaller relative gain, the Jacobian is computed anew.
SMALLEST_GAIN = 1e-4


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
def dot(left: FloatArray, right: FloatArray) -> float:
    """Return the inner product of two vectors."""
    total = 0.0
    for i in range(len(left)):
        total += left[i] * right[i]
    return total


@njit(cache=True, error_model="numpy")
def solve_positive(matrix: FloatArray, vector: FloatArray) -> FloatArray:
    """Solve a positive definite system by Cholesky's factor; the result is not finite otherwise."""
    k = len(vector)
    factor = np.zeros((k, k))
    solution = np.empty(k)
    for i in range(k):
        for j in range(i + 1):
            total = matrix[i, j] - dot(factor[i, :j], factor[j, :j])
            factor[i, j] = np.sqrt(total) if i == j else total / factor[j, j]
    for i in range(k):
        solution[i] = (vector[i] - dot(factor[i, :i], solution[:i])) / factor[i, i]
    for i in range(k - 1, -1, -1):
        for j in range(i + 1, k):
            solution[i] -= factor[j, i] * solution[j]
        solution[i] /= factor[i, i]
    return solution


@njit(cache=True, error_model="numpy")
def take_step(
    point: FloatArray, jacobian: FloatArray, residuals: FloatArray, damping: float
) -> FloatArray:
    """Return the point after Levenberg and Marquardt's step, or the same point without one."""
    k = len(point)
    curvature = np.empty((k, k))
    slope = np.empty(k)
    ridge = 1e-12 * (1.0 + dot(residuals, residuals))
    for i in range(k):
        slope[i] = -dot(jacobian[i], residuals)
        for j in range(i + 1):
            curvature[i, j] = dot(jacobian[i], jacobian[j])
            curvature[j, i] = curvature[i, j]
        curvature[i, i] += damping * curvature[i, i] + ridge
    step = solve_positive(curvature, slope)
    trial = point.copy()
    for i in range(k):
        if not np.isfinite(step[i]):
            return point.copy()
        trial[i] = min(max(point[i] + step[i], -LARGEST_COORDINATE), LARGEST_COORDINATE)
    return trial


@njit(cache=True, error_model="numpy")
def update_jacobian(
    jacobian: FloatArray, step: FloatArray, residuals: FloatArray, moved: FloatArray
) -> None:
    """Apply Broyden's (1965) update: the nearest Jacobian that explains the last step."""
    scale = 1.0 / dot(step, step)
    for t in range(len(residuals)):
        unexplained = moved[t] - residuals[t]
        for i in range(len(step)):
            unexplained -= step[i] * jacobian[i, t]
        for i in range(len(step)):
            jacobian[i, t] += scale * step[i] * unexplained


@njit(cache=True, error_model="numpy")
def descend(
    start: FloatArray,
    iterations: int,
    tolerance: float,
    columns: FloatArray,
    starts: IntArray,
    n_impulses: int,
    orders: IntArray,
    s: int,
    exact: bool,
) -> tuple[FloatArray, float, int]:
    """Descend from one start.

    A Jacobian by finite differences costs one likelihood per coefficient. Between two of them,
    updates of the last one are used as long as they lead downhill.

    Args:
        start: The first point.
        iterations: The most Jacobians to compute.
        tolerance: Relative gain of a Jacobian below which the search ends.
        columns: Of the problem, as the four after it.
        starts: First week of each column that is not zero.
        n_impulses: How many weeks are missing.
        orders: (p, q, P, Q).
        s: Weeks in a season.
        exact: Whether the residuals are exact or conditional ones.

    Returns:
        The best point, its sum of squares (infinite for an unusable start), and the number of
        likelihoods computed.
    """
    point = start.copy()
    residuals = scaled_residuals(point, columns, starts, n_impulses, orders, s, exact)
    squares = dot(residuals, residuals)
    evaluations = 1
    if not np.isfinite(squares):
        return point, np.inf, evaluations
    damping = FIRST_DAMPING
    for _ in range(iterations):
        jacobian = finite_differences(
            point, residuals, columns, starts, n_impulses, orders, s, exact
        )
        evaluations += len(point)
        before = squares
        fresh = True
        for _ in range(MOST_STEPS):
            if damping > LARGEST_DAMPING:
                break
            trial = take_step(point, jacobian, residuals, damping)
            step = trial - point
            if dot(step, step) == 0.0:
                break
            moved = scaled_residuals(trial, columns, starts, n_impulses, orders, s, exact)
            lower = dot(moved, moved)
            evaluations += 1
            if lower < squares:
                gained = squares - lower
                update_jacobian(jacobian, step, residuals, moved)
                point, residuals, squares = trial, moved, lower
                damping = max(0.2 * damping, SMALLEST_DAMPING)
                fresh = False
                if gained < SMALLEST_GAIN * lower:
                    break
            elif fresh:
                damping *= 5.0
            else:
                break
        if before - squares < tolerance * squares:
            break
    return point, squares, evaluations
