"""Titles are cut from long frames."""

import numpy as np
import pytest

from book_forecast.series.history import Covariates, Future, title_histories, weeks_after
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
    assert weeks_after(earlier.cutoff, 2).tolist() == [CUTOFF - 63, CUTOFF - 56]


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


def regressors(future: Future, values: list[float], planned_from: int = 0) -> Covariates:
    return Covariates(("ads",), np.array(values)[:, None], (future,), planned_from)


@pytest.mark.parametrize(
    ("future", "expected"),
    [
        ("known", [3, 4, 5, 5]),
        ("planned", [3, 4, 5, 0]),
        ("zero", [0, 0, 0, 0]),
        ("last", [2, 2, 2, 2]),
        ("seasonal", [0, 0, 0, 0]),
    ],
)
def test_what_is_foreseen_of_a_regressor_is_as_its_future_says(future, expected):
    found = regressors(future, [1, 2, 3, 4, 5]).after(2, 4)
    assert found[:, 0].tolist() == expected


def test_weeks_before_a_plan_are_not_known_ahead():
    found = regressors("planned", [1, 2, 3, 4, 5], planned_from=3)
    assert found.after(1, 5)[:, 0].tolist() == [0, 0, 4, 5, 0]
    assert found.after(4, 2)[:, 0].tolist() == [5, 0]
    assert found.before(3)[:, 0].tolist() == [1, 2, 3]


def test_a_season_ahead_is_that_of_a_year_ago():
    year = [float(week) for week in range(60)]
    found = regressors("seasonal", year).after(60, 54)[:, 0]
    assert found.tolist() == [*range(8, 60), 8, 9]


@pytest.mark.parametrize("future", ["known", "planned", "zero", "last", "seasonal"])
@pytest.mark.parametrize("n", [0, 5, 60])
def test_weeks_beyond_those_known_are_as_they_were_foreseen(future, n):
    found = regressors(future, [float(week) for week in range(1, n + 1)])
    foreseen = found.after(n, 70)
    assert np.array_equal(found.before(n + 60), np.r_[found.values, foreseen[:60]])
    assert np.array_equal(found.after(n + 60, 10), foreseen[60:])
