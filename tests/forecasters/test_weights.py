"""Weights follow the errors of members, and the prior where there are none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.forecasters.weights import FoldForecasts, combine, fit_weights
from book_forecast.series.history import BoolArray


def folds_of(errors, n_titles=30, n_folds=3, horizon=8, seed=0, classes=None, step=8):
    """Members whose forecasts are off by noise of the given sizes, by title or for all alike."""
    rng = np.random.default_rng(seed)
    titles = np.repeat(np.arange(n_titles), n_folds)
    sizes = np.broadcast_to(np.asarray(errors, dtype=float), (n_titles, np.shape(errors)[-1]))
    volumes = rng.uniform(50, 150, (n_titles * n_folds, horizon))
    noise = rng.normal(size=(len(volumes), sizes.shape[1], horizon))
    members = volumes[:, None] + sizes[titles][:, :, None] * noise
    none = np.zeros(n_titles, dtype=int)
    origins = np.tile(np.arange(n_folds) * step, n_titles)
    return FoldForecasts(
        members, volumes, titles, origins, none, none if classes is None else classes
    )


def equal(folds):
    return np.full((len(folds.groups), folds.members.shape[1]), 1.0 / folds.members.shape[1])


def test_a_member_that_is_better_everywhere_counts_for_more():
    folds = folds_of([5.0, 20.0, 20.0])
    found = fit_weights(folds, equal(folds))
    assert (found.mean[:, 0] > 0.6).mean() > 0.9


def test_members_as_good_as_each_other_share():
    folds = folds_of([10.0, 10.0, 10.0, 10.0])
    found = fit_weights(folds, equal(folds))
    assert found.mean.mean(axis=0) == pytest.approx(np.full(4, 0.25), abs=0.05)


def test_weights_move_to_the_members_that_are_better_later():
    folds = folds_of([10.0, 10.0])
    growing = np.linspace(0.3, 1.7, 8)
    wrong = folds.members - folds.volumes[:, None]
    wrong *= np.stack([growing, growing[::-1]])
    crossed = replace(folds, members=folds.volumes[:, None] + wrong)
    found = fit_weights(crossed, equal(crossed))
    near, far = found.ends[:, :, 0]
    assert near.min() > 0.7
    assert far.max() < 0.3
    assert found.out_of_fold[:, 0].mean(axis=0) == pytest.approx(
        np.linspace(near.mean(), far.mean(), 8), abs=0.05
    )


def test_a_single_week_ahead_has_one_set_of_weights():
    folds = folds_of([5.0, 20.0], horizon=1, n_folds=6)
    near, far = fit_weights(folds, equal(folds)).ends
    assert (near == far).all()
    assert near[:, 0].mean() > 0.6


def test_the_pull_of_a_single_week_is_that_of_two_equal_ones():
    one = folds_of([10.0, 12.0, 20.0], n_titles=3, horizon=1, n_folds=4, step=2)
    twice = replace(
        one, members=one.members.repeat(2, axis=2), volumes=one.volumes.repeat(2, axis=1)
    )
    of_one, of_two = (fit_weights(each, equal(each)).ends.mean(axis=1) for each in (one, twice))
    assert of_two[0] == pytest.approx(of_two[1], abs=1e-3)
    assert of_one[0] == pytest.approx(of_two[0], abs=1e-3)


def test_a_member_that_counts_later_alone_stays_at_both_ends():
    folds = folds_of([10.0, 10.0], n_titles=60, n_folds=6)
    wrong = folds.members - folds.volumes[:, None]
    wrong *= np.stack([np.linspace(0.1, 3.0, 8), np.linspace(3.0, 0.1, 8)])
    crossed = replace(folds, members=folds.volumes[:, None] + wrong)
    found = fit_weights(crossed, equal(crossed)).ends
    assert found[0, :, 1].min() < 0.05
    assert (found > 0.0).all()


def test_titles_that_differ_get_weights_that_differ():
    errors = np.where(np.arange(30)[:, None] % 2 == [0, 1], 5.0, 25.0)
    found = fit_weights(folds_of(errors), np.full((30, 2), 0.5))
    right = np.arange(30) % 2
    assert (found.mean[np.arange(30), right] > 0.7).mean() > 0.9


def test_noise_is_not_followed():
    folds = folds_of([10.0, 10.0], n_titles=200, n_folds=3, horizon=2)
    found = fit_weights(folds, equal(folds))
    assert np.abs(found.mean - 0.5).max() < 0.35


def test_a_title_without_folds_has_the_weights_of_its_group():
    folds = folds_of([5.0, 20.0])
    more = replace(folds, groups=np.zeros(31, dtype=int), classes=np.zeros(31, dtype=int))
    found = fit_weights(more, np.full((31, 2), 0.5))
    assert found.mean[30, 0] > 0.6


def test_without_any_fold_the_prior_stands():
    empty = FoldForecasts(
        np.empty((0, 2, 0)),
        np.empty((0, 0)),
        np.empty(0, dtype=int),
        np.empty(0, dtype=int),
        np.zeros(2, dtype=int),
        np.zeros(2, dtype=int),
    )
    found = fit_weights(empty, np.array([[0.3, 0.7], [0.3, 0.7]]))
    assert found.mean == pytest.approx(np.array([[0.3, 0.7], [0.3, 0.7]]))


def test_a_member_that_fails_for_a_title_counts_for_nothing_there():
    folds = folds_of([5.0, 20.0, 20.0])
    members = folds.members.copy()
    members[folds.titles == 4, 0] = np.nan
    broken = replace(folds, members=members)
    found = fit_weights(broken, equal(folds))
    assert found.mean[4, 0] == 0.0
    assert found.mean[5, 0] > 0.6
    assert np.isfinite(combine(members, found.out_of_fold)).all()


def only(title: int, member: int, shape: tuple[int, int]) -> BoolArray:
    """One member of one title."""
    found = np.zeros(shape, dtype=bool)
    found[title, member] = True
    return found


@pytest.mark.parametrize("missing", [range(6), range(1, 6)], ids=["all folds", "all but one"])
def test_a_member_that_has_not_failed_has_the_weight_of_the_group_in_a_title_without_it(missing):
    folds = with_errors([5.0, 20.0, 20.0], n_folds=6)
    members = folds.members.copy()
    members[(folds.titles == 4) & np.isin(folds.origins, 8 * np.array(missing)), 0] = np.nan
    without = replace(folds, members=members)
    prior = equal(folds)
    found = fit_weights(without, prior, excused=only(4, 0, prior.shape))
    assert found.mean[4] == pytest.approx(found.mean[5], abs=0.02)
    assert found.mean[4, 0] > 0.6
    assert np.isfinite(combine(members, found.out_of_fold)).all()


def test_errors_of_the_others_beside_each_other_still_tilt_a_title_without_an_excused_member():
    sizes = np.tile([15.0, 20.0, 20.0], (180, 1))
    sizes[np.repeat(np.arange(30), 6) == 4, 1:] = [16.0, 25.0]
    folds = with_errors(sizes, n_folds=6)
    members = folds.members.copy()
    members[folds.titles == 4, 0] = np.nan
    prior = equal(folds)
    without = replace(folds, members=members)
    found = fit_weights(without, prior, excused=only(4, 0, prior.shape)).mean
    beside_others = np.log(found[:, 0] / np.sqrt(found[:, 1] * found[:, 2]))
    assert beside_others[4] == pytest.approx(beside_others[5], abs=0.1)
    assert found[4, 1] > 1.5 * found[4, 2]


def test_a_member_without_a_forecast_of_any_title_counts_for_nothing_though_excused():
    folds = folds_of([5.0, 20.0, 20.0])
    members = folds.members.copy()
    members[:, 0] = np.nan
    prior = equal(folds)
    found = fit_weights(
        replace(folds, members=members), prior, excused=np.ones(prior.shape, dtype=bool)
    )
    assert (found.mean[:, 0] == 0.0).all()


@pytest.mark.parametrize("n_members", [3, 8])
def test_titles_alike_have_the_stack_where_an_excused_member_lacks_forecasts_of_them_all(n_members):
    folds = with_errors([5.0] + [20.0] * (n_members - 1), n_folds=6)
    members = folds.members.copy()
    members[folds.origins >= 24, 0] = np.nan
    # The last title has no folds, and therefore the weights of the stack.
    more = replace(folds, members=members, groups=np.zeros(31, int), classes=np.r_[[0] * 30, 1])
    prior = equal(more)
    excused = np.zeros(prior.shape, dtype=bool)
    excused[:, 0] = True
    found = fit_weights(more, prior, excused=excused).mean
    assert found[:30] == pytest.approx(np.tile(found[30], (30, 1)), abs=1e-6)


def test_a_group_without_any_forecast_of_an_excused_member_has_no_weight_for_it():
    folds = folds_of([8.0, 8.0, 8.0, 60.0], n_folds=6)
    groups = np.r_[[0] * 20, [1] * 10]
    members = folds.members.copy()
    members[groups[folds.titles] == 1, 3] = np.nan
    apart = replace(folds, members=members, groups=groups)
    prior = np.where(groups[:, None] == 1, [1 / 12, 1 / 12, 1 / 12, 3 / 4], 1 / 4)
    excused = np.tile([False, False, False, True], (30, 1))
    assert (fit_weights(apart, prior, excused=excused).mean[groups == 1, 3] == 0.0).all()


def test_an_excuse_changes_nothing_where_all_forecasts_are_there():
    folds = folds_of([5.0, 10.0, 20.0])
    prior = equal(folds)
    found = fit_weights(folds, prior, excused=np.ones(prior.shape, dtype=bool))
    usual = fit_weights(folds, prior)
    assert (found.mean == usual.mean).all()
    assert (found.out_of_fold == usual.out_of_fold).all()


@pytest.mark.parametrize("step", [8, 3])
def test_out_of_fold_weights_do_not_know_the_weeks_of_their_fold(step):
    folds = folds_of([10.0, 10.0, 12.0], n_folds=6, step=step)
    changed = folds.volumes.copy()
    # What the latest fold forecasts, and the others that share weeks with it.
    changed[folds.origins < 8] *= 3.0
    other = replace(folds, volumes=changed)
    one, two = fit_weights(folds, equal(folds)), fit_weights(other, equal(folds))
    latest = folds.origins == 0
    assert np.abs(one.mean - two.mean).max() > 1e-3
    assert one.out_of_fold[latest] == pytest.approx(two.out_of_fold[latest], abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 4))
def test_weights_are_shares_whatever_the_errors(seed, n_members, n_folds):
    rng = np.random.default_rng(seed)
    folds = folds_of(rng.uniform(0.0, 30.0, n_members), n_titles=7, n_folds=n_folds, seed=seed)
    members = folds.members.copy()
    members[rng.random(members.shape[:2]) < 0.2] = np.nan
    volumes = np.where(rng.random(folds.volumes.shape) < 0.2, np.nan, folds.volumes)
    odd = replace(folds, members=members, volumes=volumes)
    found = fit_weights(odd, equal(odd))
    for weights in (*found.ends, found.out_of_fold):
        assert (weights >= 0.0).all()
        sums = weights.sum(axis=1)
        assert sums == pytest.approx(np.ones(sums.shape))


def test_the_unit_of_the_volumes_changes_nothing():
    folds = folds_of([5.0, 9.0, 14.0])
    scaled = replace(folds, members=folds.members * 1000.0, volumes=folds.volumes * 1000.0)
    one, two = fit_weights(folds, equal(folds)), fit_weights(scaled, equal(folds))
    assert one.mean == pytest.approx(two.mean, abs=1e-6)


def test_two_titles_stay_close_to_the_prior_and_many_follow_the_evidence():
    few, many = (folds_of([10.0, 12.0], n_titles=n, n_folds=3, seed=3) for n in (2, 200))
    prior = np.array([0.5, 0.5])
    of_few, of_many = (
        fit_weights(folds, np.tile(prior, (len(folds.groups), 1))).mean.mean(axis=0)[0]
        for folds in (few, many)
    )
    assert abs(of_few - 0.5) < 0.2
    assert of_many > of_few


def with_errors(sizes, **changes):
    """Folds whose members are off by exactly these copies in each week, shape (rows, members)."""
    folds = folds_of(np.ones(np.shape(sizes)[-1]), **changes)
    signs = np.where(np.random.default_rng(1).random(folds.members.shape) < 0.5, -1.0, 1.0)
    off = np.broadcast_to(sizes, folds.members.shape[:2])[:, :, None]
    return replace(folds, members=folds.volumes[:, None] + off * signs)


def lean(weights):
    """The weight of the first of two members beside the second, in the logarithm."""
    return np.log(np.maximum(weights[:, 0], 1e-3) / np.maximum(weights[:, 1], 1e-3))


def test_titles_that_are_all_alike_have_the_stack_of_their_group():
    folds = with_errors([10.0, 12.0])
    # One more title, of a class without a fold, has nothing but the stack.
    folds = replace(
        folds, groups=np.zeros(31, dtype=int), classes=np.append(np.zeros(30, dtype=int), 1)
    )
    found = fit_weights(folds, equal(folds)).mean
    assert found[:30] == pytest.approx(np.tile(found[30], (30, 1)))


def test_a_title_without_folds_leans_as_its_class_does():
    sizes = np.where(np.arange(30)[:, None] % 2 == [0, 1], 8.0, 14.0)
    folds = folds_of(sizes)
    classes = np.append(np.arange(30) % 2, [0, 1])
    folds = replace(folds, groups=np.zeros(32, dtype=int), classes=classes)
    found = fit_weights(folds, equal(folds)).mean
    assert found[30, 0] > 0.7
    assert found[31, 1] > 0.7


def test_each_group_has_a_stack_of_its_own():
    sizes = np.where(np.arange(30)[:, None] % 2 == [0, 1], 8.0, 14.0)
    folds = folds_of(sizes)
    groups = np.append(np.arange(30) % 2, [0, 1])
    folds = replace(folds, groups=groups, classes=np.zeros(32, dtype=int))
    found = fit_weights(folds, equal(folds)).mean
    assert found[30, 0] > 0.65
    assert found[31, 1] > 0.65


def test_own_errors_tilt_more_where_titles_are_unlike_each_other():
    rng = np.random.default_rng(1)
    n_titles, slopes = 60, []
    for unlike in (0.0, 0.6):
        better = rng.normal(0.0, unlike, n_titles).repeat(2)
        noise = rng.normal(0.0, 0.3, (len(better), 2))
        sizes = 10.0 * np.exp(np.stack([better, -better], axis=1) + noise)
        folds = with_errors(sizes, n_titles=n_titles, n_folds=2)
        own = np.log(sizes[:, 0] / sizes[:, 1]).reshape(n_titles, 2).mean(axis=1)
        slopes.append(np.polyfit(own, lean(fit_weights(folds, equal(folds)).mean), 1)[0])
    alike, apart = slopes
    assert apart < 2.0 * alike < 0.0


def test_overlapping_folds_of_a_title_tilt_less_than_as_many_apart():
    sizes = np.full((30, 2), 10.0)
    sizes[5] = [7.0, 14.0]
    tilts = []
    for step in (8, 1):
        folds = folds_of(sizes, n_folds=6, step=step)
        found = lean(fit_weights(folds, equal(folds)).mean)
        tilts.append(found[5] - np.median(found))
    assert tilts[0] > 3.0 * tilts[1] > 0.0


def test_a_title_out_of_print_does_not_outweigh_the_others():
    """All members but one forecast its zeros exactly, and that one a third of a copy."""
    folds = folds_of([5.0, 20.0, 20.0, 30.0], n_titles=15, n_folds=8)
    away = np.zeros((8, 4, 8))
    away[:, 0] = 0.3
    more = FoldForecasts(
        np.concatenate([folds.members, away]),
        np.concatenate([folds.volumes, np.zeros((8, 8))]),
        np.r_[folds.titles, np.full(8, 15)],
        np.r_[folds.origins, folds.origins[:8]],
        np.zeros(16, dtype=int),
        np.zeros(16, dtype=int),
    )
    alone, beside = (fit_weights(each, equal(each)) for each in (folds, more))
    n = len(folds.titles)
    assert beside.out_of_fold[:n, 0].mean() == pytest.approx(
        alone.out_of_fold[:, 0].mean(), abs=0.1
    )


def test_one_member_that_explodes_leaves_the_title_its_own_evidence():
    folds = folds_of([20.0, 0.5, 20.0, 20.0], n_titles=15, n_folds=8)
    wild = folds.members.copy()
    wild[:, 3] += 5000.0
    usual, found = (
        fit_weights(each, equal(each)) for each in (folds, replace(folds, members=wild))
    )
    assert usual.mean[:, 1].min() > 0.9
    assert found.mean[:, 1].min() > 0.9
