"""ETS, Theta, MSTL and intermittent demand, as paths whose level follows the weeks."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from book_forecast.forecasters.naive import SeasonalNaive
from book_forecast.forecasters.statistical import Ets, Intermittent, Mstl, Theta
from book_forecast.forecasters.transforms import Transform
from book_forecast.series.history import MODEL_HORIZON
from tests.histories import history, volumes

FORECASTERS = [Ets, Theta, Mstl, Intermittent]
SEASONAL = [Ets, Theta, Mstl]
SEASON = 13


def fixed_points(copies: np.ndarray, gain: float = 0.5, deviation: float = 0.2) -> Theta:
    """A model with a given path, fitted to weeks that nothing depends on."""
    transform = Transform("log", 0.0, 1e6)
    return Theta(transform.apply(copies), gain, deviation, transform, np.ones(20), 20)


def expected(n: int) -> np.ndarray:
    """Around 60 copies a week, with a season that more than doubles them at its height."""
    return 60.0 * np.exp(0.8 * np.sin(2.0 * np.pi * np.arange(n) / SEASON))


def sales(seed: int, n: int = 8 * SEASON) -> np.ndarray:
    return np.random.default_rng(seed).poisson(expected(n)).astype(float)


def test_the_mean_is_the_path():
    copies = np.linspace(10.0, 90.0, MODEL_HORIZON)
    assert fixed_points(copies).forecast(40, (80,)).mean == pytest.approx(copies[:40])


def test_a_horizon_beyond_the_path_repeats_its_last_year():
    copies = np.linspace(10.0, 90.0, MODEL_HORIZON)
    ahead = fixed_points(copies).forecast(MODEL_HORIZON + 60, ()).mean
    assert ahead[MODEL_HORIZON : MODEL_HORIZON + 52] == pytest.approx(copies[-52:])
    assert ahead[MODEL_HORIZON + 52 :] == pytest.approx(copies[-52:-44])


def test_the_level_follows_the_weeks_rolled_in_by_its_gain():
    model = fixed_points(np.full(MODEL_HORIZON, 99.0), gain=0.25)
    twice = np.array([199.0, np.nan, 199.0])
    ahead = model.roll_forward(twice).forecast(2, ()).mean
    # Of the doubling, a quarter is believed after one week and 7/16 after two.
    assert ahead == pytest.approx([100.0 * 2.0 ** (7 / 16) - 1.0] * 2)


def test_weeks_as_the_path_told_only_move_it_on():
    copies = np.linspace(10.0, 90.0, MODEL_HORIZON)
    rolled = fixed_points(copies).roll_forward(copies[:9])
    assert rolled.forecast(30, ()).mean == pytest.approx(copies[9:39])


@given(
    more=arrays(float, st.integers(0, 60), elements=st.one_of(st.just(np.nan), st.floats(0, 1e5))),
    gain=st.floats(0.0, 1.0),
    parts=st.integers(1, 59),
)
def test_weeks_rolled_in_at_once_or_in_turn_leave_the_same_to_the_bit(more, gain, parts):
    model = fixed_points(np.linspace(1.0, 500.0, MODEL_HORIZON), gain)
    at_once = model.roll_forward(more).forecast(104, (80,))
    in_turn = model.roll_forward(more[:parts]).roll_forward(more[parts:]).forecast(104, (80,))
    for name, column in at_once.columns().items():
        assert np.array_equal(column, in_turn.columns()[name])
    assert (at_once.mean >= 0.0).all()


def test_the_interval_is_that_of_exponential_smoothing_on_the_scale_of_the_model():
    forecast = fixed_points(np.full(MODEL_HORIZON, 99.0), gain=0.5, deviation=0.3).forecast(
        3, (80,)
    )
    reach = norm.ppf(0.9) * 0.3 * np.sqrt([1.0, 1.25, 1.5])
    assert np.log1p(forecast.upper[80]) == pytest.approx(np.log(100.0) + reach)
    assert np.log1p(forecast.lower[80]) == pytest.approx(np.log(100.0) - reach)


@pytest.mark.parametrize("family", SEASONAL)
def test_a_season_is_forecast_better_than_by_repeating_the_last(family):
    told = expected(9 * SEASON)[-SEASON:]
    ours, naive = 0.0, 0.0
    for seed in range(4):
        known = history(sales(seed))
        ours += np.abs(family.fit(known, SEASON).forecast(SEASON, ()).mean - told).sum()
        naive += np.abs(SeasonalNaive.fit(known, SEASON).forecast(SEASON, ()).mean - told).sum()
    assert ours < 0.7 * naive


@pytest.mark.parametrize("family", SEASONAL)
def test_without_a_season_forecasts_do_not_swing(family):
    with_season = family.fit(history(sales(1)), SEASON).forecast(SEASON, ()).mean
    without = family.fit(history(sales(1)), season=1).forecast(SEASON, ()).mean
    assert np.ptp(with_season) > 40.0
    assert np.ptp(without) < 15.0


@pytest.mark.parametrize("family", SEASONAL)
def test_fewer_than_two_seasons_are_forecast_as_if_there_were_none(family):
    short = history(sales(2, n=2 * SEASON - 1))
    assert np.array_equal(family.fit(short, SEASON).points, family.fit(short, season=1).points)


@pytest.mark.parametrize("family", SEASONAL)
def test_a_lockdown_leaves_the_forecast_where_it_was(family):
    values = sales(3)
    closed = np.where(np.isin(np.arange(len(values)), range(40, 52)), np.nan, values)
    whole, gappy = (family.fit(history(v), SEASON).forecast(26, ()).mean for v in (values, closed))
    assert np.abs(gappy - whole).mean() < 0.1 * whole.mean()


def test_intermittent_demand_is_forecast_at_its_rate_in_copies():
    rng = np.random.default_rng(7)
    demand = rng.poisson(4.0, 300) * (rng.random(300) < 0.2)
    model = Intermittent.fit(history(demand.astype(float)))
    mean = model.forecast(30, ()).mean
    assert np.ptp(mean) == 0.0
    assert mean[0] == pytest.approx(demand[-104:].mean(), rel=0.4)
    steady = model.roll_forward(np.full(50, mean[0])).forecast(1, ()).mean
    assert steady == pytest.approx(mean[:1])


def test_missing_weeks_are_no_demand_that_failed_to_appear():
    values = np.random.default_rng(8).poisson(0.5, 120).astype(float)
    closed = np.insert(values, 60, np.full(20, np.nan))
    one, other = (Intermittent.fit(history(v)) for v in (values, closed))
    assert np.array_equal(one.points, other.points)
    assert one.gain == other.gain


@pytest.mark.parametrize("family", FORECASTERS)
def test_fitting_twice_gives_the_same_to_the_bit(family):
    one, other = (family.fit(history(volumes(1)), 4).to_state() for _ in range(2))
    assert one == other


@pytest.mark.parametrize("family", FORECASTERS)
def test_weeks_that_never_vary_are_refused(family):
    with pytest.raises(ValueError, match="9780722532935 sold the same in every week"):
        family.fit(history(np.full(60, 3.0)))


@pytest.mark.parametrize("family", FORECASTERS)
def test_too_few_known_weeks_are_refused(family):
    few = np.where(np.arange(60) < 3, 5.0 + np.arange(60), np.nan)
    with pytest.raises(ValueError, match=f"has 3 known weeks, {family.family} needs at least"):
        family.fit(history(few))


@pytest.mark.parametrize("family", [Ets, Mstl])
def test_a_season_that_explains_everything_is_refused(family):
    with pytest.raises(ValueError, match="explains every week"):
        family.fit(history(np.tile([4.0, 9.0, 1.0, 7.0], 30)), season=4)


def test_the_library_is_imported_by_fits_alone():
    code = "import sys, book_forecast.forecasters; print('statsforecast' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
