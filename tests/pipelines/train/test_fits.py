"""train fits what tune chose; evaluate and forecast go on from there."""

import json

import pandas as pd
import pytest

from book_forecast.execution.journals import JournalFolder
from book_forecast.forecasters.restoring import restore
from book_forecast.options.groups import EvaluateOptions, ShardOptions
from book_forecast.pipelines.evaluate.nodes import (
    forecast_known_weeks,
    make_score_table,
    score_titles,
    summarise_scores,
)
from book_forecast.pipelines.preprocess.nodes import split_weeks
from book_forecast.pipelines.train.nodes import fit_titles, require_success, summarise_fits
from book_forecast.storage.errors import UserError
from tests.histories import CUTOFF, WHOLE, tune, volumes, weeks_frame

ISBNS = ["9780241003008", "9780722532935", "9786703444075"]
EVERYTHING = weeks_frame({isbn: volumes(i, 110) for i, isbn in enumerate(ISBNS)})
TRAINING, TEST = split_weeks(EVERYTHING, 6)
FOLDS = EvaluateOptions(folds=2, step=6, min_train=40)


@pytest.fixture(scope="module")
def specifications(tmp_path_factory) -> pd.DataFrame:
    return tune(TRAINING, JournalFolder(tmp_path_factory.mktemp("journals")))[0].frame


@pytest.fixture(scope="module")
def models(specifications) -> pd.DataFrame:
    return fit_titles(TRAINING, specifications, 26, 1, WHOLE).frame


@pytest.fixture(scope="module")
def known(models):
    parts = forecast_known_weeks(TRAINING, models, FOLDS, 6, [80, 95], 1, WHOLE)
    return tuple(part.frame for part in parts)


@pytest.fixture(scope="module")
def scores(known, models) -> pd.DataFrame:
    test, rolling = known
    return score_titles(test, rolling, models, EVERYTHING, [80, 95])


def test_training_models_know_the_training_weeks_and_releases_all(models, specifications):
    released = fit_titles(EVERYTHING, specifications, 26, 1, WHOLE).frame
    assert (models["cutoff"] == pd.Timestamp(CUTOFF) - pd.Timedelta(weeks=6)).all()
    assert (released["cutoff"] == pd.Timestamp(CUTOFF)).all()
    assert models["fallback_reason"].isna().all()
    assert len(json.loads(models["state"][0])["volumes"]) == 104


def test_shards_fit_what_one_run_fits(models, specifications):
    parts = [
        fit_titles(TRAINING, specifications, 26, 1, ShardOptions(index=k, count=2)).frame
        for k in (1, 2)
    ]
    joined = pd.concat(parts, ignore_index=True)
    pd.testing.assert_frame_equal(joined, models, check_exact=True)


def test_a_title_that_cannot_be_fitted_falls_back_with_the_reason(specifications):
    broken = TRAINING.copy()
    broken.loc[broken["isbn"] == ISBNS[0], "volume"] = 7.0
    found = fit_titles(broken, specifications, 26, 1, WHOLE).frame.set_index("isbn")
    assert found.loc[ISBNS[0], "model"] == "seasonal_naive"
    assert "does not vary" in str(found.loc[ISBNS[0], "fallback_reason"])
    assert (found.loc[ISBNS[1:], "model"] == "sarima").all()


def test_a_title_that_tune_has_not_seen_falls_back(specifications):
    found = fit_titles(TRAINING, specifications.iloc[1:], 26, 1, WHOLE).frame
    assert found["model"].tolist() == ["seasonal_naive", "sarima", "sarima"]
    assert found["fallback_reason"][0] == "tune has not seen the title"


def test_a_dead_title_forecasts_zero_and_that_is_no_fallback(specifications):
    dead = TRAINING.copy()
    gone = (dead["isbn"] == ISBNS[0]) & (dead["week"] > dead["week"].max() - pd.Timedelta(weeks=30))
    dead.loc[gone, "volume"] = 0.0
    found = fit_titles(dead, specifications, 26, 1, WHOLE).frame
    assert found["model"][0] == "zero"
    assert found["fallback_reason"].isna().all()
    zero = json.loads(found["state"][0])
    assert (restore("zero", zero).forecast(8, (80,)).upper[80] == 0).all()


def test_a_title_that_sells_the_same_every_week_goes_on_so_and_that_is_no_fallback(tmp_path):
    constant = TRAINING.copy()
    constant.loc[constant["isbn"] == ISBNS[0], "volume"] = 7.0
    tuned = tune(constant, JournalFolder(tmp_path))[0].frame
    found = fit_titles(constant, tuned, 26, 1, WHOLE).frame
    assert found["model"][0] == "naive"
    assert found["fallback_reason"].isna().all()
    ahead = restore("naive", json.loads(found["state"][0])).forecast(8, (80,))
    assert all((column == 7.0).all() for column in ahead.columns().values())
    varied = fit_titles(TRAINING, tuned, 26, 1, WHOLE).frame
    assert "varied since" in str(varied["fallback_reason"][0])


def test_the_success_rate_counts_titles_without_a_fallback(models):
    half = models.assign(fallback_reason=["too short", None, None]).astype({"isbn": "str"})
    summary = summarise_fits(models, half)
    assert summary == {"n_titles": 3.0, "n_fallbacks": 1.0, "success_rate": pytest.approx(2 / 3)}
    require_success(summary, 0.6)
    with pytest.raises(UserError, match=r"1 of 3 titles .* below min_success_rate 0.7"):
        require_success(summary, 0.7)


def test_test_weeks_and_rolling_origins_are_forecast_beside_both_baselines(known):
    test, rolling = known
    assert set(test["model"]) == {"sarima", "seasonal_naive", "naive"}
    assert len(test["cutoff"].unique()) == 1
    assert test.groupby(["isbn", "model"]).size().eq(6).all()
    assert sorted(test["week"].unique()) == sorted(TEST["week"].unique())
    assert rolling["cutoff"].nunique() == 2
    assert rolling["week"].max() <= TRAINING["week"].max()


def test_rolling_origins_do_not_look_ahead(models, known):
    later = TRAINING.copy()
    last = later["week"] > later["week"].max() - pd.Timedelta(weeks=6)
    later.loc[last, "volume"] *= 100.0
    _, changed = forecast_known_weeks(later, models, FOLDS, 6, [80], 1, WHOLE)
    pd.testing.assert_series_equal(changed.frame["mean"], known[1]["mean"])


def test_scores_stand_beside_the_baselines(scores, models):
    titles = pd.DataFrame({"isbn": ISBNS, "title": ["a", "b", "c"]})
    table = make_score_table(scores, models, titles)
    assert table["isbn"].tolist() == ISBNS
    assert (
        table[["wape", "mase", "seasonal_naive_wape", "seasonal_naive_mase"]]
        .notna()
        .to_numpy()
        .all()
    )
    metrics = summarise_scores(scores, {"success_rate": 1.0})
    assert {"test_wape", "test_wape_seasonal_naive", "rolling_mase", "success_rate"} < set(metrics)
    assert metrics["test_wape"] > 0


def test_a_baseline_that_was_chosen_is_scored_once(known, specifications):
    only = specifications.assign(model="seasonal_naive", fallback_reason="asked for")
    fallen = fit_titles(TRAINING, only, 26, 1, WHOLE).frame
    parts = forecast_known_weeks(TRAINING, fallen, FOLDS, 6, [80, 95], 1, WHOLE)
    test = parts[0].frame
    assert set(test["model"]) == {"seasonal_naive", "naive"}
    assert not test.duplicated(["isbn", "week", "model"]).any()
