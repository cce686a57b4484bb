import datetime as dt

import numpy as np
import pytest

from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.titles.publication_dates import find_date_order

TODAY = dt.date(2026, 11, 25)
NO_HINTS = ExportHints()


def read(*texts, today=TODAY, date_1904=False):
    found, reasons = find_date_order(texts, NO_HINTS).read(texts, today, date_1904)
    return found.astype(object).tolist(), reasons.tolist()


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("1995-10-31", dt.date(1995, 10, 31)),
        ("31/10/1995", dt.date(1995, 10, 31)),
        ("10/31/1995", dt.date(1995, 10, 31)),
        ("31 Oct 1995", dt.date(1995, 10, 31)),
        ("31. Oktober 1995", dt.date(1995, 10, 31)),
        ("19951031", dt.date(1995, 10, 31)),
        ("20145", dt.date(1955, 2, 25)),
        ("2036-12-31", dt.date(2036, 12, 31)),
        ("1455-01-01", dt.date(1455, 1, 1)),
    ],
)
def test_dates_are_read_in_many_forms_and_far_from_today(text, date):
    assert read(text) == ([date], [""])


@pytest.mark.parametrize(
    "text", ["", "01/01/1900", "1899-12-31T00:00:00", "TBC", "0", "9999-12-31"]
)
def test_what_stands_for_an_unknown_date_is_none_and_no_error(text):
    assert read(text) == ([None], [""])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("soon", "not a date"),
        ("1995", "not a date"),
        ("13/1995", "not a date"),
        ("Foo 1995", "not a date"),
        ("31/11/2020", "not a date"),
        ("1066-10-14", "a date before 1450"),
        ("2037-01-01", "a date more than 10 years in the future"),
    ],
)
def test_other_dates_are_errors(text, reason):
    assert read(text) == ([None], [reason])


def test_dates_that_a_spreadsheet_of_another_country_has_converted_are_set_right():
    days = [dt.date(2019, 1, 1) + dt.timedelta(days=5 * n) for n in range(70)]
    texts = [
        f"{day:%Y}-{day.day:02}-{day.month:02}T00:00:00" if day.day <= 12 else f"{day:%d/%m/%Y}"
        for day in days
    ]
    found = find_date_order(texts, NO_HINTS)
    assert found.order == "day_first"
    assert "exchanged" in found.remark
    assert read(*texts) == (days, [""] * len(days))


def test_dates_on_the_first_of_a_month_beside_texts_stay_as_they_are():
    firsts = [f"{year}-{month:02}-01" for year in (2019, 2020) for month in range(1, 13)]
    texts = [*firsts, *(f"{day}/01/2021" for day in range(13, 30))]
    found, _ = read(*texts)
    assert np.array(found[:24], dtype="datetime64[D]").astype(str).tolist() == firsts
