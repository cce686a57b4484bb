"""Families are compared on weeks that they have not seen, and weighed by what comes of it."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from book_forecast.execution.journals import JournalFolder
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.restoring import restore
from book_forecast.options.groups import BoostingOptions, EvaluateOptions
from book_forecast.options.run import has_ensembles
from book_forecast.pipelines.evaluate.nodes import forecast_known_weeks
from book_forecast.pipelines.train.boosting import boost_training_weeks
from book_forecast.pipelines.train.nodes import fit_release_titles, fit_titles
from book_forecast.pipelines.tune.boosting import boost_folds
from book_forecast.pipelines.tune.families import common_folds, forecast_folds
from book_forecast.pipelines.tune.weighing import weigh_families
from tests.histories import QUICK, WHOLE, tune, volumes, weeks_frame

OLD = ["9780241003008", "9780722532935", "9786703444075"]
LAUNCH, DEAD = "9786700000011", "9786700000028"
FAMILIES = ["sarima", "theta", "boosting", "seasonal_naive", "naive"]
OPTIONS = QUICK.model_copy(update={"step": 8, "folds": 2})
HORIZON = 8
SMALL = BoostingOptions(rows=2000, trees=10)
WEEKS = weeks_frame(
    {
        **{isbn: volumes(i, 120) for i, isbn in enumerate(OLD)},
        LAUNCH: volumes(7, 20),
        DEAD: np.r_[volumes(8, 80), np.zeros(40)],
    }
).assign(promotion=0.0, asp=np.nan, rrp=np.nan)
TITLES = pd.DataFrame({"isbn": WEEKS["isbn"].unique(), "product_class": "F"}).astype("str")


def boosting(families: list[str]) -> dict[str, Any]:
    """What the model of all titles is made of."""
    return {
        "titles": TITLES,
        "options": SMALL,
        "families": families,
        "calendar": False,
        "seed": 1,
    }


def compare(weeks: pd.DataFrame, folder, families=tuple(FAMILIES)):
    names = list(families)
    found = tune(weeks, JournalFolder(folder), OPTIONS)[0].frame
    paths = boost_folds(weeks, OPTIONS, HORIZON, **boosting(names))
    said, seasons = forecast_folds(weeks, found, paths, names, False, OPTIONS, HORIZON, 1, WHOLE)
    return found, said.frame, seasons.frame


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    return compare(WEEKS, tmp_path_factory.mktemp("journals"))


@pytest.fixture(scope="module")
def weighed(compared):
    _, said, seasons = compared
    return weigh_families(said, seasons, WEEKS, TITLES, FAMILIES, [80, 95])


@pytest.fixture(scope="module")
def models(compared, weighed):
    ahead = boost_training_weeks(WEEKS, **boosting(FAMILIES))
    ensembles, calibration, *_ = weighed
    return fit_titles(
        WEEKS, compared[0], 26, 1, WHOLE, ensembles, calibration, ahead, FAMILIES, False
    ).frame


def test_every_family_speaks_at_every_fold_of_a_title_with_enough_weeks(compared):
    _, said, _ = compared
    old = said[said["isbn"].isin(OLD)]
    assert old.groupby("isbn")["cutoff"].nunique().tolist() == [2, 2, 2]
    assert np.isfinite(old[FAMILIES]).all(axis=None)


def test_a_family_that_refuses_a_launch_leaves_the_others(compared):
    _, said, _ = compared
    launch = said[said["isbn"] == LAUNCH]
    assert len(launch["cutoff"].unique()) == 1
    assert launch["boosting"].notna().all()
    assert launch["naive"].notna().all()


def test_a_dead_title_is_not_compared(compared):
    _, said, seasons = compared
    assert DEAD not in set(said["isbn"]) | set(seasons["isbn"])


def test_weeks_after_a_fold_cannot_change_what_is_said_there(compared, tmp_path):
    found, said, _ = compared
    latest = WEEKS["week"].max() - pd.Timedelta(weeks=HORIZON)
    changed = WEEKS.copy()
    changed.loc[changed["week"] > latest, "volume"] *= 50.0
    paths = boost_folds(changed, OPTIONS, HORIZON, **boosting(FAMILIES))
    again, _ = forecast_folds(changed, found, paths, FAMILIES, False, OPTIONS, HORIZON, 1, WHOLE)
    pd.testing.assert_frame_equal(again.frame, said)


def test_folds_are_the_same_calendar_weeks_for_all_titles():
    long, short = common_folds(120, OPTIONS, HORIZON), common_folds(20, OPTIONS, HORIZON)
    assert [120 - fold.origin for fold in long] == [8, 16]
    assert [20 - fold.origin for fold in short] == [8]


def test_weights_are_shares_of_families_that_can_be_fitted(weighed):
    ensembles, *_ = weighed
    for weights in ensembles["weights"].map(json.loads):
        assert set(weights) <= set(FAMILIES)
        assert sum(weights.values()) == pytest.approx(1.0, abs=1e-3)


def test_a_launch_that_was_never_compared_leans_on_other_launches(compared):
    _, said, seasons = compared
    untold = said[said["isbn"] != LAUNCH]
    ensembles, *_ = weigh_families(untold, seasons, WEEKS, TITLES, FAMILIES, [80])
    weights = ensembles.set_index("isbn")["weights"].map(json.loads)
    assert weights[LAUNCH]["boosting"] > 0.7
    assert all(weights[isbn].get("boosting", 0.0) < 0.7 for isbn in OLD)


def test_a_member_that_hardly_counts_is_left_out(weighed):
    ensembles, *_ = weighed
    assert all(min(json.loads(row).values()) >= 0.05 for row in ensembles["weights"])


def test_the_leaderboard_has_every_family_beside_the_ensemble(weighed):
    *_, board = weighed
    for _, rows in board.groupby("isbn"):
        assert set(rows["family"]) == {*FAMILIES, "ensemble"}
    own = board[board["family"] == "ensemble"]
    assert (own["relative_error"].dropna() == 1.0).all()


def test_the_backtest_is_a_forecasts_frame_of_the_folds_weeks(weighed, compared):
    _, _, backtest, _ = weighed
    assert (backtest["lo-95"] <= backtest["lo-80"]).all()
    assert (backtest["hi-95"] >= backtest["hi-80"]).all()
    assert (backtest[["mean", "lo-95"]] >= 0.0).all(axis=None)
    keys = ["isbn", "cutoff", "week"]
    assert backtest[keys].equals(compared[1].sort_values(keys)[keys].reset_index(drop=True))


def test_titles_get_ensembles_and_dead_ones_zero(models):
    chosen = models.set_index("isbn")["model"]
    assert (chosen[[*OLD, LAUNCH]] == "ensemble").all()
    assert chosen[DEAD] == "zero"
    assert models["fallback_reason"].isna().all()


def test_a_release_leaves_out_families_without_a_weight(models, compared, weighed):
    ensembles, calibration, *_ = weighed
    ahead = boost_training_weeks(WEEKS, **boosting(FAMILIES))
    released = fit_release_titles(
        WEEKS, compared[0], 26, 1, WHOLE, ensembles, calibration, ahead, FAMILIES, False
    )[0].frame
    for frame, every in ((models, True), (released, False)):
        state = json.loads(frame.set_index("isbn")["state"][OLD[0]])
        weights = json.loads(ensembles.set_index("isbn")["weights"][OLD[0]])
        assert (set(state["members"]) == set(FAMILIES)) == (every or len(weights) == len(FAMILIES))
        model = restore("ensemble", state)
        assert isinstance(model, Ensemble)
        assert sum(model.weights.values()) == pytest.approx(1.0)


def test_the_test_weeks_are_forecast_by_the_ensemble_and_each_member(models, weighed):
    test, rolled = forecast_known_weeks(
        WEEKS,
        models,
        EvaluateOptions(folds=2, step=8, min_train=40),
        HORIZON,
        [80, 95],
        1,
        WHOLE,
        weighed[2],
    )
    own = test.frame[test.frame["isbn"] == OLD[0]]
    assert set(own["model"]) == {"ensemble", *FAMILIES}
    rolling = rolled.frame[rolled.frame["isbn"] == OLD[0]]
    assert set(rolling["model"]) == {"ensemble", "seasonal_naive", "naive"}


def test_an_ensemble_none_of_whose_members_can_be_fitted_falls_back_with_the_reason(
    compared, weighed
):
    ensembles, calibration, *_ = weighed
    only = ensembles.assign(weights=json.dumps({"boosting": 1.0}))
    found = fit_titles(
        WEEKS, compared[0], 26, 1, WHOLE, only, calibration, None, FAMILIES, False
    ).frame.set_index("isbn")
    assert found["model"][OLD[0]] == "sarima"
    reason = "boosting: the model of all titles says nothing of it"
    assert reason in str(found["fallback_reason"][OLD[0]])


def test_sarima_alone_is_not_compared_with_anything(tmp_path):
    assert not has_ensembles(["sarima"])
    _, said, seasons = compare(WEEKS, tmp_path, ("sarima",))
    ensembles, _, backtest, board = weigh_families(said, seasons, WEEKS, TITLES, ["sarima"], [80])
    assert all(frame.empty for frame in (said, seasons, ensembles, backtest))
    assert board[board["isbn"] != "all"].empty
