"""Unusual weeks of the folds are known as such."""

import numpy as np
import pandas as pd

from book_forecast.forecasters.weights import FoldForecasts
from book_forecast.options.models import ModelOptions, RegressorOptions
from book_forecast.pipelines.tune.fold_kinds import fold_kinds, fold_weeks, without_shifts
from book_forecast.series.history import WEEK
from tests.histories import CUTOFF, weeks_frame

SHIFT = 15


def folds_of(cutoffs_ago: list[int], isbns: list[str], horizon: int = 10):
    """Folds whose cutoffs are some weeks before the last week."""
    n = len(cutoffs_ago)
    zeros = np.zeros(n, dtype=np.int64)
    folds = FoldForecasts(
        np.full((n, 1, horizon), 5.0), np.full((n, horizon), 9.0), *(zeros, zeros, zeros, zeros)
    )
    cutoffs = CUTOFF - 7 * np.array(cutoffs_ago)
    keys = pd.DataFrame({"isbn": isbns, "cutoff": cutoffs.astype("datetime64[us]")})
    return folds, keys


def test_only_weeks_of_a_shift_that_no_model_could_know_are_left_out():
    rng = np.random.default_rng(1)
    usual = rng.poisson(2000.0, 200).astype(float)
    fallen = usual.copy()
    fallen[-SHIFT:] = rng.poisson(20.0, SHIFT)
    weeks = weeks_frame({"978": fallen, "979": usual})
    folds, keys = folds_of([30, 20, 12, 9, 20], ["978"] * 4 + ["979"])
    known = np.isfinite(without_shifts(folds, keys, weeks).volumes)
    assert known[0].all()
    # The first week on the new level is the last but fourteen: the sixth after this cutoff.
    assert known[1].tolist() == [True] * 5 + [False] * 5
    assert not known[2].any()
    assert known[3].all()
    assert known[4].all()


def test_weeks_of_a_fall_that_is_still_too_recent_for_the_models_are_left_out():
    fallen = np.random.default_rng(1).poisson(2000.0, 200).astype(float)
    fallen[-2:] = 20.0
    folds, keys = folds_of([30, 10], ["978"] * 2)
    known = np.isfinite(without_shifts(folds, keys, weeks_frame({"978": fallen})).volumes)
    assert known.tolist() == [[True] * 10, [True] * 8 + [False] * 2]


def test_weeks_are_of_the_kinds_that_a_forecast_could_know():
    _, keys = folds_of([20, 5], ["978", "979"])
    weeks = weeks_frame({"978": np.ones(100), "979": np.ones(100)}).assign(promotion=0.0)
    deep = (weeks["isbn"] == "978") & (weeks["week"] == pd.Timestamp(CUTOFF) - WEEK * 18)
    weeks.loc[deep, "promotion"] = 0.3
    ahead = fold_weeks(keys, 10)
    known = ModelOptions(regressors=RegressorOptions(promotions_known=True))
    found = fold_kinds(keys["isbn"], ahead, weeks.sample(frac=1.0, random_state=1), known, keys)
    assert found["promotion"].tolist() == [[False, True] + [False] * 8, [False] * 10]
    # The cutoff of the second is five weeks before the sixth of January.
    assert found["christmas"][0].sum() == 0
    assert found["christmas"][1].tolist() == [False] + [True] * 4 + [False] * 5
    assert set(fold_kinds(keys["isbn"], ahead, weeks, ModelOptions(), keys)) == {"christmas"}
    alone = ModelOptions(calendar=False)
    assert fold_kinds(keys["isbn"], ahead, weeks, alone, keys) == {}


def test_widths_of_the_folds_are_those_of_their_own_origin():
    _, keys = folds_of([20, 18], ["978", "978"], 4)
    ahead = fold_weeks(keys, 4)
    cutoffs = np.repeat(keys["cutoff"].to_numpy(), 4)
    forecasts = pd.DataFrame({"isbn": "978", "cutoff": cutoffs, "week": ahead.ravel()})
    forecasts["week"] = forecasts["week"].astype("datetime64[us]")
    logs = [0.1, 0.3, 0.1, 0.3, 2.0, np.nan, 2.2, 2.4]
    alone = ModelOptions(calendar=False)
    weeks = weeks_frame({"978": np.ones(100)})
    mixed = forecasts.assign(width=logs).sample(frac=1.0, random_state=1)
    found = fold_kinds(keys["isbn"], ahead, weeks, alone, mixed)
    assert found["width"].tolist() == [[-0.1, 0.1, -0.1, 0.1], [-0.2, 0.0, 0.0, 0.2]]
    assert fold_kinds(keys["isbn"], ahead, weeks, alone, forecasts) == {}
