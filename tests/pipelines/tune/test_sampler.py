"""Draws depend on seed, title and number of the trial alone; no point is drawn twice."""

import random
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import IntDistribution
from optuna.trial import FrozenTrial, TrialState

from book_forecast.options.models import ModelOptions, SearchOptions
from book_forecast.pipelines.tune.sampler import NeighbourSampler
from book_forecast.pipelines.tune.search import Search
from book_forecast.pipelines.tune.space import Parameters, Space, key
from tests.histories import BACKTEST, MODELS, QUICK, history, tune, volumes, weeks_frame

ISBN = "9780722532935"
SPACE = Space(QUICK, season=4, most_lags=5)
RANDOM_TRIALS = 4


def new_study(space: Space = SPACE, randomness: str = "1/x") -> optuna.Study:
    sampler = NeighbourSampler(space, randomness, RANDOM_TRIALS)
    return optuna.create_study(sampler=sampler)


def score(parameters: Parameters) -> float:
    """An error with its minimum within the space."""
    return sum((value - 0.6) ** 2 for value in parameters.values() if isinstance(value, int))


def draw(study: optuna.Study, n: int, space: Space = SPACE) -> list[Parameters]:
    """The points of the next trials; every third of them is pruned, and one has failed."""
    found = []
    for _ in range(n):
        trial = study.ask()
        found.append(space.suggest(trial))
        if trial.number % 7 == 5:
            study.tell(trial, state=TrialState.FAIL)
        elif trial.number % 3 == 2:
            trial.report(score(found[-1]), 0)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, score(found[-1]))
    return found


def test_the_same_trials_are_drawn_whatever_happened_before():
    first = draw(new_study(), 20)
    random.seed(5)
    np.random.default_rng(5).random(100)
    draw(new_study(randomness="2/y"), 9)
    assert draw(new_study(), 20) == first


@pytest.mark.parametrize("n", [1, RANDOM_TRIALS, 11, 19])
def test_a_study_that_is_restarted_draws_what_an_unbroken_one_draws(n):
    unbroken = new_study()
    expected = draw(unbroken, 20)
    restarted = new_study()
    for trial in unbroken.trials[:n]:
        restarted.add_trial(trial)
    assert draw(restarted, 20 - n) == expected[n:]


def test_another_seed_or_title_draws_other_trials():
    runs = [draw(new_study(randomness=text), 10) for text in ("1/x", "2/x", "1/y")]
    assert all(one != other for one, other in zip(runs, runs[1:] + runs[:1], strict=True))


def test_every_point_is_drawn_once_until_none_is_left():
    study = new_study()
    found = draw(study, len(SPACE.points))
    assert len({key(point) for point in found}) == len(SPACE.points)
    with pytest.raises(ValueError, match="no point left to draw p from"):
        draw(study, 1)


def test_enqueued_points_are_not_drawn_again():
    study = new_study()
    for point in SPACE.points[:-3]:
        study.enqueue_trial(point)
    found = draw(study, len(SPACE.points))
    assert found[:-3] == SPACE.points[:-3]
    assert {key(point) for point in found[-3:]} == {key(point) for point in SPACE.points[-3:]}


def test_after_the_random_trials_neighbours_of_the_three_best_are_drawn():
    study = new_study()
    draw(study, 12)
    beside_others = 0
    for number in range(RANDOM_TRIALS, 12):
        before = [t for t in study.trials[:number] if t.state is TrialState.COMPLETE]
        ranked = sorted(before, key=lambda trial: (trial.value, trial.number))
        apart = [differences(trial, study.trials[number]) for trial in ranked]
        # Neighbours of the next three are drawn where these have none left.
        assert 1 in apart[:6]
        beside_others += apart[0] != 1
    # There are none of these where neighbours of the best alone are drawn.
    assert beside_others > 0


def differences(one: FrozenTrial, other: FrozenTrial) -> int:
    return sum(one.params[name] != other.params[name] for name in one.params)


def test_the_study_knows_the_whole_space():
    trial = new_study().ask()
    SPACE.suggest(trial)
    found = trial.distributions
    assert found["p"] == IntDistribution(0, 1)
    assert set(found) == {*"pdqPDQ", "transform"}


# The first trials of a search, in the order of ORDERS, and the best score: found by the code before
# Optuna's samplers and pruners were used, which drew and pruned by rules of its own.
FORMER = [
    (1, 0, 0, 1, 0, 0, "log", "complete"),
    (1, 1, 0, 1, 0, 1, "none", "complete"),
    (0, 1, 0, 0, 0, 1, "log", "complete"),
    (0, 1, 1, 1, 0, 0, "none", "complete"),
    (1, 1, 0, 1, 0, 0, "none", "pruned"),
    (1, 1, 0, 1, 0, 1, "log", "complete"),
    (1, 1, 0, 0, 0, 1, "none", "pruned"),
    (1, 0, 0, 1, 0, 1, "none", "pruned"),
    (0, 1, 0, 1, 0, 0, "none", "pruned"),
    (1, 1, 0, 0, 0, 1, "log", "pruned"),
    (1, 1, 1, 1, 0, 0, "none", "pruned"),
    (1, 1, 0, 1, 0, 0, "log", "pruned"),
]
FORMER_BEST = 0.10858123744265935
FORMER_EVALUATIONS = 1004


def test_a_search_finds_what_the_former_code_found():
    frame = weeks_frame({ISBN: volumes(3)})
    orders, trials = (
        part.frame
        for part in tune(
            frame, transforms=["log", "none"], max_trials=20, min_trials=20, random_trials=4
        )
    )
    columns = [*"pdqPDQ", "transform", "state"]
    assert [tuple(row) for row in trials[columns].head(12).to_numpy()] == FORMER
    assert len(trials) == 20
    # The last digits depend on the vector units of the processor.
    assert orders["score"][0] == pytest.approx(FORMER_BEST, rel=1e-6)
    assert orders["n_evaluations"][0] == pytest.approx(FORMER_EVALUATIONS, rel=0.05)
    assert orders["ended_by"][0] == "max_trials"


def test_a_space_that_is_used_up_ends_a_search():
    tiny: dict[str, Any] = {order: {"highest": 0} for order in ("p", "q", "P", "Q")}
    options = SearchOptions.model_validate(
        {**QUICK.model_dump(), **tiny, "seeds": {}, "max_trials": 50, "patience": 50}
    )
    models = ModelOptions.model_validate({**MODELS.model_dump(), "tune": options})
    title = history(volumes(1))
    search = Search(title, BACKTEST.origins.of_title(title.volumes), models)
    study, ended_by = search.run()
    assert ended_by == "space"
    assert [trial.params["d"] for trial in study.trials] in ([0, 1], [1, 0])
