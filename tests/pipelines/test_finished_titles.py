"""Nodes of per-title work find the same from a checkpoint, and compute no finished title again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from book_forecast.execution import parallel
from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.parts import Part
from book_forecast.options.groups import ForecastOptions, SelectionOptions
from book_forecast.pipelines.evaluate.nodes import forecast_known_weeks, forecast_with_champion
from book_forecast.pipelines.forecast.explanations import explain_forecasts
from book_forecast.pipelines.forecast.nodes import forecast_titles, roll_forward
from book_forecast.pipelines.preprocess.nodes import split_weeks
from book_forecast.pipelines.train.fits import COMPARED, RELEASED
from book_forecast.pipelines.tune.search import Search
from tests import histories
from tests.histories import ALONE, BACKTEST, release_of, specifications_of, volumes, weeks_frame
from tests.pipelines import ensembles

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
SERIES = {isbn: volumes(i, 110) for i, isbn in enumerate(ISBNS)}
# A dead title and one that is too short for its specification are finished like others.
SERIES["9786703444082"] = np.r_[np.arange(70.0), np.zeros(40)]
SERIES["9786703444099"] = np.r_[5.0, 9.0]
EVERYTHING = weeks_frame(SERIES)
TRAINING, _ = split_weeks(EVERYTHING, 6)
TITLES = pd.DataFrame({"isbn": list(SERIES), "title": list("ABCDE")})
OURS = specifications_of(list(SERIES)[:4])
THEIRS = OURS.assign(q=1)
LEVELS: list[float] = [80, 95]
EVERY_TITLE = SelectionOptions()


@pytest.fixture(scope="module")
def champion():
    return release_of(TRAINING, THEIRS, TITLES)


@pytest.fixture(scope="module")
def training_models() -> pd.DataFrame:
    return histories.fit(TRAINING, OURS).frame


@pytest.fixture(scope="module")
def champion_models() -> pd.DataFrame:
    return histories.fit(TRAINING, THEIRS, COMPARED).frame


def search(folder: Path, request) -> tuple[Part, ...]:
    return histories.tune(TRAINING, folder=folder)


def compare_families(folder: Path, request) -> tuple[Part, ...]:
    compared = request.getfixturevalue("compared")
    return ensembles.fold_parts(compared.orders, compared.global_forecasts, folder=folder)


def fit(folder: Path, request) -> tuple[Part, ...]:
    return (histories.fit(TRAINING, OURS, folder=folder),)


def fit_release(folder: Path, request) -> tuple[Part, ...]:
    return (histories.fit(EVERYTHING, OURS, RELEASED, folder=folder),)


def evaluate(folder: Path, request) -> tuple[Part, ...]:
    models = request.getfixturevalue("training_models")
    no_ensembles = pd.DataFrame({"isbn": [], "cutoff": []})
    return forecast_known_weeks(
        TRAINING, models, no_ensembles, BACKTEST, LEVELS, ALONE, CheckpointFolder(folder)
    )


def compare(folder: Path, request) -> tuple[Part, ...]:
    champion = request.getfixturevalue("champion")
    models = request.getfixturevalue("champion_models")
    checkpoints = CheckpointFolder(folder)
    return (forecast_with_champion(champion, models, BACKTEST, LEVELS, ALONE, checkpoints),)


def roll(folder: Path, request) -> tuple[Part, ...]:
    champion = request.getfixturevalue("champion")
    checkpoints = CheckpointFolder(folder)
    rolled = roll_forward(champion, EVERYTHING, None, None, EVERY_TITLE, ALONE, checkpoints)
    ahead = forecast_titles(rolled, None, ForecastOptions(horizon=104), EVERY_TITLE)
    return (Part(rolled.titles.to_pandas(), "rolled"), Part(ahead, "rolled"))


def explain(folder: Path, request) -> tuple[Part, ...]:
    weighted = request.getfixturevalue("weighted")
    release = request.getfixturevalue("ensemble_release")
    found = explain_forecasts(release, EVERY_TITLE, 8, ALONE, CheckpointFolder(folder))
    assert set(found["isbn"]) == set(weighted.specifications["isbn"]) - {ensembles.DEAD}
    return (Part(found, "explained"),)


@pytest.fixture(scope="module")
def ensemble_release(weighted):
    return release_of(
        ensembles.WEEKS,
        weighted.specifications,
        ensembles.TITLES.assign(title="x"),
        models=ensembles.MODELS,
        calibration=weighted.calibration,
        global_forecasts=ensembles.global_forecasts_after(ensembles.WEEKS),
    )


@pytest.mark.parametrize(
    "work", [search, compare_families, fit, fit_release, evaluate, compare, roll, explain]
)
def test_finished_titles_are_the_same_to_the_bit(work, request, tmp_path, monkeypatch):
    expected = work(tmp_path / "unbroken", request)
    first = work(tmp_path / "checkpoints", request)

    def refuse(*arguments):
        raise AssertionError("a finished title was computed again")

    monkeypatch.setattr(parallel, "_do", refuse)
    second = work(tmp_path / "checkpoints", request)
    for parts in (first, second):
        for part, other in zip(parts, expected, strict=True):
            assert part.fingerprint == other.fingerprint
            pd.testing.assert_frame_equal(part.frame, other.frame, check_exact=True)


def test_a_search_that_failed_is_done_again(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Search, "run", lambda _: 1 / 0)
        failed, _ = histories.tune(TRAINING, folder=tmp_path)
    assert failed.frame["fallback_reason"].str.startswith("tuning failed").any()
    again, _ = histories.tune(TRAINING, folder=tmp_path)
    assert not again.frame["fallback_reason"].str.startswith("tuning failed").any()


def test_a_search_that_the_clock_ended_is_done_again(tmp_path):
    hurried, _ = histories.tune(TRAINING, folder=tmp_path, max_seconds=1e-9)
    assert "max_seconds" in set(hurried.frame["ended_by"])
    [checkpoint] = [path.read_text() for path in tmp_path.rglob("*.results")]
    assert not any(isbn in checkpoint for isbn in ISBNS)


def test_a_fit_that_had_no_memory_is_done_again(tmp_path, monkeypatch):
    def no_memory(*_, **__):
        raise MemoryError("no memory")

    with monkeypatch.context() as patch:
        patch.setattr("book_forecast.pipelines.train.titles.Sarima.fit", no_memory)
        failed = histories.fit(TRAINING, OURS, folder=tmp_path)
    assert failed.frame["fallback_reason"].str.contains("no memory").any()
    again = histories.fit(TRAINING, OURS, folder=tmp_path)
    expected = histories.fit(TRAINING, OURS)
    pd.testing.assert_frame_equal(again.frame, expected.frame, check_exact=True)
