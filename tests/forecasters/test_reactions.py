"""What models react to, as it is measured, beside their forecasts with a plan."""

import numpy as np
import pytest

from book_forecast.forecasters import transforms
from book_forecast.forecasters.global_models.members import Boosting
from book_forecast.forecasters.launches.knowledge import learn_launches
from book_forecast.forecasters.launches.launch import Launch
from book_forecast.forecasters.launches.past_launches import Facts
from book_forecast.forecasters.naive import Naive
from book_forecast.forecasters.promotion_effects import DEPTHS, PromotionEffects
from book_forecast.forecasters.reactions import measure
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.payload.what_if import (
    NODES,
    WEIGHTS,
    Effects,
    Plan,
    Regressor,
    Regressors,
    changed,
    level_path,
)
from book_forecast.releases.distributions import LEVELS, distribution_of
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import MODEL_HORIZON, PROMOTION, History
from tests.forecasters.launches.panels import panel, series_of

CUTOFF = np.datetime64("2022-03-05")


def launch(volumes: np.ndarray) -> Launch:
    """A launch whose guide sells three times as much at 40 % off."""
    launches = panel(60)
    knowledge = learn_launches(launches, series_of(launches))
    history = History("new", volumes, CUTOFF)
    uplifts = np.log(3.0) * np.array(DEPTHS) / 0.4
    effects = PromotionEffects(np.full(MODEL_HORIZON, np.log(0.9)), np.array(DEPTHS), uplifts)
    guide = Boosting.from_forecast(history, np.full(MODEL_HORIZON, 60.0), effects)
    return Launch.fit(history, knowledge.prior(Facts("F")), guide=guide)


def test_a_launch_is_tried_as_its_guide_reacts() -> None:
    model = launch(np.array([80.0, 70.0, 66.0, 61.0, 55.0, 52.0]))
    plain = distribution_of(model.forecast(LONGEST_HORIZON, LEVELS)).astype(float)
    effects = measure(model, plain[0], np.empty(0), np.empty(0), {})
    assert effects is not None
    depths = np.full(LONGEST_HORIZON, np.nan)
    depths[[3, 8]] = 0.27, 0.4
    plan = Plan(depths, {}, np.ones(LONGEST_HORIZON))
    mean, quantiles = changed(effects, plan, plain[0], plain[1:])
    told = np.nan_to_num(depths)[:9]
    planned = distribution_of(
        model.with_covariates({PROMOTION_PLAN: told}).forecast(LONGEST_HORIZON, LEVELS)
    )
    np.testing.assert_allclose(1.0 + mean, 1.0 + planned[0], rtol=0.003)
    np.testing.assert_allclose(1.0 + quantiles, 1.0 + planned[1:], rtol=0.03)
    assert planned[0][8] > 1.2 * plain[0][8]


@pytest.mark.parametrize("horizon", [13, LONGEST_HORIZON])
def test_means_of_a_launch_are_those_of_its_forecasts(horizon: int) -> None:
    model = launch(np.array([80.0, 70.0, 66.0, 61.0, 55.0, 52.0]))
    futures = [None, {PROMOTION: np.full(horizon, 0.4)}]
    found = model.means(horizon, futures)
    for mean, future in zip(found, futures, strict=True):
        np.testing.assert_array_equal(mean, model.forecast(horizon, (), future).mean)
    assert (found[1] > 1.2 * found[0]).all()


def test_models_without_covariates_react_to_nothing() -> None:
    model = Naive.fit(History("old", np.arange(20.0), CUTOFF))
    mean = model.forecast(LONGEST_HORIZON, ()).mean
    assert measure(model, mean, np.empty(0), np.empty(0), {}) is None
    named = measure(model, mean, np.empty(0), np.empty(0), {"price": True})
    assert named is not None
    assert named.depths is None
    assert named.regressors.names == ["price"]


def test_effects_come_back_from_their_row() -> None:
    generator = np.random.default_rng(1)
    made = Effects(
        depths=np.array([0.0, 0.5]),
        promotion=generator.normal(size=(2, LONGEST_HORIZON)),
        after_plan=generator.normal(size=LONGEST_HORIZON),
        planned=np.array([0.0, 0.25]),
        spread=np.ones((2, LONGEST_HORIZON)),
        ceiling=np.inf,
        log_mean=np.full(LONGEST_HORIZON, 3.0),
        deviation=np.full(LONGEST_HORIZON, 0.5),
        regressors=Regressors({"price": Regressor("price", -0.1, 1.0, 2.0, True, (1.0, 1.5))}),
    )
    found = Effects.from_row(made.to_row())
    assert found.depths is not None
    np.testing.assert_allclose(found.promotion, made.promotion, atol=2e-3)
    np.testing.assert_allclose(found.after_plan, made.after_plan, atol=2e-3)
    np.testing.assert_array_equal(found.planned, made.planned)
    np.testing.assert_array_equal(found.spread, made.spread)
    assert found.ceiling == np.inf
    np.testing.assert_array_equal(found.log_mean, made.log_mean)
    np.testing.assert_array_equal(found.deviation, made.deviation)
    assert found.regressors == made.regressors


def test_means_are_those_of_the_models() -> None:
    np.testing.assert_allclose(NODES, transforms.NODES)
    np.testing.assert_allclose(WEIGHTS, transforms.WEIGHTS)


@pytest.mark.parametrize(
    ("first", "half_life", "expected"),
    [(1, None, [1, 3, 3, 3]), (0, 1.0, [3, 2, 1.5, 1.25]), (4, None, [1, 1, 1, 1])],
)
def test_a_level_of_ones_own(first: int, half_life: float | None, expected: list[float]) -> None:
    np.testing.assert_allclose(level_path(3.0, first, half_life, 4), expected)
