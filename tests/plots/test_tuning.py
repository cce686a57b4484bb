"""The figure of a search."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.plots import tuning_figure
from book_forecast.plots.tuning import order_text
from tests.plots.frames import traces_by_name


def make_trials(*results, **columns):
    """Trials of (1,0,k)(0,0,1)52 for k = 0, 1, … with the given (state, score)."""
    states, scores = zip(*results, strict=True)
    orders = {"p": 1, "d": 0, "q": range(len(results)), "P": 0, "D": 0, "Q": 1, "s": 52}
    trials = {
        "isbn": "1",
        "number": range(len(results)),
        **orders,
        "state": states,
        "score": scores,
    }
    return pd.DataFrame(trials | columns)


TRIALS = make_trials(
    ("complete", 0.5),
    ("pruned", 0.7),
    ("complete", 0.4),
    ("failed", np.nan),
    ("complete", 0.45),
    reason=[None, None, None, "not <stationary>", None],
    transform="box_cox",
)


def test_trials_are_drawn_by_state():
    traces = traces_by_name(tuning_figure(TRIALS, "A book"))
    assert list(traces["Scored on all folds"][0].x) == [0, 2, 4]
    assert list(traces["Scored on all folds"][0].y) == [0.5, 0.4, 0.45]
    assert list(traces["Pruned (score of its first folds)"][0].x) == [1]
    assert list(traces["Failed"][0].x) == [3]
    symbols = {name: trace[0].marker.symbol for name, trace in traces.items()}
    states = ("Scored on all folds", "Pruned (score of its first folds)", "Failed")
    assert len({symbols[state] for state in states}) == 3


def test_the_best_so_far_counts_complete_trials_only():
    trials = make_trials(("complete", 0.5), ("pruned", 0.1), ("complete", 0.4), ("complete", 0.6))
    figure = tuning_figure(trials, "A book")
    best = traces_by_name(figure)["Best so far"][0]
    assert list(best.x) == [0, 2, 3, 3]
    assert list(best.y) == [0.5, 0.4, 0.4, 0.4]
    assert traces_by_name(figure)["Best"][0].x == (2,)
    assert "best: (1,0,2)(0,0,1)52 with 0.400 in trial 2" in figure.layout.title.text


def test_hover_text_has_orders_score_and_reason():
    traces = traces_by_name(tuning_figure(TRIALS, "A book"))
    text = traces["Scored on all folds"][0].text[1]
    assert "trial 2: (1,0,2)(0,0,1)52" in text
    assert "score 0.4000" in text
    assert "scale: box-cox" in text
    assert "no score" in traces["Failed"][0].text[0]
    assert "not &lt;stationary>" in traces["Failed"][0].text[0]


def test_trials_out_of_order_are_put_in_order():
    shuffled = TRIALS.sample(frac=1, random_state=1)
    assert tuning_figure(shuffled, "A book") == tuning_figure(TRIALS, "A book")


@pytest.mark.parametrize(("worst", "kind"), [(1.0, None), (30.0, "log")])
def test_one_bad_score_does_not_hide_the_others(worst, kind):
    trials = make_trials(("complete", 0.5), ("complete", 0.4), ("complete", worst))
    assert tuning_figure(trials, "A book").layout.yaxis.type == kind


def test_a_search_in_which_all_failed_says_so():
    trials = make_trials(("failed", np.nan), ("failed", np.nan))
    figure = tuning_figure(trials, "A book")
    assert "2 trials, none could be scored" in figure.layout.title.text
    assert [trace.name for trace in figure.data] == ["Failed"]


def test_a_model_without_a_season_is_written_without_one():
    trial = pd.Series({"p": 1, "d": 1, "q": 2, "P": 0, "D": 0, "Q": 0, "s": 1})
    assert order_text(trial) == "(1,1,2)"
