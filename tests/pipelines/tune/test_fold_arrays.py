"""Folds as arrays: what is known of the families beforehand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from book_forecast.forecasters.weights import FoldForecasts
from book_forecast.pipelines.tune.fold_arrays import SEARCHED, as_unsearched, prior_weights

FAMILIES = ["sarima", "theta", "boosting", "autoregression", "naive"]


def folds(young: bool = False) -> FoldForecasts:
    """Four folds of three weeks, one of them unknown; one family has failed once."""
    members = 10.0 + np.random.default_rng(1).normal(size=(4, len(FAMILIES), 3))
    members[1, 0] = np.nan
    volumes = np.full((4, 3), 9.0)
    volumes[2, 1] = np.nan
    rows = np.arange(4)
    return FoldForecasts(
        members, volumes, rows * 0, 13 * rows, np.array([int(young)]), np.array([0])
    )


def test_errors_of_searched_orders_count_a_little_more():
    given = folds()
    found = as_unsearched(given, FAMILIES)
    errors, before = (one.members - given.volumes[:, None] for one in (found, given))
    np.testing.assert_allclose(errors[:, 0], SEARCHED * before[:, 0])
    np.testing.assert_array_equal(errors[:, 1:], before[:, 1:])
    assert np.isfinite(found.members[2, 0, 1])


def test_without_searched_orders_folds_stay_as_they_are():
    given = folds()
    assert as_unsearched(given, FAMILIES[1:]) is given


def test_titles_with_a_past_begin_with_the_mean_of_the_models():
    assert prior_weights(folds(), FAMILIES)[0] == pytest.approx([0.25, 0.25, 0.25, 0.25, 0.0])


def test_launches_begin_with_the_models_that_learn_from_other_titles():
    [prior] = prior_weights(folds(young=True), FAMILIES)
    assert prior[2:4] == pytest.approx([0.375, 0.375])
    assert prior.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("young", [False, True])
def test_a_family_without_forecasts_changes_no_prior_weight(young):
    given = folds(young)
    absent = np.full_like(given.members[:, :1], np.nan)
    wider = replace(given, members=np.concatenate([given.members, absent], axis=1))
    [expected] = prior_weights(given, FAMILIES)
    assert prior_weights(wider, [*FAMILIES, "network"])[0] == pytest.approx([*expected, 0.0])


def test_without_any_forecast_the_families_share_alike():
    given = folds()
    nothing = replace(given, members=np.full_like(given.members, np.nan))
    assert prior_weights(nothing, FAMILIES) == pytest.approx(prior_weights(given, FAMILIES))
