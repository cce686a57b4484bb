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
    few = bagged_stack(scaled(n_titles=1, n_origins=2), prior, 8, 0)
    many = bagged_stack(scaled(n_titles=60), prior, 8, 0)
    assert 0.5 < few[0] < many[0]
    assert few[0] < 0.8
    assert many[0] > 0.85


def test_without_evidence_the_prior_remains():
    folds = scaled()
    none = folds.take(np.zeros(len(folds.titles), dtype=bool))
    prior = np.array([0.3, 0.7])
    assert bagged_stack(none, prior, 4, 0) == pytest.approx(prior)


def test_a_member_that_fails_for_some_titles_is_judged_by_the_others():
    folds = scaled(errors=(0.3, 1.5, 1.5))
    members = folds.members.copy()
    members[folds.titles < 5, 0] = np.nan
    found = bagged_stack(replace(folds, members=members), np.full(3, 1 / 3), 8, 0)
    assert np.argmax(found) == 0


def test_the_same_seed_gives_the_same_stack():
    folds, prior = scaled(), np.array([0.5, 0.5])
    assert (bagged_stack(folds, prior, 4, 1) == bagged_stack(folds, prior, 4, 1)).all()
