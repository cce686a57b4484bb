"""Weights of models in a mean move on a line between two weeks ahead."""

import numpy as np
import pytest

from book_forecast.payload.weight import Weight, among, weights_from_json, weights_to_json

WEIGHTS = {"level": Weight(0.8, 0.2, 5), "season": Weight(0.2, 0.8, 5)}


def test_a_weight_moves_on_a_line_and_holds_on_after_the_last_compared_week():
    weight = WEIGHTS["level"]
    assert weight.ahead(7) == pytest.approx(np.array([0.8, 0.65, 0.5, 0.35, 0.2, 0.2, 0.2]))
    assert weight.ahead(3) == pytest.approx(weight.ahead(7)[:3])
    assert weight.mean == pytest.approx(weight.ahead(5).mean())


@pytest.mark.parametrize("weight", [Weight.steady(0.3), Weight(0.3, 0.3, 8)])
def test_a_steady_weight_is_the_same_in_all_weeks(weight):
    assert weight.ahead(12) == pytest.approx(np.full(12, 0.3))


def test_the_weights_of_models_that_are_there_add_up_to_one_in_every_week():
    found = among({**WEIGHTS, "gone": Weight(0.0, 0.0, 5)}, ["level", "unweighted"])
    assert found == {"level": Weight(1.0, 1.0, 5), "unweighted": Weight(0.0, 0.0, 5)}
    three = {"a": Weight(0.5, 0.1, 4), "b": Weight(0.25, 0.3, 4), "c": Weight(0.25, 0.6, 4)}
    by_week = [weight.ahead(9) for weight in among(three, ["a", "c"]).values()]
    assert np.sum(by_week, axis=0) == pytest.approx(np.ones(9))


def test_the_models_of_one_end_stand_in_where_those_of_the_other_are_missing():
    ends = {"early": Weight(1.0, 0.0, 5), "late": Weight(0.0, 1.0, 5)}
    assert among(ends, ["late"]) == {"late": Weight(1.0, 1.0, 5)}
    assert among(ends, ["early"]) == {"early": Weight(1.0, 1.0, 5)}
    assert among(ends, ["another"]) == {}


def test_the_text_has_both_ends_of_each_and_the_largest_first():
    text = weights_to_json({"small": Weight(0.1, 0.25, 8), "large": Weight(0.9, 0.75, 8)})
    assert text == '{"large": [0.9, 0.75], "small": [0.1, 0.25]}'
    assert weights_from_json(text, 8) == {
        "large": Weight(0.9, 0.75, 8),
        "small": Weight(0.1, 0.25, 8),
    }


def test_weights_that_move_to_an_unknown_week_are_refused():
    with pytest.raises(ValueError, match="their last week is missing"):
        weights_from_json('{"boosting": [0.6, 1.0], "theta": [0.4, 0.0]}', None)


def test_a_text_of_an_older_release_has_steady_weights():
    found = weights_from_json('{"boosting": 1, "theta": 0.4}', None)
    assert found == {"boosting": Weight.steady(1.0), "theta": Weight.steady(0.4)}
