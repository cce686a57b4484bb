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


def select(
    sales: pd.DataFrame, titles: Any = "all", max_titles: int = 15
) -> tuple[list[str], pd.DataFrame]:
    selection = SelectionOptions(titles=titles, max_titles=max_titles)
    selected, left_out = select_titles(
        sales,
        missing=find_missing_weeks(sales, selection, SPLIT),
        titles_table=make_titles(20),
        selection=selection,
        alive_weeks=26,
        split_size=SPLIT,
    )
    return list(selected["isbn"]), left_out


def reasons(left_out: pd.DataFrame) -> dict[str, str]:
    return dict(zip(left_out["isbn"], left_out["reason"], strict=True))


def isbns(*numbers: int) -> list[str]:
    return [isbn_of(number) for number in numbers]


def test_all_takes_the_titles_that_are_alive_and_old_enough() -> None:
    sales = make_sales(STEADY, DEAD, BARELY_ALIVE, YOUNG, OLD_ENOUGH, UNBORN)
    selected, left_out = select(sales, "all")
    assert selected == isbns(0, 2, 4)
    assert reasons(left_out) == {
        isbn_of(1): "no sale in the last 26 weeks before the test weeks",
        isbn_of(3): "fewer than 52 weeks of history before the test weeks",
        isbn_of(5): "no sale before the test weeks",
    }


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
        isbn_of(1): "no sale before the test weeks",
        isbn_of(7): "not in the sales in use",
    }
    TITLES_LEFT_OUT.validate(left_out)
    assert [isbn_of(1) in caplog.messages[0], isbn_of(7) in caplog.messages[1]] == [True, True]


def test_naming_only_unknown_titles_is_refused() -> None:
    with pytest.raises(UserError, match=f"titles names {isbn_of(9)}, but none"):
        select(make_sales(STEADY), isbns(9))


def test_a_selection_of_nothing_is_refused_with_the_reasons() -> None:
    with pytest.raises(UserError, match=r"1 fewer than 52 weeks.*min_weeks"):
        select(make_sales(YOUNG, {0: 0.0, WEEKS - 1: 3.0}), "all")


def test_left_out_titles_have_their_name_and_facts_as_of_the_cutoff() -> None:
    _, left_out = select(make_sales(STEADY, DEAD, UNBORN))
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
    selected, left_out = select(make_sales(steady, steady, steady, short))
    assert selected == isbns(0, 1, 2)
    assert "fewer than 52" in reasons(left_out)[isbn_of(3)]


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
