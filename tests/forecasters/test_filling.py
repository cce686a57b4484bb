"""Values for missing weeks."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from book_forecast.forecasters.filling import fill_missing

SEASON = 8
N_WEEKS = 6 * SEASON
WEEKS = np.arange(N_WEEKS)
volume = st.one_of(st.just(0.0), st.floats(0.0, 1e4))
any_weeks = arrays(float, st.integers(1, N_WEEKS), elements=st.one_of(st.just(np.nan), volume))
any_season = st.integers(1, 60)


@st.composite
def gap(draw) -> slice:
    """One of at most a season less two weeks, anywhere, the ends included."""
    first = draw(st.integers(0, N_WEEKS - 2))
    return slice(first, first + draw(st.integers(1, SEASON - 2)))


@given(any_weeks, any_season)
def test_known_weeks_stay_and_the_others_become_possible_volumes(volumes, season):
    known = np.isfinite(volumes)
    assume(known.any())
    before = volumes.copy()
    filled = fill_missing(volumes, season)
    assert np.array_equal(volumes, before, equal_nan=True)
    assert np.array_equal(filled[known], volumes[known])
    assert (filled >= 0.0).all()
    assert (filled <= 3.0 * max(volumes[known].max(), 1.0) * (1.0 + 1e-9)).all()


@given(any_weeks, any_season)
def test_filling_twice_changes_nothing_more(volumes, season):
    assume(np.isfinite(volumes).any())
    once = fill_missing(volumes, season)
    assert np.array_equal(fill_missing(once, season), once)


@given(any_weeks, any_season)
def test_a_history_read_backwards_is_filled_the_same(volumes, season):
    assume(np.isfinite(volumes).any())
    backwards = fill_missing(volumes[::-1].copy(), season)[::-1]
    assert backwards == pytest.approx(fill_missing(volumes, season), rel=1e-6, abs=1e-6)


@given(
    shape=arrays(float, SEASON, elements=st.floats(3.0, 6.0)),
    growth=st.floats(-0.01, 0.01),
    missing=gap(),
)
def test_a_season_at_a_steadily_growing_level_is_restored(shape, growth, missing):
    volumes = np.expm1(shape[WEEKS % SEASON] + growth * WEEKS)
    assume(volumes[missing].max() < 3.0 * np.delete(volumes, WEEKS[missing]).max())
    gappy = volumes.copy()
    gappy[missing] = np.nan
    assert fill_missing(gappy, SEASON) == pytest.approx(volumes, rel=1e-6)


def test_a_lockdown_at_christmas_keeps_its_christmas_at_the_level_of_its_own_year():
    usual = np.where(WEEKS % SEASON == 5, 400.0, 50.0)
    better = (WEEKS >= 2 * SEASON + 2) & (WEEKS < 3 * SEASON + 2)
    doubled = np.expm1(np.log1p(usual) + np.log(2.0) * better)
    gappy = np.where(np.isin(WEEKS, 2 * SEASON + np.array([4, 5, 6])), np.nan, doubled)
    assert fill_missing(gappy, SEASON) == pytest.approx(doubled)


def test_without_a_season_missing_weeks_lie_between_their_neighbours():
    filled = fill_missing(np.array([np.nan, 1.0, np.nan, 7.0, np.nan]), season=1)
    assert filled == pytest.approx([1.0, 1.0, 3.0, 7.0, 7.0])


def test_weeks_that_no_other_season_knows_lie_between_their_neighbours():
    filled = fill_missing(np.array([3.0, np.nan, 8.0]), season=52)
    assert filled == pytest.approx([3.0, 5.0, 8.0])


def test_one_known_week_stands_for_all():
    assert fill_missing(np.array([np.nan, 5.0, np.nan]), season=2).tolist() == pytest.approx(
        [5] * 3
    )


def test_without_a_known_week_there_is_nothing_to_fill_with():
    with pytest.raises(ValueError, match="No week is known"):
        fill_missing(np.full(9, np.nan), season=4)
