"""Families are compared on weeks that they have not seen."""

import numpy as np
import pandas as pd

from book_forecast.pipelines.tune import folds
from book_forecast.pipelines.tune.fold_tasks import FEWEST_WEEKS_BEFORE_FOLD, FoldTask
from book_forecast.pipelines.tune.nodes import fit_global_model
from book_forecast.series.history import title_histories
from tests.histories import checkpoints_in
from tests.pipelines.ensembles import (
    BACKTEST,
    DEAD,
    FAMILIES,
    HORIZON,
    LAUNCH,
    OLD,
    TITLES,
    WEEKS,
    cross_validate,
    fold_parts,
    model_options,
)


def test_every_family_forecasts_every_fold_of_a_title_with_enough_weeks(compared):
    old = compared.forecasts[compared.forecasts["isbn"].isin(OLD)]
    assert old.groupby("isbn")["cutoff"].nunique().tolist() == [2, 2, 2]
    assert np.isfinite(old[FAMILIES]).all(axis=None)


def test_a_family_that_refuses_a_launch_leaves_the_others(compared):
    launch = compared.forecasts[compared.forecasts["isbn"] == LAUNCH]
    assert len(launch["cutoff"].unique()) == 1
    assert launch["boosting"].notna().all()
    assert launch["naive"].notna().all()


def test_a_dead_title_is_not_compared(compared):
    assert DEAD not in set(compared.forecasts["isbn"]) | set(compared.seasons["isbn"])


def test_weeks_after_a_fold_cannot_change_its_forecasts(compared):
    latest = WEEKS["week"].max() - pd.Timedelta(weeks=HORIZON)
    changed = WEEKS.copy()
    changed.loc[changed["week"] > latest, "volume"] *= 50.0
    with checkpoints_in(None) as checkpoints:
        ahead = fit_global_model(changed, TITLES, None, model_options(), BACKTEST, checkpoints)
    again, _ = fold_parts(compared.orders, ahead, changed)
    pd.testing.assert_frame_equal(again.frame, compared.forecasts)


def test_folds_are_the_same_calendar_weeks_for_all_titles():
    long, short = (BACKTEST.origins.at_common_weeks(n, FEWEST_WEEKS_BEFORE_FOLD) for n in (120, 20))
    assert [120 - fold.origin for fold in long] == [8, 16]
    assert [20 - fold.origin for fold in short] == [8]


def test_global_forecasts_are_made_at_the_folds(compared):
    cutoffs = compared.forecasts["cutoff"].unique()
    assert sorted(compared.global_forecasts["cutoff"].unique()) == sorted(cutoffs)
    merged = compared.forecasts.merge(compared.global_forecasts, on=["isbn", "cutoff", "week"])
    assert len(merged) == len(compared.forecasts)
    np.testing.assert_allclose(merged["boosting"], merged["mean"], rtol=1e-9)
    assert merged["width_x"].notna().all()
    assert merged["width_x"].tolist() == merged["width_y"].tolist()


def test_sarima_alone_is_not_compared_with_anything():
    alone = model_options("sarima")
    assert not alone.has_ensembles
    found = cross_validate(models=alone)
    assert all(frame.empty for frame in (found.forecasts, found.seasons, found.global_forecasts))
    assert (found.orders.set_index("isbn")["model"][OLD] == "sarima").all()


def test_an_unforeseen_error_costs_one_title_alone(monkeypatch, caplog):
    def fail(*_: object, **__: object) -> None:
        raise IndexError("index 3 is out of bounds")

    monkeypatch.setattr(folds, "fit_families", fail)
    history = title_histories(WEEKS[WEEKS["isbn"] == OLD[0]])[0]
    origins = BACKTEST.origins.at_common_weeks(history.n_weeks, FEWEST_WEEKS_BEFORE_FOLD)
    task = FoldTask(history, origins, model_options(), tuple(FAMILIES), [], {})
    assert folds.cross_validate(task) is None
    assert f"Comparing the families of {OLD[0]} failed: index 3 is out of bounds" in caplog.text
