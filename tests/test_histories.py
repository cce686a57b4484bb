"""Titles are cut from long frames."""

import numpy as np
import pytest

from book_forecast.histories import title_histories
from tests.histories import CUTOFF, history, volumes, weeks_frame


def test_a_frame_in_any_order_gives_one_history_a_title():
    series = {"9780722532935": volumes(1, 60), "9780241003008": volumes(2, 80)}
    frame = weeks_frame(series).sample(frac=1, random_state=0)
    first, second = title_histories(frame)
    assert (first.isbn, second.isbn) == ("9780241003008", "9780722532935")
    assert np.array_equal(first.volumes, series["9780241003008"])
    assert first.cutoff == CUTOFF


def test_an_empty_frame_has_no_titles():
    assert title_histories(weeks_frame({"9780722532935": volumes(1)}).head(0)) == []


def test_earlier_weeks_have_an_earlier_cutoff():
    earlier = history(volumes(1, 60)).until(50)
    assert earlier.n_weeks == 50
    assert earlier.cutoff == CUTOFF - 70
    assert earlier.weeks_ahead(2).tolist() == [CUTOFF - 63, CUTOFF - 56]


@pytest.mark.parametrize(
    ("last_weeks", "dead"), [([0, 0, 0], True), ([0, 1, 0], False), ([0, np.nan, 0], True)]
)
def test_a_title_without_a_sale_in_its_last_reported_weeks_is_dead(last_weeks, dead):
    values = np.r_[np.ones(50), np.zeros(1), last_weeks]
    assert history(values).is_dead(3) is dead


@pytest.mark.parametrize(
    ("values", "constant"), [([5, np.nan, 5], True), ([5, 5, 6], False), ([np.nan, 5], True)]
)
def test_missing_weeks_do_not_make_a_history_vary(values, constant):
    assert history(np.array(values)).is_constant() is constant
