"""The likelihood is exact: it equals statsmodels' and keeps the laws of a Gaussian likelihood."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.statespace.sarimax import SARIMAX

from book_forecast.sarima import Specification, log_likelihood
from book_forecast.sarima.likelihood import make_problem, whiten_problem
from book_forecast.sarima.projection import project_out
from tests.sarima.models import Case, random_arma, random_case, simulate

SEEDS = st.integers(0, 2**32 - 1)
LOG_2_PI = np.log(2.0 * np.pi)


def ours(case: Case) -> float:
    return log_likelihood(
        case.values,
        case.specification,
        case.arma,
        case.sigma2,
        case.regressors,
        case.coefficients,
    )


def statsmodels(case: Case) -> float:
    specification = case.specification
    columns = [np.ones((len(case.values), 1))] if specification.trend == "c" else []
    columns += [] if case.regressors is None else [case.regressors]
    model = SARIMAX(
        case.values,
        exog=np.concatenate(columns, axis=1) if columns else None,
        order=specification.order,
        seasonal_order=specification.seasonal_order,
        use_exact_diffuse=True,
    )
    parameters = np.concatenate([case.coefficients, case.arma, [case.sigma2]])
    return float(model.loglike(parameters)) + specification.lost_weeks / 2 * LOG_2_PI


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SEEDS)
def test_equals_the_exact_diffuse_likelihood_of_statsmodels(seed):
    case = random_case(seed)
    assert ours(case) == pytest.approx(statsmodels(case), rel=1e-8)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, derandomize=True)
@given(SEEDS)
def test_equals_statsmodels_on_many_more_models(seed):
    case = random_case(seed)
    assert ours(case) == pytest.approx(statsmodels(case), rel=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_equals_statsmodels_with_a_yearly_season(seed):
    case = random_case(seed, seasons=(52,))
    assert ours(case) == pytest.approx(statsmodels(case), rel=1e-8)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(SEEDS)
def test_equals_simple_differencing_where_nothing_is_missing(seed):
    case = random_case(seed)
    specification = case.specification.without_trend
    values = np.nan_to_num(case.values, nan=20.0)
    model = SARIMAX(
        values,
        order=specification.order,
        seasonal_order=specification.seasonal_order,
        simple_differencing=True,
    )
    theirs = model.loglike(np.concatenate([case.arma, [case.sigma2]]))
    assert log_likelihood(values, specification, case.arma, case.sigma2) == pytest.approx(
        theirs, rel=1e-8
    )


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 20))
def test_missing_weeks_at_the_end_change_nothing(seed, n):
    case = random_case(seed)
    values = np.concatenate([case.values, np.full(n, np.nan)])
    without = log_likelihood(case.values, case.specification.without_trend, case.arma, 1.3)
    extended = log_likelihood(values, case.specification.without_trend, case.arma, 1.3)
    assert extended == pytest.approx(without, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(0.01, 100.0))
def test_a_change_of_units_shifts_the_likelihood_by_its_logarithm(seed, scale):
    case = random_case(seed)
    specification = case.specification.without_trend
    n = np.isfinite(case.values).sum() - specification.lost_weeks
    before = log_likelihood(case.values, specification, case.arma, 1.0)
    after = log_likelihood(scale * case.values, specification, case.arma, scale**2)
    assert after == pytest.approx(before - n * np.log(scale), rel=1e-8, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_innovations_of_a_simulated_series_are_white(seed):
    specification = Specification(2, 0, 1, 1, 0, 1, s=12)
    arma = random_arma(np.random.default_rng(seed), specification, reach=0.7)
    values = simulate(seed, arma, specification, n=1500)
    whitened, _ = whiten_problem(make_problem(values, specification), specification, arma)
    innovations = whitened[-1]
    assert np.mean(innovations**2) == pytest.approx(1.0, abs=0.2)
    for lag in (1, 2, 12):
        assert abs(np.corrcoef(innovations[lag:], innovations[:-lag])[0, 1]) < 0.15


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_what_regressors_explain_does_not_count(seed):
    case = random_case(seed)
    rng = np.random.default_rng(seed)
    regressors = rng.normal(size=(len(case.values), 2))

    def residuals(values):
        problem = make_problem(values, case.specification, regressors)
        whitened, _ = whiten_problem(problem, case.specification, case.arma)
        return project_out(whitened, problem.starts, problem.n_impulses)[0]

    moved = case.values + regressors @ [3.0, -7.0]
    assert residuals(moved) == pytest.approx(residuals(case.values), abs=1e-6)


def test_a_process_that_is_not_stationary_is_impossible():
    specification = Specification(1, 0, 0)
    assert log_likelihood(np.arange(9.0), specification, np.array([1.0]), 1.0) == -np.inf


def test_a_season_that_was_never_seen_is_passed_over():
    values = np.random.default_rng(0).normal(size=24).cumsum()
    values[2::4] = np.nan
    specification = Specification(1, 0, 0, 0, 1, 1, s=4)
    value = log_likelihood(values, specification, np.array([0.3, -0.4]), 1.0)
    fewer = log_likelihood(values[:20], specification, np.array([0.3, -0.4]), 1.0)
    assert np.isfinite(value)
    assert value < fewer


@pytest.mark.parametrize(
    ("values", "regressors", "message"),
    [
        (np.arange(4.0), None, "more than 5 weeks"),
        (np.arange(30.0), np.full((30, 1), np.nan), "finite"),
        (np.arange(30.0), np.ones((29, 1)), "cover the 30 weeks"),
    ],
)
def test_unusable_series_are_refused(values, regressors, message):
    with pytest.raises(ValueError, match=message):
        make_problem(values, Specification(0, 1, 0, 0, 1, 0, s=4), regressors)


def test_stored_reference_series_are_a_hundred_pairs():
    lines = (Path(__file__).parent / "reference_fits.jsonl").read_text().splitlines()
    assert len({json.loads(line)["name"] for line in lines}) == 100
