"""A delivery with a part of the titles leaves the others missing, and nothing else does."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from book_forecast.options.groups import SelectionOptions
from book_forecast.pipelines.preprocess.nodes import build_model_input, select_titles
from book_forecast.pipelines.preprocess.weeks import find_missing_weeks, limit_weeks
from tests.pipelines.preprocess.exports import every_week, isbn_of, make_sales, make_titles, week_of

WEEKS, SPLIT = 120, 20
NEWEST = WEEKS - 1


def steady(titles: int, volume: float = 40.0) -> pd.DataFrame:
    """Titles with sales in every week."""
    return make_sales(*[every_week(0, WEEKS, volume + n) for n in range(titles)])


def without(sales: pd.DataFrame, weeks: Sequence[int], absent: Sequence[int]) -> pd.DataFrame:
    """Sales without the rows of some titles in some weeks."""
    gone = sales["week"].isin([week_of(week) for week in weeks])
    gone &= sales["isbn"].isin([isbn_of(number) for number in absent])
    return sales[~gone].reset_index(drop=True)


def incomplete(sales: pd.DataFrame, share: float = 0.6) -> list[int]:
    selection = SelectionOptions(min_reporting_share=share)
    found = find_missing_weeks(sales, selection, SPLIT)
    return [(week - week_of(0)).days // 7 for week in found["week"]]


@pytest.mark.parametrize(("titles", "reported"), [(2, 1), (4, 1), (4, 2), (15, 7), (1000, 500)])
def test_a_newest_week_that_few_of_the_titles_have_is_missing(titles: int, reported: int) -> None:
    assert incomplete(without(steady(titles), [NEWEST], range(reported, titles))) == [NEWEST]


@pytest.mark.parametrize(("titles", "reported"), [(2, 2), (4, 3), (15, 12), (1000, 700)])
def test_a_week_that_most_titles_have_is_complete(titles: int, reported: int) -> None:
    assert incomplete(without(steady(titles), [NEWEST], range(reported, titles))) == []


def test_the_parameter_turns_the_rule_off() -> None:
    assert incomplete(without(steady(4), [NEWEST], [1, 2, 3]), share=0.0) == []


@pytest.mark.parametrize("weeks", [range(50, 53), [30, 110], range(NEWEST - 2, WEEKS)])
def test_several_weeks_are_found_wherever_they_are(weeks: Sequence[int]) -> None:
    assert incomplete(without(steady(8), weeks, range(2, 8))) == list(weeks)


def test_titles_with_a_row_keep_it_and_the_others_are_missing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sales = without(steady(4), [NEWEST], [1, 2, 3])
    missing = find_missing_weeks(sales, SelectionOptions(), SPLIT)
    frame = build_model_input(sales, missing, make_titles(4), SPLIT)
    newest = frame[frame["week"] == week_of(NEWEST)].set_index("isbn")["volume"]
    assert newest[isbn_of(0)] == 40.0
    assert newest[[isbn_of(number) for number in (1, 2, 3)]].isna().all()
    (warning,) = [r.message for r in caplog.records if r.levelname == "WARNING"]
    assert f"Week {week_of(NEWEST):%Y-%m-%d} is incomplete: 1 of 4 titles" in warning
    assert "min_reporting_share=0.6" in warning
    assert len(warning) <= 140


def test_a_title_out_of_print_does_not_make_later_weeks_incomplete_for_ever() -> None:
    sales = without(steady(2), range(60, WEEKS), [1])
    assert incomplete(sales) == []
    at_once = sales[sales["week"] <= week_of(61)].reset_index(drop=True)
    assert incomplete(at_once) == [60, 61]


def test_titles_that_sell_rarely_make_no_week_incomplete() -> None:
    draws = np.random.default_rng(3)
    rare = [
        dict.fromkeys(np.flatnonzero(draws.random(WEEKS) < 0.2).tolist(), 1.0) for _ in range(40)
    ]
    assert incomplete(make_sales(every_week(0, WEEKS), *rare)) == []


def test_a_quiet_week_is_no_incomplete_one() -> None:
    """Few copies a week, and half of the demand for a month."""
    draws = np.random.default_rng(4)
    demand = np.full(WEEKS, 2.0)
    demand[70:74] = 0.9
    volumes = draws.poisson(demand, (20, WEEKS))
    titles = [
        {week: float(copies[week]) for week in np.flatnonzero(copies).tolist()}
        for copies in volumes
    ]
    assert incomplete(make_sales(*titles)) == []


def test_the_test_weeks_decide_nothing_about_the_training_weeks() -> None:
    """With the weeks after it the absence is a stop; the training weeks do not know them."""
    sales = without(steady(4), range(WEEKS - SPLIT - 2, WEEKS), [1, 2, 3])
    training = sales[sales["week"] < week_of(WEEKS - SPLIT)].reset_index(drop=True)
    seen = find_missing_weeks(training, SelectionOptions(), 1)
    assert len(seen) == 2
    assert incomplete(sales)[:2] == [WEEKS - SPLIT - 2, WEEKS - SPLIT - 1]


def test_negative_weeks_count_as_unsold(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    sales = make_sales({0: 5, 1: -3, 2: 4})
    used = limit_weeks(sales, SelectionOptions())
    assert used["volume"].tolist() == [5, 0, 4]
    assert "1 title-weeks have more returns than sales" in caplog.text


def test_a_named_title_needs_no_week_before_the_test_set() -> None:
    young = every_week(WEEKS - 5, WEEKS)
    sales = make_sales(every_week(0, WEEKS), young)
    selection = SelectionOptions(titles=[isbn_of(0), isbn_of(1)])
    missing = find_missing_weeks(sales, selection, SPLIT)
    selected, _ = select_titles(sales, missing, make_titles(2), selection, 26, SPLIT)
    assert selected["isbn"].tolist() == [isbn_of(0), isbn_of(1)]


def test_titles_of_a_short_export_are_selected_though_they_are_young() -> None:
    sales = make_sales(*[every_week(0, 30)] * 3)
    missing = find_missing_weeks(sales, SelectionOptions(), 32)
    selected, _ = select_titles(
        sales, missing, make_titles(3), SelectionOptions(titles="all"), 26, 32
    )
    assert len(selected) == 3
