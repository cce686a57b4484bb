"""Titles are chosen by the training weeks, and all others are accounted for."""

import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.options.groups import SelectionOptions
from book_forecast.pipelines.preprocess.schemas import TITLES_LEFT_OUT
from book_forecast.pipelines.preprocess.selection import LEFT_OUT_COLUMNS, select_titles
from book_forecast.pipelines.preprocess.weeks import find_missing_weeks
from book_forecast.storage.errors import UserError
from tests.pipelines.preprocess.exports import (
    every_week,
    isbn_of,
    make_launches,
    make_sales,
    make_titles,
    week_of,
)

WEEKS = 120
SPLIT = 20
TRAINING = WEEKS - SPLIT

STEADY = every_week(0, WEEKS, 5)
STRONG = every_week(0, WEEKS, 50)
DEAD = every_week(0, TRAINING - 26)
BARELY_ALIVE = every_week(0, TRAINING - 25)
YOUNG = every_week(TRAINING - 51, WEEKS, 500)
OLD_ENOUGH = every_week(TRAINING - 52, WEEKS)
UNBORN = every_week(TRAINING, WEEKS, 900)


def choose(
    sales: pd.DataFrame,
    titles: Any = "all",
    max_titles: int = 15,
    launches: dict[int, str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    selection = SelectionOptions(titles=titles, max_titles=max_titles)
    return select_titles(
        sales,
        missing=find_missing_weeks(sales, selection, SPLIT),
        titles_table=make_titles(20),
        launches=make_launches(launches),
        selection=selection,
        alive_weeks=26,
        split_size=SPLIT,
    )


def select(
    sales: pd.DataFrame, titles: Any = "all", max_titles: int = 15
) -> tuple[list[str], pd.DataFrame]:
    selected, left_out = choose(sales, titles, max_titles)
    return list(selected["isbn"]), left_out


def scored(sales: pd.DataFrame, titles: Any = "all", max_titles: int = 15) -> list[str]:
    selected, _ = choose(sales, titles, max_titles)
    return list(selected.loc[selected["is_scored"], "isbn"])


def reasons(left_out: pd.DataFrame) -> dict[str, str]:
    return dict(zip(left_out["isbn"], left_out["reason"], strict=True))


def isbns(*numbers: int) -> list[str]:
    return [isbn_of(number) for number in numbers]


def test_all_takes_every_title_on_sale_and_scores_those_that_are_old_enough() -> None:
    sales = make_sales(STEADY, DEAD, BARELY_ALIVE, YOUNG, OLD_ENOUGH, UNBORN)
    selected, left_out = select(sales, "all")
    assert selected == isbns(0, 2, 3, 4, 5)
    assert scored(sales, "all") == isbns(0, 2, 4)
    assert reasons(left_out) == {isbn_of(1): "no sale in the last 26 weeks"}


def test_a_title_with_a_single_week_of_sales_is_forecast() -> None:
    sales = make_sales(STEADY, {WEEKS - 1: 3.0})
    assert select(sales)[0] == isbns(0, 1)
    assert scored(sales) == isbns(0)


def test_a_title_that_sells_again_is_forecast_and_not_scored() -> None:
    again = {**every_week(0, 60), WEEKS - 2: 4.0}
    assert select(make_sales(STEADY, again))[0] == isbns(0, 1)
    assert scored(make_sales(STEADY, again)) == isbns(0)


def test_a_launch_that_has_stopped_selling_is_left_out() -> None:
    burst = every_week(TRAINING - 20, TRAINING - 10)
    selected, left_out = select(make_sales(STEADY, burst))
    assert selected == isbns(0)
    assert reasons(left_out) == {isbn_of(1): "no sale in the last 26 weeks"}


def test_top_adds_launches_that_outsell_the_smallest_of_its_titles() -> None:
    slow = every_week(0, WEEKS, 1)
    strong, weak = every_week(WEEKS - 3, WEEKS, 30), every_week(WEEKS - 3, WEEKS, 4)
    sales = make_sales(STEADY, STRONG, slow, strong, weak)
    selected, left_out = select(sales, "top", max_titles=2)
    assert selected == isbns(0, 1, 3)
    assert scored(sales, "top", max_titles=2) == isbns(0, 1)
    assert set(left_out["isbn"]) == set(isbns(2, 4))


def test_top_adds_no_more_launches_than_it_takes_titles() -> None:
    launches = [every_week(WEEKS - 3, WEEKS, volume) for volume in (70, 90, 80)]
    selected, _ = select(make_sales(STEADY, STRONG, *launches), "top", max_titles=2)
    assert selected == isbns(0, 1, 3, 4)


@pytest.mark.parametrize("titles", ["top", "all"])
def test_titles_that_are_not_out_yet_are_forecast_and_not_scored(titles: str) -> None:
    dates = {7: f"{week_of(WEEKS + 10):%Y-%m-%d}", 0: "2018-01-01"}
    selected, left_out = choose(make_sales(STEADY), titles, launches=dates)
    assert selected.to_dict("list") == {"isbn": isbns(0, 7), "is_scored": [True, False]}
    assert left_out.empty


def test_a_named_title_may_be_one_to_come() -> None:
    dates = {number: f"{week_of(WEEKS):%Y-%m-%d}" for number in (7, 8)}
    selected, left_out = choose(make_sales(STEADY), isbns(7), launches=dates)
    assert list(selected["isbn"]) == isbns(7)
    assert reasons(left_out) == dict.fromkeys(isbns(0, 8), "not named in titles")


def test_titles_that_did_not_come_out_or_come_in_years_are_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    weeks = {5: WEEKS - 28, 6: WEEKS - 4, 7: WEEKS + 120}
    dates = {number: f"{week_of(week):%Y-%m-%d}" for number, week in weeks.items()}
    with caplog.at_level(logging.WARNING, "book_forecast"):
        selected, left_out = choose(make_sales(STEADY), launches=dates)
    assert list(selected["isbn"]) == isbns(0, 6)
    assert reasons(left_out) == {
        isbn_of(5): "no sale in 26 weeks after its publication date",
        isbn_of(7): "published more than 104 weeks ahead",
    }
    assert "1 titles of 01_raw/launches have no sale since" in caplog.text
    assert f"correct their dates or remove them: {isbn_of(6)}" in caplog.text
    TITLES_LEFT_OUT.validate(left_out)


def test_top_takes_the_most_volume_of_the_last_year_before_the_test_weeks() -> None:
    past_glory = {**every_week(0, 40, 9000), **every_week(40, WEEKS, 1)}
    coming_glory = {**every_week(0, TRAINING, 1), **every_week(TRAINING, WEEKS, 9000)}
    sales = make_sales(STEADY, past_glory, coming_glory, STRONG)
    selected, left_out = select(sales, "top", max_titles=2)
    assert selected == isbns(0, 3)
    assert set(left_out["reason"]) == {"not among the 2 titles with the most recent volume"}


def test_equal_volumes_are_ranked_by_isbn() -> None:
    assert select(make_sales(STEADY, STEADY, STEADY), "top", max_titles=2)[0] == isbns(0, 1)


def test_a_named_title_is_kept_dead_or_young() -> None:
    sales = make_sales(STEADY, DEAD, YOUNG)
    selected, left_out = select(sales, isbns(2, 1))
    assert selected == isbns(1, 2)
    assert reasons(left_out) == {isbn_of(0): "not named in titles"}


@pytest.mark.parametrize(
    "form", [str, int, lambda isbn: [isbn], lambda isbn: f"{isbn[:3]}-{isbn[3:]}"]
)
def test_one_title_may_be_named_as_text_number_or_list(form: Any) -> None:
    assert select(make_sales(STEADY, STEADY), form(isbn_of(1)))[0] == isbns(1)


def test_named_titles_without_a_sale_are_left_out_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "book_forecast"):
        selected, left_out = select(make_sales(STEADY, {5: 0.0}), isbns(0, 1, 7))
    assert selected == isbns(0)
    assert reasons(left_out) == {
        isbn_of(1): "no sale",
        isbn_of(7): "not in the sales in use",
    }
    TITLES_LEFT_OUT.validate(left_out)
    assert [isbn_of(1) in caplog.messages[0], isbn_of(7) in caplog.messages[1]] == [True, True]


def test_naming_only_unknown_titles_is_refused() -> None:
    with pytest.raises(UserError, match=f"titles names {isbn_of(9)}, but none"):
        select(make_sales(STEADY), isbns(9))


def test_a_selection_of_nothing_is_refused_with_the_reasons() -> None:
    sales = make_sales(every_week(0, 30), {0: 0.0, WEEKS - 1: 0.0})
    selection, nothing = SelectionOptions(titles="all"), sales[["week"]].iloc[:0]
    with pytest.raises(UserError, match=r"1 no sale in the last 26 weeks; 1 no sale.*alive_weeks"):
        select_titles(sales, nothing, make_titles(2), selection, 26, SPLIT)


def test_young_titles_are_scored_where_there_are_no_older_ones() -> None:
    assert scored(make_sales(YOUNG, {WEEKS - 1: 3.0})) == isbns(0)


def test_left_out_titles_have_their_name_and_facts_as_of_the_cutoff() -> None:
    gone = every_week(TRAINING, TRAINING + 1, 900)
    sales = make_sales(STEADY, DEAD, gone)
    _, left_out = select_titles(
        *(sales, sales[["week"]].iloc[:0], make_titles(3)),
        *(SelectionOptions(titles="all"), 15, SPLIT),
    )
    assert list(left_out.columns) == LEFT_OUT_COLUMNS
    dead, unborn = left_out.to_dict("records")
    assert dead["title"] == "title 1"
    assert dead["first_sale"] == week_of(0)
    assert dead["last_sale"] == week_of(TRAINING - 27)
    assert dead["weeks"] == TRAINING
    assert dead["recent_volume"] == 26 * 5
    assert pd.isna(unborn["first_sale"])
    assert pd.isna(unborn["last_sale"])
    assert (unborn["weeks"], unborn["recent_volume"]) == (0, 0)


def test_weeks_that_nobody_reported_count_neither_as_history_nor_as_silence() -> None:
    gap = range(TRAINING - 40, TRAINING)
    steady = every_week(0, WEEKS, without=gap)
    short = every_week(30, WEEKS, without=gap)
    assert scored(make_sales(steady, steady, steady, short)) == isbns(0, 1, 2)


def test_nobody_left_out_is_an_empty_table_of_the_same_columns() -> None:
    _, left_out = select(make_sales(STEADY))
    assert left_out.empty
    assert list(left_out.columns) == LEFT_OUT_COLUMNS


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["top", "all", isbns(1, 3, 4, 19)]))
def test_selected_and_left_out_are_all_titles_of_the_export_and_all_named(
    seed: int, titles: Any
) -> None:
    rng = np.random.default_rng(seed)
    volumes = [
        {week: 1.0 for week in range(int(rng.integers(0, WEEKS)), WEEKS) if rng.random() < rate}
        for rate in rng.random(10)
    ]
    sales = make_sales(STEADY, STRONG, *volumes)
    selected, left_out = select(sales, titles, max_titles=3)
    named = titles if isinstance(titles, list) else []
    assert sorted([*selected, *left_out["isbn"]]) == sorted({*sales["isbn"], *named})
    assert (left_out["reason"] != "").all()
    TITLES_LEFT_OUT.validate(left_out)
