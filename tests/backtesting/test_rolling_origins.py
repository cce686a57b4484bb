"""Rolling-origin folds stay inside the history and shrink with it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.backtesting.rolling_origins import Fold, rolling_origins

positive = st.integers(1, 120)


def test_folds_end_with_the_last_week_and_step_backwards() -> None:
    assert rolling_origins(200, horizon=32, folds=3, step=16, min_train=104) == [
        Fold(168, 32),
        Fold(152, 32),
        Fold(136, 32),
    ]


def test_a_short_history_gives_up_folds_before_weeks_of_the_horizon() -> None:
    assert rolling_origins(140, horizon=32, folds=3, step=16, min_train=104) == [Fold(108, 32)]
    assert rolling_origins(114, horizon=32, folds=3, step=16, min_train=104) == [Fold(104, 10)]


def test_a_history_of_only_training_weeks_has_no_fold() -> None:
    assert rolling_origins(104, horizon=32, folds=3, step=16, min_train=104) == []
    assert rolling_origins(0, horizon=1, folds=1, step=1, min_train=1) == []


def test_training_and_target_weeks_of_a_fold_are_neighbours() -> None:
    fold = Fold(origin=3, horizon=2)
    weeks = list(range(6))
    assert (weeks[fold.training], weeks[fold.target]) == ([0, 1, 2], [3, 4])


@given(st.integers(0, 700), positive, positive, positive, positive)
def test_no_fold_trains_on_too_little_or_looks_beyond_the_history(
    n_weeks: int, horizon: int, folds: int, step: int, min_train: int
) -> None:
    result = rolling_origins(n_weeks, horizon, folds, step, min_train)
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
    short = rolling_origins(n_weeks, horizon, folds, step, min_train)
    assert len(rolling_origins(n_weeks + more, horizon, folds, step, min_train)) >= len(short)


@pytest.mark.parametrize("name", ["horizon", "folds", "step", "min_train"])
def test_an_argument_below_one_is_refused_by_name(name: str) -> None:
    arguments = {"horizon": 1, "folds": 1, "step": 1, "min_train": 1, name: 0}
    with pytest.raises(ValueError, match=name):
        rolling_origins(10, **arguments)


def test_a_negative_history_is_refused() -> None:
    with pytest.raises(ValueError, match="n_weeks"):
        rolling_origins(-1, horizon=1, folds=1, step=1, min_train=1)
