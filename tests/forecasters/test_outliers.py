"""Bursts of one time only become missing weeks; what recurs or is explained stays."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.forecasters.outliers import clean
from book_forecast.forecasters.regression import Regression
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.sample import effects
from book_forecast.sample.catalogue import market_stream, title_and_character
from book_forecast.sample.generator import title_sales
from book_forecast.sample.weeks import sample_weeks
from book_forecast.sarima import Specification
from book_forecast.series.history import Covariates
from tests.histories import history

YEARS = 5
WEEKS = 52 * YEARS


def title(seed: int = 0, copies: float = 60.0, christmas: float = 1.0) -> np.ndarray:
    """Counts around a level that wanders, with a peak of three weeks a year."""
    rng = np.random.default_rng(seed)
    weeks = np.arange(WEEKS)
    peak = np.exp(-0.5 * ((weeks % 52 - 49) / 1.2) ** 2)
    level = np.cumsum(rng.normal(0.0, 0.02, WEEKS)) + rng.normal(0.0, 0.1, WEEKS)
    return rng.poisson(copies * np.exp(level) * (1.0 + (christmas - 1.0) * peak)).astype(float)


def touched(values: np.ndarray, season: int = 52) -> list[int]:
    return np.flatnonzero(clean(history(values), season)[1]).tolist()


def burst(values: np.ndarray, week: int, factors: list[float]) -> np.ndarray:
    values = values.copy()
    values[week : week + len(factors)] *= factors
    return values


def test_a_week_far_above_its_neighbours_becomes_a_missing_week():
    values = burst(title(), 150, [20.0])
    cleaned, excess = clean(history(values), 52)
    assert np.flatnonzero(excess).tolist() == [150]
    assert np.exp(excess[150]) == pytest.approx(20.0, rel=0.5)
    assert np.isnan(cleaned.volumes[150])
    others = np.arange(WEEKS) != 150
    assert np.array_equal(cleaned.volumes[others], values[others])


def test_a_burst_of_some_weeks_goes_as_a_whole():
    assert touched(burst(title(), 150, [8.0, 20.0, 10.0, 6.0])) == [150, 151, 152, 153]


def test_near_silence_between_usual_weeks_is_an_outlier_too():
    assert touched(burst(title(), 150, [0.0, 0.02])) == [150, 151]


@pytest.mark.parametrize("seed", range(5))
def test_without_outliers_nothing_changes(seed):
    given_ = history(title(seed, christmas=4.0))
    cleaned, excess = clean(given_, 52)
    assert not excess.any()
    assert np.array_equal(cleaned.volumes, given_.volumes)


@pytest.mark.parametrize("christmas", [4.0, 12.0])
def test_a_peak_that_recurs_stays_also_where_one_is_half_as_high_again(christmas):
    values = title(christmas=christmas)
    assert touched(burst(values, 52 * 3 + 48, [1.5, 1.5, 1.5])) == []


def test_a_peak_far_beyond_those_of_other_years_does_not():
    values = title(christmas=1.4)
    assert touched(burst(values, 52 * 2 + 49, [20.0])) == [52 * 2 + 49]


def test_a_first_christmas_that_nothing_can_be_compared_with_stays():
    values = title(christmas=12.0)[:90]
    assert touched(values) == []


def test_a_new_level_is_not_an_outlier_and_neither_is_a_slow_decay():
    step = burst(title(), 130, [6.0] * (WEEKS - 130))
    decay = 1.0 + 19.0 * np.exp(-np.arange(60.0) / 12.0)
    assert touched(step) == []
    assert touched(burst(title(), 130, list(decay))) == []
    assert touched(burst(title(), 0, list(decay))) == []


def test_the_most_recent_weeks_may_be_a_step():
    assert touched(burst(title(), WEEKS - 3, [20.0] * 3)) == []
    assert touched(burst(title(), WEEKS - 1, [20.0])) == []


def test_a_week_that_its_promotion_explains_stays():
    values = burst(title(), 150, [20.0])
    depth = np.where(np.isin(np.arange(WEEKS), [40, 41, 150]), 0.4, 0.0)
    depth += 0.01 * np.random.default_rng(0).random(WEEKS)
    promoted = replace(
        history(values), covariates=Covariates(("promotion",), depth[:, None], ("zero",))
    )
    assert not clean(promoted, 52)[1].any()


def test_without_a_season_nothing_recurs():
    values = title(christmas=12.0)
    assert touched(values, season=52) == []
    assert len(touched(values, season=1)) >= YEARS - 1


@given(st.integers(0, 10**6), st.integers(0, 300), st.floats(0.0, 1.0))
@settings(max_examples=40, deadline=None)
def test_any_history_keeps_its_length_and_gains_no_weeks(seed, n, gaps):
    rng = np.random.default_rng(seed)
    values = rng.poisson(rng.gamma(0.5, 40.0, n)).astype(float)
    values[rng.random(n) < gaps] = np.nan
    cleaned, excess = clean(history(values), 52)
    assert cleaned.n_weeks == n
    assert np.array_equal(np.isnan(cleaned.volumes), np.isnan(values) | (excess != 0.0))
    assert not excess[-4:].any()


def test_hardly_a_week_of_generated_titles_is_touched():
    weeks = sample_weeks()
    market = effects.market(weeks, market_stream(5))
    number = taken = 0
    for title_number in range(60):
        _, character, rng = title_and_character(title_number, 5, weeks)
        sales = title_sales(weeks, character, market, rng)["volume"]
        values = np.where(weeks.reported, sales, np.nan)[np.flatnonzero(sales)[0] :]
        number += len(values)
        taken += len(touched(values))
    assert taken <= 0.002 * number


SEASONAL = Candidate(Specification(1, 0, 0, 1, 0, 0, s=52, trend="c"))


@pytest.mark.parametrize("week", [60, WEEKS - 124, WEEKS - 70])
def test_a_burst_does_not_change_the_forecast_of_a_year_later(week):
    usual = title(3, christmas=3.0)
    spoilt = burst(usual, week, [20.0])
    ahead = Regression.fit(history(usual)).forecast(52, ()).mean
    assert Regression.fit(history(spoilt)).forecast(52, ()).mean == pytest.approx(ahead, rel=0.04)
    careless = Regression.fit(history(spoilt), outliers=False).forecast(52, ()).mean
    assert np.max(np.abs(careless / ahead - 1.0)) > 0.04

    seasonal = Sarima.fit(history(usual), SEASONAL).forecast(52, ()).mean
    cleaned = Sarima.fit(clean(history(spoilt), 52)[0], SEASONAL).forecast(52, ()).mean
    assert cleaned == pytest.approx(seasonal, rel=0.06)
