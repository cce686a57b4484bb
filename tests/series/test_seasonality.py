"""A test for seasons finds what is there, and seldom what is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from benchmarks.seasonality import (
    WITHOUT_SEASON,
    found,
    level_and_noise,
    peak,
    seasonal,
    wave,
)
from book_forecast.sarima import Specification
from book_forecast.sarima.marginal import best_errors, whiten_regression
from book_forecast.series.seasonality import (
    CANDIDATES,
    ERROR_ORDERS,
    NONE,
    SIGNIFICANCE,
    _Regression,
    detect,
    fourier,
    period_of,
)

SERIES = 100
ERRORS = Specification(1, 0, 1, trend="c")
# A share of seasons found among as many series that the nominal 5 % would exceed in one of 2,000.
MOST = int(binom.ppf(0.9995, SERIES, 0.05))


def share_found(name: str, n: int) -> int:
    return sum(each.season != 1 for each in found(WITHOUT_SEASON[name], n, SERIES))


@pytest.mark.parametrize("name", ["AR(1) 0.9", "random walk", "random walk with drift 0.1"])
def test_a_level_that_wanders_is_no_season(name):
    assert share_found(name, 156) <= MOST


@pytest.mark.slow
@pytest.mark.parametrize("n", [104, 520])
@pytest.mark.parametrize("name", WITHOUT_SEASON)
def test_seasons_are_found_no_more_often_by_chance_than_they_may(name, n):
    assert share_found(name, n) <= MOST


@pytest.mark.parametrize(
    ("shape", "strength", "n"),
    [(wave, 0.2, 156), (wave, 0.1, 520), (peak, 0.1, 260), (peak, 0.2, 104)],
)
def test_a_moderate_season_is_found(shape, strength, n):
    results = found(seasonal(shape, strength), n, 25)
    assert sum(each.season == 52 for each in results) >= 23


@pytest.mark.parametrize("season", [52, 26, 13, 4])
def test_the_season_found_is_the_one_that_is_there(season):
    hits = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        profile = 0.3 * np.cos(2.0 * np.pi * np.arange(260) / period_of(season) + 0.4)
        hits += detect(level_and_noise(260, rng) + profile).season == season
    assert hits >= 18


def test_a_stronger_season_has_a_greater_strength():
    found_at = [found(seasonal(wave, strength), 260, 5) for strength in (0.15, 0.3, 1.0)]
    strengths = [np.mean([each.strength for each in results]) for results in found_at]
    assert strengths == sorted(strengths)
    assert 0.5 < strengths[0] < 0.8
    assert strengths[-1] > 0.95


def test_missing_weeks_do_not_hide_a_season():
    values = seasonal(wave, 0.3)(260, np.random.default_rng(2))
    values[[3, 50, 51, 52, *range(120, 161)]] = np.nan
    assert detect(values).season == 52
    assert detect(np.r_[np.nan, values, np.nan]) == detect(values)


LEVELS, UNITS = st.floats(-50.0, 50.0), st.floats(0.1, 100.0)


def transformed(level, unit, seed):
    values = seasonal(wave, 0.15)(120, np.random.default_rng(seed))
    return values, level + unit * values


@given(LEVELS, UNITS, st.integers(0, 100))
@settings(max_examples=15, deadline=None)
def test_neither_level_nor_unit_matters_at_given_errors(level, unit, seed):
    terms = fourier(np.arange(120.0), 52, 6)
    p_values = []
    for values in transformed(level, unit, seed):
        whitened = whiten_regression(values, ERRORS, np.array([0.9, -0.3]), terms)
        p_values.append(_Regression(whitened, terms, 2).p_value(list(range(12))))
    assert p_values[1] == pytest.approx(p_values[0], rel=1e-6)


@given(LEVELS, UNITS, st.integers(0, 100))
@settings(max_examples=15, deadline=None)
def test_neither_level_nor_unit_matters_within_the_precision_of_the_errors(level, unit, seed):
    """The fit of the errors ends once a step gains less than 1e-6 of the sum of squares.

    Rounding decides which step is the last, and rounding depends on level and unit. Where the
    likelihood is flat, the coefficients then differ by up to 0.003, log-likelihoods by 0.001, and
    the logarithm of p by 0.09. The limits below are twice that and more. They are far below the
    differences between orders (AICc, 0.019), so that the same errors are chosen. A season's
    p-value of these series is no nearer to 5 % than 0.07 on the logarithmic scale.
    """
    values, other = transformed(level, unit, seed)
    terms = fourier(np.arange(120.0), 52, 6)
    errors, same = (best_errors(each, ERROR_ORDERS, terms) for each in (values, other))
    shift = errors.n_effective * np.log(unit)
    assert same.specification == errors.specification
    assert same.log_likelihood + shift == pytest.approx(errors.log_likelihood, abs=0.005)
    here, there = detect(values), detect(other)
    assert np.log(there.p_value / here.p_value) == pytest.approx(0.0, abs=0.2)
    if abs(np.log(here.p_value / SIGNIFICANCE)) > 0.2:
        assert there.season == here.season


@pytest.mark.parametrize(
    "values",
    [
        np.empty(0),
        np.full(200, np.nan),
        np.arange(5.0),
        np.full(200, 3.0),
        np.where(np.arange(200) < 5, 1.0, np.nan),
    ],
)
def test_where_nothing_can_be_told_there_is_no_season(values):
    assert detect(values) == NONE


def test_a_season_of_which_fewer_than_two_were_seen_is_not_looked_for():
    values = seasonal(wave, 3.0)(103, np.random.default_rng(1))
    assert detect(values).season != 52
    assert detect(np.r_[values, values[-1]], {52: 6}).season == 52


def test_a_significance_of_one_in_ten_thousand_asks_for_more():
    doubtful = [each for each in found(seasonal(wave, 0.1), 208, 30) if 1e-4 < each.p_value < 0.05]
    assert doubtful
    values = seasonal(wave, 0.1)
    rng = [np.random.default_rng([208, seed]) for seed in range(30)]
    strict = [detect(values(208, each), significance=1e-4) for each in rng]
    assert sum(each.season != 1 for each in strict) < 30 - len(doubtful)


@pytest.mark.parametrize("season", CANDIDATES)
def test_terms_repeat_with_their_season(season):
    weeks = np.arange(30.0)
    again = fourier(weeks + period_of(season), season, 2)
    assert fourier(weeks, season, 2) == pytest.approx(again, abs=1e-9)


def test_a_sine_that_is_zero_in_every_week_is_no_term():
    assert fourier(np.arange(8.0), 4, 2).shape == (8, 3)
    assert fourier(np.arange(8.0), 52, 3).shape == (8, 6)
