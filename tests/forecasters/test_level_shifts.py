"""A title whose level has shifted is forecast from its new level."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.forecasters.calibration import calibrate
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.families import Recipe, fit_families
from book_forecast.forecasters.global_models.forecasts import GlobalModels
from book_forecast.forecasters.level_shifts import (
    LevelShift,
    find_last_fall,
    find_shift,
    on_present_level,
)
from book_forecast.forecasters.residual_scales import FoldErrors
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.options.models import BoostingOptions, ModelOptions
from book_forecast.payload.weight import Weight
from book_forecast.sarima import Specification
from tests.histories import history, weeks_frame

TITLES = pd.DataFrame({"isbn": ["9799"], "product_class": ["F"]}).astype("str")
FAMILIES = ("sarima", "regression", "ets", "theta", "mstl", "seasonal_naive", "naive")
YEARLY = Candidate(Specification(1, 0, 0, 1, 0, 0, s=52, trend="c"))
RECIPE = Recipe(calendar=False, candidate=YEARLY)
CALIBRATION, _, _ = calibrate(
    FoldErrors(np.random.default_rng(1).normal(0.0, 0.3, (30, 12)), np.arange(30), np.full(30, 0.3))
)


def shifted(seed: int, former: float, level: float, weeks: int, n: int = 220) -> np.ndarray:
    """Weekly copies with noise and a peak before Christmas, which shift some weeks ago."""
    rng = np.random.default_rng(seed)
    week = np.arange(n)
    season = 0.3 * np.sin(2.0 * np.pi * week / 52.0) + 0.8 * (week % 52 == 49)
    usual = np.where(week < n - weeks, former, level)
    return rng.poisson(usual * np.exp(season + rng.normal(0.0, 0.12, n))).astype(float)


@pytest.mark.parametrize("weeks", [6, 10, 15, 20, 26, 40, 52])
@pytest.mark.parametrize(("former", "level"), [(2000.0, 20.0), (20.0, 2000.0), (600.0, 40.0)])
def test_a_sharp_shift_is_found_in_its_week(former, level, weeks):
    for seed in range(5):
        values = shifted(seed, former, level, weeks)
        values[[-3, -40, 12]] = np.nan
        found = find_shift(values)
        assert found is not None
        assert abs(found.week - (len(values) - weeks)) <= 1
        assert found.size == pytest.approx(np.log(level / former), abs=0.5)
        assert np.exp(found.level) == pytest.approx(level, rel=0.7)


@pytest.mark.parametrize(("n", "weeks"), [(60, 15), (45, 15), (77, 6), (32, 6), (40, 10)])
def test_a_fall_to_a_tenth_is_found_without_a_year_of_weeks(n, weeks):
    for seed in range(5):
        found = find_shift(shifted(seed, 2000.0, 20.0, weeks, n=n))
        assert found is not None
        assert found.week == n - weeks


@pytest.mark.parametrize("weeks", [1, 2, 5])
def test_a_fall_is_found_before_it_counts_as_a_shift(weeks):
    for seed in range(5):
        values = shifted(seed, 2000.0, 20.0, weeks)
        assert find_shift(values) is None
        assert find_last_fall(values) == len(values) - weeks
        assert find_last_fall(shifted(seed, 2000.0, 700.0, weeks)) is None
        assert find_last_fall(shifted(seed, 20.0, 2000.0, weeks)) is None
        values[-weeks:] = 0.0
        assert find_last_fall(values) is None
    assert find_last_fall(np.empty(0)) is None


def test_ordinary_weeks_have_no_shift():
    rng = np.random.default_rng(3)
    week = np.arange(220)
    peaks = np.where(week % 52 > 38, 2.0, 0.0)
    ordinary = {
        "a season": [200.0 * np.exp(peaks[: 182 + end]) for end in range(0, 39, 4)],
        "a decline": [2000.0 * np.exp(-week / 30.0)],
        "a walk": [np.exp(4.0 + np.cumsum(rng.normal(0.0, 0.12, 220))) for _ in range(20)],
        "a slow seller": [np.full(220, 0.3)],
        "a peak": [np.where(week >= 216, 3000.0, 50.0)],
        "a title that has stopped": [np.where(week >= 205, 0.0, 50.0)],
        "a short history": [
            np.where(week[:70] >= 55, 2000.0, 20.0),
            np.where(week[:70] >= 55, 400.0, 2000.0),
            np.where(week[:36] >= 21, 20.0, 2000.0),
        ],
        "nothing": [np.full(220, np.nan), np.zeros(220), np.empty(0)],
    }
    for name, series in ordinary.items():
        for values in series:
            known = rng.poisson(np.nan_to_num(values)) + 0.0 * values
            assert find_shift(known) is None, name


@given(
    st.lists(st.one_of(st.integers(0, 10**6), st.just(float("nan"))), max_size=60),
    st.integers(0, 60),
    st.floats(-12.0, 12.0),
)
@settings(deadline=None)
def test_moved_weeks_stay_possible_and_those_since_the_shift_as_they_are(weeks, week, size):
    values = np.array(weeks, dtype=float)
    moved = LevelShift(week, size, 3.0).moved(values)
    assert np.array_equal(np.isfinite(moved), np.isfinite(values))
    assert np.array_equal(moved[week:], values[week:], equal_nan=True)
    assert not (moved < 0.0).any()
    before = np.log1p(moved[:week]) - np.log1p(values[:week])
    kept = np.log1p(values[:week]) + size > 0.0
    assert before[kept] == pytest.approx(np.full(kept.sum(), size), abs=1e-6)


def ensemble(values: np.ndarray) -> Ensemble:
    fits = fit_families(history(values), RECIPE, FAMILIES)
    assert not fits.failures
    weights = dict.fromkeys(fits.models, Weight.steady(1.0 / len(fits.models)))
    scale = 0.2 if fits.shift is None else fits.shift.widened(0.2)
    return Ensemble(
        fits.models, weights, CALIBRATION, scale, values, fits.outliers, shift=fits.shift
    )


@pytest.mark.parametrize(("former", "level"), [(2000.0, 20.0), (20.0, 2000.0)])
def test_every_family_continues_on_the_new_level(former, level):
    model = ensemble(shifted(1, former, level, 15))
    for name, mean in model.member_means(20).items():
        assert np.median(mean) == pytest.approx(level, rel=0.75), name
    forecast = model.forecast(20, (80,))
    assert (forecast.lower[80] < level).mean() > 0.8
    assert (forecast.upper[80] > level).mean() > 0.8
    assert forecast.upper[80].max() < 5.0 * level


def test_a_peak_of_the_season_remains_after_a_shift():
    values = shifted(2, 2000.0, 20.0, 15, n=236)
    mean = ensemble(values).member_means(52)["seasonal_naive"]
    place = 49 - 236 % 52
    assert mean[place] > 1.5 * np.median(mean)


def test_a_stored_ensemble_with_a_shift_forecasts_the_same_and_rolls_on_the_new_level():
    values = shifted(1, 2000.0, 20.0, 15)
    values[60] = 90000.0
    model = ensemble(values)
    assert model.outliers == (60,)
    state = json.loads(json.dumps(model.to_state(), allow_nan=False))
    assert state["volumes"] == values.tolist()
    again = Ensemble.from_state(state)
    newer = np.array([22.0, np.nan, 18.0, 25.0])
    for one, two in ((model, again), (model.roll_forward(newer), again.roll_forward(newer))):
        for name, column in one.forecast(30, (80, 95)).columns().items():
            assert np.array_equal(column, two.forecast(30, (80, 95)).columns()[name])
    rolled = again.roll_forward(newer).forecast(30, (80,))
    assert np.median(rolled.mean) == pytest.approx(20.0, rel=0.5)


def test_few_copies_widen_a_scale_and_many_do_not_narrow_it():
    fall, rise = LevelShift(5, -4.6, np.log1p(20.0)), LevelShift(5, 4.6, np.log1p(2000.0))
    assert fall.widened(0.1) == pytest.approx(
        np.sqrt(0.01 + 2.0 / np.pi * (1 / 21 - 1 / 2089)), 0.01
    )
    assert rise.widened(0.1) == 0.1


def test_after_a_rise_the_scale_is_at_least_that_of_counts():
    rise = LevelShift(week=10, size=float(np.log(21.0)), level=float(np.log(21.0)))
    inside = np.abs(np.log1p(np.random.default_rng(0).poisson(20, 4000)) - np.log(21.0))
    assert rise.widened(0.03) == pytest.approx(inside.mean(), rel=0.1)
    assert rise.widened(0.4) == 0.4


def test_the_global_model_learns_from_the_new_level():
    series = {f"978{n}": shifted(n, 200.0, 200.0, 15) for n in range(5)}
    frame = weeks_frame(series | {"9799": shifted(9, 2000.0, 20.0, 15)})
    frame = frame.assign(promotion=0.0, asp=np.nan, rrp=np.nan)
    shuffled = frame.sample(frac=1.0, random_state=1)
    moved = on_present_level(shuffled)
    assert moved.index.equals(shuffled.index)
    own = moved[moved["isbn"] == "9799"].sort_values("week")["volume"]
    assert own.median() == pytest.approx(20.0, rel=0.3)
    others = shuffled["isbn"] != "9799"
    assert moved[others].equals(shuffled[others])
    options = ModelOptions(
        families=["boosting"], boosting=BoostingOptions(fits=1, rows=4000, trees=30)
    )
    found = GlobalModels(TITLES, options).forecast(frame, frame["week"].max(), 20, is_now=False)
    assert found[found["isbn"] == "9799"]["mean"].median() == pytest.approx(20.0, rel=0.5)
    usual = frame[frame["isbn"] != "9799"]
    assert on_present_level(usual) is usual


def test_weeks_after_the_cutoff_do_not_decide_the_shift():
    frame = weeks_frame({"978": shifted(1, 2000.0, 20.0, 15)})
    early = frame[frame["week"] <= frame["week"].max() - np.timedelta64(7 * 12, "D")]
    assert on_present_level(early) is early


def test_a_shift_is_no_part_of_older_states():
    model = replace(ensemble(shifted(1, 200.0, 200.0, 15)), scale=0.3)
    assert model.shift is None
    assert "level_shift" not in model.to_state()


@pytest.mark.parametrize(("former", "level"), [(2000.0, 20.0), (20.0, 2000.0)])
def test_a_shift_in_weeks_rolled_in_needs_no_training(former, level):
    values = shifted(1, former, level, 15)
    model = ensemble(values[:-15])
    assert model.shift is None
    rolled = model.roll_forward(values[-15:])
    for name, mean in rolled.member_means(20).items():
        assert np.median(mean) == pytest.approx(level, rel=0.75), name
    forecast = rolled.forecast(20, (80,))
    assert (forecast.lower[80] < level).mean() > 0.8
    assert (forecast.upper[80] > level).mean() > 0.8
    assert forecast.upper[80].max() < 5.0 * level
    in_turn = model.roll_forward(values[-15:-4]).roll_forward(values[-4:])
    state = json.loads(json.dumps(rolled.to_state(), allow_nan=False))
    for again in (in_turn, Ensemble.from_state(state)):
        for name, column in rolled.forecast(20, (80, 95)).columns().items():
            assert np.array_equal(column, again.forecast(20, (80, 95)).columns()[name])


def test_a_second_shift_is_told_from_the_first():
    values = shifted(1, 2000.0, 20.0, 35)
    model = ensemble(values[:-10])
    assert model.shift is not None
    unchanged = model.roll_forward(values[-10:])
    assert np.median(unchanged.forecast(20, ()).mean) == pytest.approx(20.0, rel=0.75)


def test_models_with_their_own_weeks_forecast_the_same():
    model = ensemble(shifted(1, 200.0, 200.0, 15))
    for member in model.members.values():
        again = member.with_weeks(model.volumes)
        assert np.array_equal(again.forecast(60, ()).mean, member.forecast(60, ()).mean)


def test_sarima_alone_continues_on_the_new_level():
    values = shifted(1, 2000.0, 20.0, 15)
    model = Sarima.fit(history(values), YEARLY, shift=find_shift(values))
    again = Sarima.from_state(json.loads(json.dumps(model.to_state(), allow_nan=False)))
    assert np.array_equal(again.volumes, values)
    for one in (model, again, again.roll_forward(values[-3:])):
        forecast = one.forecast(20, (80,))
        assert np.median(forecast.mean) == pytest.approx(20.0, rel=0.5)
        assert (forecast.lower[80] < 20.0).mean() > 0.8
        assert forecast.upper[80].max() < 200.0
