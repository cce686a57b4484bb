"""Rolling-origin folds stay inside the history and shrink with it."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.backtesting.rolling_origins import Fold, RollingOrigins

positive = st.integers(1, 120)
ORIGINS = RollingOrigins(horizon=32, folds=3, step=16, min_train=104)


def test_folds_end_with_the_last_week_and_step_backwards() -> None:
    assert ORIGINS.within(200) == [
        Fold(168, 32),
        Fold(152, 32),
        Fold(136, 32),
    ]


def test_a_short_history_gives_up_folds_before_weeks_of_the_horizon() -> None:
    assert ORIGINS.within(140) == [Fold(108, 32)]
    assert ORIGINS.within(114) == [Fold(104, 10)]


def test_a_history_of_only_training_weeks_has_no_fold() -> None:
    assert ORIGINS.within(104) == []
    assert RollingOrigins(1, 1, 1).within(0) == []


def test_training_and_target_weeks_of_a_fold_are_neighbours() -> None:
    fold = Fold(origin=3, horizon=2)
    weeks = list(range(6))
    assert (weeks[fold.training], weeks[fold.target]) == ([0, 1, 2], [3, 4])


@given(st.integers(0, 700), positive, positive, positive, positive)
def test_no_fold_trains_on_too_little_or_looks_beyond_the_history(
    n_weeks: int, horizon: int, folds: int, step: int, min_train: int
) -> None:
    result = RollingOrigins(horizon, folds, step, min_train).within(n_weeks)
    assert len(result) <= folds
    assert bool(result) == (n_weeks > min_train)
    for fold in result:
        assert fold.origin >= min_train
        assert 1 <= fold.horizon <= horizon
        assert fold.origin + fold.horizon <= n_weeks
    assert all(late.origin - early.origin == step for late, early in pairwise(result))


@given(st.integers(0, 700), positive, positive, positive, positive, st.integers(1, 50))
def test_a_longer_history_never_has_fewer_folds(
    n_weeks: int, horizon: int, folds: int, step: int, min_train: int, more: int
) -> None:
    origins = RollingOrigins(horizon, folds, step, min_train)
    assert len(origins.within(n_weeks + more)) >= len(origins.within(n_weeks))


@pytest.mark.parametrize(("n_weeks", "folds"), [(300, 3), (90, 1), (30, 1), (2, 0), (0, 0)])
def test_a_title_with_a_short_history_trains_on_two_thirds_of_it(n_weeks: int, folds: int) -> None:
    found = ORIGINS.of_title(np.ones(n_weeks))
    assert len(found) == folds
    assert all(fold.origin >= min(104, 2 * n_weeks // 3) for fold in found)


def test_a_fold_of_a_title_has_a_known_week_to_score() -> None:
    volumes = np.ones(200)
    volumes[168:] = np.nan
    assert ORIGINS.of_title(volumes) == [Fold(152, 32), Fold(136, 32)]
    assert ORIGINS.of_title(np.full(200, np.nan)) == []


def test_common_folds_are_the_same_calendar_weeks_in_a_short_history() -> None:
    origins = RollingOrigins(horizon=8, folds=3, step=8)
    assert origins.at_common_weeks(120, 8) == [Fold(112, 8), Fold(104, 8), Fold(96, 8)]
    assert origins.at_common_weeks(24, 8) == [Fold(16, 8), Fold(8, 8)]
    assert origins.at_common_weeks(15, 8) == []


@given(st.integers(0, 700), positive, st.integers(0, 10), positive)
def test_cutoffs_are_the_last_training_weeks_of_common_folds(
    n_weeks: int, horizon: int, folds: int, step: int
) -> None:
    origins = RollingOrigins(horizon, folds, step)
    weeks = pd.date_range("2010-01-02", periods=max(n_weeks, 1), freq="W-SAT", unit="us")
    found = origins.at_common_weeks(len(weeks), 1)
    cutoffs = origins.cutoffs(weeks[-1])
    assert len(cutoffs) == folds
    assert [weeks[fold.origin - 1] for fold in found] == cutoffs[: len(found)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("horizon", 0), ("step", 0), ("min_train", 0), ("folds", -1), ("overlap", 0)],
)
def test_an_argument_that_is_too_small_is_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=name):
        RollingOrigins(**{"horizon": 1, "folds": 1, "step": 1, "min_train": 1, name: value})


def test_a_negative_history_is_refused() -> None:
    with pytest.raises(ValueError, match="n_weeks"):
        RollingOrigins(1, 1, 1).within(-1)


def test_overlapping_origins_contain_those_without_overlap_and_cover_the_same_weeks():
    apart = RollingOrigins(horizon=13, folds=4, step=13, min_train=20)
    dense = RollingOrigins(horizon=13, folds=4, step=13, min_train=20, overlap=3)
    last = pd.Timestamp("2024-06-29")
    few, many = apart.cutoffs(last), dense.cutoffs(last)
    assert len(many) == 10
    assert set(few) < set(many)
    assert (many[0], many[-1]) == (few[0], few[-1])
    assert many == sorted(many, reverse=True)


def test_more_origins_a_step_than_weeks_are_not_doubled():
    origins = RollingOrigins(horizon=2, folds=3, step=2, overlap=5)
    assert [fold.origin for fold in origins.within(30)] == [28, 27, 26, 25, 24]
