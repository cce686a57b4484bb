"""ARMA errors of a regression by marginal likelihood, held against dense Gaussian algebra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import toeplitz

from book_forecast.sarima import Specification, fit, log_likelihood
from book_forecast.sarima.autocovariance import arma_autocovariance
from book_forecast.sarima.likelihood import make_problem
from book_forecast.sarima.marginal import best_errors, fit_errors, whiten_regression
from book_forecast.sarima.starts import informed_starts

SEEDS = st.integers(0, 2**32 - 1)
ORDERS = st.sampled_from([(1, 0, 0), (0, 0, 1), (2, 0, 1)])


def series_of(seed: int, n: int = 60, gaps: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """A regression on two columns with dependent errors, and some weeks missing."""
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(n, 2))
    errors = rng.normal(size=n)
    errors[1:] += 0.6 * errors[:-1]
    values = 5.0 + design @ [1.0, -0.5] + errors
    values[rng.choice(np.arange(1, n), gaps, replace=False)] = np.nan
    return values, design


def covariance(specification: Specification, arma: np.ndarray, n: int) -> np.ndarray:
    """Of the errors for unit innovations."""
    ar, ma = arma[: specification.p].copy(), arma[specification.p :].copy()
    return toeplitz(arma_autocovariance(ar, ma, n - 1))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(SEEDS, ORDERS, st.booleans())
def test_the_likelihood_is_the_density_with_the_coefficients_integrated_out(seed, orders, shrunk):
    values, design = series_of(seed)
    spread = np.array([0.3, 2.0]) if shrunk else None
    p, d, q = orders
    specification = Specification(p, d, q, trend="c")
    errors = fit_errors(values, specification, design, prior_scales=spread)
    seen = np.isfinite(values)
    matrix = covariance(specification, errors.arma, len(values))
    flat = np.c_[np.ones(len(values)), design]
    if spread is not None:
        matrix = matrix + (design * spread**2) @ design.T
        flat = flat[:, :1]
    matrix, flat, y = errors.sigma2 * matrix[np.ix_(seen, seen)], flat[seen], values[seen]
    information = flat.T @ np.linalg.solve(matrix, flat)
    centre = np.linalg.solve(information, flat.T @ np.linalg.solve(matrix, y))
    rest = y - flat @ centre
    density = -0.5 * (
        (len(y) - flat.shape[1]) * np.log(2.0 * np.pi)
        + np.linalg.slogdet(matrix)[1]
        + np.linalg.slogdet(information)[1]
        + rest @ np.linalg.solve(matrix, rest)
    )
    assert errors.log_likelihood == pytest.approx(density, rel=1e-9)
    assert errors.n_effective == len(y) - flat.shape[1]
    assert errors.coefficients[0] == pytest.approx(centre[0], rel=1e-8)


def test_a_prior_draws_its_coefficient_towards_zero_and_a_wide_one_does_not():
    values, design = series_of(3)
    specification = Specification(1, 0, 0, trend="c")
    free = fit_errors(values, specification, design).coefficients
    wide = fit_errors(values, specification, design, prior_scales=np.full(2, 1e4)).coefficients
    narrow = fit_errors(
        values, specification, design, prior_scales=np.array([0.05, 1e4])
    ).coefficients
    assert wide == pytest.approx(free, rel=1e-3)
    assert abs(narrow[1]) < 0.5 * abs(free[1])
    assert narrow[2] == pytest.approx(free[2], rel=0.2)


def test_a_difference_is_the_limit_of_a_constant_and_dependence_that_never_ends():
    """Hence criteria of differenced and other errors may be compared."""
    rng = np.random.default_rng(1)
    values = np.cumsum(rng.normal(size=200))
    differenced = fit_errors(values, Specification(0, 1, 0))
    nearly = fit_errors(values, Specification(1, 0, 0, trend="c"), start=np.array([0.99999]))
    assert nearly.n_effective == differenced.n_effective == 199
    assert nearly.log_likelihood >= differenced.log_likelihood - 0.01
    assert nearly.log_likelihood < differenced.log_likelihood + 2.0
    found = best_errors(values, [(1, 0, 0), (0, 1, 0)])
    assert found.specification.d == 1


@settings(max_examples=40, deadline=None, derandomize=True)
@given(SEEDS, st.sampled_from([(1, 0, 0), (2, 0, 0), (0, 1, 1), (0, 0, 1)]))
def test_errors_of_one_kind_are_as_likely_from_one_start_as_from_two(seed, orders):
    values, design = series_of(seed)
    p, d, q = orders
    specification = Specification(p, d, q, trend="n" if d else "c")
    found = fit_errors(values, specification, design).log_likelihood
    other = fit_errors(values, specification, design, start=np.zeros(p + q)).log_likelihood
    assert found > other - 0.01


FEW_WEEKS = [
    *(16, 21, 11, 27, 23, np.nan, 18, 22, 19, 19, 24, 23, 20),
    *(20, 21, 17, 18, 23, 19, 13, 18, 23, 19, 19, 23, 29),
]
FEWER_WEEKS = [8, 25, 27, 17, 10, np.nan, 26, 18, 17, 24, 22, 18, 28, 22, 15, 20, 19, 10, 19, 31]


@pytest.mark.parametrize(
    ("weeks", "specification"),
    [
        (FEW_WEEKS, Specification(0, 0, 1, trend="c")),
        (FEWER_WEEKS, Specification(0, 1, 1)),
    ],
    ids=["MA", "MA of differences"],
)
def test_errors_of_few_weeks_are_as_likely_as_from_the_best_of_two_starts(weeks, specification):
    values = np.array(weeks, dtype=float)
    found = fit_errors(values, specification).log_likelihood
    starts = informed_starts(make_problem(values, specification), specification)
    each = [fit_errors(values, specification, start=start).log_likelihood for start in starts]
    assert max(each) - min(each) > 3.0
    assert found == pytest.approx(max(each))


def test_without_any_coefficient_it_is_the_likelihood_of_the_series():
    values, _ = series_of(5)
    specification = Specification(1, 1, 1)
    errors = fit_errors(values, specification)
    direct = log_likelihood(values, specification, errors.arma, errors.sigma2)
    assert errors.log_likelihood == pytest.approx(direct, rel=1e-10)
    assert errors.log_likelihood == pytest.approx(fit(values, specification).log_likelihood)


def test_many_regressors_do_not_make_errors_look_independent():
    """What estimation at concentrated coefficients falls for."""
    found, concentrated = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        errors = rng.normal(size=80)
        for week in range(1, 80):
            errors[week] += 0.8 * errors[week - 1]
        angles = np.outer(np.arange(80), np.arange(1, 9)) * 2.0 * np.pi / 80
        waves = np.c_[np.cos(angles), np.sin(angles)]
        specification = Specification(1, 0, 0, trend="c")
        found.append(fit_errors(errors, specification, waves).arma[0])
        concentrated.append(fit(errors, specification, waves).arma[0])
    assert np.median(found) > 0.68
    assert np.median(concentrated) < 0.55


@given(SEEDS)
@settings(max_examples=10, deadline=None)
def test_a_whitened_regression_gives_the_coefficients_by_least_squares(seed):
    values, design = series_of(seed)
    specification = Specification(1, 0, 0, trend="c")
    errors = fit_errors(values, specification, design)
    whitened = whiten_regression(values, specification, errors.arma, design)
    factor = whitened.factor
    assert np.linalg.solve(factor[:3, :3], factor[:3, 3]) == pytest.approx(errors.coefficients)
    assert whitened.squares / (whitened.n_weeks - 3) == pytest.approx(errors.sigma2)


def test_errors_that_cannot_be_fitted_are_refused():
    with pytest.raises(ValueError, match=r"2 weeks are too few for errors \(1,0,0\) \+ c"):
        best_errors(np.array([1.0, 3.0, 2.0]), [(1, 0, 0)])
    with pytest.raises(ValueError, match="does not vary"):
        best_errors(np.full(30, 4.0), [(1, 0, 0), (0, 1, 1)])
    with pytest.raises(ValueError, match="not stationary"):
        whiten_regression(np.arange(30.0), Specification(1, 0, 0, trend="c"), np.array([1.2]))
