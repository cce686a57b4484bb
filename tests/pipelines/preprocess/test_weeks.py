"""The weeks in use, and telling a week nobody reported from one without sales."""

import logging

import pandas as pd
import pytest

from book_forecast.options.groups import SelectionOptions
from book_forecast.pipelines.preprocess.grid import count_training_weeks, week_grid
from book_forecast.pipelines.preprocess.weeks import find_missing_weeks, limit_weeks
from book_forecast.storage.errors import UserError
from tests.pipelines.preprocess.exports import Volumes, every_week, make_sales, week_of

SPLIT = 8
GAP = range(40, 53)


def missing_numbers(sales: pd.DataFrame, missing_weeks: str = "auto") -> list[int]:
    selection = SelectionOptions(missing_weeks=missing_weeks)
    found = find_missing_weeks(sales, selection, SPLIT)
    return [(week - week_of(0)).days // 7 for week in found["week"]]


def between(start: pd.Timestamp | None, cutoff: pd.Timestamp | None) -> SelectionOptions:
    return SelectionOptions(
        start_date=start.date() if start else None, cutoff_date=cutoff.date() if cutoff else None
    )


def weekly_sellers(count: int) -> list[Volumes]:
    return [every_week(0, 100, without=GAP)] * count


def test_without_dates_all_weeks_are_kept() -> None:
    sales = make_sales(every_week(0, 9))
    assert limit_weeks(sales, SelectionOptions()) is sales


def test_both_dates_are_included_and_cut_weeks_by_their_saturday() -> None:
    sales = make_sales(every_week(0, 9))
    kept = limit_weeks(sales, between(week_of(2), week_of(5)))
    assert list(kept["week"]) == [week_of(number) for number in range(2, 6)]
    day_later = week_of(2) + pd.Timedelta(days=1)
    assert limit_weeks(sales, between(day_later, None))["week"].min() == week_of(3)


@pytest.mark.parametrize(
    ("start", "cutoff", "named"),
    [("2031-01-01", None, "start_date 2031-01-01"), (None, "2011-01-01", "cutoff_date 2011-01-01")],
)
def test_dates_that_leave_nothing_are_refused_with_the_range_of_the_data(
    start: str | None, cutoff: str | None, named: str
) -> None:
    sales = make_sales(every_week(0, 9))
    with pytest.raises(UserError, match=f"{named}.*2018-01-06 to 2018-03-03"):
        limit_weeks(
            sales,
            between(
                pd.Timestamp(start) if start else None, pd.Timestamp(cutoff) if cutoff else None
            ),
        )


def test_an_empty_table_of_sales_asks_for_ingest() -> None:
    with pytest.raises(UserError, match="run ingest"):
        limit_weeks(make_sales(), SelectionOptions())


@pytest.mark.parametrize("missing_weeks", ["auto", "zero", "missing"])
def test_a_gap_of_three_titles_or_more_is_missing_with_every_rule(
    missing_weeks: str,
) -> None:
    sales = make_sales(*weekly_sellers(3))
    assert missing_numbers(sales, missing_weeks) == list(GAP)


@pytest.mark.parametrize(("missing_weeks", "expected"), [("zero", []), ("missing", list(GAP))])
def test_the_rule_decides_about_a_gap_of_two_titles(
    missing_weeks: str, expected: list[int]
) -> None:
    sales = make_sales(*weekly_sellers(2))
    assert missing_numbers(sales, missing_weeks) == expected


def test_titles_that_end_before_or_start_after_a_gap_tell_nothing_about_it() -> None:
    sales = make_sales(
        *weekly_sellers(2), every_week(0, 40), every_week(53, 100), every_week(60, 100)
    )
    assert missing_numbers(sales, "zero") == []


def test_auto_takes_a_long_silence_of_a_weekly_seller_as_missing() -> None:
    assert missing_numbers(make_sales(*weekly_sellers(1))) == list(GAP)


def test_auto_takes_the_silences_of_a_slow_seller_as_zeros() -> None:
    slow = dict.fromkeys(range(0, 100, 3), 1.0)
    assert missing_numbers(make_sales(slow)) == []


def test_auto_takes_single_silent_weeks_of_a_strong_seller_as_missing() -> None:
    silent = {20, 47, 60, 81}
    strong = {week: 500.0 for week in range(100) if week not in silent}
    assert missing_numbers(make_sales(strong)) == sorted(silent)
    trickle = {week: float(1 + week % 3) for week in strong}
    assert missing_numbers(make_sales(trickle)) == []


def test_a_gap_that_no_title_spans_counts_as_unsold() -> None:
    assert missing_numbers(make_sales(every_week(0, 40), every_week(60, 100))) == []


def test_weeks_without_a_row_of_one_title_only_are_not_missing() -> None:
    sales = make_sales(every_week(0, 100, without=GAP), every_week(0, 100))
    assert missing_numbers(sales, "missing") == []


def test_rows_of_zero_volume_are_reports() -> None:
    reported = [{**titles, **dict.fromkeys(GAP, 0.0)} for titles in weekly_sellers(3)]
    assert missing_numbers(make_sales(*reported)) == []


def test_a_gap_across_the_test_set_s_beginning_is_judged_from_what_was_before() -> None:
    across = range(88, 96)
    sales = make_sales(*[every_week(0, 100, without=across)] * 3)
    assert missing_numbers(sales) == list(across)
    # Nobody comes back after the gap but one: the training part of it was judged without knowing.
    ended = make_sales(every_week(0, 100, without=across), *[every_week(0, 88)] * 2)
    assert missing_numbers(ended, "zero") == list(range(88, 92))


def test_the_log_has_the_number_of_missing_weeks_and_the_rule_that_decided(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "book_forecast"):
        find_missing_weeks(
            make_sales(*weekly_sellers(2)), SelectionOptions(missing_weeks="zero"), SPLIT
        )
    first, second = caplog.messages
    assert "13 of 100 weeks have no row of any title: 0 are missing" in first
    assert "missing_weeks=zero in 1 with fewer than 3 titles" in second


def test_the_log_names_the_longest_gaps_and_counts_the_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    silent = {5, 15, 25, *GAP, 70, 71}
    titles = [{week: 5.0 for week in range(100) if week not in silent}] * 3
    with caplog.at_level(logging.INFO, "book_forecast"):
        find_missing_weeks(make_sales(*titles), SelectionOptions(), SPLIT)
    longest = f"{week_of(40):%Y-%m-%d} to {week_of(52):%Y-%m-%d}"
    second = f"{week_of(70):%Y-%m-%d} to {week_of(71):%Y-%m-%d}"
    third = f"{week_of(5):%Y-%m-%d}"
    assert f"({longest}, {second}, {third}, 2 shorter ones)" in caplog.messages[0]


@pytest.mark.parametrize(("weeks", "test_weeks"), [(9, 8), (8, 2), (4, 1), (1, 0)])
def test_an_export_no_longer_than_the_test_set_has_a_shorter_one(
    weeks: int, test_weeks: int
) -> None:
    grid = week_grid(make_sales(every_week(0, weeks)))
    assert count_training_weeks(grid, SPLIT) == weeks - test_weeks
    assert find_missing_weeks(make_sales(every_week(0, 9)), SelectionOptions(), SPLIT).empty
