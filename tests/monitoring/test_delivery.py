"""Checks of the newest delivery: what is usual, what wants a look, what must not be used."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from book_forecast.monitoring.delivery import (
    Check,
    DeliveryBounds,
    check_delivery,
)
from tests.releases import payloads

BOUNDS = DeliveryBounds(
    late_days=13,
    volume_jump=3.0,
    price_jumps=0.2,
    vanished=0.1,
    accepted_weeks=(),
    judged_weeks=13,
)
WEEKS = pd.date_range("2024-01-06", periods=20, freq="7D")
NEWEST, TODAY = WEEKS[-1], dt.date(2024, 5, 20)
NONE_LEFT_OUT = pd.DataFrame({"week": pd.DatetimeIndex([]), "ratio": []})
NO_FORECAST = pd.DataFrame({"isbn": [], "week": pd.DatetimeIndex([]), "mean": []})


def sales() -> pd.DataFrame:
    """Twenty titles that sell every week at their own price."""
    rows = [
        {"isbn": payloads.isbn(n), "week": week, "volume": 50.0 + n, "asp": 5.0 + n}
        for n in range(20)
        for week in WEEKS
    ]
    return pd.DataFrame(rows)


def checks(
    rows: pd.DataFrame,
    grid: pd.DataFrame | None = None,
    expected: pd.DataFrame = NO_FORECAST,
    today: dt.date | None = TODAY,
    left_out: pd.DataFrame = NONE_LEFT_OUT,
    bounds: DeliveryBounds = BOUNDS,
) -> dict[str, Check]:
    """The checks of a delivery, by name."""
    whole = sales() if grid is None else grid
    found = check_delivery(rows, whole, expected, left_out, bounds, today)
    return {check.name: check for check in found}


def newest(rows: pd.DataFrame) -> pd.Series:
    return rows["week"] == NEWEST


def test_a_usual_delivery_is_ok():
    found = checks(sales())
    assert {check.state for check in found.values()} == {"ok"}
    assert found["volume"].value == pytest.approx(1.0)
    assert all(check.message.endswith(".") for check in found.values())


def test_sales_that_end_long_ago_are_late_unless_they_are_meant_to_end():
    late = checks(sales(), today=dt.date(2024, 7, 1))["age"]
    assert late.state == "warning"
    assert "put newer exports into 01_raw/sales and run `kedro run" in late.message
    assert checks(sales(), today=NEWEST.date() + dt.timedelta(13))["age"].state == "ok"
    assert checks(sales(), today=NEWEST.date() + dt.timedelta(14))["age"].state == "warning"
    assert "age" not in checks(sales(), today=None)


def test_a_week_that_is_missing_for_most_titles_breaks_the_delivery():
    rows = sales()
    few = rows[~newest(rows) | rows["isbn"].isin(rows["isbn"].unique()[:3])]
    grid = sales()
    grid.loc[newest(grid) & ~grid["isbn"].isin(few.loc[newest(few), "isbn"]), "volume"] = np.nan
    found = checks(few, grid)["completeness"]
    assert found.state == "broken"
    assert "3 titles" in found.message
    assert "missing for 85%" in found.message


@pytest.mark.parametrize("factor", [10.0, 0.1])
def test_ten_times_the_copies_or_a_tenth_break_the_delivery(factor):
    rows = sales()
    rows.loc[newest(rows), "volume"] *= factor
    assert checks(rows)["volume"].state == "broken"
    # A forecast that knows of it, as of Christmas, does not.
    expected = rows.loc[newest(rows), ["isbn", "week"]].assign(mean=60.0 * factor)
    assert checks(rows, expected=expected)["volume"].state == "ok"


def test_a_week_that_is_accepted_counts_whatever_its_volume():
    rows = sales()
    rows.loc[newest(rows), "volume"] *= 10
    found = checks(rows, bounds=replace(BOUNDS, accepted_weeks=[NEWEST.date()]))["volume"]
    assert found.state == "ok"
    assert found.message.endswith("The week is accepted, or like one that is.")
    other = replace(BOUNDS, accepted_weeks=[WEEKS[-2].date()])
    assert checks(rows, bounds=other)["volume"].state == "broken"
    rows.loc[rows["week"] == WEEKS[-2], "volume"] *= 10
    assert checks(rows)["volume"].state == "broken"
    assert checks(rows, bounds=other)["volume"].state == "ok"


@pytest.mark.parametrize(
    ("weeks", "state"), [([-1], "broken"), ([-3, -1], "broken"), ([-3, -2], "warning")]
)
def test_weeks_left_out_are_named_with_what_to_type_and_break_the_delivery_they_end(weeks, state):
    days = [f"{WEEKS[week]:%Y-%m-%d}" for week in weeks]
    left_out = pd.DataFrame({"week": WEEKS[weeks], "ratio": 10.04})
    found = checks(sales(), left_out=left_out)["weeks left out"]
    assert (found.state, found.value) == (state, len(weeks))
    assert all(f"{day} (10.04 times the copies expected)" in found.message for day in days)
    assert f"accepted_weeks: [{', '.join(days)}]" in found.message
    assert f"--params accepted_weeks={','.join(days)}`" in found.message
    assert checks(sales())["weeks left out"].state == "ok"


@pytest.mark.parametrize(("share", "state"), [(0.1, "ok"), (0.4, "warning"), (1.0, "broken")])
def test_prices_of_many_titles_do_not_jump_together(share, state):
    rows = sales()
    jumping = rows["isbn"].isin(rows["isbn"].unique()[: round(20 * share)])
    rows.loc[newest(rows) & jumping, "asp"] *= 2.2
    assert checks(rows)["prices"].state == state


def test_titles_that_sell_every_week_and_are_gone_want_a_look():
    rows = sales()
    gone = newest(rows) & rows["isbn"].isin(rows["isbn"].unique()[:5])
    found = checks(rows[~gone])["vanished"]
    assert found.state == "warning"
    assert found.value == pytest.approx(0.25)


def test_titles_that_skip_weeks_as_a_habit_do_not():
    rows = sales()
    number = rows["isbn"].map({isbn: n for n, isbn in enumerate(rows["isbn"].unique())})
    week = rows["week"].map({week: n for n, week in enumerate(WEEKS)})
    rows = rows[(number + week) % 6 > 0]
    assert checks(rows)["vanished"].state == "ok"


def test_new_titles_are_counted():
    rows = sales()
    first = pd.DataFrame({"isbn": ["9780000000002"], "week": [NEWEST], "volume": 5.0, "asp": 9.0})
    assert checks(pd.concat([rows, first]))["new titles"].value == 1


def test_no_sales_at_all_is_a_broken_delivery():
    assert checks(sales().head(0))["sales"].state == "broken"
