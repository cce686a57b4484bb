"""Intervals hold as often as they say."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from book_forecast.forecasters.calibration import Calibration, calibrate
from book_forecast.forecasters.residual_scales import (
    FoldErrors,
    as_of_today,
    row_scales,
    title_scales,
)

LEVELS = (50, 80, 95)


def simulated(n_titles=200, n_folds=4, horizon=32, seed=0, heavy=False):
    """Errors of titles of different spreads, wider ahead and alike within a fold."""
    rng = np.random.default_rng(seed)
    spreads = np.exp(rng.normal(-1.5, 0.6, n_titles))
    titles = np.repeat(np.arange(n_titles), n_folds)
    draw = rng.standard_t(3, (len(titles), horizon)) if heavy else None
    own = rng.normal(size=(len(titles), horizon)) if draw is None else draw
    level = rng.normal(size=(len(titles), 1))
    growth = np.sqrt(1.0 + np.arange(horizon) / 8.0)
    errors = spreads[titles][:, None] * growth * (0.8 * own + 0.6 * level)
    places = np.tile(np.arange(n_folds), n_titles)
    return spreads, titles, places, errors


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("n_titles", [60, 400])
def test_new_errors_lie_inside_as_often_as_the_level_says(heavy, n_titles):
    spreads, titles, places, errors = simulated(n_titles, heavy=heavy)
    known = places > 0
    calibration, found, powers = calibrate(FoldErrors(errors[known], titles[known], spreads))
    new = errors[~known]
    inside: dict[int, list[bool]] = {level: [] for level in LEVELS}
    for title in range(n_titles):
        forecast = calibration.forecast(np.full(32, 1e6), found[title], LEVELS, power=powers[title])
        happened = np.expm1(np.log1p(1e6) + new[title])
        for level in LEVELS:
            inside[level] += list(
                (happened >= forecast.lower[level]) & (happened <= forecast.upper[level])
            )
    tolerance = 0.05 if n_titles < 100 else 0.025
    for level in LEVELS:
        assert np.mean(inside[level]) == pytest.approx(level / 100, abs=tolerance)


def test_titles_that_err_more_have_wider_intervals():
    spreads, titles, _, errors = simulated()
    _, found, _ = calibrate(FoldErrors(errors, titles, np.ones(len(spreads))))
    assert np.corrcoef(np.log(found), np.log(spreads))[0, 1] > 0.8


def test_a_title_without_folds_gets_the_spread_of_titles_with_weeks_like_its_own():
    spreads, titles, _, errors = simulated()
    expected = np.append(spreads, 0.5)
    _, found, _ = calibrate(FoldErrors(errors, titles, expected))
    near = np.abs(np.log(spreads / 0.5)) < 0.3
    assert found[-1] == pytest.approx(np.median(found[:-1][near]), rel=0.3)


def test_own_errors_count_for_more_where_titles_are_unlike_each_other():
    rng = np.random.default_rng(3)
    titles = np.repeat(np.arange(100), 3)
    noise = rng.normal(size=(300, 16)) * np.exp(rng.normal(0.0, 0.5, (300, 1)))
    unlike = np.exp(rng.normal(0.0, 1.0, 100))
    found = {}
    for name, spreads in (("alike", np.ones(100)), ("unlike", unlike)):
        errors = noise * spreads[titles][:, None]
        _, by_title, _ = calibrate(FoldErrors(errors, titles, np.ones(100)))
        own = np.exp(np.log(np.abs(errors).mean(axis=1)).reshape(100, 3).mean(axis=1))
        # How much of a title's own, beside the others', its spread shows.
        found[name] = np.polyfit(np.log(own), np.log(by_title), 1)[0]
    assert found["alike"] < 0.35
    assert found["unlike"] > 0.7


def test_without_any_error_intervals_are_wide_rather_than_absent():
    nothing = FoldErrors(np.empty((0, 0)), np.empty(0, dtype=int), np.array([0.3]))
    calibration, spreads, _ = calibrate(nothing)
    forecast = calibration.forecast(np.full(10, 100.0), spreads[0], LEVELS)
    assert (forecast.lower[95] < 60.0).all()
    assert (forecast.upper[95] > 160.0).all()


def test_intervals_widen_behind_the_last_week_that_was_seen_but_never_jump():
    spreads, titles, _, errors = simulated()
    calibration, found, powers = calibrate(FoldErrors(errors, titles, spreads))
    forecast = calibration.forecast(np.full(104, 1000.0), found[0], (80,), power=powers[0])
    width = forecast.upper[80] - forecast.lower[80]
    assert width[103] >= width[31]
    assert width[103] < 4.0 * width[31]


def test_intervals_go_on_widening_as_they_did_over_the_weeks_that_were_seen():
    spreads, titles, _, errors = simulated(400)
    widening = np.sqrt((1.0 + 103 / 8.0) / (1.0 + 31 / 8.0))
    ratios = []
    for growing in (errors, errors / np.sqrt(1.0 + np.arange(32) / 8.0)):
        calibration, found, powers = calibrate(FoldErrors(growing, titles, spreads))
        upper = calibration.forecast(np.full(104, 1e6), found[0], (80,), power=powers[0]).upper[80]
        ratios.append(np.log(upper[103] / 1e6) / np.log(upper[31] / 1e6))
    assert ratios == pytest.approx([widening, 1.0], rel=0.2)


@pytest.mark.parametrize(("n_titles", "least", "most"), [(1, 0.3, 0.6), (100, 0.95, 1.0)])
def test_a_bias_counts_by_the_number_of_folds_that_show_it(n_titles, least, most):
    rng = np.random.default_rng(0)
    titles = np.repeat(np.arange(n_titles), 3)
    errors = 0.2 + rng.normal(0.0, 0.02, (len(titles), 13))
    calibration, scales, powers = calibrate(FoldErrors(errors, titles, np.full(n_titles, 0.2)))
    bounds = calibration.forecast(np.full(13, 1e6), scales[0], (2,), power=powers[0])
    middle = 0.5 * (np.log(bounds.lower[2]) + np.log(bounds.upper[2])) - np.log(1e6)
    assert least < np.mean(middle) / 0.2 < most + 0.05


def test_bounds_are_nested_and_never_below_zero():
    spreads, titles, _, errors = simulated(30)
    calibration, _, _ = calibrate(FoldErrors(errors, titles, spreads))
    levels = (0, 1, 20, 50, 66.6, 80, 95, 99, 99.5)
    forecast = calibration.forecast(np.array([0.0, 0.3, 5.0, 1e7]), 2.0, levels)
    for narrow, wide in pairwise(levels):
        assert (forecast.lower[wide] <= forecast.lower[narrow]).all()
        assert (forecast.upper[wide] >= forecast.upper[narrow]).all()
    assert all((forecast.lower[level] >= 0.0).all() for level in levels)


def test_a_state_gives_the_same_calibration_again():
    spreads, titles, _, errors = simulated(20)
    calibration, _, _ = calibrate(FoldErrors(errors, titles, spreads))
    state = calibration.to_state()
    again = Calibration.from_state(json.loads(json.dumps(state)))
    assert again.to_state() == state


def test_errors_of_times_when_histories_were_short_count_for_less():
    rng = np.random.default_rng(1)
    titles = np.repeat(np.arange(100), 3)
    growth = np.tile([1.0, 2.0, 4.0], 100)
    errors = 0.2 * growth[:, None] ** 0.7 * rng.normal(size=(300, 8))
    _, aware, _ = calibrate(FoldErrors(errors, titles, np.full(100, 0.2), growth))
    _, unaware, _ = calibrate(FoldErrors(errors, titles, np.full(100, 0.2)))
    assert np.median(aware) == pytest.approx(0.2 * 0.8, rel=0.15)
    assert np.median(unaware) > 1.4 * np.median(aware)


FOLDS = 12


def of_many(n_titles: int) -> FoldErrors:
    """Return the residuals of one title, which shrink as its history grows, for `n_titles`."""
    growth = np.linspace(4.0, 1.0, FOLDS)
    errors = 0.2 * growth[:, None] * np.random.default_rng(3).normal(size=(FOLDS, 8))
    titles = np.repeat(np.arange(n_titles), FOLDS)
    every = np.tile(errors, (n_titles, 1)), np.tile(growth, n_titles)
    return FoldErrors(every[0], titles, np.full(n_titles, 0.2), every[1])


def test_titles_that_have_good_and_bad_weeks_at_once_count_as_one():
    few, many = (as_of_today(of_many(n)).errors[0] for n in (5, 100))
    assert many == pytest.approx(few)
    assert np.max(np.abs(many)) < 0.5 * np.max(np.abs(of_many(5).errors[0]))


def test_a_title_whose_history_has_not_grown_says_nothing_of_growth():
    found = of_many(5)
    with_one_more = FoldErrors(
        np.concatenate([found.errors, found.errors[:FOLDS]]),
        np.concatenate([found.titles, np.full(FOLDS, 5)]),
        np.full(6, 0.2),
        np.concatenate([found.growth, np.ones(FOLDS)]),
    )
    n = len(found.errors)
    assert as_of_today(with_one_more).errors[:n] == pytest.approx(as_of_today(found).errors)


def test_few_titles_are_believed_less():
    one, five = (as_of_today(of_many(n)).errors[0] for n in (1, 5))
    assert np.all(np.abs(one) > np.abs(five))


def test_without_known_residuals_nothing_is_corrected():
    none = replace(of_many(2), errors=np.full((2 * FOLDS, 8), np.nan))
    assert np.isnan(as_of_today(none).errors).all()


def test_errors_that_do_not_depend_on_the_history_stay_as_they_are():
    rng = np.random.default_rng(2)
    titles = np.repeat(np.arange(100), 3)
    growth = np.tile([1.0, 1.1, 1.2], 100)
    errors = 0.2 * rng.normal(size=(300, 8))
    _, aware, _ = calibrate(FoldErrors(errors, titles, np.full(100, 0.2), growth))
    _, unaware, _ = calibrate(FoldErrors(errors, titles, np.full(100, 0.2)))
    assert aware == pytest.approx(unaware, rel=0.1)


@pytest.mark.parametrize("n_titles", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("horizon", [1, 6, 32])
def test_a_handful_of_errors_gives_intervals_that_are_numbers(n_titles, horizon):
    errors = np.random.default_rng(0).normal(0.0, 0.3, (n_titles, horizon))
    calibration, spreads, powers = calibrate(
        FoldErrors(errors, np.arange(n_titles), np.full(n_titles, 0.3))
    )
    forecast = calibration.forecast(np.full(104, 100.0), spreads[0], LEVELS, power=powers[0])
    assert all(np.isfinite(column).all() for column in forecast.columns().values())
    assert (forecast.upper[95] > forecast.lower[95] + 5.0).all()
    assert (forecast.upper[95][:horizon] < 1e4).all()


def steady(n_titles=200, n_folds=6, horizon=8, step=8, seed=4):
    """Errors of one scale at origins some weeks apart."""
    titles = np.repeat(np.arange(n_titles), n_folds)
    errors = np.random.default_rng(seed).normal(0.0, 0.2, (len(titles), horizon))
    origins = np.tile(step * np.arange(n_folds), n_titles)
    return FoldErrors(errors, titles, np.full(n_titles, 0.2), origins=origins)


@pytest.mark.parametrize(("changed", "share"), [(0, 0.5), (1, 0.5), (5, 1.0)])
def test_the_scale_of_a_fold_half_leaves_out_folds_that_share_weeks_with_it(changed, share):
    found = steady(step=4)
    errors = found.errors.copy()
    errors[changed] *= 10.0
    other = replace(found, errors=errors)
    of_title = np.log(title_scales(other)[0] / title_scales(found)[0])
    # Without two of the title's six folds, each of the others has more weight.
    of_row = np.log(row_scales(other)[0] / row_scales(found)[0])
    assert of_title > 0.05
    assert of_row / of_title == pytest.approx(share, abs=0.25)


def test_overlapping_folds_count_for_the_weeks_that_they_do_not_share():
    apart, dense = steady(n_titles=5), steady(n_titles=5, step=1)
    scales = []
    for found in (apart, dense):
        errors = np.where(found.titles[:, None] == 0, 4.0, 1.0) * found.errors
        by_title = title_scales(replace(found, errors=errors))
        scales.append(by_title[0] / np.median(by_title))
    assert scales[0] > 1.5 * scales[1]


def test_few_titles_are_expected_to_err_as_their_weeks_change():
    rng = np.random.default_rng(6)
    titles = np.repeat(np.arange(3), 4)
    found = FoldErrors(rng.normal(0.0, 0.2, (12, 8)), titles, np.array([0.2, 0.2, 0.2, 0.6]))
    scales = title_scales(found)
    assert scales[3] == pytest.approx(3.0 * np.median(scales[:3]), rel=0.3)


def test_few_weeks_of_their_own_have_wider_tails_than_as_many_apart():
    reach = []
    for step in (8, 1):
        calibration, _, powers = calibrate(steady(n_titles=2, n_folds=10, step=step))
        bounds = calibration.forecast(np.full(8, 1e6), 1.0, (80,), power=powers[0])
        reach.append(np.mean(np.log(bounds.upper[80] / bounds.lower[80])))
    assert reach[1] > 1.1 * reach[0]
