"""Unusual weeks of the folds are known as such."""

import numpy as np
import pandas as pd

from book_forecast.forecasters.weights import FoldForecasts
from book_forecast.pipelines.tune.fold_kinds import without_shifts
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
