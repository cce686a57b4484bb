"""A run that is killed in any stage resumes with the same command and ends the same."""

import random
from dataclasses import astuple

import pytest

from benchmarks.kill_and_resume import (
    DRIVER,
    WORKERS,
    Moment,
    Run,
    Runs,
    differences,
    kill_all,
    prepared,
)
from benchmarks.runs import PROJECT
from tests import processes

# None of the families imports statsforecast, which each of the many processes here would do.
PARAMETERS = (
    "titles=all,tune.max_trials=3,tune.min_trials=1,folds=1,max_title_plots=0,"
    "families=sarima,regression,naive"
)
# A node of each stage, and about how many seconds it takes.
STAGES = {
    "tune.search_orders": 3.0,
    "train.release.fit_titles": 0.5,
    "evaluate.forecast_known_weeks": 0.5,
    "forecast.forecast_titles": 0.1,
}


class ForkedRuns(Runs):
    """Runs that begin with the libraries imported, which each of the many would do anew."""

    def start(self) -> Run:
        script = self.folder / "driver.py"
        script.write_text(DRIVER)
        words = [str(script), *self.arguments]
        return processes.project.start(words, PROJECT, self.environment, self.output)


@pytest.mark.slow
def test_a_run_that_is_killed_in_each_stage_ends_as_one_that_is_not(tmp_path):
    unbroken, broken = (
        ForkedRuns(*astuple(prepared(tmp_path / name, 12, PARAMETERS, since="2020-07-01")))
        for name in ("unbroken", "broken")
    )
    process = unbroken.start()
    try:
        kills, repeated = kill_all(
            broken,
            [
                Moment(index, random.uniform(0.0, seconds), node)
                for index, (node, seconds) in enumerate(STAGES.items())
            ],
        )
    finally:
        assert process.wait(600) == 0
    # On a busy machine the last run may be over before it is killed.
    assert kills >= len(STAGES) - 1
    assert repeated <= WORKERS * kills
    assert differences(unbroken, broken) == []
    assert set(unbroken.begun().values()) == {1}
    assert unbroken.begun().keys() <= broken.begun().keys()
    # A run that is killed after its promotion finds its own release as champion.
    more = {node for node, _ in broken.begun().keys() - unbroken.begun().keys()}
    assert more <= {"train.champion.fit_titles", "evaluate.forecast_with_champion"}
