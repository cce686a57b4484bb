import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.bookscan.conventions.find import Conventions
from book_forecast.bookscan.hints import ExportHints
from tests.bookscan.raw_exports import TODAY, read, reasons, saturdays, volumes, weeks

US = "%m/%d/%Y"
BRITISH = "%d/%m/%Y"


def weekly(days, form=BRITISH, **others):
    return [
        {"end_date": day.strftime(form), "volume": str(number)} | others
        for number, day in enumerate(days, 1)
    ]


def iso(days):
    return [day.isoformat() for day in days]


def with_intervals(days, form):
    return [
        row | {"interval": f"{day.isocalendar().year}{day.isocalendar().week:02d}"}
        for row, day in zip(weekly(days, form), days, strict=True)
    ]


def shifted(days, by):
    return [day + dt.timedelta(days=by) for day in days]


@pytest.mark.parametrize("form", [US, "%m/%d/%y", "%m-%d-%Y", "%m.%d.%Y", "%m/%d/%Y 12:00:00 AM"])
def test_a_date_that_only_one_order_has_decides_for_the_whole_file(form):
    days = saturdays(52)
    export = read(*weekly(days, form))
    assert weeks(export) == iso(days)
    assert export.conventions.date_order == "month_first"
    assert any("month first" in remark for remark in export.remarks)


def test_dates_with_the_day_first_are_read_without_a_word():
    days = saturdays(52)
    export = read(*weekly(days))
    assert weeks(export) == iso(days)
    assert export.remarks == ()


def test_one_weekday_decides_where_every_date_has_both_orders():
    days = [day for day in saturdays(104) if day.day <= 12]
    export = read(*weekly(days, US))
    assert weeks(export) == iso(days)
    assert any("one weekday" in remark for remark in export.remarks)


def test_intervals_beside_the_dates_decide_before_all_else():
    days = [dt.date(2026, 8, 1)]
    export = read(*with_intervals(days, US))
    assert weeks(export) == ["2026-08-01"]
    assert any("intervals beside the dates" in remark for remark in export.remarks)


@pytest.mark.parametrize(
    ("text", "week"), [("08/01/2026", "2026-08-01"), ("10/01/2026", "2026-01-10")]
)
def test_a_delivery_of_one_date_has_the_order_by_which_it_is_a_saturday(text, week):
    export = read({"end_date": text}, {"end_date": text, "isbn": "9780241003008"})
    assert weeks(export) == [week, week]
    assert bool(export.remarks) == (week == "2026-08-01")


def test_a_delivery_of_one_date_goes_on_where_the_files_before_ended():
    # Both 7 March and 3 July 2026 could end a week on Saturday or on Friday.
    former = Conventions(date_order="day_first", weekday=4, last_day=4)
    export = read(
        {"end_date": "07/03/2026"}, former=former, last_week=dt.date(2026, 6, 27), today=TODAY
    )
    assert weeks(export) == ["2026-07-04"]


def test_a_date_in_the_future_is_read_in_the_other_order():
    # 10 December is a Thursday of the future; 12 October is a Monday of the past.
    export = read({"end_date": "10/12/2026"}, today=dt.date(2026, 10, 20))
    assert export.conventions.date_order == "month_first"
    assert export.remarks


def test_the_file_before_decides_where_nothing_else_does():
    # 2 May and 5 February 2025 are a Friday and a Wednesday.
    rows = [{"end_date": "02/05/2025"}]
    former = Conventions(date_order="month_first", weekday=5)
    assert read(*rows, former=former).conventions.date_order == "month_first"
    export = read(*rows)
    assert export.conventions.date_order == "day_first"
    assert any("date_order" in remark for remark in export.remarks)


def test_two_orders_in_one_file_are_told_and_the_fewer_dates_rejected():
    days = [day for day in saturdays(30) if day.day > 12]
    export = read(*weekly(days[:-1]), *weekly(days[-1:], US))
    assert weeks(export) == iso(days[:-1])
    assert reasons(export) == ["not a date"]
    assert any("two orders" in remark for remark in export.remarks)


def test_a_date_of_the_other_order_is_rejected_even_where_both_are_dates():
    days = saturdays(40)
    # 3 May 2025 written with the month first is 5 March, a Wednesday.
    rows = weekly(days) + weekly([dt.date(2025, 5, 3)], US, isbn="9780241003008")
    export = read(*rows)
    assert weeks(export) == iso(days)
    assert reasons(export) == ["day and month in another order than in the rest of the file"]


def test_what_the_user_says_about_the_order_holds():
    rows = weekly(saturdays(3, "2025-05-03"))
    export = read(*rows, hints=ExportHints(date_order="month_first"))
    assert weeks(export)[0] == "2025-03-08"
    assert export.conventions.date_order == "month_first"


def test_dates_without_an_order_need_no_remark():
    days = saturdays(4)
    for form in ("%Y-%m-%d", "%d %b %Y", "%Y%m%d"):
        assert read(*weekly(days, form)).remarks == ()
        assert weeks(read(*weekly(days, form))) == iso(days)


@pytest.mark.parametrize("days_late", [0, 1, 2])
def test_weeks_that_end_after_saturday_keep_their_saturday(days_late):
    days = saturdays(20)
    export = read(*weekly(shifted(days, days_late)), headings={"end_date": "Week Ending"})
    assert weeks(export) == iso(days)
    assert bool(export.remarks) == (days_late > 0)
    assert export.conventions.last_day == (5 + days_late) % 7


@pytest.mark.parametrize("days_early", [1, 2, 3])
def test_weeks_that_end_before_saturday_keep_their_saturday(days_early):
    days = saturdays(20)
    export = read(*weekly(shifted(days, -days_early)))
    assert weeks(export) == iso(days)
    assert any("weeks end on" in remark for remark in export.remarks)


@pytest.mark.parametrize("heading", ["Week Commencing", "W/C", "Week Beginning", "Week Starting"])
@pytest.mark.parametrize("first_day", [-7, -6, -5])
def test_weeks_named_by_their_beginning_are_found_by_the_heading(heading, first_day):
    days = saturdays(20)
    export = read(*weekly(shifted(days, first_day)), headings={"end_date": heading})
    assert weeks(export) == iso(days)


def test_mondays_begin_weeks_where_no_heading_says_that_they_end_them():
    days = saturdays(20)
    beginnings = weekly(shifted(days, -5))
    assert weeks(read(*beginnings, headings={"end_date": "Date"})) == iso(days)
    ends = weekly(shifted(days, 2))
    assert weeks(read(*ends, headings={"end_date": "Week Ending"})) == iso(days)


@pytest.mark.parametrize("by", [1, -6, -5])
def test_intervals_tell_ends_of_weeks_from_beginnings(by):
    days = saturdays(20)
    rows = [
        row | {"end_date": day.strftime(BRITISH)}
        for row, day in zip(with_intervals(days, BRITISH), shifted(days, by), strict=True)
    ]
    export = read(*rows, headings={"end_date": "Date"})
    assert weeks(export) == iso(days)
    assert export.rejected.empty


@pytest.mark.parametrize("by", [1, -6, -3])
def test_a_later_file_has_the_weeks_of_the_one_before_without_a_word(by):
    days = saturdays(20)
    first = [
        row | {"end_date": day.strftime(BRITISH)}
        for row, day in zip(with_intervals(days, BRITISH), shifted(days, by), strict=True)
    ]
    heading = {"end_date": "Date"}
    former = read(*first, headings=heading)
    assert any("is under the Saturday" in remark for remark in former.remarks) or by == -6
    later = [dt.date(2025, 5, 31)]
    export = read(
        *weekly(shifted(later, by), "%d %b %Y"), headings=heading, former=former.conventions
    )
    assert weeks(export) == iso(later)
    assert export.remarks == ()


def test_a_day_of_sales_has_the_order_of_the_days_before():
    days = [dt.date(2026, 1, 4) + dt.timedelta(days=n) for n in range(28)]
    former = read(*weekly(days, US)).conventions
    # 1 February is a Sunday, 2 January a Friday.
    export = read({"end_date": "02/01/2026"}, former=former, last_week=dt.date(2026, 1, 31))
    assert export.conventions.date_order == "month_first"


def test_what_the_user_says_about_weeks_holds_and_needs_no_remark():
    days = saturdays(20)
    sundays = weekly(shifted(days, 1))
    confirmed = read(*sundays, hints=ExportHints(week_ends="sunday"))
    assert weeks(confirmed) == iso(days)
    assert confirmed.remarks == ()
    before = read(*weekly(shifted(days, -6)), hints=ExportHints(dates="week_beginning"))
    assert weeks(before) == iso(days)
    # Sundays as days of sales are the first days of the next weeks.
    by_day = read(*sundays, hints=ExportHints(dates="days"))
    assert weeks(by_day) == iso(shifted(days, 7))
    assert by_day.remarks == ()


def test_days_of_sales_move_to_the_saturday_on_or_after_them_and_the_user_is_told():
    days = [dt.date(2025, 1, 5) + dt.timedelta(days=n) for n in range(14)]
    export = read(*weekly(days))
    assert weeks(export) == ["2025-01-11"] * 7 + ["2025-01-18"] * 7
    assert export.sheets[0]["moved"] == 12
    assert any("day of sales" in remark for remark in export.remarks)


def test_one_odd_day_among_many_weeks_does_not_make_days_of_them():
    days = shifted(saturdays(30), 1)
    odd = [*days[:-1], days[-1] - dt.timedelta(days=3)]
    export = read(*weekly(odd))
    assert export.conventions.weekday == 6
    assert weeks(export) == iso(saturdays(30))


def test_dates_that_a_spreadsheet_of_another_country_has_turned_are_rejected():
    """It reads 08/01/2025 as 8 January in place of 1 August, and leaves 08/22/2025 a text."""
    days = saturdays(30)
    turned = [
        f"{day.year}-{day.day:02d}-{day.month:02d}" if day.day <= 12 else f"{day:%m/%d/%Y}"
        for day in days
    ]
    export = read(*({"end_date": text} for text in turned))
    right = iso(days)
    assert export.conventions.is_weekly
    assert set(weeks(export)) <= set(right)
    assert len(export.rejected) == sum(day.day <= 12 and day.day != day.month for day in days)


def test_ends_of_months_are_told_to_be_no_weeks():
    days = [dt.date(2024, month, 1) - dt.timedelta(days=1) for month in range(2, 12)]
    export = read(*weekly(days))
    assert any("ends of months" in remark for remark in export.remarks)


@pytest.mark.parametrize("stray", [-3, -2, -1, 1, 2, 3])
def test_a_stray_date_stands_for_the_nearest_end_of_a_week_and_is_told(stray):
    days = saturdays(30)
    export = read(*weekly([*days[:20], *shifted(days[20:21], stray), *days[21:]]))
    assert weeks(export) == iso(days)
    assert any("another weekday" in remark for remark in export.remarks)


def test_midnight_in_london_written_in_utc_is_the_next_day():
    days = saturdays(52)
    texts = [
        f"{day - dt.timedelta(days=1)}T23:00:00Z" if 4 <= day.month <= 10 else f"{day}T00:00:00Z"
        for day in days
    ]
    export = read(*({"end_date": text} for text in texts))
    assert weeks(export) == iso(days)
    assert not export.remarks


def test_years_of_two_digits_may_come_first():
    days = saturdays(10, "2024-03-02")
    export = read(*weekly(days, "%y-%m-%d"))
    assert weeks(export) == iso(days)
    assert any("year first" in remark for remark in export.remarks)


@settings(max_examples=40)
@given(
    st.integers(2, 60),
    st.dates(dt.date(2000, 1, 1), dt.date(2025, 1, 1)),
    st.sampled_from([US, BRITISH]),
)
def test_weeks_in_a_row_are_never_read_in_the_wrong_order_without_a_word(number, first, form):
    days = saturdays(number, (first + dt.timedelta(days=(5 - first.weekday()) % 7)).isoformat())
    export = read(*weekly(days, form))
    assert weeks(export) == iso(days) or export.remarks
    assert volumes(export) == list(range(1, number + 1)) or export.remarks or reasons(export)
