"""Recent weeks that no recorded forecast holds for possible are left out."""

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from book_forecast.options.groups import SelectionOptions
from book_forecast.options.monitoring import MonitorOptions
from book_forecast.pipelines.preprocess import nodes
from book_forecast.pipelines.preprocess.impossible_weeks import leave_out_impossible_weeks
from book_forecast.storage.errors import UserError
from tests.pipelines.preprocess.exports import every_week, isbn_of, make_sales, week_of

MONITOR = MonitorOptions()
LAST = 19
"""The week of the recorded forecast."""


def deliveries(copies: dict[int, float], titles: int = 3) -> pd.DataFrame:
    """Titles that sell alike up to the last of some weeks, and so many times as much in these."""
    sales = make_sales(*[every_week(0, max(copies) + 1)] * titles)
    times = sales["week"].map({week_of(week): factor for week, factor in copies.items()})
    return sales.assign(volume=sales["volume"] * times.fillna(1.0))


def recorded(titles: int = 3) -> Any:
    """A forecast of the usual copies in all weeks."""
    usual = pd.DataFrame({"isbn": [isbn_of(n) for n in range(titles)], "mean": 5.0})
    usual = usual.assign(**{"lo-95": 2.5, "hi-95": 10.0})

    def read() -> Callable[[pd.Timestamp], pd.DataFrame]:
        return lambda week: usual.assign(week=week)

    return {f"2018-03-10T00.00.00-00000001/{week_of(LAST):%Y-%m-%d}": read}


def volumes(sales: pd.DataFrame, titles: int, rule: str = "auto") -> pd.DataFrame:
    """The model input of what is left: volumes by week and title."""
    used, out = leave_out_impossible_weeks(sales, recorded(titles), MONITOR)
    selection = SelectionOptions.model_validate({"missing_weeks": rule})
    missing = nodes.find_missing_weeks(used, selection, 2, out)
    selected = pd.DataFrame({"isbn": sales["isbn"].unique()})
    model_input = nodes.build_model_input(used, missing, selected, 2)
    return model_input.pivot_table("volume", "week", "isbn", dropna=False, observed=True)


@pytest.mark.parametrize("copies", [10.0, 0.1, 0.0])
def test_impossible_weeks_are_left_out_and_the_log_says_why_and_what_to_type(
    copies: float, caplog: pytest.LogCaptureFixture
) -> None:
    sales = deliveries({20: copies, 22: copies})
    with caplog.at_level(logging.WARNING):
        used, out = leave_out_impossible_weeks(sales, recorded(), MONITOR)
    assert list(out["week"]) == [week_of(20), week_of(22)]
    assert used["week"].max() == week_of(21)
    assert len(used) == len(sales) - 6
    for week in out["week"]:
        assert f"Week {week:%Y-%m-%d} is left out" in caplog.text
    assert f"{copies:.2f} times those expected" in caplog.text
    assert "--params accepted_weeks=2018-05-26,2018-06-09`" in caplog.text


@pytest.mark.parametrize(("titles", "rule"), [(1, "zero"), (1, "auto"), (3, "auto"), (3, "zero")])
def test_an_impossible_week_before_others_is_missing_whatever_the_rule_for_gaps(
    titles: int, rule: str
) -> None:
    by_week = volumes(deliveries({20: 10.0, 21: 1.0, 22: 1.0}, titles), titles, rule)
    assert list(by_week.index[by_week.isna().all(axis=1)]) == [week_of(20)]
    assert np.all(by_week.drop(week_of(20)) == 5.0)
    assert by_week.index[-1] == week_of(22)


def test_impossible_weeks_at_the_end_are_as_if_they_had_not_arrived() -> None:
    broken = volumes(deliveries({20: 10.0, 21: 10.0}), 3)
    pd.testing.assert_frame_equal(broken, volumes(deliveries({19: 1.0}), 3))


def test_usual_and_accepted_weeks_are_used() -> None:
    usual = deliveries({20: 1.4})
    used, out = leave_out_impossible_weeks(usual, recorded(), MONITOR)
    assert used is usual
    assert out.empty
    broken = deliveries({20: 10.0})
    for accepting in ({"accepted_weeks": f"{week_of(20):%Y-%m-%d}"}, {"volume_jump": 12.0}):
        options = MonitorOptions.model_validate(accepting)
        assert leave_out_impossible_weeks(broken, recorded(), options)[0] is broken
    assert leave_out_impossible_weeks(broken, None, MONITOR)[0] is broken


def test_a_damaged_record_is_named_and_an_older_one_judges(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def damaged() -> None:
        raise UserError("h.parquet is damaged")

    records = recorded() | {f"r/{week_of(LAST + 1):%Y-%m-%d}": damaged}
    with caplog.at_level(logging.WARNING):
        _, out = leave_out_impossible_weeks(deliveries({21: 10.0}), records, MONITOR)
    assert list(out["cutoff"]) == [week_of(LAST)]
    assert "An older forecast judges the weeks after it: h.parquet is damaged" in caplog.text
