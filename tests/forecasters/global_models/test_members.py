"""The global model's member uses the present promotion plan."""

import json

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.calibration import BANDS, ERROR_PROBABILITIES, Calibration
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.global_models.members import Boosting
from book_forecast.forecasters.promotion_effects import (
    DEPTHS,
    EFFECTS,
    PromotionEffects,
    effects_by_title,
)
from book_forecast.forecasters.restoring import restore
from book_forecast.payload.weight import Weight
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import MODEL_HORIZON, PROMOTION, FloatArray
from tests.histories import history, volumes

PATH = 20.0 + volumes(3, n=MODEL_HORIZON)
EFFECT_OF_NONE: FloatArray = np.float64(-0.1) - 0.05 * (np.arange(MODEL_HORIZON) % 3)
EFFECTS_OF_TITLE = PromotionEffects(EFFECT_OF_NONE, np.array([0.1, 0.3]), np.array([0.2, 0.8]))
LEVELS = (80, 95)


def member(effects: PromotionEffects | None = EFFECTS_OF_TITLE) -> Boosting:
    return Boosting.from_forecast(history(volumes(1)), PATH, effects)


def planned(model: Boosting, *depths: float) -> Boosting:
    """The member with a plan that ends with the last of these weeks after the training."""
    return model.with_covariates({PROMOTION_PLAN: np.array(depths), PROMOTION: np.zeros(156)})


def logs(model: Boosting, horizon: int = 20) -> FloatArray:
    return np.log1p(model.forecast(horizon, ()).mean)


def test_without_a_plan_the_path_is_that_of_unknown_promotions():
    for model in (member(), planned(member()), planned(planned(member(), 0.3, 0.0))):
        for name, column in model.forecast(104, LEVELS).columns().items():
            assert column.tolist() == member(None).forecast(104, LEVELS).columns()[name].tolist()


def test_a_planned_week_gets_the_effect_of_its_depth_and_later_weeks_none():
    added = logs(planned(member(), 0.0, 0.3, 0.0, 0.2)) - logs(member())
    expected = np.zeros(20)
    expected[:4] = EFFECT_OF_NONE[:4] + np.array([0.0, 0.8, 0.0, 0.5])
    np.testing.assert_allclose(added, expected, atol=1e-12)


def test_a_deep_discount_raises_exactly_its_weeks_above_a_cancelled_one():
    deep, cancelled = planned(member(), 0, 0.3, 0.3, 0), planned(member(), 0, 0, 0, 0)
    added = logs(deep) - logs(cancelled)
    np.testing.assert_allclose(added[1:3], 0.8)
    assert not np.delete(added, [1, 2]).any()
    upper = [model.forecast(20, (80,)).upper[80] for model in (deep, cancelled)]
    assert np.flatnonzero(upper[0] != upper[1]).tolist() == [1, 2]


def test_a_depth_beyond_the_deepest_known_one_has_its_effect():
    assert logs(planned(member(), 0.9)).tolist() == logs(planned(member(), 0.3)).tolist()
    assert logs(planned(member(), 0.1))[0] < logs(planned(member(), 0.2))[0]


def test_a_promotion_that_has_come_does_not_raise_the_weeks_after_it():
    sold = np.expm1(np.log1p(PATH[:4]) + EFFECT_OF_NONE[:4] + 0.8)
    as_planned = planned(member().roll_forward(sold), 0.3, 0.3, 0.3, 0.3, 0.3, 0.0)
    added = logs(as_planned) - np.log1p(PATH[4:24])
    np.testing.assert_allclose(added[:2], EFFECT_OF_NONE[4:6] + np.array([0.8, 0.0]), atol=1e-12)
    np.testing.assert_allclose(added[2:], 0.0, atol=1e-12)
    unknown = logs(member().roll_forward(sold)) - np.log1p(PATH[4:24])
    assert (unknown > 0.3).all()


def test_a_promotion_of_the_trainings_plan_stays_explained_when_the_plan_is_over():
    sold = np.expm1(np.log1p(PATH[:4]) + EFFECT_OF_NONE[:4] + 0.8)
    rolled = planned(member(), 0.3, 0.3, 0.3, 0.3).roll_forward(sold)
    came = {PROMOTION_PLAN: np.empty(0), PROMOTION: np.array([0.3] * 4 + [0.0] * 9)}
    over = rolled.with_covariates(came)
    np.testing.assert_allclose(logs(over), np.log1p(PATH[4:24]), atol=1e-12)
    assert over.explain(5) == {}
    never_planned = member().roll_forward(sold).with_covariates(came)
    assert logs(never_planned).tolist() == logs(member().roll_forward(sold)).tolist()


def test_a_plan_in_the_call_replaces_the_models():
    future = np.array([0.0, 0.3, 0.0])
    found = planned(member(), 0.3, 0.3, 0.3).forecast(3, (), {PROMOTION: future})
    assert found.mean.tolist() == planned(member(), *future).forecast(3, ()).mean.tolist()
    rolled = planned(member(), 0.3, 0.3).roll_forward(np.array([90.0]))
    again = rolled.forecast(1, (), {PROMOTION: np.array([0.3])})
    assert again.mean.tolist() == rolled.forecast(1, ()).mean.tolist()
    with pytest.raises(ValueError, match="promotion must have a value for each of the 3 weeks"):
        member().forecast(3, (), {PROMOTION: np.zeros(2)})


def test_its_state_keeps_effects_and_plan():
    model = planned(member(), 0.0, 0.3)
    again = restore("boosting", json.loads(json.dumps(model.to_state(), allow_nan=False)))
    assert isinstance(again, Boosting)
    assert logs(again).tolist() == logs(model).tolist()
    assert logs(planned(again, 0.3)).tolist() == logs(planned(model, 0.3)).tolist()


def test_the_state_of_an_older_release_loads_and_takes_no_plan():
    state = member().to_state()
    older = {name: value for name, value in state.items() if name not in ("promotions", "plan")}
    assert older == member(None).to_state()
    again = Boosting.from_state(older)
    assert logs(planned(again, 0.3, 0.3)).tolist() == logs(member()).tolist()
    assert planned(again, 0.3).to_state() == older


def test_an_ensemble_hands_the_plan_to_its_member_and_explains_it():
    model = member()
    quantiles = np.tile(np.linspace(-2.0, 2.0, len(ERROR_PROBABILITIES)), (len(BANDS), 1))
    bounds = Calibration(quantiles, growth=0.2, longest=32)
    weights = {"boosting": Weight.steady(1.0)}
    whole = Ensemble({"boosting": model}, weights, bounds, 0.3, model.volumes, ())
    assert "promotion" not in whole.explain(10)
    told = whole.with_covariates({PROMOTION_PLAN: np.array([0.0, 0.3, 0.0])})
    assert np.flatnonzero(told.forecast(20, ()).mean > whole.forecast(20, ()).mean).tolist() == [1]
    parts = told.explain(10)
    np.testing.assert_allclose(parts["promotion"], [0.0, 0.8, *[0.0] * 8])
    assert "season" in parts
    total = np.sum(list(parts.values()), axis=0)
    np.testing.assert_allclose(total, np.log1p(told.forecast(10, ()).mean))


def test_effects_are_read_by_title_and_family():
    frame = pd.DataFrame({"isbn": ["a"] * 3 + ["b"] * 3, "week": [1, 2, 3] * 2, "mean": 1.0})
    frame["family"] = "boosting"
    assert effects_by_title(frame) == {}
    for column, name in enumerate(EFFECTS):
        frame[name] = [-0.3, -0.2, -0.1, 0.0, 0.0, 0.0] + np.repeat([0.1, 0.2], 3) * column
    found = {isbn: effects["boosting"] for isbn, effects in effects_by_title(frame).items()}
    assert list(found) == ["a", "b"]
    assert found["a"].none.tolist() == [-0.3, -0.2, -0.1]
    assert found["a"].depths.tolist() == list(DEPTHS)
    np.testing.assert_allclose(found["b"].uplifts, 0.2 * np.arange(1, len(EFFECTS)))
