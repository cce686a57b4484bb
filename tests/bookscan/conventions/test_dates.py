import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.bookscan.conventions.dates import has_order, parse_date

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
        "02/03/2019 12:30:15 p.m.",
        "Sat 02/03/2019",
        "2 Mar 2019",
        "02-Mar-19",
        "2-MARCH-2019",
        "Sat 2 Mar 2019",
        "Saturday, 2nd March 2019",
        "March 2, 2019",
        "Mar 2 2019",
        "2019-Mar-02",
        "2. März 2019",
        "2 mars 2019",
        "2 de marzo de 2019",
        "2019-03-02",
        "2019/3/2",
        "2019.03.02",
        "2019年3月2日",
        "20190302",
        "20190302.0",
        "2019-03-02T00:00:00",
        "2019-03-02T23:59:59.999Z",
        "2019-03-02 00:00:00+01:00",
        "2019-03-02 00:00:00.000000",
        "2019-W09-6",
        "W/E 02/03/2019",
        "Week ending: 2 Mar 2019",
        "24/02/2019 - 02/03/2019",
        "24/02/2019 to 02/03/2019",
        "24 Feb 2019 \u2013 2 Mar 2019",
        "43526",
        "43526.0",
        "43526.75",
    ],
)
def test_a_date_in_any_accepted_form_is_read_day_first(text):
    assert parse_date(text, TODAY) == MARCH_2


@pytest.mark.parametrize(
    "text",
    [
        *("03/02/2019", "3/2/2019", "3-2-19", "03.02.2019", "3/2/2019 12:00:00 AM", "Sat 3/2/19"),
        *("2019-03-02", "2 Mar 2019", "Mar 2, 2019", "20190302", "43526"),
    ],
)
def test_the_order_concerns_only_dates_of_three_numbers_with_the_year_last(text):
    assert parse_date(text, TODAY, "month_first") == MARCH_2


def test_a_date_says_whether_it_has_an_order():
    assert has_order("02/03/2019")
    assert has_order("Sat 2-3-19 00:00")
    assert not any(map(has_order, ["03/03/2019", "2019-03-02", "2 Mar 2019", "43526", ""]))


@given(days)
def test_serial_numbers_of_old_macs_count_from_1904(day):
    serial = (day - dt.date(1904, 1, 1)).days
    if serial >= 10_000:
        assert parse_date(str(serial), TODAY, date_1904=True) == day


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
        ("2 Marble 2019", "not a month"),
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
        f"{day:%B} {day.day}, {day.year}",
        f"{day:%Y%m%d}",
        str(serial),
        f"{serial}.5",
    ]
    assert {parse_date(form, TODAY) for form in forms} == {day}
    assert parse_date(f"{day:%m/%d/%Y}", TODAY, "month_first") == day
