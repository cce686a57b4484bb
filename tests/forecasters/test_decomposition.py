"""Seasons told from noise."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.tsa.seasonal import STL

from book_forecast.forecasters.decomposition import (
    evolving_season,
    fixed_season,
)
from book_forecast.series.seasonality import WEEKS_A_YEAR

SEASON = 13
N_WEEKS = 8 * SEASON
WEEKS = np.arange(N_WEEKS + 2 * SEASON)
BOTH = [
    pytest.param(fixed_season, id="fixed"),
    pytest.param(partial(evolving_season, window=7), id="evolving"),
]
series = arrays(float, st.integers(12, 120), elements=st.floats(0.0, 12.0))


@pytest.mark.parametrize("decompose", BOTH)
def test_a_season_without_noise_is_found_whole_and_goes_on(decompose):
    shape = 2.0 * np.sin(2.0 * np.pi * WEEKS / SEASON)
    season = decompose(4.0 + 0.01 * WEEKS[:N_WEEKS] + shape[:N_WEEKS], SEASON, ahead=2 * SEASON)
    found = np.concatenate([season.fitted, season.ahead])
    assert found == pytest.approx(shape, abs=0.06)


@pytest.mark.parametrize("decompose", BOTH)
@pytest.mark.parametrize("seed", range(5))
def test_what_looks_like_a_season_in_noise_is_mostly_shrunk_away(decompose, seed):
    noise = np.random.default_rng(seed).normal(size=N_WEEKS)
    assert np.std(decompose(noise, SEASON, ahead=SEASON).ahead) < 0.35


@pytest.mark.parametrize("decompose", BOTH)
@pytest.mark.parametrize(("n_weeks", "season"), [(25, 13), (60, 1), (60, 0), (12, 52)])
def test_there_is_no_season_without_two_of_it(decompose, n_weeks, season):
    values = np.random.default_rng(1).normal(size=n_weeks)
    found = decompose(values, season, ahead=7)
    assert not found.fitted.any()
    assert not found.ahead.any()
    assert (len(found.fitted), len(found.ahead)) == (n_weeks, 7)


@pytest.mark.parametrize("decompose", BOTH)
@given(values=series, season=st.integers(2, 60), height=st.floats(-5.0, 5.0))
def test_a_season_does_not_depend_on_the_level(decompose, values, season, height):
    one = decompose(values, season, ahead=30)
    other = decompose(values + height, season, ahead=30)
    assert np.isfinite(one.ahead).all()
    assert other.ahead == pytest.approx(one.ahead, abs=1e-4)


@given(values=series, season=st.integers(2, 60))
def test_a_fixed_season_repeats_in_the_weeks_after_the_series(values, season):
    found = fixed_season(values, season, 3 * season)
    course = np.concatenate([found.fitted, found.ahead])
    if season != 52:
        assert course[season:] == pytest.approx(course[:-season])


@pytest.mark.parametrize("window", [7, 11])
def test_an_evolving_season_is_that_of_a_local_regression_for_every_week(window):
    """Interpolation over a tenth of a season changes little, also where the level wanders."""
    weeks = np.arange(6 * 52)
    shape = np.sin(2.0 * np.pi * weeks / 52) * (1.0 + weeks / 300.0)
    apart = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        values = np.cumsum(rng.normal(scale=0.3, size=len(weeks))) + shape
        every = STL(values, period=52, seasonal=window, seasonal_deg=0).fit().seasonal
        found = evolving_season(values, 52, window, ahead=52)
        share = np.std(found.fitted) / np.std(every)
        assert share > 0.9
        apart.append(np.std(found.fitted / share - every) / np.std(every))
    assert np.mean(apart) < 0.0016


def test_ten_years_do_not_smear_a_peak_that_keeps_its_date():
    """A peak of a week and a half, 52.18 weeks after the last one, is where the date is."""
    weeks = np.arange(11 * 53)
    day = (weeks + 2.0) % WEEKS_A_YEAR
    peak = 2.0 * np.exp(-0.5 * ((day - 48.0) / 1.5) ** 2)
    season = fixed_season(3.0 + peak[:-52], 52, 52)
    assert int(np.argmax(season.ahead)) == int(np.argmax(peak[-52:]))
    assert np.ptp(season.ahead) == pytest.approx(np.ptp(peak), rel=0.1)
