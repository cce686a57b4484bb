"""Stacks follow the evidence that there is, counted for what it is worth."""

from dataclasses import replace

import numpy as np
import pytest

from book_forecast.forecasters.stacking import ScaledFolds, bagged_stack, independent_folds


def scaled(n_titles=20, n_origins=6, step=8, horizon=8, errors=(0.5, 1.5), shared=0.0, seed=0):
    """Members that are off by noise, some of which all titles share at an origin."""
    rng = np.random.default_rng(seed)
    titles = np.repeat(np.arange(n_titles), n_origins)
    origins = np.tile(np.arange(n_origins) * step, n_titles)
    volumes = rng.uniform(5.0, 10.0, (len(titles), horizon))
    sizes = np.array(errors)[None, :, None]
    own = rng.normal(size=(len(titles), len(errors), 1))
    of_all = rng.normal(size=(n_origins, len(errors), 1))[origins // step]
    level = np.sqrt(1.0 - shared) * own + np.sqrt(shared) * of_all
    members = volumes[:, None] + sizes * level
    return ScaledFolds(members, volumes, titles, origins, np.ones(len(titles)))


def mean_stack(folds, prior, bags, seed):
    """Weights in the mean of the first and the last week ahead."""
    return bagged_stack(folds, prior, bags, seed).mean(axis=0)


def test_folds_that_share_weeks_count_for_the_share_of_new_ones():
    apart = independent_folds(scaled(n_titles=1, n_origins=6, step=8))
    dense = independent_folds(scaled(n_titles=1, n_origins=6, step=2))
    assert apart == pytest.approx(6.0)
    assert dense == pytest.approx(1.0 + 5 * 2 / 8)


def test_titles_with_shocks_in_common_count_for_less():
    alone = independent_folds(scaled(n_titles=50, shared=0.0))
    together = independent_folds(scaled(n_titles=50, shared=0.9))
    assert alone > 100
    assert together < alone / 5


def test_the_better_member_gets_more_the_more_evidence_there_is():
    prior = np.array([0.5, 0.5])
    few = mean_stack(scaled(n_titles=1, n_origins=2), prior, 8, 0)
    many = mean_stack(scaled(n_titles=60), prior, 8, 0)
    assert 0.5 < few[0] < many[0]
    assert few[0] < 0.8
    assert many[0] > 0.85


def test_without_evidence_the_prior_remains():
    folds = scaled()
    none = folds.take(np.zeros(len(folds.titles), dtype=bool))
    prior = np.array([0.3, 0.7])
    assert bagged_stack(none, prior, 4, 0) == pytest.approx(np.stack([prior, prior]))


def test_a_member_that_fails_for_some_titles_is_judged_by_the_others():
    folds = scaled(errors=(0.3, 1.5, 1.5))
    members = folds.members.copy()
    members[folds.titles < 5, 0] = np.nan
    found = mean_stack(replace(folds, members=members), np.full(3, 1 / 3), 8, 0)
    assert np.argmax(found) == 0


def test_the_same_seed_gives_the_same_stack():
    folds, prior = scaled(), np.array([0.5, 0.5])
    assert (bagged_stack(folds, prior, 4, 1) == bagged_stack(folds, prior, 4, 1)).all()


def seeded(folds, bags, n_seeds=16):
    """Weights of the first of two members by seed."""
    return np.array([mean_stack(folds, np.array([0.5, 0.5]), bags, s)[0] for s in range(n_seeds)])


def test_each_resample_has_other_folds_and_the_mean_of_many_depends_less_on_them():
    folds = scaled(n_titles=4, n_origins=3)
    assert np.std(seeded(folds, bags=1)) > 0.03
    assert np.std(seeded(folds, bags=12)) < 0.7 * np.std(seeded(folds, bags=1))


def test_origins_that_share_weeks_are_drawn_together():
    # All eight origins share a week, so that every resample has each of them once.
    whole = seeded(scaled(n_titles=1, n_origins=8, step=1), bags=1)
    assert whole == pytest.approx(whole[0])
    assert np.std(seeded(scaled(n_titles=1, n_origins=8, step=8), bags=1)) > 0.01


def test_every_resample_has_evidence_where_titles_have_no_origin_in_common():
    folds = scaled(n_titles=2, n_origins=2, errors=(0.3, 1.5))
    folds = folds.take((folds.titles == 0) == (folds.origins == 0))
    assert len(folds.titles) == 2
    assert (seeded(folds, bags=1) > 0.6).all()


def test_titles_with_larger_errors_count_for_more_but_not_by_as_much():
    folds = scaled(n_titles=40)
    is_small = folds.titles % 2 == 1
    # The second member is the better one for small titles.
    members = np.where(is_small[:, None, None], folds.members[:, ::-1], folds.members)

    def first(size):
        sizes = np.where(is_small, 1.0, size)
        return mean_stack(replace(folds, members=members, sizes=sizes), np.array([0.5, 0.5]), 8, 0)[
            0
        ]

    assert first(100.0) > first(1.0) + 0.3
    assert first(100.0) < 0.95


def test_both_ends_are_fitted_to_the_weeks_on_their_side():
    folds = scaled(n_titles=60)
    volumes = folds.volumes.copy()
    growing = np.linspace(0.2, 2.0, folds.horizon)
    wrong = np.stack([np.broadcast_to(growing, volumes.shape)] * 2, axis=1)
    wrong[:, 1] = wrong[:, 1, ::-1]
    signs = np.sign(folds.members - folds.volumes[:, None])
    crossed = replace(folds, members=volumes[:, None] + signs * wrong)
    near, far = bagged_stack(crossed, np.array([0.5, 0.5]), 8, 0)
    assert near[0] > 0.75
    assert far[1] > 0.75
    assert near.sum() == pytest.approx(1.0)
    assert far.sum() == pytest.approx(1.0)
