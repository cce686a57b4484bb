"""tune finds the same specification however it is run, from the training weeks alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from book_forecast.execution.journals import JournalFolder
from book_forecast.execution.shards import Part
from book_forecast.options.groups import ShardOptions, TuneOptions
from book_forecast.pipelines.preprocess.nodes import split_weeks
from tests.histories import QUICK, tune, volumes, weeks_frame

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
FRAME = weeks_frame({isbn: volumes(i, 80 + 10 * i) for i, isbn in enumerate(ISBNS)})


@pytest.fixture
def journals(tmp_path: Path) -> JournalFolder:
    return JournalFolder(tmp_path / "journals")


def same(left: tuple[Part, Part], right: tuple[Part, Part]) -> bool:
    for mine, theirs in zip(left, right, strict=True):
        pd.testing.assert_frame_equal(mine.frame, theirs.frame, check_exact=True)
    return all(a.fingerprint == b.fingerprint for a, b in zip(left, right, strict=True))


def test_every_title_gets_the_best_of_its_completed_trials(journals):
    specifications, trials = (part.frame for part in tune(FRAME, journals))
    assert specifications["isbn"].tolist() == ISBNS
    assert (specifications["model"] == "sarima").all()
    complete = trials[trials["state"] == "complete"]
    best = complete.groupby("isbn")["score"].min()
    assert specifications.set_index("isbn")["score"].tolist() == best.tolist()


def test_no_candidate_is_tried_twice(journals):
    _, trials = tune(FRAME, journals, QUICK.model_copy(update={"max_trials": 25}))
    orders = trials.frame.drop(columns=["number", "state", "score", "n_folds", "reason"])
    assert not orders.duplicated().any()


def test_a_space_that_is_used_up_ends_the_search(journals):
    tiny = {"highest": 0}
    options = QUICK.model_copy(update={"max_trials": 50, "patience": 50})
    options = TuneOptions.model_validate(
        {**options.model_dump(), "p": tiny, "q": tiny, "P": tiny, "Q": tiny, "seeds": {}}
    )
    _, trials = tune(FRAME, journals, options)
    assert trials.frame.groupby("isbn").size().tolist() == [2, 2, 2]


def test_patience_ends_a_search_that_does_not_improve(journals):
    update = {"max_trials": 30, "patience": 2, "min_improvement": 10.0}
    _, trials = tune(FRAME, journals, QUICK.model_copy(update=update))
    assert (trials.frame.groupby("isbn").size() <= 3).all()


def test_a_budget_of_evaluations_ends_a_search_alike_each_time(tmp_path):
    options = QUICK.model_copy(update={"max_trials": 40, "patience": 40, "max_evaluations": 300})
    found = tune(FRAME, JournalFolder(tmp_path / "one"), options)
    assert same(found, tune(FRAME, JournalFolder(tmp_path / "two"), options))
    assert (found[0].frame["ended_by"] == "max_evaluations").all()
    assert (found[0].frame["n_evaluations"] >= 300).all()
    assert (found[0].frame["n_trials"] < 40).all()


def test_a_search_that_the_clock_ends_says_so_and_keeps_the_best_so_far(journals, caplog):
    options = QUICK.model_copy(update={"max_seconds": 1e-9})
    specifications, _ = (part.frame for part in tune(FRAME, journals, options))
    assert (specifications["ended_by"] == "max_seconds").all()
    assert (specifications["n_trials"] == 1).all()
    assert caplog.text.count("stopped after max_seconds") == len(ISBNS)


def test_the_originals_seeds_are_tried_first(journals, project_path):
    text = (project_path / "conf/base/parameters_tune.yml").read_text()
    seeds = yaml.safe_load(text)["tune"]["seeds"]
    options = TuneOptions.model_validate({**QUICK.model_dump(), "seeds": seeds, "max_trials": 3})
    _, trials = tune(FRAME, journals, options)
    first = trials.frame.groupby("isbn").head(3).set_index("isbn")

    def tried(isbn: str) -> list[tuple[int, ...]]:
        orders = first.loc[[isbn], ["p", "d", "q", "P", "D", "Q"]]
        return [tuple(row) for row in orders.to_numpy()]

    assert tried("9780722532935")[:2] == [(1, 0, 0, 2, 0, 1), (1, 0, 0, 1, 0, 0)]
    assert tried("9780241003008") == [
        (2, 1, 1, 1, 0, 1),
        (1, 1, 1, 2, 0, 2),
        (0, 2, 3, 2, 0, 3),
    ]
    assert tried("9786703444075")[:2] == [(1, 0, 0, 1, 0, 0), (1, 0, 0, 2, 0, 1)]


@pytest.mark.parametrize("count", [2, 3])
def test_shards_together_equal_the_whole(tmp_path, count):
    whole = tune(FRAME, JournalFolder(tmp_path / "whole"))
    parts = [
        tune(FRAME, JournalFolder(tmp_path / "parts"), shard=ShardOptions(index=k, count=count))
        for k in range(1, count + 1)
    ]
    for i in range(2):
        joined = pd.concat([part[i].frame for part in parts], ignore_index=True)
        pd.testing.assert_frame_equal(joined, whole[i].frame, check_exact=True)


@pytest.mark.slow
def test_the_number_of_processes_changes_nothing(tmp_path):
    frame = weeks_frame({f"97867{i:08d}": volumes(i) for i in range(9)})
    alone = tune(frame, JournalFolder(tmp_path / "one"), n_jobs=1)
    assert same(alone, tune(frame, JournalFolder(tmp_path / "two"), n_jobs=2))


def test_a_search_that_is_run_again_repeats_its_journal(journals):
    assert same(tune(FRAME, journals), tune(FRAME, journals))


def test_a_search_goes_on_after_any_trial_as_if_it_had_not_stopped(tmp_path):
    unbroken = tune(FRAME, JournalFolder(tmp_path / "unbroken"))
    source = JournalFolder(tmp_path / "unbroken")
    for share in (0.1, 0.35, 0.6, 0.9):
        broken = tmp_path / f"broken{share}"
        for key in JournalFolder.keys(source):
            text = (source.path / f"{key}.journal").read_bytes()
            path = broken / f"{key}.journal"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text[: int(share * len(text))])
        assert same(unbroken, tune(FRAME, JournalFolder(broken)))


KILLED = """
import sys
from pathlib import Path
import pandas as pd
from book_forecast.execution.journals import JournalFolder
from tests.histories import tune
tune(pd.read_parquet(sys.argv[1]), JournalFolder(Path(sys.argv[2])))
"""


@pytest.mark.slow
def test_a_killed_search_gives_the_answer_of_an_unbroken_one(tmp_path, project_path):
    frame, folder = tmp_path / "weeks.parquet", tmp_path / "journals"
    FRAME.to_parquet(frame)
    command = [sys.executable, "-c", KILLED, str(frame), str(folder)]
    killed = 0
    for wait in (0.02, 0.1, 0.2):
        process = subprocess.Popen(command, cwd=project_path)
        deadline = time.monotonic() + 60
        while not any(folder.rglob("*.journal")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(wait)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.wait()
    assert killed
    unbroken = tune(FRAME, JournalFolder(tmp_path / "unbroken"))
    assert same(unbroken, tune(FRAME, JournalFolder(folder)))


def test_test_weeks_cannot_change_what_is_found(journals):
    everything = weeks_frame({isbn: volumes(i, 110) for i, isbn in enumerate(ISBNS)})
    training, test = split_weeks(everything, 12)
    changed = everything.copy()
    changed.loc[changed["week"].isin(test["week"]), "volume"] *= 1000.0
    changed_training, _ = split_weeks(changed, 12)
    assert same(tune(training, journals), tune(changed_training, journals))


@pytest.mark.parametrize(
    ("values", "model", "reason"),
    [
        (np.r_[volumes(1, 60), np.zeros(30)], "zero", None),
        (np.array([3.0, 4.0]), "seasonal_naive", "no fold"),
        (np.full(90, 7.0), "naive", None),
        (np.r_[np.full(89, 7.0), 8.0], "seasonal_naive", "does not vary"),
    ],
)
def test_a_title_that_cannot_be_searched_does_not_stop_the_others(journals, values, model, reason):
    frame = weeks_frame({"9780722532935": values, "9786703444075": volumes(2)})
    odd, usual = tune(frame, journals)[0].frame.to_dict("records")
    assert odd["model"] == model
    if reason is None:
        assert pd.isna(odd["fallback_reason"])
    else:
        assert reason in odd["fallback_reason"]
    assert usual["model"] == "sarima"


def test_other_data_options_or_seeds_make_another_generation(journals):
    first = tune(FRAME, journals)[0].fingerprint
    other = FRAME.assign(volume=FRAME["volume"] + (FRAME.index == 5))
    assert tune(other, journals)[0].fingerprint != first
    assert tune(FRAME, journals, QUICK.model_copy(update={"step": 5}))[0].fingerprint != first
    assert tune(FRAME, journals, seed=2)[0].fingerprint != first


def test_a_short_history_is_not_asked_for_seasons_it_cannot_show(journals):
    frame = weeks_frame({"9786703444075": volumes(1, 40)})
    options = TuneOptions.model_validate({**QUICK.model_dump(), "season": 24, "min_train": 20})
    specifications, trials = (part.frame for part in tune(frame, journals, options))
    assert (trials["s"] == 1).all()
    assert (trials[["P", "D", "Q"]] == 0).all(axis=None)
    assert specifications["model"].tolist() == ["sarima"]


def test_a_history_shorter_than_a_season_is_searched(journals):
    frame = weeks_frame({"9786703444075": volumes(1, 16)})
    options = QUICK.model_copy(update={"season": 52})
    specifications, _ = (part.frame for part in tune(frame, journals, options))
    assert specifications["model"].tolist() == ["sarima"]


@pytest.mark.parametrize("seed", range(6))
def test_points_that_are_proposed_again_cost_nothing_and_break_nothing(journals, seed):
    options = QUICK.model_copy(update={"max_trials": 30, "patience": 30, "random_trials": 3})
    specifications, trials = tune(FRAME, journals, options, seed=seed)
    assert specifications.frame["fallback_reason"].isna().all()
    assert (trials.frame.groupby("isbn").size() == 30).all()


def test_after_seeds_and_random_models_neighbours_of_the_three_best_are_tried(journals):
    options = QUICK.model_copy(update={"max_trials": 14, "min_trials": 14, "random_trials": 4})
    frame = weeks_frame({"9780722532935": volumes(3)})
    [(_, rows)] = tune(frame, journals, options)[1].frame.groupby("isbn")
    orders = rows[[*"pdqPDQ"]].to_numpy()
    beside_others = 0
    for number in range(1 + options.random_trials, len(rows)):
        complete = rows.iloc[:number].dropna(subset=["score"]).sort_values("score")
        places = complete.index.to_numpy() - rows.index[0]
        apart = (orders[places] != orders[number]).sum(axis=1)
        # Those of the next three, where these have none left.
        assert (apart[:6] == 1).any()
        beside_others += apart[0] != 1
    # Around the best alone there would be none of these while it has neighbours left.
    assert beside_others > 0
