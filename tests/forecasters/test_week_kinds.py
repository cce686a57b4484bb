"""Christmas and promotions have intervals of their own width."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.forecasters.calibration import Calibration, calibrate
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.naive import Naive
from book_forecast.forecasters.residual_scales import FoldErrors
from book_forecast.forecasters.week_kinds import (
    CHRISTMAS,
    FEWEST_FACTOR,
    MOST_FACTOR,
    WeeksAhead,
    factors_of,
    is_christmas,
    is_promotion,
)
from book_forecast.payload.weight import Weight
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import PROMOTION, Covariates, History
from tests.histories import CUTOFF, history, promoted, volumes

HORIZON = 12
ROWS = 600


def weekly(rng: np.random.Generator, rows: int = ROWS) -> np.ndarray:
    """Numbers of the weeks of folds over some years."""
    return rng.integers(0, 200, rows)[:, None] + np.arange(HORIZON)


def errors_of(factor: float, seed: int = 1) -> FoldErrors:
    """Residuals that are larger in every fifth week."""
    rng = np.random.default_rng(seed)
    weeks = weekly(rng)
    unusual = weeks % 5 == 0
    errors = rng.normal(0.0, 0.3, weeks.shape) * np.where(unusual, factor, 1.0)
    titles = np.repeat(np.arange(ROWS // 6), 6)
    return FoldErrors(
        errors, titles, np.full(ROWS // 6, 0.3), kinds={PROMOTION: unusual}, weeks=weeks
    )


@pytest.mark.parametrize(
    ("week", "expected"),
    [
        ("2023-12-09", False),
        ("2023-12-16", True),
        ("2021-12-11", True),
        ("2023-12-30", True),
        ("2024-01-06", True),
        ("2023-01-07", True),
        ("2022-01-08", False),
        ("2024-06-29", False),
    ],
)
def test_christmas_lasts_from_the_weeks_before_it_to_that_of_new_year(week, expected):
    assert is_christmas(np.array([week], dtype="datetime64[D]")).tolist() == [expected]


def test_every_christmas_has_four_weeks():
    saturdays = np.datetime64("1999-07-03") + 7 * np.arange(52 * 30)
    marked = saturdays[is_christmas(saturdays)]
    years = (marked - np.timedelta64(180, "D")).astype("datetime64[Y]")
    assert set(np.unique(years, return_counts=True)[1]) == {4}


def test_a_promotion_is_deep_and_known():
    assert is_promotion(np.array([0.0, 0.1, 0.2, np.nan])).tolist() == [False, False, True, False]


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.6, 2.2])
def test_the_factor_of_many_weeks_is_their_ratio(factor):
    calibration, _, _ = calibrate(errors_of(factor))
    assert calibration.factors[PROMOTION] == pytest.approx(factor, rel=0.12)


def test_weeks_of_either_kind_are_covered_as_often():
    found = errors_of(2.2)
    unaware, scales, _ = calibrate(replace(found, kinds={}, weeks=None))
    aware, own_scales, _ = calibrate(found)
    fresh = errors_of(2.2, seed=2)
    inside = fresh.kinds[PROMOTION].astype(np.bool_)

    def coverage(calibration, scales, *, with_kinds):
        hits = np.zeros(fresh.errors.shape, dtype=bool)
        for row, title in enumerate(fresh.titles):
            kinds = {PROMOTION: inside[row]} if with_kinds else None
            forecast = calibration.forecast(np.full(HORIZON, 99.0), scales[title], (80,), kinds)
            sold = 100.0 * np.exp(fresh.errors[row]) - 1.0
            hits[row] = (sold >= forecast.lower[80]) & (sold <= forecast.upper[80])
        return hits[inside].mean(), hits[~inside].mean()

    before = coverage(unaware, scales, with_kinds=False)
    assert before[0] < 0.65
    assert before[1] > 0.83
    assert coverage(aware, own_scales, with_kinds=True) == pytest.approx((0.8, 0.8), abs=0.05)


def test_few_weeks_prove_little_however_many_titles_sell_in_them():
    rng = np.random.default_rng(1)
    weeks = np.tile(np.arange(HORIZON), (ROWS, 1))
    # Residuals are compared with those of the same week ahead.
    starts = rng.integers(0, 2, ROWS)[:, None]
    inside = weeks + starts == 5
    residuals = rng.normal(0.0, 1.0, weeks.shape) * np.where(inside, 3.0, 1.0)
    found = factors_of(residuals, {CHRISTMAS: inside}, weeks + starts)
    assert found[CHRISTMAS] == pytest.approx(3.0 ** (1.0 / 5.0), rel=0.05)


def test_a_kind_that_was_never_seen_has_no_factor():
    found = errors_of(1.5)
    nothing = {CHRISTMAS: np.zeros(found.errors.shape, dtype=bool)}
    assert calibrate(replace(found, kinds=nothing))[0].factors == {}
    unknown = replace(found, errors=np.full(found.errors.shape, np.nan))
    assert calibrate(unknown)[0].factors == {}
    empty = FoldErrors(
        np.empty((0, HORIZON)),
        np.empty(0, dtype=np.int64),
        np.ones(2),
        kinds={CHRISTMAS: np.empty((0, HORIZON), dtype=bool)},
        weeks=np.empty((0, HORIZON), dtype=np.int64),
    )
    assert calibrate(empty)[0].factors == {}


@given(st.integers(0, 2**32 - 1), st.floats(-3.0, 3.0), st.floats(0.0, 1.0))
@settings(max_examples=50, deadline=None)
def test_factors_stay_within_their_limits(seed, power, missing):
    rng = np.random.default_rng(seed)
    weeks = weekly(rng, 40)
    kinds = {CHRISTMAS: weeks % 52 < 4, PROMOTION: rng.random(weeks.shape) < 0.3}
    residuals = rng.standard_t(2, weeks.shape) * np.where(kinds[CHRISTMAS], 10.0**power, 1.0)
    residuals[rng.random(weeks.shape) < missing] = np.nan
    for factor in factors_of(residuals, kinds, weeks).values():
        assert FEWEST_FACTOR - 1e-3 <= factor <= MOST_FACTOR


def test_one_extreme_residual_decides_no_factor():
    weeks = weekly(np.random.default_rng(1))
    inside = weeks % 5 == 0
    residuals = np.random.default_rng(2).normal(0.0, 1.0, weeks.shape)
    usual = factors_of(residuals, {PROMOTION: inside}, weeks)[PROMOTION]
    residuals[tuple(np.argwhere(inside)[0])] = 1e4
    assert factors_of(residuals, {PROMOTION: inside}, weeks)[PROMOTION] < usual + 0.02


def test_weeks_of_two_kinds_decide_the_factor_of_neither():
    weeks = weekly(np.random.default_rng(1))
    kinds = {CHRISTMAS: weeks % 5 == 0, PROMOTION: weeks % 3 == 0}
    residuals = np.random.default_rng(2).normal(0.0, 1.0, weeks.shape)
    residuals[kinds[CHRISTMAS] & kinds[PROMOTION]] *= 5.0
    found = factors_of(residuals, kinds, weeks)
    assert [*found.values()] == pytest.approx([1.0, 1.0], abs=0.1)


FACTORS = {CHRISTMAS: 2.0, PROMOTION: 1.3}
BASE = calibrate(errors_of(1.0))[0]
CALIBRATION = replace(BASE, factors=FACTORS)


def ensemble(known: History, calibration: Calibration = CALIBRATION) -> Ensemble:
    member = Naive.fit(known)
    ahead = WeeksAhead.of(known, calendar=True)
    return Ensemble(
        {"naive": member},
        {"naive": Weight.steady(1.0)},
        calibration,
        0.2,
        known.volumes,
        weeks_ahead=ahead,
    )


def widths(model: Ensemble, horizon: int = 52, **future: np.ndarray) -> np.ndarray:
    """By how much the upper bound is further from the mean than in ordinary weeks."""
    found = model.forecast(horizon, (80,), future)
    usual = replace(model, weeks_ahead=None).forecast(horizon, (80,))
    assert np.array_equal(found.mean, usual.mean)
    beyond = np.log1p(found.upper[80]) - np.log1p(found.mean)
    return np.asarray(beyond / (np.log1p(usual.upper[80]) - np.log1p(usual.mean)))


def test_only_weeks_of_christmas_are_wider_and_move_with_the_weeks_rolled_in():
    model = ensemble(history(volumes(1)))
    weeks = CUTOFF + 7 * np.arange(1, 53)
    expected = np.where(is_christmas(weeks), 2.0, 1.0)
    assert widths(model) == pytest.approx(expected)
    rolled = model.roll_forward(np.array([4.0, np.nan, 9.0]))
    assert widths(rolled, 49) == pytest.approx(expected[3:])


def test_without_the_calendar_christmas_is_like_other_weeks():
    model = ensemble(history(volumes(1)))
    ahead = WeeksAhead.of(history(volumes(1)), calendar=False)
    assert widths(replace(model, weeks_ahead=ahead)) == pytest.approx(np.ones(52))


def test_promotions_widen_weeks_from_the_fit_the_plan_and_the_future_alike():
    plan = np.zeros(20)
    plan[[2, 7]] = 0.25, 0.05
    expected = np.ones(20)
    expected[2] = 1.3
    plain = ensemble(history(volumes(1)))
    assert widths(plain, 20, **{PROMOTION: plan}) == pytest.approx(expected)
    planned = plain.with_covariates({PROMOTION_PLAN: plan})
    assert widths(planned, 20) == pytest.approx(expected)
    assert widths(planned.roll_forward(np.ones(2)), 18) == pytest.approx(expected[2:])
    assert widths(planned.with_covariates({PROMOTION_PLAN: np.empty(0)}), 20) == pytest.approx(
        np.ones(20)
    )
    values = np.concatenate([np.zeros(90), plan])[:, None]
    known = replace(
        history(volumes(1)), covariates=Covariates((PROMOTION,), values, ("known",), 0, 110)
    )
    assert widths(ensemble(known), 20) == pytest.approx(expected)


def test_a_promotion_in_the_last_known_week_does_not_last():
    known = promoted(history(volumes(1)))
    assert known.covariates is not None
    last = replace(known.covariates, values=known.covariates.values[:88])
    assert last.values[-1, 0] > 0.0
    model = ensemble(replace(known, covariates=last))
    assert widths(model, 20) == pytest.approx(np.ones(20))


def test_a_stored_ensemble_knows_its_weeks():
    model = ensemble(promoted(history(volumes(1))))
    again = Ensemble.from_state(json.loads(json.dumps(model.to_state(), allow_nan=False)))
    for name, column in model.forecast(60, (80, 95)).columns().items():
        assert np.array_equal(column, again.forecast(60, (80, 95)).columns()[name])
    assert (widths(again) > 1.2).any()


def test_older_states_have_no_factors():
    state = replace(ensemble(history(volumes(1)), BASE), weeks_ahead=None).to_state()
    assert "weeks_ahead" not in state
    state["calibration"].pop("factors", None)
    assert Ensemble.from_state(state).calibration.factors == {}
