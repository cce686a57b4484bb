import datetime as dt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from book_forecast.bookscan.weeks import (
    parse_date,
    parse_interval,
    saturday_on_or_after,
)

TODAY = dt.date(2026, 1, 1)
MARCH_2 = dt.date(2019, 3, 2)

days = st.dates(dt.date(1950, 1, 1), dt.date(2026, 12, 31))


@pytest.mark.parametrize(
    "text",
    [
        "02/03/2019",
        "2/3/2019",
        "2-3-19",
        "02.03.2019",
        "02 03 2019",
        " 02/03/2019 ",
        "02/03/2019 00:00",
        "02/03/2019 12:30:15 PM",
        "2 Mar 2019",
        "02-Mar-19",
        "2-MARCH-2019",
        "Sat 2 Mar 2019",
        "Saturday, 2nd March 2019",
        "March 2, 2019",
        "Mar 2 2019",
        "2019-03-02",
        "2019/3/2",
        "2019.03.02",
        "20190302",
        "20190302.0",
        "2019-03-02T00:00:00",
        "2019-03-02T23:59:59.999Z",
        "2019-03-02 00:00:00+01:00",
        "2019-03-02 00:00:00.000000",
        "43526",
        "43526.0",
        "43526.75",
    ],
)
def test_a_date_in_any_accepted_form_is_read_day_first(text):
    assert parse_date(text, TODAY) == MARCH_2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a date"),
        ("soon", "not a date"),
        ("03/25/2019", "not a date"),
        ("31/02/2019", "not a date"),
        ("29/02/2019", "not a date"),
        ("00/01/2019", "not a date"),
        ("02/03-2019", "not a date"),
        ("2 Marble 2019", "not a date"),
        ("201909", "not a date"),
        ("2019", "not a date"),
        ("02/03/201", "not a date"),
        ("02/03/2019 and more", "not a date"),
        ("31/12/1949", "before 1950"),
        ("10000", "before 1950"),
        ("02/03/2091", "in the future"),
        ("99999", "in the future"),
    ],
)
def test_what_is_no_date_is_refused_with_its_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_date(text, TODAY)


def test_a_date_may_lie_a_year_ahead_and_no_more():
    assert parse_date("02/01/2027", TODAY) == dt.date(2027, 1, 2)
    with pytest.raises(ValueError, match="in the future"):
        parse_date("03/01/2027", TODAY)


def test_years_of_two_digits_are_1969_to_2068():
    assert parse_date("01/01/69", TODAY).year == 1969
    assert parse_date("01/01/68", dt.date(2068, 1, 1)).year == 2068


@given(days)
def test_every_form_of_a_day_gives_that_day(day):
    serial = (day - dt.date(1899, 12, 30)).days
    forms = [
        day.isoformat(),
        f"{day:%d/%m/%Y}",
        f"{day.day}-{day.month}-{day.year}",
        f"{day:%d %b %Y}",
        f"{day:%Y%m%d}",
        str(serial),
        f"{serial}.5",
    ]
    assert {parse_date(form, TODAY) for form in forms} == {day}


@given(st.lists(days, min_size=1))
def test_every_day_goes_to_the_saturday_on_or_after_it(dates):
    before = np.array(dates, dtype="datetime64[D]")
    after = saturday_on_or_after(before)
    assert all(day.weekday() == 5 for day in after.tolist())
    assert ((after - before).astype(int) >= 0).all()
    assert ((after - before).astype(int) <= 6).all()


def test_a_missing_day_has_no_saturday():
    assert np.isnat(saturday_on_or_after(np.array(["NaT"], dtype="datetime64[D]")))[0]


@pytest.mark.parametrize(
    "text",
    ["201909", "201909.0", "2019-09", "2019 09", "2019/9", "2019-W09", "2019W9", "2019 week 9"],
)
def test_an_interval_in_any_accepted_form_is_read(text):
    assert parse_interval(text, TODAY) == MARCH_2


@given(st.integers(1950, 2025), st.integers(1, 53))
def test_week_n_of_a_year_ends_on_its_nth_saturday(year, week):
    new_year = dt.date(year, 1, 1)
    in_year = [new_year + dt.timedelta(days=n) for n in range(366)]
    saturdays = [day for day in in_year if day.year == year and day.weekday() == 5]
    if week <= len(saturdays):
        assert parse_interval(f"{year}{week:02d}", TODAY) == saturdays[week - 1]
    else:
        with pytest.raises(ValueError, match="a week that the year does not have"):
            parse_interval(f"{year}{week:02d}", TODAY)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not an interval"),
        ("20199", "not an interval"),
        ("2019.5", "not an interval"),
        ("week 9", "not an interval"),
        ("201900", "does not have"),
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


@given(days)
def test_an_interval_and_a_date_of_its_week_agree_within_one_year(day):
    saturday = saturday_on_or_after(np.array([day], dtype="datetime64[D]")).tolist()[0]
    assume(saturday.year <= 2026)
    nth = (saturday.timetuple().tm_yday - 1) // 7 + 1
    assert parse_interval(f"{saturday.year}{nth:02d}", TODAY) == saturday
