"""Searches are Optuna studies: seeds are enqueued, and Optuna's plots show a title's trials."""

import json

import optuna
import pandas as pd
import pytest
from optuna.trial import TrialState

from book_forecast.pipelines.tune.search import Search
from book_forecast.pipelines.tune.studies import STATES, study_of
from tests.histories import BACKTEST, MODELS, QUICK, history, tune, volumes, weeks_frame

ISBNS = ["9780722532935", "9786703444075"]
SEEDS = [
    {"order": [1, 1, 0], "seasonal_order": [1, 0, 0]},
    {"order": [0, 1, 2], "seasonal_order": [0, 0, 1]},
]
FRAME = weeks_frame({ISBNS[0]: volumes(3), ISBNS[1]: volumes(4)})


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    return tune(FRAME, max_trials=12, min_trials=12, seeds={"default": SEEDS})[1].frame


@pytest.fixture(scope="module")
def study(trials) -> optuna.Study:
    return study_of(trials, ISBNS[0])


def test_seeds_are_enqueued_trials_with_all_parameters(monkeypatch):
    """Optuna tries them first, and marks them as given."""
    waiting: list[dict] = []

    def look(study, *arguments, **options):
        states = (TrialState.WAITING,)
        waiting.extend(t.system_attrs["fixed_params"] for t in study.get_trials(states=states))

    options = QUICK.model_validate({**QUICK.model_dump(), "seeds": {"default": SEEDS}})
    models = MODELS.model_copy(update={"tune": options})
    title = history(volumes(3))
    search = Search(title, BACKTEST.origins.of_title(title.volumes), models)
    with monkeypatch.context() as patch:
        patch.setattr(optuna.Study, "optimize", look)
        search.run()
    assert waiting == search.space.seeds
    assert [tuple(seed[name] for name in "pdqPDQ") for seed in waiting] == [
        (1, 1, 0, 1, 0, 0),
        (0, 1, 2, 0, 0, 1),
    ]
    study, _ = search.run()
    assert [trial.params for trial in study.trials[:2]] == waiting
    given = [trial.number for trial in study.trials if "fixed_params" in trial.system_attrs]
    assert given == [0, 1]


def test_a_search_prunes_and_samples_with_optunas_classes():
    title = history(volumes(3))
    study, _ = Search(title, BACKTEST.origins.of_title(title.volumes), MODELS).run()
    assert isinstance(study.sampler, optuna.samplers.BaseSampler)
    assert isinstance(study.pruner, optuna.pruners.BasePruner)
    assert study.study_name == title.isbn


def test_a_rebuilt_study_has_the_trials_of_the_table(study, trials):
    rows = trials[trials["isbn"] == ISBNS[0]].reset_index(drop=True)
    assert len(study.trials) == len(rows) == 12
    assert {"complete", "pruned"} <= set(rows["state"])
    for trial, row in zip(study.trials, rows.to_dict("records"), strict=True):
        assert trial.number == row["number"]
        assert STATES[trial.state] == row["state"]
        assert {name: trial.params[name] for name in trial.params} == {
            name: row[name] for name in (*"pdqPDQ", "transform")
        }
        assert [*trial.intermediate_values.values()] == json.loads(row["fold_means"])
        assert len(trial.intermediate_values) == row["n_folds"]
    assert study.best_value == rows["score"].min()
    assert study.study_name == ISBNS[0]


def test_a_rebuilt_study_is_of_one_title(trials):
    best = trials.groupby("isbn")["score"].min()
    assert [study_of(trials, isbn).best_value for isbn in ISBNS] == best[ISBNS].tolist()
    assert study_of(trials, "9780000000000").trials == []


def test_a_failed_trial_keeps_its_reason(trials):
    failed = trials[trials["isbn"] == ISBNS[0]].assign(
        state=lambda frame: frame["state"].where(frame["number"] != 3, "failed"),
        score=lambda frame: frame["score"].where(frame["number"] != 3),
        reason=lambda frame: frame["reason"].where(frame["number"] != 3, "too short"),
    )
    trial = study_of(failed, ISBNS[0]).trials[3]
    assert trial.state is TrialState.FAIL
    assert trial.user_attrs == {"reason": "too short"}


def test_optunas_plots_show_a_rebuilt_study(study):
    history = optuna.visualization.plot_optimization_history(study)
    complete = study.get_trials(states=(TrialState.COMPLETE,))
    assert list(history.data[0].y) == [trial.value for trial in complete]
    steps = optuna.visualization.plot_intermediate_values(study)
    assert len(steps.data) == len(study.trials)
    assert max(len(line.x) for line in steps.data) == BACKTEST.folds
    slices = optuna.visualization.plot_slice(study, params=["p", "q"])
    assert len(slices.data) == 2
    assert len(slices.data[0].x) == len(complete)


def test_trials_in_the_table_show_what_the_search_did(study, trials):
    table = study.trials_dataframe()
    assert table["value"].min() == study.best_value
    assert (
        table["state"].str.lower().tolist()
        == trials.loc[trials["isbn"] == ISBNS[0], "state"].tolist()
    )
