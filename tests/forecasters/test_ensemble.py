"""The ensemble's mean follows the weights of each week ahead."""

import numpy as np
import pytest

from book_forecast.forecasters.calibration import BANDS, ERROR_PROBABILITIES, Calibration
from book_forecast.forecasters.ensemble import COMPARED_WEEKS, FAR_WEIGHT, Ensemble
from book_forecast.forecasters.naive import Naive
from book_forecast.payload.weight import Weight

QUANTILES = np.tile(np.linspace(-2.0, 2.0, len(ERROR_PROBABILITIES)), (len(BANDS), 1))
BOUNDS = Calibration(QUANTILES, growth=0.2, longest=32)
MOVING = {"naive": Weight(0.8, 0.3, 13), "theta": Weight(0.2, 0.7, 13)}
HORIZON = 40


def ensemble(weights):
    """Two members that are the same in all weeks: 100 and 150 copies."""
    members = {"naive": Naive(100.0, 1.0), "theta": Naive(150.0, 1.0)}
    return Ensemble(members, weights, BOUNDS, 0.2, np.full(60, 120.0))


def test_the_mean_has_the_weights_of_its_week():
    found = ensemble(MOVING).forecast(HORIZON, (80,)).mean
    naive = MOVING["naive"].ahead(HORIZON)
    assert found == pytest.approx(100.0 * naive + 150.0 * (1.0 - naive))
    assert found[:13] == pytest.approx(np.linspace(110.0, 135.0, 13))
    assert found[13:] == pytest.approx(np.full(HORIZON - 13, 135.0))


def test_a_move_of_the_weights_is_neither_a_trend_nor_a_season():
    model = ensemble(MOVING)
    parts = model.explain(HORIZON)
    assert parts["trend"] == pytest.approx(np.zeros(HORIZON), abs=1e-12)
    assert parts["season"] == pytest.approx(np.zeros(HORIZON), abs=1e-12)
    total = np.sum(list(parts.values()), axis=0)
    assert np.expm1(total) == pytest.approx(model.forecast(HORIZON, ()).mean)
    assert parts["other"][20:] == pytest.approx(np.zeros(20), abs=1e-12)


def test_parts_are_those_of_the_member_with_the_largest_mean_weight():
    """It is the second one in the first week."""

    class Seasonal(Naive):
        """Tells a season of its own."""

        def explain(self, horizon):
            return {"level": np.full(horizon, 5.0), "season": np.full(horizon, self.deviation)}

    weights = {"naive": Weight(0.55, 0.1, 13), "theta": Weight(0.45, 0.9, 13)}
    members = {"naive": Seasonal(100.0, 0.1), "theta": Seasonal(100.0, 0.2)}
    model = Ensemble(members, weights, BOUNDS, 0.2, np.full(60, 100.0))
    assert model.explain(4)["season"] == pytest.approx(np.full(4, 0.2))


def naive_state(model):
    """A state with members that can be restored: all of them naive."""
    return {**model.to_state(), "members": {"naive": model.to_state()["members"]["naive"]}}


def test_the_state_has_both_ends_and_the_last_week():
    found = Ensemble.from_state(naive_state(ensemble(MOVING)))
    assert dict(found.weights) == {"naive": MOVING["naive"]}


def test_a_state_of_an_older_release_has_the_same_weight_in_all_weeks():
    state = naive_state(ensemble({"naive": Weight.steady(1.0), "theta": Weight.steady(0.0)}))
    del state[COMPARED_WEEKS], state["members"]["naive"][FAR_WEIGHT]
    found = Ensemble.from_state(state).forecast(HORIZON, ()).mean
    assert found == pytest.approx(np.full(HORIZON, 100.0))
