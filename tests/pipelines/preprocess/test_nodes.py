"""The grid of weeks, its prices, and the split that keeps the test weeks unseen."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.options.groups import SelectionOptions
from book_forecast.pipelines.preprocess import nodes, schemas
from book_forecast.series.calendar import CALENDAR_COVARIATES
from tests.pipelines.preprocess.exports import (
    every_week,
    isbn_of,
    make_sales,
    make_titles,
    week_of,
)

SPLIT = 8
WEEKS = 60
GAP = range(20, 26)


def model_input(sales: pd.DataFrame, titles: Any = "all", alive_weeks: int = WEEKS) -> pd.DataFrame:
    selection = SelectionOptions(titles=titles, min_weeks=1)
    missing = nodes.find_missing_weeks(sales, selection, SPLIT)
    selected, _ = nodes.select_titles(
        sales, missing, make_titles(10), selection, alive_weeks, split_size=SPLIT
    )
    return nodes.build_model_input(sales, missing, selected, SPLIT)


def column(frame: pd.DataFrame, number: int, name: str = "volume") -> np.ndarray:
    values: np.ndarray = frame.loc[frame["isbn"] == isbn_of(number), name].to_numpy()
    return values


def test_each_title_has_every_saturday_from_first_sale_to_the_last_week_of_the_export() -> None:
    late = {30: 2.0, 33: 1.0}
    frame = model_input(make_sales(every_week(0, WEEKS), late))
    assert list(column(frame, 0, "week")) == [week_of(number) for number in range(WEEKS)]
    assert list(column(frame, 1, "week")) == [week_of(number) for number in range(30, WEEKS)]


def test_unsold_weeks_are_zero_and_unreported_weeks_are_missing() -> None:
    sales = make_sales(*[every_week(0, WEEKS, 3, without=GAP)] * 3, dict.fromkeys((5, 10, 40), 2.0))
    slow = column(model_input(sales), 3)
    expected = np.zeros(WEEKS - 5)
    expected[[0, 5, 35]] = 2
    expected[[week - 5 for week in GAP]] = np.nan
    np.testing.assert_array_equal(slow, expected)


def test_weeks_before_the_first_sale_are_no_history_even_if_reported_as_zero() -> None:
    frame = model_input(make_sales(every_week(0, WEEKS), {0: 0.0, 4: 0.0, 9: 1.0, 12: 0.0}))
    assert column(frame, 1, "week")[0] == week_of(9)


def test_a_dead_title_that_is_named_has_zeros_to_the_end() -> None:
    sales = make_sales(every_week(0, WEEKS), every_week(0, 10))
    dead = column(model_input(sales, [isbn_of(1)], alive_weeks=5), 1)
    assert len(dead) == WEEKS
    assert dead[10:].sum() == 0


def test_promotion_is_the_discount_beyond_the_usual_one() -> None:
    sales = make_sales(every_week(0, WEEKS), asp=8, rrp=10)
    sales.loc[sales["week"] == week_of(7), "asp"] = 5
    sales.loc[sales["week"] == week_of(8), "asp"] = 9.5
    sales.loc[sales["week"] == week_of(WEEKS - 1), "asp"] = 4
    promotion = column(model_input(sales), 0, "promotion")
    expected = np.zeros(WEEKS)
    expected[[7, WEEKS - 1]] = [0.3, 0.4]
    np.testing.assert_allclose(promotion, expected, atol=1e-12)


@pytest.mark.parametrize(("asp", "rrp"), [(np.nan, 10), (8, np.nan), (8, 0), (0, 10), (12, 10)])
def test_promotion_is_zero_without_usable_prices(asp: float, rrp: float) -> None:
    sales = make_sales(every_week(0, WEEKS), asp=8, rrp=10)
    sales.loc[sales["week"] == week_of(7), ["asp", "rrp"]] = [asp, rrp]
    frame = model_input(sales)
    assert column(frame, 0, "promotion").max() == 0
    schemas.MODEL_INPUT.validate(frame)


def test_an_export_without_any_price_has_no_promotions() -> None:
    sales = make_sales(every_week(0, WEEKS)).assign(asp=np.nan, rrp=np.nan)
    assert (column(model_input(sales), 0, "promotion") == 0).all()


def test_weeks_without_sales_have_no_prices() -> None:
    frame = model_input(make_sales({0: 3.0, 5: 0.0, WEEKS - 1: 1.0}))
    has_price = frame["volume"] > 0
    assert has_price.sum() == 2
    assert (frame["asp"].notna() == has_price).all()
    assert (frame["rrp"].notna() == has_price).all()


def test_the_test_set_is_the_same_last_weeks_for_every_title() -> None:
    frame = model_input(make_sales(every_week(0, WEEKS), {30: 1.0}))
    training, test = nodes.split_weeks(frame, SPLIT)
    assert training["week"].max() == week_of(WEEKS - SPLIT - 1)
    assert (test.groupby("isbn")["week"].min() == week_of(WEEKS - SPLIT)).all()
    assert (test.groupby("isbn").size() == SPLIT).all()
    pd.testing.assert_frame_equal(
        pd.concat([training, test]).sort_values(["isbn", "week"], ignore_index=True), frame
    )


def test_titles_that_are_not_scored_have_neither_training_nor_test_weeks() -> None:
    frame = model_input(make_sales(every_week(0, WEEKS), {30: 1.0}))
    selected = pd.DataFrame({"isbn": [isbn_of(0), isbn_of(1)], "is_scored": [True, False]})
    for part in nodes.split_weeks(frame, SPLIT, selected):
        assert set(part["isbn"]) == {isbn_of(0)}
    nobody = selected.assign(is_scored=False)
    for part in nodes.split_weeks(frame, SPLIT, nobody):
        assert set(part["isbn"]) == {isbn_of(0), isbn_of(1)}


def test_a_title_that_is_not_out_yet_has_the_last_week_which_is_missing() -> None:
    sales = make_sales(every_week(0, WEEKS))
    titles = pd.DataFrame({"isbn": [isbn_of(0), isbn_of(5)]}, dtype="str")
    frame = nodes.build_model_input(sales, sales[["week"]].iloc[:0], titles, SPLIT)
    schemas.MODEL_INPUT.validate(frame)
    assert column(frame, 5, "week").tolist() == column(frame, 0, "week")[-1:].tolist()
    assert np.isnan(column(frame, 5)).all()


def test_launches_to_learn_from_are_those_of_the_whole_export_well_after_its_beginning() -> None:
    sales = make_sales(
        every_week(0, WEEKS), every_week(8, WEEKS), every_week(9, WEEKS), every_week(40, 45)
    )
    launches = nodes.build_launch_weeks(sales, sales[["week"]].iloc[:0], SPLIT)
    schemas.MODEL_INPUT.validate(launches)
    assert list(launches["isbn"].unique()) == [isbn_of(2), isbn_of(3)]
    assert launches.groupby("isbn").size().tolist() == [WEEKS - 9, WEEKS - 40]


def test_the_calendar_spans_the_grid_and_110_weeks_more() -> None:
    calendar = nodes.make_calendar(model_input(make_sales({3: 1.0, WEEKS - 1: 1.0})))
    schemas.CALENDAR.validate(calendar)
    assert calendar["week"].iloc[0] == week_of(3)
    assert calendar["week"].iloc[-1] == week_of(WEEKS - 1 + 110)
    assert set(calendar.columns) == {"week", *CALENDAR_COVARIATES}


def random_export(rng: np.random.Generator) -> pd.DataFrame:
    """Titles of all speeds; now and then weeks, also around the cutoff, that nobody reported."""
    absent = set(rng.choice(WEEKS - 1, rng.integers(0, 12), replace=False).tolist())
    if rng.random() < 0.5:
        absent |= set(range(WEEKS - SPLIT - int(rng.integers(1, 9)), WEEKS - SPLIT + 2))
    volumes = [
        {
            week: float(rng.poisson(6))
            for week in range(int(rng.integers(0, WEEKS)), WEEKS)
            if rng.random() < rate and week not in absent
        }
        for rate in rng.random(int(rng.integers(1, 7)))
    ]
    sales = make_sales({0: 4.0, WEEKS - SPLIT - 1: 3.0, WEEKS - 1: 2.0}, *volumes)
    return sales.assign(asp=rng.uniform(4, 11, len(sales)))


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["top", "all", [isbn_of(0), isbn_of(2)]]),
    st.sampled_from(["auto", "zero", "missing"]),
)
def test_nothing_in_the_test_weeks_changes_what_comes_before_them(
    seed: int, titles: Any, missing_weeks: Any
) -> None:
    rng = np.random.default_rng(seed)
    sales, other = random_export(rng), random_export(rng)
    in_test = week_of(WEEKS - SPLIT)
    selection = SelectionOptions(
        titles=titles, max_titles=2, min_weeks=2, missing_weeks=missing_weeks
    )
    exchanged = pd.concat([sales[sales["week"] < in_test], other[other["week"] >= in_test]])

    def before_the_test(export: pd.DataFrame) -> tuple[list[str], pd.DataFrame]:
        missing = nodes.find_missing_weeks(export, selection, SPLIT)
        selected, _ = nodes.select_titles(export, missing, make_titles(10), selection, 20, SPLIT)
        frame = nodes.build_model_input(export, missing, selected, SPLIT)
        schemas.MODEL_INPUT.validate(frame)
        scored = selected.loc[selected["is_scored"], "isbn"]
        return list(scored), nodes.split_weeks(frame, SPLIT, selected)[0]

    selected, training = before_the_test(sales)
    selected_again, training_again = before_the_test(exchanged)
    if isinstance(titles, str):
        assert selected == selected_again
    pd.testing.assert_frame_equal(training, training_again)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_the_grid_keeps_every_copy_sold_and_no_order_of_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sales = random_export(rng)
    frame = model_input(sales)
    sold = sales[sales["isbn"].isin(frame["isbn"])].groupby("isbn")["volume"].sum()
    laid_out = frame.groupby("isbn")["volume"].sum()
    pd.testing.assert_series_equal(sold, laid_out)
    shuffled = sales.sample(frac=1, random_state=int(rng.integers(1000)))
    pd.testing.assert_frame_equal(model_input(shuffled), frame)
