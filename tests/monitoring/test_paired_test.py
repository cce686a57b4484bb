"""The paired test of two releases may be looked at every week."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.paired_sequential import BETTER, EQUAL, World, simulate
from book_forecast.monitoring.paired_test import evidence

ERROR = 0.05
differences = st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=60).map(np.array)


@given(values=differences, scale=st.floats(0.02, 1.0))
def test_both_sides_are_bounded_by_what_one_week_may_count(values: np.ndarray, scale: float):
    found = evidence(values, scale, ERROR)
    for side in (found.win, found.lose):
        assert side.shape == values.shape
        steps = side / np.concatenate([[1.0], side[:-1]])
        assert (steps[np.isfinite(steps)] <= 2.0 + 1e-9).all()
    mirrored = evidence(-values, scale, ERROR)
    np.testing.assert_allclose(mirrored.win, found.lose)
    np.testing.assert_allclose(mirrored.lose, found.win)


@given(values=differences, scale=st.floats(0.02, 1.0), weeks=st.integers(1, 60))
def test_evidence_of_a_week_does_not_depend_on_later_weeks(values, scale, weeks):
    whole, start = evidence(values, scale, ERROR), evidence(values[:weeks], scale, ERROR)
    np.testing.assert_allclose(whole.win[:weeks], start.win)


@given(values=differences, scale=st.floats(0.02, 1.0))
def test_the_next_week_and_its_opposite_cancel_out(values: np.ndarray, scale: float):
    """The capital is a fair game: on average it stays as it is, whatever comes before."""
    flipped = values.copy()
    flipped[-1] = -flipped[-1]
    ends = [evidence(one, scale, ERROR).win for one in (values, flipped)]
    before = ends[0][-2] if len(values) > 1 else 1.0
    assert (ends[0][-1] + ends[1][-1]) / 2 == pytest.approx(before)


def test_no_verdict_rests_on_fewer_than_six_weeks():
    certain = evidence(np.full(20, 0.9), 0.01, ERROR)
    assert certain.verdict == "win"
    assert certain.decided is not None
    assert 5 <= certain.decided <= 9
    assert evidence(np.full(20, -0.9), 0.01, ERROR).verdict == "lose"


def test_a_verdict_stays_whatever_comes_later():
    values = np.concatenate([np.full(12, 0.5), np.full(12, -0.5)])
    found = evidence(values, 0.5, ERROR)
    assert found.verdict == "win"
    assert found.win[-1] < found.needed


def test_without_weeks_and_without_differences_the_test_goes_on():
    for values in (np.empty(0), np.zeros(30)):
        assert evidence(values, 1.0, ERROR).verdict == "go on"


@pytest.mark.parametrize("name", EQUAL)
def test_equal_releases_seldom_get_a_verdict_in_a_year_of_looks(name: str):
    found = simulate(EQUAL[name], 120, ERROR, seed=3)
    # Six of 120 at most on average; beyond fifteen lies one draw in a thousand.
    assert found.win[-1] + found.lose[-1] <= 15 / 120


def test_looking_every_week_inflates_a_usual_test_at_the_same_level():
    found = simulate(World(), 120, ERROR, seed=3)
    assert found.naive > 3 * ERROR


def test_a_better_challenger_wins_and_a_worse_one_loses():
    better = World(titles=100, challenger=BETTER["8 %"])
    worse = World(titles=100, champion=BETTER["8 %"])
    assert simulate(better, 40, ERROR).win[2] > 0.85
    assert simulate(worse, 40, ERROR).lose[2] > 0.85
    assert simulate(better, 40, ERROR).lose[-1] == 0.0
