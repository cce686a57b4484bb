"""How a forecast reacts to regressors, as a release has it."""

import json

import numpy as np
import pytest

from book_forecast.payload.weight import Weight
from book_forecast.payload.what_if import Regressor, Regressors

WEATHER = Regressor("weather", 0.1, -5.0, 30.0, is_known=True, ahead=(10.0, 12.0))


def test_the_text_of_regressors_comes_back():
    found = Regressors({"weather": WEATHER}, 0.5, 0.4, Weight(0.6, 0.2, 13), 12.0, 0.1, ("ads",))
    assert Regressors.from_json(found.to_json()) == found


def test_a_text_of_an_older_release_has_the_same_weight_in_all_weeks():
    found = Regressors({"weather": WEATHER}, weight=Weight.steady(0.5), top=12.0)
    older = json.loads(found.to_json())
    del older["far"]
    again = Regressors.from_json(json.dumps(older))
    level, none = np.full(20, np.log(101.0)), np.zeros(20)
    assert again.copies(level, none) == pytest.approx(np.full(20, 50.0))


def test_the_share_of_the_model_moves_with_its_weight():
    model = Regressors({"weather": WEATHER}, weight=Weight(0.6, 0.2, 13), top=12.0)
    found = model.copies(np.full(20, np.log(101.0)), np.zeros(20))
    assert found == pytest.approx(100.0 * Weight(0.6, 0.2, 13).ahead(20))
