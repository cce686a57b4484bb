"""Dynamic harmonic regression: what it learns, what it is told of the future, what it keeps."""

import json
from dataclasses import replace

import numpy as np
import pytest

from book_forecast.forecasters.regression import Regression
from book_forecast.forecasters.restoring import restore
from book_forecast.series.history import MODEL_HORIZON, WEEK, Covariates, History
from tests.histories import CUTOFF, history, promoted

N = 260
WEEKS = CUTOFF - WEEK * np.arange(N - 1, -1, -1)
AHEAD = CUTOFF + WEEK * np.arange(1, 53)


def yearly(weeks: np.ndarray) -> np.ndarray:
    day = (weeks - weeks.astype("datetime64[Y]")).astype(float)
    return 0.4 * np.cos(2.0 * np.pi * day / 365.25)


def christmas(weeks: np.ndarray) -> np.ndarray:
    """By how many of a week's days lie among the fourteen before."""
    days = weeks[:, None] - np.arange(7)
    day = (days - days.astype("datetime64[Y]")).astype(float)
    leap = days.astype("datetime64[Y]").astype(int) % 4 == 2
    return 1.2 * np.mean((day >= 344 + leap) & (day < 358 + leap), axis=1)


def title(season=yearly, seed: int = 0, noise: float = 0.05, lift: float = 0.0) -> History:
    """A level of 200 copies with a season; promotions a quarter off, of which some are planned."""
    rng = np.random.default_rng(seed)
    level = np.log(200.0) + np.cumsum(rng.normal(0.0, 0.01, N)) + rng.normal(0.0, noise, N)
    known = promoted(history(np.ones(N)))
    assert known.covariates is not None
    depth = known.covariates.before(N)[:, 0]
    values = np.exp(level + season(WEEKS) + lift * depth).round()
    return replace(known, volumes=values)


def factors_of(model: Regression, horizon: int, future=None) -> dict[str, np.ndarray]:
    """What the parts of a forecast multiply one plus the copies with."""
    return {part: np.exp(effect) for part, effect in model.explain(horizon, future).items()}


def without_plan(given: History, future: str = "zero") -> History:
    assert given.covariates is not None
    kept = Covariates(("promotion",), given.covariates.values[:N], (future,))  # type: ignore[arg-type]
    return replace(given, covariates=kept)


def test_a_season_is_carried_on_by_the_day_of_the_year():
    model = Regression.fit(title(), calendar=False)
    explained = factors_of(model, 52)["season"]
    truth = np.exp(yearly(AHEAD))
    assert explained / np.mean(explained) == pytest.approx(truth / np.mean(truth), rel=0.06)


def test_a_moving_feast_is_foretold_where_it_will_be():
    """Christmas's weeks end on other days each year; the calendar knows, waves alone do not."""
    given = title(christmas, noise=0.03)
    truth = christmas(AHEAD)
    model = Regression.fit(given)
    factor = np.prod([v for k, v in factors_of(model, 52).items() if k != "level"], axis=0)
    assert np.log(factor / np.median(factor)) == pytest.approx(truth, abs=0.15)
    assert {name.partition(".")[0] for name in model.names} >= {"holidays"}
    assert not any(n.startswith("holidays") for n in Regression.fit(given, calendar=False).names)


def test_a_planned_promotion_lifts_its_weeks_and_no_others():
    given = title(lift=2.0)
    assert given.covariates is not None
    depth = given.covariates.after(N, 30)[:, 0]
    factors = factors_of(Regression.fit(given), 30)["promotion"]
    assert factors[depth > 0] == pytest.approx(np.exp(2.0 * 0.25), rel=0.1)
    assert (factors[depth == 0] == 1.0).all()


def test_a_promotion_given_with_the_question_replaces_the_plan():
    planned, unplanned = title(lift=2.0), without_plan(title(lift=2.0))
    assert planned.covariates is not None
    model, ignorant = Regression.fit(planned), Regression.fit(unplanned)
    plan = planned.covariates.after(N, 20)[:, 0]
    informed = ignorant.forecast(20, (80,), {"promotion": plan}).mean
    assert informed == pytest.approx(model.forecast(20, ()).mean, rel=1e-6)
    nothing = model.forecast(20, (), {"promotion": np.zeros(20)}).mean
    assert nothing == pytest.approx(ignorant.forecast(20, ()).mean, rel=1e-6)
    assert np.array_equal(
        ignorant.forecast(20, (), {"weather": plan}).mean, ignorant.forecast(20, ()).mean
    )


@pytest.mark.parametrize("plan", [np.zeros(19), np.full(20, np.nan)])
def test_a_plan_that_does_not_fit_the_horizon_is_refused(plan):
    with pytest.raises(ValueError, match="promotion must have a value for each of the 20 weeks"):
        Regression.fit(title(lift=2.0)).forecast(20, (), {"promotion": plan})


def test_a_promotion_far_deeper_than_any_before_is_not_believed_in_full():
    model = Regression.fit(title(lift=2.0))
    deep = factors_of(model, 4, {"promotion": np.full(4, 25.0)})["promotion"]
    assert deep == pytest.approx(np.exp(2.0 * 0.25 * 1.5), rel=0.15)


@pytest.mark.parametrize(("future", "factor"), [("zero", 1.0), ("last", np.exp(0.5))])
def test_what_stands_for_an_unknown_future_follows_the_covariates_rule(future, factor):
    given = title(lift=2.0)
    assert given.covariates is not None
    last_promoted = int(np.flatnonzero(given.covariates.before(N)[:, 0])[-1]) + 1
    model = Regression.fit(without_plan(given, future).until(last_promoted))
    assert factors_of(model, 6)["promotion"] == pytest.approx(np.full(6, factor), rel=0.1)


def test_factors_multiply_to_one_plus_the_median():
    given = title(lambda w: yearly(w) + christmas(w), lift=1.5)
    price = np.sin(np.arange(N) / 7.0)
    assert given.covariates is not None
    values = np.c_[given.covariates.values[:N], price]
    given = replace(
        given,
        volumes=(given.volumes * np.exp(0.5 * price)).round(),
        covariates=Covariates(("promotion", "price"), values, ("zero", "last")),
    )
    model = Regression.fit(given)
    factors = factors_of(model, 40)
    assert set(factors) == {"level", "season", "holidays", "promotion", "other"}
    median = model.forecast(40, (0,)).upper[0]
    assert np.prod(list(factors.values()), axis=0) == pytest.approx(1.0 + median)
    assert factors["level"] == pytest.approx(np.full(40, 200.0), rel=0.1)
    assert factors["other"] == pytest.approx(np.full(40, np.exp(0.5 * price[-1])), rel=0.1)


def test_noise_is_given_no_season():
    rng = np.random.default_rng(8)
    model = Regression.fit(history(rng.poisson(30.0, N).astype(float)))
    factors = factors_of(model, 52)
    for part in ("season", "holidays"):
        assert factors[part] == pytest.approx(np.ones(52), abs=0.06)


@pytest.mark.parametrize("n", [8, 12, 20, 40, 60])
def test_a_short_history_does_with_fewer_columns(n):
    model = Regression.fit(title().until(n))
    ahead = model.forecast(104, (95,))
    assert ahead.mean.max() < 1000
    if n < 52:
        assert not any(name.startswith("season") for name in model.names)


def test_too_few_weeks_are_refused():
    with pytest.raises(ValueError, match="7 known weeks are too few; 8 are needed"):
        Regression.fit(history(np.arange(7.0)))


def test_missing_weeks_stay_missing():
    given = title(noise=0.02)
    gaps = given.volumes.copy()
    gaps[[4, 5, 100, *range(180, 200)]] = np.nan
    ahead = Regression.fit(replace(given, volumes=gaps)).forecast(52, ()).mean
    assert ahead == pytest.approx(Regression.fit(given).forecast(52, ()).mean, rel=0.05)


def test_a_release_may_restore_it_with_weeks_that_came_after_the_fit():
    """A state's weeks are replaced by all that are known; the rest says where the fit ended."""
    given = title(lift=2.0)
    more = np.array([150.0, np.nan, 180.0, 171.0])
    rolled = Regression.fit(given).roll_forward(more)
    state = json.loads(json.dumps(Regression.fit(given).to_state(), allow_nan=False))
    assert state["trained_until"] == str(CUTOFF)
    assert state["n_trained"] == N
    state["volumes"] += [150.0, None, 180.0, 171.0]
    again = restore("regression", state)
    for name, column in rolled.forecast(104, (80,)).columns().items():
        assert np.array_equal(column, again.forecast(104, (80,)).columns()[name])


def test_weeks_rolled_in_move_the_plan_along():
    model = Regression.fit(title(lift=2.0))
    later = model.roll_forward(np.full(5, 200.0))
    assert np.array_equal(later.explain(20)["promotion"], model.explain(25)["promotion"][5:])
    assert np.array_equal(later.explain(20)["season"], model.explain(25)["season"][5:])


def test_covariates_last_for_the_longest_horizon_after_a_year_of_weeks_rolled_in():
    model = Regression.fit(without_plan(title(lift=2.0), "last"))
    (kept,) = model.to_state()["regressors"].values()
    assert kept["length"] == N + MODEL_HORIZON
    assert len(kept["values"]) < N / 4
    late = model.roll_forward(np.full(80, 200.0)).forecast(104, (95,))
    assert np.isfinite(late.upper[95]).all()


def test_an_outlier_is_remembered_where_the_release_keeps_all_weeks():
    given = title()
    spoilt = given.volumes.copy()
    spoilt[N - 9] *= 30.0
    model = Regression.fit(replace(given, volumes=spoilt))
    assert model.left_out == (N - 9,)
    assert model.volumes[N - 9] == spoilt[N - 9]
    again = restore("regression", model.to_state())
    ahead = Regression.fit(given).forecast(20, ()).mean
    assert again.forecast(20, ()).mean == pytest.approx(ahead, rel=0.05)
