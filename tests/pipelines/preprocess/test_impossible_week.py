"""A newest week that no recorded forecast holds for possible is left out."""

import logging

import pandas as pd
import pytest

from book_forecast.monitoring.recorded import Partitions
from book_forecast.options.monitoring import MonitorOptions
from book_forecast.pipelines.preprocess.impossible_week import leave_out_impossible_week
from tests.pipelines.preprocess.exports import every_week, make_sales, week_of

MONITOR = MonitorOptions()


def deliveries(copies: float) -> pd.DataFrame:
    """Three titles that sell alike every week, and `copies` times that in the newest one."""
    sales = make_sales(*[every_week(0, 9)] * 3)
    newest = sales["week"] == sales["week"].max()
    return sales.assign(
        volume=sales["volume"].astype(float).where(~newest, sales["volume"] * copies)
    )


def recorded(sales: pd.DataFrame, weeks_before: int = 1) -> Partitions:
    """A forecast that knows the usual copies, made some weeks before the newest one."""
    newest = sales["week"].max()
    usual = sales.groupby("isbn")["volume"].median()
    table = pd.DataFrame(
        {"isbn": usual.index, "mean": usual.to_numpy(), "week": newest}
        | {"lo-95": usual.to_numpy() / 2, "hi-95": usual.to_numpy() * 2}
    )
    cutoff = newest - pd.Timedelta(weeks=weeks_before)
    return {f"2018-03-10T00.00.00-00000001/{cutoff:%Y-%m-%d}": lambda: table}


@pytest.mark.parametrize("copies", [10.0, 0.1, 0.0])
@pytest.mark.parametrize("weeks_before", [1, 3])
def test_an_impossible_week_is_left_out_and_the_log_says_why(
    copies: float, weeks_before: int, caplog: pytest.LogCaptureFixture
) -> None:
    sales = deliveries(copies)
    with caplog.at_level(logging.WARNING):
        used = leave_out_impossible_week(sales, recorded(sales, weeks_before), MONITOR)
    assert used["week"].max() == week_of(7)
    assert len(used) == len(sales) - 3
    assert f"Week {week_of(8):%Y-%m-%d} is left out" in caplog.text
    assert f"{copies:.2f} times those expected" in caplog.text


def test_a_usual_week_is_used() -> None:
    sales = deliveries(1.4)
    assert leave_out_impossible_week(sales, recorded(sales), MONITOR) is sales


def test_a_bound_that_is_raised_uses_the_week() -> None:
    sales = deliveries(10.0)
    raised = MonitorOptions(volume_jump=12.0)
    assert leave_out_impossible_week(sales, recorded(sales), raised) is sales


def test_without_an_earlier_forecast_every_week_is_used() -> None:
    sales = deliveries(10.0)
    assert leave_out_impossible_week(sales, None, MONITOR) is sales
    assert leave_out_impossible_week(sales, recorded(sales, weeks_before=0), MONITOR) is sales


def test_a_week_counts_once_a_newer_one_is_there() -> None:
    sales = deliveries(10.0)
    records = recorded(sales)
    rows = sales[sales["week"] == week_of(7)].assign(week=week_of(9))
    later = pd.concat([sales, rows], ignore_index=True)
    assert leave_out_impossible_week(later, records, MONITOR) is later
