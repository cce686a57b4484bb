import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.bookscan.conventions.find import Conventions
from book_forecast.bookscan.conventions.intervals import IntervalCalendar
from book_forecast.bookscan.hints import ExportHints
from tests.bookscan.raw_exports import GOOD, read, reasons, saturdays, volumes, weeks


def iso_week(day):
    year, week, _ = day.isocalendar()
    return f"{year}{week:02d}"


def nth_saturday(day):
    return f"{day.year}{(day.timetuple().tm_yday - 1) // 7 + 1:02d}"


def fiscal_week(day):
    """Weeks of a year that begins in April."""
    year = day.year if day >= first_of_april_week(day.year) else day.year - 1
    return f"{year}{(day - first_of_april_week(year)).days // 7 + 1:02d}"


def first_of_april_week(year):
    april = dt.date(year, 4, 1)
    return april + dt.timedelta(days=(5 - april.weekday()) % 7)


def rows(days, interval, with_dates=True):
    return [
        {"end_date": f"{day:%d/%m/%Y}" if with_dates else "", "interval": interval(day)}
        | {"volume": str(number)}
        for number, day in enumerate(days, 1)
    ]


def iso(days):
    return [day.isoformat() for day in days]


@pytest.mark.parametrize("year", [2005, 2010, 2011, 2016, 2021, 2022, 2024])
def test_intervals_alone_are_iso_weeks_in_every_year(year):
    days = saturdays(52, f"{year}-01-08" if year != 2005 else "2005-01-01")
    days = [day + dt.timedelta(days=(5 - day.weekday()) % 7) for day in days]
    export = read(*rows(days, iso_week, with_dates=False))
    assert weeks(export) == iso(days)
    assert export.rejected.empty


@pytest.mark.parametrize("interval", [iso_week, nth_saturday, fiscal_week])
def test_an_empty_date_follows_the_counting_that_the_pairs_of_the_file_show(interval):
    days = saturdays(60, "2021-01-02")
    pairs, alone = rows(days[:50], interval), rows(days[50:52], interval, with_dates=False)
    export = read(*pairs, *alone)
    assert weeks(export) == iso(days[:52])
    assert any("neither ISO weeks" in remark for remark in export.remarks) == (
        interval is fiscal_week
    )


def test_a_year_that_no_date_shows_has_no_fiscal_weeks():
    days = saturdays(50, "2021-04-03")
    later = rows(saturdays(1, "2024-06-01"), fiscal_week, with_dates=False)
    export = read(*rows(days, fiscal_week), *later)
    assert weeks(export) == iso(days)
    assert reasons(export)[0].startswith("no row with a date shows")


def test_a_delivery_of_one_week_is_counted_as_the_file_before_was():
    days = saturdays(104, "2021-04-03")
    former = read(*rows(days[:100], fiscal_week)).conventions
    for day in days[100:]:
        export = read(*rows([day], fiscal_week), former=former)
        assert weeks(export) == [day.isoformat()]
        assert export.remarks == ()
        former = export.conventions
    [alone] = rows(saturdays(1, "2021-05-01"), fiscal_week, with_dates=False)
    assert weeks(read(alone, former=former)) == ["2021-05-01"]


def test_a_fiscal_year_may_begin_in_a_delivery_of_one_week():
    days = saturdays(54, "2021-04-03")
    former = read(*rows(days[:52], fiscal_week)).conventions
    assert fiscal_week(days[52]) == "202201"
    assert weeks(read(*rows(days[52:53], fiscal_week), former=former)) == [days[52].isoformat()]


def test_the_counting_of_the_file_before_holds_for_a_file_without_pairs():
    former = Conventions(calendar=IntervalCalendar("nth_saturday"), weekday=5)
    days = saturdays(3, "2021-01-02")
    export = read(*rows(days, nth_saturday, with_dates=False), former=former)
    assert weeks(export) == iso(days)


def test_pairs_that_fit_both_countings_leave_that_of_the_file_before():
    former = Conventions(calendar=IntervalCalendar("nth_saturday"), weekday=5)
    export = read(*rows(saturdays(10, "2019-03-02"), nth_saturday), former=former)
    assert export.conventions.calendar == IntervalCalendar("nth_saturday")


def test_a_date_and_an_interval_of_different_weeks_are_rejected_and_never_chosen_between():
    days = saturdays(20)
    wrong = {"end_date": "10/05/2025", "interval": "202531", "isbn": "9780241003008"}
    export = read(*rows(days, iso_week), wrong)
    assert weeks(export) == iso(days)
    assert reasons(export) == ["Interval and End Date are different weeks"]


def test_intervals_that_fit_in_no_way_are_told_and_cost_their_rows():
    days = saturdays(20)
    scrambled = [
        row | {"interval": f"2025{(7 * number) % 50 + 1:02d}"}
        for number, row in enumerate(rows(days, iso_week))
    ]
    export = read(*scrambled)
    assert len(export.sales) + len(export.rejected) == 20
    assert any("Interval and End Date agree in" in remark for remark in export.remarks)


def test_intervals_are_ignored_where_the_user_says_so():
    days = saturdays(4)
    given_rows = rows(days, lambda _: "202001")
    export = read(
        *given_rows,
        GOOD | {"end_date": "", "interval": "202001"},
        hints=ExportHints(interval="ignore"),
    )
    assert weeks(export) == iso(days)
    assert reasons(export) == ["no date, and intervals are ignored"]


@pytest.mark.parametrize(
    ("counting", "week"), [("iso", "2021-01-09"), ("nth_saturday", "2021-01-02")]
)
def test_what_the_user_says_about_intervals_holds(counting, week):
    export = read({"end_date": "", "interval": "202101"}, hints=ExportHints(interval=counting))
    assert weeks(export) == [week]


def test_a_column_of_dates_may_hold_intervals():
    days = saturdays(4, "2021-01-02")
    export = read(*[{"end_date": iso_week(day), "volume": "1"} for day in days])
    assert weeks(export) == iso(days)
    assert export.conventions.dates_are_intervals


def test_a_week_53_shows_how_intervals_without_dates_are_counted():
    # 2022 has 53 Saturdays and 52 ISO weeks; 2020 has 52 and 53.
    days = saturdays(105, "2022-01-01")
    export = read(*rows(days, nth_saturday, with_dates=False))
    assert weeks(export) == iso(days)
    assert any("week 53" in remark for remark in export.remarks)
    days = saturdays(105, "2020-01-04")
    assert weeks(read(*rows(days, iso_week, with_dates=False))) == iso(days)


def test_months_are_never_taken_for_weeks_without_a_word():
    months = [f"{year}{month:02d}" for year in (2018, 2019) for month in range(1, 13)]
    for export in (
        read(*({"end_date": month} for month in months)),
        read(*({"end_date": "", "interval": month} for month in months)),
    ):
        assert any("may be months" in remark for remark in export.remarks)


def test_an_unreadable_interval_beside_a_good_date_costs_nothing():
    export = read({"interval": "soon"}, {"interval": "n/a", "end_date": "09/03/2019"})
    assert weeks(export) == ["2019-03-02", "2019-03-09"]


@settings(max_examples=25)
@given(
    st.dates(dt.date(2000, 1, 1), dt.date(2023, 1, 1)),
    st.integers(10, 120),
    st.sampled_from([iso_week, nth_saturday, fiscal_week]),
)
def test_every_counting_gives_the_same_history_as_its_dates(first, number, interval):
    start = first + dt.timedelta(days=(5 - first.weekday()) % 7)
    days = saturdays(number, start.isoformat())
    export = read(*rows(days, interval))
    assert export.rejected.empty or interval is fiscal_week
    found = dict(zip(weeks(export), volumes(export), strict=True))
    assert found.items() <= dict(zip(iso(days), range(1, number + 1), strict=True)).items()
