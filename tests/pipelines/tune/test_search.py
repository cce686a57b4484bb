"""The search finds the same orders however it is run, from the training weeks alone."""

import os
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from book_forecast.execution import parallel
from book_forecast.execution.parts import Part
from book_forecast.options.groups import BacktestOptions, ExecutionOptions
from book_forecast.options.models import ModelOptions
from book_forecast.pipelines.preprocess.nodes import split_weeks
from book_forecast.pipelines.tune.search import Search, search_title
from book_forecast.series.history import History
from tests.histories import ALONE, BACKTEST, MODELS, shard, tune, volumes, weeks_frame

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
FRAME = weeks_frame({isbn: volumes(i, 80 + 10 * i) for i, isbn in enumerate(ISBNS)})


def assert_same(left: tuple[Part, Part], right: tuple[Part, Part]) -> None:
    for mine, theirs in zip(left, right, strict=True):
        pd.testing.assert_frame_equal(mine.frame, theirs.frame, check_exact=True)
        assert mine.fingerprint == theirs.fingerprint


def test_every_title_gets_the_best_of_its_completed_trials():
    orders, trials = (part.frame for part in tune(FRAME))
    assert orders["isbn"].tolist() == ISBNS
    assert (orders["model"] == "sarima").all()
    complete = trials[trials["state"] == "complete"]
    best = complete.groupby("isbn")["score"].min()
    assert orders.set_index("isbn")["score"].tolist() == best.tolist()


def test_no_candidate_is_tried_twice():
    _, trials = tune(FRAME, max_trials=25)
    orders = trials.frame[["isbn", *"pdqPDQ", "s", "transform"]]
    assert not orders.duplicated().any()


def test_a_space_that_is_used_up_ends_the_search():
    tiny: dict[str, Any] = {order: {"highest": 0} for order in ("p", "q", "P", "Q")}
    orders, trials = tune(FRAME, **tiny, seeds={}, max_trials=50, patience=50)
    assert trials.frame.groupby("isbn").size().tolist() == [2, 2, 2]
    assert (orders.frame["ended_by"] == "space").all()


def test_patience_ends_a_search_that_does_not_improve():
    orders, trials = tune(FRAME, max_trials=30, patience=2, min_improvement=10.0)
    assert (trials.frame.groupby("isbn").size() <= 3).all()
    assert (orders.frame["ended_by"] == "patience").all()


def test_a_budget_of_evaluations_ends_a_search_alike_each_time():
    budget: dict[str, Any] = {"max_trials": 40, "patience": 40, "max_evaluations": 300}
    found = tune(FRAME, **budget)
    assert_same(found, tune(FRAME, **budget))
    assert (found[0].frame["ended_by"] == "max_evaluations").all()
    assert (found[0].frame["n_evaluations"] >= 300).all()
    assert (found[0].frame["n_trials"] < 40).all()


def test_a_search_that_the_clock_ends_has_the_best_so_far_and_warns(caplog):
    orders, _ = (part.frame for part in tune(FRAME, max_seconds=1e-9))
    assert (orders["ended_by"] == "max_seconds").all()
    assert (orders["n_trials"] == 1).all()
    assert caplog.text.count("stopped after max_seconds") == len(ISBNS)


def test_the_originals_seeds_are_tried_first(project_path):
    text = (project_path / "conf/base/parameters_models.yml").read_text()
    seeds = yaml.safe_load(text)["models"]["tune"]["seeds"]
    _, trials = tune(FRAME, seeds=seeds, max_trials=3)
    first = trials.frame.groupby("isbn").head(3).set_index("isbn")

    def tried(isbn: str) -> list[tuple[int, ...]]:
        return [tuple(row) for row in first.loc[[isbn], [*"pdqPDQ"]].to_numpy()]

    assert tried("9780722532935")[:2] == [(1, 0, 0, 2, 0, 1), (1, 0, 0, 1, 0, 0)]
    assert tried("9780241003008") == [
        (2, 1, 1, 1, 0, 1),
        (1, 1, 1, 2, 0, 2),
        (0, 2, 3, 2, 0, 3),
    ]
    assert tried("9786703444075")[:2] == [(1, 0, 0, 1, 0, 0), (1, 0, 0, 2, 0, 1)]


@pytest.mark.parametrize("count", [2, 3])
def test_shards_together_equal_the_whole(count):
    whole = tune(FRAME)
    parts = [tune(FRAME, execution=shard(k, count)) for k in range(1, count + 1)]
    for i in range(2):
        joined = pd.concat([part[i].frame for part in parts], ignore_index=True)
        pd.testing.assert_frame_equal(joined, whole[i].frame, check_exact=True)


@pytest.mark.slow
def test_the_number_of_processes_changes_nothing():
    frame = weeks_frame({f"97867{i:08d}": volumes(i) for i in range(9)})
    two = ExecutionOptions(n_jobs=2)
    assert_same(tune(frame), tune(frame, execution=two))


def test_a_search_that_is_run_again_finds_the_same(tmp_path):
    assert_same(tune(FRAME), tune(FRAME))
    assert_same(tune(FRAME, folder=tmp_path), tune(FRAME, folder=tmp_path))


@pytest.mark.parametrize("share", [0.1, 0.35, 0.6, 0.9])
def test_a_search_resumes_from_any_state_of_its_checkpoint_as_if_it_had_not_stopped(
    tmp_path, share
):
    unbroken = tune(FRAME, folder=tmp_path)
    [checkpoint] = tmp_path.rglob("*.results")
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(share * len(content))])
    assert_same(unbroken, tune(FRAME, folder=tmp_path))
    # What was torn has been computed again, to the same bytes.
    assert set(content.splitlines()) <= set(checkpoint.read_bytes().splitlines())


KILLED = """
import sys
from pathlib import Path
import pandas as pd
from tests.histories import tune
tune(pd.read_parquet(sys.argv[1]), folder=Path(sys.argv[2]), max_trials=25, min_trials=25)
"""


@pytest.mark.slow
def test_a_killed_search_finds_what_an_unbroken_one_finds(tmp_path, project_path):
    frame, folder = tmp_path / "weeks.parquet", tmp_path / "checkpoints"
    FRAME.to_parquet(frame)
    command = [sys.executable, "-c", KILLED, str(frame), str(folder)]
    process = subprocess.Popen(command, cwd=project_path)
    deadline = time.monotonic() + 120
    # The first title is finished, the next one is not.
    while not any(folder.rglob("*.results")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    [checkpoint] = folder.rglob("*.results")
    assert len(checkpoint.read_bytes().splitlines()) < len(ISBNS)
    budget: dict[str, Any] = {"max_trials": 25, "min_trials": 25}
    assert_same(tune(FRAME, **budget), tune(FRAME, folder=folder, **budget))


def test_test_weeks_cannot_change_the_orders():
    everything = weeks_frame({isbn: volumes(i, 110) for i, isbn in enumerate(ISBNS)})
    training, test = split_weeks(everything, 12)
    changed = everything.copy()
    changed.loc[changed["week"].isin(test["week"]), "volume"] *= 1000.0
    changed_training, _ = split_weeks(changed, 12)
    assert_same(tune(training), tune(changed_training))


@pytest.mark.parametrize(
    ("values", "model", "reason"),
    [
        (np.r_[volumes(1, 60), np.zeros(30)], "zero", None),
        (np.array([3.0, 4.0]), "seasonal_naive", "no fold"),
        (np.full(90, 7.0), "naive", None),
        (np.r_[np.full(89, 7.0), 8.0], "seasonal_naive", "does not vary"),
    ],
)
def test_a_title_that_cannot_be_searched_does_not_stop_the_others(values, model, reason):
    frame = weeks_frame({"9780722532935": values, "9786703444075": volumes(2)})
    odd, usual = tune(frame)[0].frame.to_dict("records")
    assert odd["model"] == model
    if reason is None:
        assert pd.isna(odd["fallback_reason"])
    else:
        assert reason in odd["fallback_reason"]
    assert usual["model"] == "sarima"


def test_without_sarima_nothing_is_searched():
    models = MODELS.model_copy(update={"families": ["theta", "naive"]})
    orders, trials = (part.frame for part in tune(FRAME, models))
    assert (orders["model"] == "seasonal_naive").all()
    assert orders["fallback_reason"].isna().all()
    assert trials.empty


def test_titles_without_sarima_start_no_processes(monkeypatch):
    monkeypatch.setattr(parallel, "_have_started", False)
    frame = weeks_frame({f"97867{i:08d}": volumes(i) for i in range(9)})
    models = MODELS.model_copy(update={"families": ["theta", "naive"]})
    tune(frame, models, execution=ExecutionOptions(n_jobs=2))
    assert not parallel._have_started


def test_other_data_options_or_seeds_make_another_generation():
    first = tune(FRAME)[0].fingerprint
    other = FRAME.assign(volume=FRAME["volume"] + (FRAME.index == 5))
    assert tune(other)[0].fingerprint != first
    step = BACKTEST.model_copy(update={"step": 5})
    assert tune(FRAME, backtest=step)[0].fingerprint != first
    assert tune(FRAME, patience=19)[0].fingerprint != first
    seed = MODELS.model_copy(update={"seed": 2})
    assert tune(FRAME, seed)[0].fingerprint != first
    assert tune(FRAME, execution=ALONE)[0].fingerprint == first


def test_a_short_history_is_not_searched_for_seasons_it_cannot_show():
    frame = weeks_frame({"9786703444075": volumes(1, 40)})
    backtest = BACKTEST.model_copy(update={"min_train": 20})
    orders, trials = (part.frame for part in tune(frame, backtest=backtest, season=24))
    assert (trials["s"] == 1).all()
    assert (trials[["P", "D", "Q"]] == 0).all(axis=None)
    assert orders["model"].tolist() == ["sarima"]


def test_a_history_shorter_than_a_season_is_searched():
    frame = weeks_frame({"9786703444075": volumes(1, 16)})
    orders, _ = (part.frame for part in tune(frame, season=52))
    assert orders["model"].tolist() == ["sarima"]


@pytest.mark.parametrize("seed", range(6))
def test_a_search_that_tries_half_of_the_space_finishes(seed):
    models = MODELS.model_copy(update={"seed": seed})
    orders, trials = tune(FRAME, models, max_trials=30, patience=30, random_trials=3)
    assert orders.frame["fallback_reason"].isna().all()
    assert (trials.frame.groupby("isbn").size() == 30).all()


@pytest.mark.parametrize(
    ("n", "families", "model"),
    [
        (30, None, "naive"),
        (6, None, "seasonal_naive"),
        (6, ["sarima"], "naive"),
    ],
)
def test_few_equal_weeks_are_a_launch_and_no_constant_title(n, families, model):
    """With SARIMA alone there is no model of launches."""
    history = History("9780241003008", np.full(n, 2.0), np.datetime64("2024-01-06"))
    options = ModelOptions() if families is None else ModelOptions(families=families)
    folds = BacktestOptions().search_origins.of_title(history.volumes)
    row, _ = search_title(Search(history, folds, options))
    assert row["model"] == model
