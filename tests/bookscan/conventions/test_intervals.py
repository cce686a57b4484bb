import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.bookscan.conventions.intervals import (
    IntervalCalendar,
    parse_interval,
    split_interval,
)

TODAY = dt.date(2026, 1, 1)
NTH = IntervalCalendar("nth_saturday")


@pytest.mark.parametrize(
    "text",
    [
        *("201909", "201909.0", "2019-09", "2019 09", "2019/9", "2019-W09", "2019W9"),
        *("2019 week 9", "W09 2019", "09/2019", "wk 9, 2019", "2019 KW 9", "KW 9/2019", " 201909 "),
    ],
)
def test_an_interval_in_any_accepted_form_is_read(text):
    assert split_interval(text) == (2019, 9)
    assert parse_interval(text, TODAY) == dt.date(2019, 3, 2)


@pytest.mark.parametrize(
    ("text", "saturday"),
    [
        ("200503", "2005-01-22"),
        ("200513", "2005-04-02"),
        ("200453", "2005-01-01"),
        ("202053", "2021-01-02"),
        ("202101", "2021-01-09"),
        ("202552", "2025-12-27"),
    ],
)
def test_weeks_are_those_of_printed_exports(text, saturday):
    assert parse_interval(text, TODAY) == dt.date.fromisoformat(saturday)


@given(st.dates(dt.date(1950, 1, 14), dt.date(2026, 12, 31)))
def test_an_interval_names_the_iso_week_of_its_saturday(day):
    saturday = day + dt.timedelta(days=(5 - day.weekday()) % 7)
    year, week, _ = saturday.isocalendar()
    if saturday - TODAY <= dt.timedelta(days=366) and year <= TODAY.year + 1:
        assert parse_interval(f"{year}{week:02d}", TODAY) == saturday


@given(st.integers(1950, 2025), st.integers(1, 53))
def test_week_n_of_a_source_that_counts_saturdays_ends_on_the_nth_of_the_year(year, week):
    new_year = dt.date(year, 1, 1)
    in_year = [new_year + dt.timedelta(days=n) for n in range(366)]
    of_year = [day for day in in_year if day.year == year and day.weekday() == 5]
    if week <= len(of_year):
        assert parse_interval(f"{year}{week:02d}", TODAY, NTH) == of_year[week - 1]
    else:
        with pytest.raises(ValueError, match="a week that the year does not have"):
            parse_interval(f"{year}{week:02d}", TODAY, NTH)


def test_a_learnt_calendar_refuses_years_that_nothing_shows():
    fiscal = IntervalCalendar("learnt", {2024: dt.date(2024, 4, 6), 2025: dt.date(2025, 4, 5)})
    assert parse_interval("202401", TODAY, fiscal) == dt.date(2024, 4, 6)
    assert parse_interval("202452", TODAY, fiscal) == dt.date(2025, 3, 29)
    with pytest.raises(ValueError, match="does not have"):
        parse_interval("202453", TODAY, fiscal)
    with pytest.raises(ValueError, match="no row with a date shows"):
        parse_interval("202301", TODAY, fiscal)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not an interval"),
        ("20199", "not an interval"),
        ("2019.5", "not an interval"),
        ("week 9", "not an interval"),
        ("201900", "does not have"),
        ("201953", "does not have"),
        ("201954", "does not have"),
        ("201999", "does not have"),
        ("194901", "before 1950"),
        ("000001", "before 1950"),
        ("999952", "in the future"),
        ("202705", "in the future"),
    ],
)
def test_what_is_no_interval_is_refused_with_its_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_interval(text, TODAY)
