"""Weeks in which the boosting's quantiles lie far apart have wider intervals."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.calibration import calibrate
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.naive import Naive
from book_forecast.forecasters.residual_scales import FoldErrors
from book_forecast.forecasters.week_kinds import CHRISTMAS, MOST_FACTOR, WeeksAhead, reach_of
from book_forecast.forecasters.week_widths import (
    WIDTH,
    relative_widths,
    width_factor,
    widths_by_title,
    with_widths,
)
from book_forecast.payload.weight import Weight
from book_forecast.series.history import PROMOTION
from tests.histories import CUTOFF, history, volumes

HORIZON = 12
TITLES, FOLDS = 60, 8


def errors_of(power: float, seed: int = 1, titles: int = TITLES) -> FoldErrors:
    """Residuals whose size is a power of the width of their week."""
    rng = np.random.default_rng(seed)
    rows = titles * FOLDS
    widths = relative_widths(rng.normal(0.0, 0.5, (rows, HORIZON)), HORIZON)
    errors = rng.normal(0.0, 0.3, widths.shape) * np.exp(power * widths)
    weeks = rng.integers(0, 200, rows)[:, None] + np.arange(HORIZON)
    of_title = np.repeat(np.arange(titles), FOLDS)
    expected = np.full(titles, 0.3)
    return FoldErrors(errors, of_title, expected, kinds={WIDTH: widths}, weeks=weeks)


def widths_of(found: FoldErrors) -> np.ndarray:
    return np.asarray(found.kinds[WIDTH], dtype=np.float64)


def factor_of(found: FoldErrors, share: float = 1.0) -> float:
    return width_factor(found.errors, widths_of(found), share)


def test_a_relative_width_is_beside_the_mean_of_the_weeks_that_folds_compare():
    logs = np.array([[0.1, 0.3, 0.2, 0.9], [-5.0, -5.2, np.nan, -9.0]])
    found = relative_widths(logs, 3)
    assert found == pytest.approx(np.array([[-0.1, 0.1, 0.0, 0.7], [0.1, -0.1, 0.0, -1.0]]))


def test_weeks_without_any_known_width_are_alike():
    assert not relative_widths(np.full((2, 5), np.nan), 5).any()


@pytest.mark.parametrize("power", [0.0, 0.4, 0.8])
def test_many_residuals_show_their_power(power):
    assert np.log(factor_of(errors_of(power))) == pytest.approx(power, abs=0.1)


def test_residuals_that_shrink_with_the_width_show_no_power():
    assert factor_of(errors_of(-0.5)) == 1.0


def test_few_residuals_show_less_than_many():
    few, many = (np.log(factor_of(errors_of(0.8, titles=titles))) for titles in (1, TITLES))
    assert 0.0 <= few < 0.7 * many


def test_folds_that_share_weeks_show_less_than_folds_that_share_none():
    found = errors_of(0.8, titles=4)
    assert factor_of(found, 0.1) < factor_of(found, 1.0)


@pytest.mark.parametrize("errors", [np.zeros((3, 4)), np.full((3, 4), np.nan)])
def test_without_residuals_there_is_no_power(errors):
    assert width_factor(errors, np.ones((3, 4)), 1.0) == 1.0


def test_missing_weeks_show_nothing():
    found = errors_of(0.8)
    missing = np.random.default_rng(5).random(found.errors.shape) < 0.5
    # The widest weeks are missing most: as weeks without an error they would end the power.
    missing |= widths_of(found) > 0.5
    with_gaps = replace(found, errors=np.where(missing, np.nan, found.errors))
    assert np.log(factor_of(with_gaps)) == pytest.approx(0.8, abs=0.2)


def test_a_mere_trend_over_the_weeks_ahead_is_no_power():
    rng = np.random.default_rng(4)
    ahead = np.log(np.arange(1, HORIZON + 1))
    widths = relative_widths(0.5 * ahead + rng.normal(0.0, 0.2, (400, HORIZON)), HORIZON)
    residuals = rng.normal(0.0, 0.1, widths.shape) * np.exp(0.5 * ahead)
    assert np.log(width_factor(residuals, widths, 1.0)) < 0.1


def test_weeks_without_an_error_show_no_power():
    found = errors_of(0.0)
    rng = np.random.default_rng(6)
    sparse = np.where(rng.random(found.errors.shape) < 0.05, found.errors, 0.0)
    rounding = sparse + rng.normal(0.0, 1e-16, sparse.shape)
    for errors in (sparse, rounding):
        assert np.log(factor_of(replace(found, errors=errors))) < 0.15


def test_differences_by_rounding_show_neither_a_power_nor_its_absence():
    shown = errors_of(0.8)
    none = replace(shown, errors=np.where(shown.titles[:, None] % 2 == 0, shown.errors, np.nan))
    noise = np.random.default_rng(7).normal(0.0, 1e-15, shown.errors.shape)
    rounded = replace(none, errors=np.where(np.isfinite(none.errors), none.errors, noise))
    assert factor_of(rounded) == factor_of(none) > 1.5


def test_the_reach_of_other_kinds_has_limits_and_that_of_widths_comes_on_top():
    factors = {CHRISTMAS: 2.0, PROMOTION: 2.5, WIDTH: 2.0}
    both = {CHRISTMAS: np.array([True, False]), PROMOTION: np.array([True, False])}
    assert reach_of(factors, both, (2,)).tolist() == [MOST_FACTOR, 1.0]
    wide = both | {WIDTH: np.array([1.0, -1.0])}
    assert reach_of(factors, wide, (2,)).tolist() == [2.0 * MOST_FACTOR, 0.5]


@pytest.mark.parametrize("power", [0.6, 1.0])
def test_narrow_and_wide_weeks_are_covered_as_often(power):
    found, fresh = errors_of(power), errors_of(power, seed=2)
    wide, narrow = widths_of(fresh) > 0.3, widths_of(fresh) < -0.3

    def coverage(known: FoldErrors, *, with_widths: bool) -> tuple[float, float]:
        calibration, scales, _ = calibrate(known)
        hits = np.zeros(fresh.errors.shape, dtype=bool)
        for row, title in enumerate(fresh.titles):
            kinds = {WIDTH: widths_of(fresh)[row]} if with_widths else None
            forecast = calibration.forecast(np.full(HORIZON, 99.0), scales[title], (80,), kinds)
            sold = 100.0 * np.exp(fresh.errors[row]) - 1.0
            hits[row] = (sold >= forecast.lower[80]) & (sold <= forecast.upper[80])
        return hits[narrow].mean(), hits[wide].mean()

    before = coverage(replace(found, kinds={}, weeks=None), with_widths=False)
    assert before[0] > 0.84
    assert before[1] < 0.75
    assert coverage(found, with_widths=True) == pytest.approx((0.8, 0.8), abs=0.04)


def test_other_kinds_count_for_what_the_width_leaves():
    """Promotions whose whole effect is in the widths have no factor beside it."""
    found = errors_of(0.8)
    promoted = widths_of(found) > 0.4
    calibration, _, _ = calibrate(replace(found, kinds={**found.kinds, PROMOTION: promoted}))
    assert calibration.factors[PROMOTION] == pytest.approx(1.0, abs=0.08)
    alone, _, _ = calibrate(replace(found, kinds={PROMOTION: promoted}))
    assert alone.factors[PROMOTION] > 1.3


def test_without_evidence_the_calibration_has_no_factor_and_widths_change_nothing():
    found = errors_of(-0.5)
    calibration, scales, _ = calibrate(found)
    assert WIDTH not in calibration.factors
    usual, own, _ = calibrate(replace(found, kinds={}))
    assert calibration == replace(usual, quantiles=calibration.quantiles)
    assert np.array_equal(calibration.quantiles, usual.quantiles)
    assert np.array_equal(scales, own)


def ensemble(widths: np.ndarray | None) -> Ensemble:
    known = history(volumes(1))
    calibration = replace(calibrate(errors_of(0.0))[0], factors={WIDTH: 1.5})
    ahead = WeeksAhead.of(known, calendar=False, widths=widths)
    return Ensemble(
        *({"naive": Naive.fit(known)}, {"naive": Weight.steady(1.0)}, calibration, 0.2),
        volumes=known.volumes,
        weeks_ahead=ahead,
    )


def reach(model: Ensemble, horizon: int) -> np.ndarray:
    """By how much the upper bound is further from the mean than without widths."""
    found, usual = (
        one.forecast(horizon, (80,)) for one in (model, replace(model, weeks_ahead=None))
    )
    assert np.array_equal(found.mean, usual.mean)
    own, other = (np.log1p(one.upper[80]) - np.log1p(one.mean) for one in (found, usual))
    return np.asarray(own / other)


def test_bounds_follow_the_widths_and_these_move_with_the_weeks_rolled_in():
    widths = np.array([0.0, 1.0, -0.5, 0.4])
    expected = np.append(1.5**widths, [1.0, 1.0])
    model = ensemble(widths)
    assert reach(model, 6) == pytest.approx(expected)
    assert reach(model.roll_forward(np.array([5.0, np.nan])), 4) == pytest.approx(expected[2:])
    assert reach(model.roll_forward(np.ones(7)), 3) == pytest.approx(np.ones(3))


def test_a_state_has_the_widths_and_older_ones_do_without():
    widths = np.array([0.25, -0.5])
    state = json.loads(json.dumps(ensemble(widths).to_state()))
    restored = Ensemble.from_state(state)
    assert reach(restored, 2) == pytest.approx(1.5**widths)
    del state["weeks_ahead"]["widths"]
    assert reach(Ensemble.from_state(state), 2) == pytest.approx(np.ones(2))
    assert "widths" not in ensemble(None).to_state()["weeks_ahead"]


def frame(cutoff: np.datetime64, **columns: list[float]) -> pd.DataFrame:
    weeks = pd.DatetimeIndex(cutoff + 7 * np.arange(1, 3)).as_unit("us")
    known = {"isbn": "a", "family": "boosting", "cutoff": weeks[0] - pd.Timedelta(weeks=1)}
    return pd.DataFrame({**known, "week": weeks, **columns})


def test_forecasts_at_origins_get_the_widths_of_their_own_origin():
    first, second = CUTOFF - 14, CUTOFF - 7
    forecasts = pd.concat([frame(first, naive=[1.0, 2.0]), frame(second, naive=[3.0, 4.0])])
    known = [frame(second, width=[0.3, 0.4]), frame(first, width=[0.1, 0.2])]
    others = frame(first, width=[np.nan, np.nan]).assign(family="network")
    found = with_widths(forecasts, pd.concat([*known, others]))
    assert found[WIDTH].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert found["naive"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert with_widths(forecasts, pd.concat([others, others]))[WIDTH].isna().all()
    older = others.drop(columns=WIDTH)
    assert with_widths(forecasts, older)[WIDTH].isna().all()


def test_widths_of_the_weeks_ahead_come_by_title():
    known = frame(CUTOFF, width=[0.1, 0.2])
    others = frame(CUTOFF, width=[np.nan, np.nan]).assign(family="network")
    found = widths_by_title(pd.concat([known, others, known.assign(isbn="b", width=0.5)]))
    assert {isbn: widths.tolist() for isbn, widths in found.items()} == {
        "a": [0.1, 0.2],
        "b": [0.5, 0.5],
    }
    assert widths_by_title(known.drop(columns=WIDTH)) == {}
    assert widths_by_title(known.iloc[::-1])["a"].tolist() == [0.1, 0.2]
