"""The dependence of weeks and titles is found in residuals, and believed as far as they show it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtri

from book_forecast.forecasters.dependence import (
    USUAL,
    FoldScores,
    estimate_dependence,
    normal_scores,
)
from book_forecast.payload.dependence import UNKNOWN, ClassDependence, Dependence, Process
from book_forecast.payload.manifest import PROBABILITIES

HORIZON = 26
WALK = Process(walk=0.5, shock=0.5)
SHOCKS = Process(shock=1.0)


def drawn(dependence, n_origins=12, n_titles=40, classes=("a",), seed=0, horizon=HORIZON):
    """Scores with a dependence at origins that do not overlap."""
    rng = np.random.default_rng(seed)
    names = np.resize(np.array(classes), n_titles)

    def draw(covariance):
        values, vectors = np.linalg.eigh(covariance)
        return (vectors * np.sqrt(np.maximum(values, 0.0))) @ rng.normal(size=horizon)

    scores, titles, origins = [], [], []
    for origin in range(n_origins):
        common = draw(dependence.common.covariance(horizon))
        shared = {
            name: draw(dependence.of(name).shared.covariance(horizon))
            for name in sorted(set(classes))
        }
        for title, name in enumerate(names):
            own = draw(dependence.own_covariance(name, horizon))
            scores.append(common + shared[name] + own)
            titles.append(title)
            origins.append(origin * horizon)
    sizes = np.ones(len(scores))
    return FoldScores(np.array(scores), np.array(titles), np.array(origins), sizes, names)


def alone(own):
    return Dependence(Process(), ClassDependence(Process(), own), {})


def within(found):
    """The covariance of the weeks of a title."""
    shared = found.common.covariance(HORIZON) + found.of("a").shared.covariance(HORIZON)
    return shared + found.own_covariance("a", HORIZON)


def test_scores_of_quantiles_are_those_of_their_probabilities():
    quantiles = np.expm1(np.linspace(1.0, 5.0, 17))[None, :, None] * np.ones((1, 1, 4))
    sold = quantiles[0, [0, 4, 8, 16], 0][None]
    expected = ndtri(np.array(PROBABILITIES)[[0, 4, 8, 16]])
    np.testing.assert_allclose(normal_scores(sold, quantiles)[0], expected, atol=1e-6)
    between = normal_scores(np.sqrt(sold[:, 1:2] * sold[:, 2:3]), quantiles[:, :, :1])[0, 0]
    assert expected[1] < between < expected[2]


def test_sales_beyond_all_quantiles_have_bounded_scores_and_missing_ones_none():
    quantiles = np.linspace(10.0, 20.0, 17)[None, :, None] * np.ones((1, 1, 3))
    low, high, missing = normal_scores(np.array([[0.0, 1e9, np.nan]]), quantiles)[0]
    assert -4.0 < low < ndtri(PROBABILITIES[0])
    assert ndtri(PROBABILITIES[-1]) < high < 4.0
    assert np.isnan(missing)


def test_zeros_that_are_as_likely_as_not_have_the_score_of_the_middle_of_their_probability():
    quantiles = np.maximum(np.linspace(-8.0, 8.0, 17), 0.0)[None, :, None]
    assert normal_scores(np.zeros((1, 1)), quantiles)[0, 0] == pytest.approx(ndtri(0.25), abs=0.01)


@pytest.mark.parametrize("own", [SHOCKS, WALK, Process(drift=0.8, shock=0.2, persistence=0.8)])
def test_the_dependence_of_weeks_is_found(own):
    found = estimate_dependence(drawn(alone(own)))
    true = alone(own).own_covariance("a", HORIZON)
    np.testing.assert_allclose(within(found), true, atol=0.12)


def test_what_all_titles_share_is_found_and_told_apart_from_what_a_class_shares():
    common, shared = Process(shock=0.3), Process(walk=0.1, shock=0.2)
    true = Dependence(common, ClassDependence(shared, Process(shock=0.4)), {})
    found = estimate_dependence(drawn(true, n_origins=30, classes=("a", "b", "c", "d", "e", "f")))
    assert found.common.variance == pytest.approx(0.3, abs=0.1)
    assert found.of("a").shared.variance == pytest.approx(0.3, abs=0.12)


def test_independent_titles_of_many_origins_share_next_to_nothing():
    found = estimate_dependence(drawn(alone(SHOCKS), n_origins=30, classes=("a", "b")))
    assert found.common.variance + found.of("a").shared.variance < 0.03


def test_a_single_origin_leaves_what_titles_share_as_it_usually_is():
    found = estimate_dependence(drawn(alone(SHOCKS), n_origins=1, classes=("a", "b")))
    assert found.common.variance == pytest.approx(USUAL.common.variance, abs=0.01)
    assert found.of("a").shared.variance == pytest.approx(USUAL.usual.shared.variance, abs=0.02)


def test_a_class_of_one_title_shares_what_classes_usually_share():
    true = Dependence(Process(), ClassDependence(Process(shock=0.5), Process(shock=0.5)), {})
    scores = drawn(true, n_origins=20, classes=("a",))
    lonely = np.where(np.arange(40) == 0, "b", "a")
    found = estimate_dependence(replace(scores, classes=lonely))
    assert found.common.variance + found.of("b").shared.variance > 0.3
    assert found.of("unseen") == found.usual


def test_variances_add_up_to_one():
    true = Dependence(
        Process(shock=0.5), ClassDependence(Process(walk=0.4), Process(shock=0.1)), {}
    )
    for scores in (drawn(true, classes=("a", "b")), drawn(alone(WALK), n_origins=2)):
        found = estimate_dependence(scores)
        for of_class in (found.usual, *found.classes.values()):
            parts = (found.common, of_class.shared, of_class.own)
            assert sum(part.variance for part in parts) == pytest.approx(1.0)
        assert Dependence.from_state(found.to_state()).of("a").own.shock >= 0.0


def test_every_week_has_a_variance_of_one():
    mixed = Dependence(
        Process(walk=0.2),
        ClassDependence(
            Process(walk=0.1, drift=0.2, persistence=0.5), Process(walk=0.3, shock=0.2)
        ),
        {},
    )
    np.testing.assert_allclose(np.diag(within(mixed)), 1.0)


def test_missing_weeks_and_shorter_folds_are_left_out():
    scores = drawn(alone(WALK), n_origins=20)
    spoilt = scores.scores.copy()
    spoilt[::3, 10:] = np.nan
    spoilt[:, 4] = np.nan
    found = estimate_dependence(replace(scores, scores=spoilt))
    true = alone(WALK).own_covariance("a", HORIZON)
    np.testing.assert_allclose(within(found), true, atol=0.15)


def test_without_any_residual_the_dependence_is_that_of_old_releases():
    nothing = drawn(alone(SHOCKS), n_origins=1)
    empty = replace(nothing, scores=np.full_like(nothing.scores, np.nan))
    assert estimate_dependence(empty) == UNKNOWN


def test_each_class_has_a_dependence_of_its_own():
    walking = ClassDependence(Process(), Process(walk=0.7, shock=0.3))
    true = Dependence(Process(), ClassDependence(Process(), SHOCKS), {"a": walking})
    found = estimate_dependence(drawn(true, n_origins=20, classes=("a", "b")))
    assert found.of("a").own.walk == pytest.approx(0.7, abs=0.15)
    assert found.of("b").own.walk < 0.1


def test_large_titles_decide_what_titles_share():
    shared = Dependence(Process(), ClassDependence(Process(shock=0.6), Process(shock=0.4)), {})
    together = drawn(shared, n_origins=20)
    apart = drawn(alone(SHOCKS), n_origins=20, seed=5)
    is_large = together.titles % 2 == 0
    scores = np.where(is_large[:, None], together.scores, apart.scores)
    mixed = replace(together, scores=scores)
    alike, unlike = (
        estimate_dependence(replace(mixed, sizes=np.where(is_large, size, 1.0)))
        for size in (1.0, 100.0)
    )
    assert unlike.of("a").shared.variance > alike.of("a").shared.variance + 0.2


def test_origins_that_share_weeks_move_less_away_from_what_is_usual():
    few = drawn(alone(SHOCKS), n_origins=8, n_titles=2)
    many = drawn(alone(SHOCKS), n_origins=12)
    near = [replace(scores, origins=scores.origins // HORIZON) for scores in (few, many)]
    apart = [estimate_dependence(scores).of("a") for scores in (few, many)]
    dense = [estimate_dependence(scores).of("a") for scores in near]
    assert apart[0].own.walk < 0.05 < dense[0].own.walk
    assert apart[1].shared.variance < 0.05 < dense[1].shared.variance


def test_few_titles_prove_less_of_what_titles_share_than_many():
    same = Dependence(Process(), ClassDependence(SHOCKS, Process()), {})
    few, many = (estimate_dependence(drawn(same, n_titles=n)).of("a").shared for n in (2, 40))
    assert few.variance < many.variance - 0.05


@pytest.mark.parametrize("share", [0.9, 0.97, 1.0])
def test_titles_that_err_alike_leave_nothing_for_their_classes(share):
    """As if all shops had closed; each title has a class of its own, and origins overlap."""
    names = [f"c{number}" for number in range(20)]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        common, own = rng.normal(size=(1, 15, 1)), rng.normal(size=(20, 15, 12))
        scores = np.sqrt(share) * common + np.sqrt(1.0 - share) * own
        sizes = np.repeat(np.exp(rng.normal(3.0, 1.2, 20)), 15)
        found = estimate_dependence(
            FoldScores(
                scores.reshape(-1, 12),
                np.repeat(np.arange(20), 15),
                np.tile(6 * np.arange(15), 20),
                sizes,
                np.array(names),
            )
        )
        for name in names:
            variances = [
                part.variance for part in (found.common, found.of(name).shared, found.of(name).own)
            ]
            assert min(variances) >= 0.0
            assert sum(variances) == pytest.approx(1.0)
