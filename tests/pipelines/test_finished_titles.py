"""Nodes of per-title work give the same from kept results, and compute none of them again."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.execution import parallel
from book_forecast.execution.checkpoints import KeepFolder
from book_forecast.execution.journals import JournalFolder
from book_forecast.execution.shards import Part
from book_forecast.options.groups import EvaluateOptions
from book_forecast.pipelines.evaluate.comparison import forecast_with_champion
from book_forecast.pipelines.evaluate.nodes import forecast_known_weeks
from book_forecast.pipelines.forecast.nodes import roll_forward
from book_forecast.pipelines.preprocess.nodes import split_weeks
from book_forecast.pipelines.train.nodes import fit_release_titles, fit_titles
from book_forecast.pipelines.train.release import assemble_release
from book_forecast.pipelines.tune.nodes import tune_titles
from tests.histories import QUICK, WHOLE, specifications_of, volumes, weeks_frame
from tests.releases import payloads

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
SERIES = {isbn: volumes(i, 110) for i, isbn in enumerate(ISBNS)}
# A dead title and one that is too short for its specification are kept like others.
SERIES["9786703444082"] = np.r_[np.arange(70.0), np.zeros(40)]
SERIES["9786703444099"] = np.r_[5.0, 9.0]
EVERYTHING = weeks_frame(SERIES)
TRAINING, _ = split_weeks(EVERYTHING, 6)
OURS = specifications_of(list(SERIES)[:4])
FOLDS = EvaluateOptions(folds=2, step=6, min_train=40)


@pytest.fixture(scope="module")
def champion(tmp_path_factory):
    known, theirs = TRAINING, OURS.assign(q=1)
    models, distributions = fit_release_titles(known, theirs, 26, 1, WHOLE)
    titles = pd.DataFrame({"isbn": list(SERIES), "title": list("ABCDE")})
    draft = assemble_release(models.frame, distributions.frame, known, titles)
    folder = tmp_path_factory.mktemp("champion")
    return payloads.payload_of(draft, folder, "2024-07-01T05.00.00-00000001")


def tune(finished, champion, tmp_path):
    journals = JournalFolder(tmp_path / "journals")
    return tune_titles(TRAINING, QUICK, 6, 26, 1, 1, WHOLE, journals, finished=finished)


def fit(finished, champion, tmp_path):
    return (fit_titles(TRAINING, OURS, 26, 1, WHOLE, finished=finished),)


def fit_release(finished, champion, tmp_path):
    return fit_release_titles(EVERYTHING, OURS, 26, 1, WHOLE, finished=finished)


def evaluate(finished, champion, tmp_path):
    models = fit_titles(
        TRAINING, OURS, 26, 1, WHOLE, finished=KeepFolder(tmp_path / "models")
    ).frame
    return forecast_known_weeks(TRAINING, models, FOLDS, 6, [80, 95], 1, WHOLE, finished=finished)


def compare(finished, champion, tmp_path):
    return forecast_with_champion(
        TRAINING, OURS, champion, FOLDS, 6, [80, 95], 26, 1, WHOLE, finished=finished
    )


def roll(finished, champion, tmp_path):
    tables = roll_forward(champion, {}, EVERYTHING, 1, finished).tables
    return tuple(Part(tables[kind].to_pandas(), "rolled") for kind in sorted(tables))


@pytest.mark.parametrize("work", [tune, fit, fit_release, evaluate, compare, roll])
def test_kept_results_are_the_same_to_the_bit(work, champion, tmp_path, monkeypatch):
    expected = work(None, champion, tmp_path)
    finished = KeepFolder(tmp_path / "finished")
    first = work(finished, champion, tmp_path)

    def refuse(*arguments):
        raise AssertionError("a title was begun again")

    monkeypatch.setattr(parallel, "_do", refuse)
    second = work(finished, champion, tmp_path)
    for parts in (first, second):
        for part, other in zip(parts, expected, strict=True):
            assert part.fingerprint == other.fingerprint
            pd.testing.assert_frame_equal(part.frame, other.frame, check_exact=True)


def test_a_search_that_failed_is_done_again(tmp_path, monkeypatch, champion):
    finished = KeepFolder(tmp_path / "finished")
    with monkeypatch.context() as patch:
        patch.setattr(JournalFolder, "open", lambda *_: 1 / 0)
        failed, _ = tune(finished, champion, tmp_path)
    assert failed.frame["fallback_reason"].str.startswith("tuning failed").any()
    again, _ = tune(finished, champion, tmp_path)
    assert not again.frame["fallback_reason"].str.startswith("tuning failed").any()


def test_a_fit_that_had_no_memory_is_done_again(tmp_path, monkeypatch, champion):
    finished = KeepFolder(tmp_path / "finished")

    def no_memory(*arguments):
        raise MemoryError("no memory")

    with monkeypatch.context() as patch:
        patch.setattr("book_forecast.pipelines.train.titles.Sarima.fit", no_memory)
        (failed,) = fit(finished, champion, tmp_path)
    assert failed.frame["fallback_reason"].str.contains("no memory").any()
    (again,) = fit(finished, champion, tmp_path)
    (expected,) = fit(None, champion, tmp_path)
    pd.testing.assert_frame_equal(again.frame, expected.frame, check_exact=True)
