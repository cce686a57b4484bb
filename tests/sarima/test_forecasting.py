"""Forecasts equal statsmodels' and keep the laws of prediction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.sarima import (
    SarimaFit,
    Specification,
    fit,
    predict,
    standardised_residuals,
    to_statsmodels,
)
from tests.sarima.models import Case, random_case, simulate

SEEDS = st.integers(0, 2**32 - 1)


def as_fit(case: Case) -> SarimaFit:
    return SarimaFit(
        specification=case.specification,
        arma=case.arma,
        sigma2=case.sigma2,
        coefficients=case.coefficients,
        log_likelihood=0.0,
        n_effective=len(case.values),
        evaluations=0,
    )


@settings(max_examples=25, deadline=None, derandomize=True)
@given(SEEDS, st.integers(1, 30))
def test_means_and_variances_equal_those_of_statsmodels(seed, horizon):
    case = random_case(seed)
    n_regressors = 0 if case.regressors is None else case.regressors.shape[1]
    future = np.random.default_rng(seed).normal(size=(horizon, n_regressors))
    found = predict(as_fit(case), case.values, horizon, case.regressors, future)
    design = np.concatenate(
        [np.ones((horizon, int(case.specification.trend == "c"))), future], axis=1
    )
    results = to_statsmodels(as_fit(case), case.values, case.regressors)
    theirs = results.get_forecast(horizon, exog=design if design.shape[1] else None)
    scale = np.sqrt(theirs.var_pred_mean) + np.abs(theirs.predicted_mean)
    assert np.max(np.abs(found.mean - theirs.predicted_mean) / scale) < 1e-8
    assert found.variance == pytest.approx(theirs.var_pred_mean, rel=1e-8)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 20), st.integers(1, 20))
def test_a_longer_horizon_does_not_change_the_weeks_before(seed, horizon, more):
    case = random_case(seed)
    fitted = as_fit(case)
    if case.regressors is not None:
        return
    short = predict(fitted, case.values, horizon)
    long = predict(fitted, case.values, horizon + more)
    assert long.mean[:horizon] == pytest.approx(short.mean, rel=1e-7, abs=1e-7)
    assert long.variance[:horizon] == pytest.approx(short.variance, rel=1e-7)


def test_variances_of_a_random_walk_grow_week_by_week():
    walk = SarimaFit(Specification(0, 1, 0), np.empty(0), 4.0, np.empty(0), 0.0, 30, 0)
    ahead = predict(walk, np.arange(30.0), 5)
    assert ahead.mean == pytest.approx(np.full(5, 29.0))
    assert ahead.variance == pytest.approx(4.0 * np.arange(1, 6))
    assert ahead.covariance[1, 4] == pytest.approx(8.0)


def test_newer_weeks_are_rolled_in_without_fitting():
    specification = Specification(1, 0, 1, 1, 0, 0, s=4)
    values = simulate(1, np.array([0.6, 0.3, 0.4]), specification, n=120)
    fitted = fit(values[:100], specification)
    later = predict(fitted, values, 6)
    theirs = to_statsmodels(fitted, values[:100]).apply(values).get_forecast(6)
    assert later.mean == pytest.approx(theirs.predicted_mean, rel=1e-7, abs=1e-9)


def test_a_season_that_was_never_seen_cannot_be_forecast():
    values = np.random.default_rng(0).normal(size=24)
    values[2::4] = np.nan
    fitted = SarimaFit(
        Specification(0, 0, 0, 0, 1, 0, s=4), np.empty(0), 1.0, np.empty(0), 0.0, 20, 0
    )
    with pytest.raises(ValueError, match="too few weeks are known"):
        predict(fitted, values, 4)
    assert np.isfinite(predict(fitted, values, 2).mean).all()


def test_a_horizon_has_at_least_a_week():
    fitted = SarimaFit(Specification(0, 1, 0), np.empty(0), 1.0, np.empty(0), 0.0, 9, 0)
    with pytest.raises(ValueError, match="horizon must be at least 1"):
        predict(fitted, np.arange(9.0), 0)


def test_residuals_are_standardised_and_missing_where_the_weeks_are():
    specification = Specification(1, 1, 0, 0, 1, 0, s=4)
    values = simulate(4, np.array([0.5]), Specification(1, 0, 0), n=400).cumsum()
    values[100:104] = np.nan
    fitted = fit(values, specification)
    residuals = standardised_residuals(fitted, values)
    assert np.isnan(residuals[:5]).all()
    assert np.isnan(residuals[100:104]).all()
    assert np.nanstd(residuals) == pytest.approx(1.0, abs=0.1)
