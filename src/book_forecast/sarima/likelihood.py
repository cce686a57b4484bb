"""The exact Gaussian likelihood of a seasonal ARIMA model in O(n m) operations.

Innovations come from the Chandrasekhar recursions (Morf, Sidhu and Kailath 1974; for ARMA Pearlman
1980 and Melard 1984). Written for the deviation of the gain from the autoregressive coefficients,
they become a Schur recursion on two vectors of length m = max(p*, q*), and the autoregressive part
enters through its non-zero coefficients alone.

Missing weeks are kept honest by a classical device (Gomez, Maravall and Pena 1999): a missing week
is set to zero and given a regressor of its own, an impulse, which is integrated out. On the
differenced series this equals the exact diffuse likelihood of the weeks that were seen. Regression
coefficients are concentrated out by generalised least squares, the innovation variance as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.linalg import solve_triangular

from book_forecast.sarima.arrays import FloatArray, IntArray
from book_forecast.sarima.autocovariance import arma_autocovariance
from book_forecast.sarima.polynomials import difference, multiply_factors, nonzero_lags
from book_forecast.sarima.specification import Specification

# The recursion has settled once its generator cannot move the gain in the digits of a double.
SETTLED = 1e-14
CHECK_EVERY = 16
# Variances are multiplied until they are this large before their logarithm is taken.
LARGEST_PRODUCT = 1e200
# A regressor that keeps less of its length than this beside the others is a combination of them.
SMALLEST_LENGTH = 1e-9


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def first_gain(ar: FloatArray, ma: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Variance of the first week and the two generators of the recursion, each of m elements."""
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
    """Whether the generator, divided by what is left of the variance, cannot move the gain."""
    largest = 0.0
    for value in generator:
        largest = max(largest, abs(value))
    return largest < SETTLED * left


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def filter_sparse(columns: FloatArray, starts: IntArray, ar: FloatArray) -> FloatArray:
    """Each column less what its own last weeks tell by the autoregressive coefficients."""
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
    """Takes from a column's coming weeks what two innovations tell of them; see `rotate_twice`.

    Args:
        coming: From the third week on, as many weeks as the recursion is long.
        gain: At least one element longer.
        generator: At least one element longer.
        partial: First partial autocorrelation.
        first: Innovation of the first week, divided by what is left of the variance.
        second: Innovation of the second week, divided likewise.
    """
    for i in range(len(coming)):
        moved = gain[i] - partial * generator[i + 1]
        coming[i] -= gain[i + 1] * first + moved * second


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def rotate_twice(
    gain: FloatArray, generator: FloatArray, length: int, partial: float, following: float
) -> None:
    """Moves both generators on by two weeks, in place.

    Two weeks at a time, since the loop is bound by what it reads and writes. The generators are
    not normalised: they are too small by what is left of the variance.

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
    """Innovations of each column under an ARMA process, in units of their standard deviation.

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
def whiten_conditionally(
    columns: FloatArray, starts: IntArray, ar: FloatArray, ma: FloatArray
) -> FloatArray:
    """Innovations given zeros before the first week; zero where they would need such weeks.

    Box and Jenkins's conditional sum of squares: a good guess at a fraction of the cost.

    Args:
        columns: One series a row, shape (k, n).
        starts: First week of each column that is not zero, shape (k,).
        ar: Product of the autoregressive factors, lags 1 to p*.
        ma: Product of the moving-average factors, lags 1 to q*.

    Returns:
        Shape (k, n).
    """
    k, n = columns.shape
    coming = np.zeros((k, n + len(ma)))
    coming[:, :n] = filter_sparse(columns, starts, ar)
    if 2 * len(ar) < n:
        coming[:, : len(ar)] = 0.0
    settle(coming, ma, 0, n)
    return coming[:, :n].copy()


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def settle(coming: FloatArray, ma: FloatArray, begin: int, end: int) -> None:
    """Takes what innovations tell of later weeks once the gain has reached its last value."""
    ma_lags = nonzero_lags(ma)
    for c in range(len(coming)):
        for t in range(begin, end):
            for lag in ma_lags:
                coming[c, t + lag] -= ma[lag - 1] * coming[c, t]


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
def triangularise(whitened: FloatArray, starts: IntArray) -> FloatArray:
    """Modified Gram-Schmidt on the rows, each made orthogonal to those before it.

    Args:
        whitened: Shape (k, n). Overwritten: all rows but the last get unit length, or zero where
            they depend on those before; the last one keeps its length.
        starts: First week of each row that is not zero. It pays to have late starters first.

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
    """Least squares of the last row on all rows before it.

    Args:
        whitened: Standardised innovations, shape (k, n): impulses, regressors, the series last.
            Overwritten.
        starts: First week of each row that is not zero.
        n_impulses: How many of the first rows are impulses of missing weeks.

    Returns:
        The residuals (n,); the triangular factor (k, k); the log determinant that integrating the
        impulses out leaves; how many impulses counted.
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
    """Coefficients of the last column on those before it, (k - 1,); zero for dependent ones."""
    independent = np.flatnonzero(np.diagonal(triangle))
    coefficients = np.zeros(len(triangle) - 1)
    if len(independent):
        factor = triangle[np.ix_(independent, independent)]
        coefficients[independent] = solve_triangular(factor, triangle[independent, -1])
    return coefficients


@dataclass(frozen=True, slots=True)
class Problem:
    """A series made ready for the likelihood: differenced, its missing weeks turned into impulses.

    Attributes:
        columns: Impulses (of the latest missing week first), regressors and the series,
            differenced, shape (k, n - lost weeks).
        starts: First week of each column that is not zero.
        n_impulses: How many weeks are missing.
        n_regressors: Regressors, the constant of the trend included (it is the first of them).
    """

    columns: FloatArray
    starts: IntArray
    n_impulses: int
    n_regressors: int

    @property
    def n_weeks(self) -> int:
        """Weeks left after differencing."""
        return int(self.columns.shape[1])


def make_problem(
    values: FloatArray, specification: Specification, regressors: FloatArray | None = None
) -> Problem:
    """Differences a series with its regressors and gives each missing week its impulse.

    Args:
        values: Weekly values, shape (n,); NaN where the week is missing.
        specification: The model.
        regressors: Shape (n, r), complete; the trend's constant is added here.

    Raises:
        ValueError: If the series is too short to be differenced, or a regressor is not finite or
            not as long as the series.
    """
    values = np.ascontiguousarray(values, dtype=np.float64)
    n = len(values)
    if n <= specification.lost_weeks:
        raise ValueError(
            f"{specification} needs more than {specification.lost_weeks} weeks, not {n}."
        )
    # Latest first, as `triangularise` likes it.
    missing = np.flatnonzero(~np.isfinite(values))[::-1]
    impulses = np.zeros((len(missing), n))
    impulses[np.arange(len(missing)), missing] = 1.0
    blocks = [impulses]
    if specification.trend == "c":
        blocks.append(np.ones((1, n)))
    if regressors is not None and regressors.size:
        if regressors.shape[0] != n or not np.all(np.isfinite(regressors)):
            raise ValueError(f"Regressors must be finite and cover the {n} weeks of the series.")
        blocks.append(np.asarray(regressors, dtype=np.float64).T)
    blocks.append(np.where(np.isfinite(values), values, 0.0)[None, :])
    columns = np.ascontiguousarray(difference(np.concatenate(blocks), specification))
    filled = columns != 0.0
    starts = np.where(filled.any(axis=1), filled.argmax(axis=1), columns.shape[1])
    return Problem(
        columns=columns,
        starts=starts.astype(np.int64),
        n_impulses=len(missing),
        n_regressors=len(columns) - len(missing) - 1,
    )


@njit(cache=True, error_model="numpy")
def reduced_polynomials(
    arma: FloatArray, p: int, q: int, n_seasonal_ar: int, n_seasonal_ma: int, s: int
) -> tuple[FloatArray, FloatArray]:
    """Products of the plain and the seasonal factors, autoregressive and moving-average."""
    seasonal_ar = arma[p + q : p + q + n_seasonal_ar]
    seasonal_ma = arma[p + q + n_seasonal_ar : p + q + n_seasonal_ar + n_seasonal_ma]
    ar = -multiply_factors(-arma[:p], -seasonal_ar, s)
    ma = multiply_factors(arma[p : p + q], seasonal_ma, s)
    return ar, ma


def whiten_problem(
    problem: Problem, specification: Specification, arma: FloatArray
) -> tuple[FloatArray, float]:
    """`whiten` with the polynomials of a model at given coefficients."""
    ar, ma = reduced_polynomials(arma, *specification.arma_orders, specification.s)
    return whiten(problem.columns, problem.starts, ar, ma)


def log_likelihood(
    values: FloatArray,
    specification: Specification,
    arma: FloatArray,
    sigma2: float,
    regressors: FloatArray | None = None,
    coefficients: FloatArray | None = None,
) -> float:
    """Exact log-likelihood of a series at given parameters.

    Equals statsmodels' `SARIMAX(..., use_exact_diffuse=True).loglike(...)` plus
    (d + D s)/2 log 2 pi, and without missing weeks its `simple_differencing=True`. Where missing
    weeks leave a season without any week that was seen, constants differ: such weeks are passed
    over here.

    Args:
        values: Weekly values, shape (n,); NaN where the week is missing.
        specification: The model.
        arma: Coefficients in the order of `specification.arma_names`.
        sigma2: Variance of the innovations.
        regressors: Shape (n, r).
        coefficients: Of the trend's constant and the regressors, in this order; shape (trend + r,).

    Returns:
        The log-likelihood; minus infinity where the process is not stationary.
    """
    if coefficients is not None and len(coefficients):
        design = full_design(len(values), specification, regressors)
        values = values - design @ np.asarray(coefficients)
    problem = make_problem(values, specification.without_trend)
    whitened, log_variance = whiten_problem(problem, specification, np.asarray(arma, dtype=float))
    if not np.isfinite(log_variance):
        return -np.inf
    residuals, _, log_determinant, counted = project_out(
        whitened, problem.starts, problem.n_impulses
    )
    n_effective = problem.n_weeks - counted
    squares = float(residuals @ residuals)
    return -0.5 * (
        n_effective * np.log(2.0 * np.pi * sigma2)
        + log_variance
        + log_determinant
        + squares / sigma2
    )


def full_design(n: int, specification: Specification, regressors: FloatArray | None) -> FloatArray:
    """The trend's constant and the regressors side by side, shape (n, trend + r)."""
    blocks = [np.ones((n, 1))] if specification.trend == "c" else []
    if regressors is not None and regressors.size:
        blocks.append(np.asarray(regressors, dtype=np.float64))
    return np.concatenate(blocks, axis=1) if blocks else np.empty((n, 0))
