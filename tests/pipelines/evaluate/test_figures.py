"""What the models leave unexplained, from their states."""

import json

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.base import FittedForecaster
from book_forecast.forecasters.naive import SeasonalNaive
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.pipelines.evaluate.figures import (
    plot_leaderboard,
    plot_residuals,
    title_residuals,
)
from book_forecast.sarima import Specification
from book_forecast.series.history import title_histories
from tests.plots.frames import make_history, make_titles, traces_by_name

ISBNS = ["9780000000001", "9780000000002", "9780000000003"]


@pytest.fixture(scope="module")
def model_input():
    rng = np.random.default_rng(0)
    histories = [make_history(isbn, 120) for isbn in ISBNS]
    for history in histories:
        history["volume"] = rng.poisson(100, 120).astype(float)
    histories[1].loc[30:35, "volume"] = np.nan
    return pd.concat(histories, ignore_index=True)


@pytest.fixture(scope="module")
def models(model_input):
    """Two SARIMA models and a baseline."""
    rows = []
    for history in title_histories(model_input):
        model: FittedForecaster = SeasonalNaive.fit(history)
        if history.isbn != ISBNS[2]:
            model = Sarima.fit(history, Candidate(Specification(1, 0, 0, trend="c")))
        state = json.dumps(model.to_state())
        row = {"isbn": history.isbn, "model": model.family, "cutoff": history.cutoff}
        rows.append(row | {"state": state})
    return pd.DataFrame(rows)


def test_residuals_belong_to_the_weeks_that_were_fitted(models, model_input):
    residuals = title_residuals(models)
    assert residuals["isbn"].unique().tolist() == ISBNS[:2]
    first = residuals[residuals["isbn"] == ISBNS[0]]
    weeks = model_input.loc[model_input["isbn"] == ISBNS[0], "week"]
    pd.testing.assert_series_equal(
        first["week"].reset_index(drop=True), weeks.reset_index(drop=True), check_dtype=False
    )
    assert first["residual"].std() == pytest.approx(1, abs=0.1)


def test_missing_weeks_have_no_residual(models):
    second = title_residuals(models)[lambda frame: frame["isbn"] == ISBNS[1]]
    assert np.flatnonzero(second["residual"].isna()).tolist() == list(range(30, 36))


def test_titles_with_a_model_of_their_own_are_drawn(models, model_input):
    figures = plot_residuals(models, model_input, make_titles(*ISBNS), 50)
    assert list(figures) == ISBNS[:2]
    assert len(traces_by_name(figures[ISBNS[0]])[None]) == 4


def test_no_more_titles_are_drawn_than_asked_for(models, model_input):
    assert len(plot_residuals(models, model_input, make_titles(*ISBNS), 1)) == 1


def test_without_such_a_model_nothing_is_drawn(models, model_input):
    assert plot_residuals(models[2:], model_input, make_titles(*ISBNS), 50) == {}


def test_families_are_held_against_the_test_weeks_and_no_others():
    families = {"ensemble": 1.0, "theta": 1.5}
    rows = [(isbn, name, error, 0.5) for isbn in ("all", "1") for name, error in families.items()]
    leaderboard = pd.DataFrame(rows, columns=["isbn", "family", "mae", "weight"])
    leaderboard["left_out"] = None
    cutoffs = pd.to_datetime(["2023-01-07", "2024-01-06"])
    scores = pd.DataFrame(
        [
            ("1", name, cutoff, "mae", error * factor)
            for name, error in families.items()
            for cutoff, factor in zip(cutoffs, (1.0, 0.75 * error), strict=True)
        ],
        columns=["isbn", "model", "cutoff", "metric", "value"],
    )
    (tested,) = traces_by_name(plot_leaderboard(leaderboard, scores))["test"]
    assert dict(zip(tested.y, tested.x, strict=True)) == {"ensemble": 1.0, "theta": 2.25}
