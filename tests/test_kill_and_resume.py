"""A run that is killed in any stage goes on with the same command, and ends the same."""

import random
import time

import pytest

from benchmarks.kill_and_resume import WORKERS, Moment, differences, kill_all, prepared

PARAMETERS = (
    "titles=all,tune.max_trials=3,tune.min_trials=1,tune.folds=1,evaluate.folds=1,max_title_plots=1"
)
STAGES = ("tune_titles", "fit_release_models", "forecast_known_weeks", "forecast_titles")


@pytest.mark.slow
def test_a_run_that_is_killed_in_each_stage_ends_as_one_that_is_not(tmp_path):
    unbroken = prepared(tmp_path / "unbroken", 12, PARAMETERS, since="2020-07-01")
    broken = prepared(tmp_path / "broken", 12, PARAMETERS, since="2020-07-01")
    unbroken.finish()
    ended = time.time()
    nodes = unbroken.nodes()
    ends = [*(began for _, began in nodes[1:]), ended]
    moments = [
        Moment(place, random.uniform(0.0, end - began), node)
        for place, ((node, began), end) in enumerate(zip(nodes, ends, strict=True))
        if node in STAGES
    ]
    kills, repeated = kill_all(broken, moments)
    # On a busy machine the last run may be over before it is killed.
    assert kills >= len(STAGES) - 1
    assert repeated <= WORKERS * kills
    assert differences(unbroken, broken) == []
    assert set(unbroken.begun().values()) == {1}
    assert broken.begun().keys() == unbroken.begun().keys()
