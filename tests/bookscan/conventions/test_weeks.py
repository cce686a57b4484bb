import datetime as dt
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.bookscan.conventions.weeks import SATURDAY, WEEKDAYS, saturday_of, weekdays_of

SUNDAY = WEEKDAYS.index("sunday")

days = st.dates(dt.date(1950, 1, 1), dt.date(2026, 12, 31))
weekdays = st.integers(0, 6)


def end_of_week(day, last_day):
    return day + dt.timedelta(days=(last_day - day.weekday()) % 7)


def saturday(day, last_day=SATURDAY):
    [found] = saturday_of(np.array([day], dtype="datetime64[D]"), last_day).tolist()
    return found


@given(st.lists(days, min_size=1))
def test_weekdays_are_those_of_python(dates):
    found = weekdays_of(np.array(dates, dtype="datetime64[D]"))
    assert found.tolist() == [day.weekday() for day in dates]


@given(st.lists(days, min_size=1))
def test_every_day_of_sales_goes_to_the_saturday_on_or_after_it(dates):
    before = np.array(dates, dtype="datetime64[D]")
    after = saturday_of(before)
    assert all(day.weekday() == 5 for day in after.tolist())
    assert ((after - before).astype(int) >= 0).all()
    assert ((after - before).astype(int) <= 6).all()


@given(days, weekdays)
def test_a_week_is_under_the_saturday_with_which_it_has_most_days_in_common(day, last_day):
    end = end_of_week(day, last_day)
    found = saturday(day, last_day)
    assert found.weekday() == 5
    assert abs((found - end).days) <= 3


@given(days, weekdays)
def test_all_days_of_a_week_have_one_saturday_and_the_next_week_has_the_next(day, last_day):
    end = end_of_week(day, last_day)
    of_week = {saturday(end - dt.timedelta(days=n), last_day) for n in range(7)}
    [own] = of_week
    assert saturday(end + dt.timedelta(days=1), last_day) == own + dt.timedelta(days=7)


@pytest.mark.parametrize("year", range(2000, 2031))
def test_christmas_stays_in_its_week_where_weeks_end_on_sunday(year):
    christmas = dt.date(year, 12, 25)
    found = saturday(end_of_week(christmas, SUNDAY), SUNDAY)
    first = found - dt.timedelta(days=6)
    # A Christmas Sunday ends the source's week, whose other six days are before that Saturday.
    assert first <= christmas - dt.timedelta(days=christmas.weekday() == SUNDAY) <= found


@pytest.mark.parametrize("year", range(2000, 2031))
@pytest.mark.parametrize("last_day", ["friday", "sunday", "saturday"])
def test_the_last_days_before_christmas_stay_together(year, last_day):
    number = WEEKDAYS.index(last_day)
    weeks = [
        saturday(dt.date(year, 12, 25) - dt.timedelta(days=7 * n), number) for n in (2, 1, 0, -1)
    ]
    assert [(b - a).days for a, b in pairwise(weeks)] == [7, 7, 7]


def test_a_missing_day_has_no_saturday():
    for last_day in range(7):
        assert np.isnat(saturday_of(np.array(["NaT"], dtype="datetime64[D]"), last_day))[0]
