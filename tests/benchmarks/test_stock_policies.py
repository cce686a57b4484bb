"""Stock follows orders, sales beyond it are lost, and a source knows nothing of the weeks ahead."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.stock_policies.__main__ import every_terms
from benchmarks.stock_policies.demand import recent_mean_draws, seasonal_naive_draws
from benchmarks.stock_policies.page import coverage_table, policy_tables, promise_table, summary
from benchmarks.stock_policies.releases import Origin
from benchmarks.stock_policies.simulation import MEAN, OURS, SAFETY, SOURCES, Ledger, simulate
from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.options.decisions import DecideOptions
from book_forecast.series.history import History
from tests.pipelines.forecast import rhythm
from tests.pipelines.preprocess.exports import week_of
from tests.releases import payloads

TERMS = DecideOptions(lead_weeks=2, order_for_weeks=3).terms_of(None, {})
STEADY = np.full((5, 1), 10.0)
CUTOFF = np.datetime64(payloads.CUTOFF)


def ledger(on_hand=0.0, weeks=8):
    return Ledger(MEAN, TERMS, on_hand, np.zeros(weeks + TERMS.last_week), weeks)


def known(volumes):
    return History(payloads.isbn(0), np.asarray(volumes, dtype=float), CUTOFF)


def test_an_order_arrives_after_its_lead_time_and_sales_before_are_lost():
    one = ledger()
    for week in range(8):
        one.review(week, STEADY, np.full(8 - week, 10.0))
        one.sell(week, 10.0)
    # Weeks 0 and 1 are before any order could arrive.
    assert (one.short, one.weeks, one.asked) == (0.0, 6, 60.0)
    assert one.arrivals[:2].sum() == 0
    assert one.arrivals[2] == 30


def test_copies_beyond_the_stock_are_short_and_a_missing_week_is_not_scored():
    one = ledger(on_hand=25.0)
    for week, asked in enumerate([10.0, 10.0, 10.0, np.nan, 4.0]):
        one.sell(week, asked)
    assert (one.short, one.weeks_short, one.asked, one.weeks) == (9.0, 2, 14.0, 2)


def test_a_promise_is_kept_if_the_stock_lasts_without_a_later_order():
    one = ledger(on_hand=20.0)
    one.review(0, STEADY, np.full(8, 10.0))
    assert (one.promises["ordered"], one.promises["ordered_kept"]) == (1, 1)
    other = ledger(on_hand=20.0)
    other.review(0, STEADY, np.array([10.0, 10, 10, 10, 11, 10, 10, 10]))
    assert (other.promises["ordered"], other.promises["ordered_kept"]) == (1, 0)
    waiting = ledger(on_hand=30.0)
    waiting.review(0, STEADY, np.array([10.0, 10, 11, 0, 0]))
    assert (waiting.promises["waited"], waiting.promises["waited_kept"]) == (1, 0)


def test_the_recent_mean_has_the_safety_stock_of_textbooks():
    history = known([500.0] * 30 + [8, 12, 10, 9, 11, 10, 8, 12])
    draws = recent_mean_draws(history, 4, with_safety=True)
    deviation = np.std(history.volumes[-8:], ddof=1)
    expected = 40 + 1.645 * deviation * 2
    assert np.quantile(draws.sum(axis=0), 0.95) == pytest.approx(expected, rel=0.02)
    assert (recent_mean_draws(history, 4, with_safety=False) == 10.0).all()


def test_seasonal_naive_repeats_last_year_with_its_own_errors():
    year = np.arange(52.0) + 100
    draws = seasonal_naive_draws(known([*year, *year + 5, *year + 10]), 6)
    np.testing.assert_allclose(draws, np.repeat((year[:6] + 15)[:, None], draws.shape[1], axis=1))
    short = seasonal_naive_draws(known([7.0, 9.0, 8.0]), 2)
    assert set(short[0]) == {10.0, 7.0}
    assert np.isfinite(seasonal_naive_draws(known([3.0]), 2)).all()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> tuple[pd.DataFrame, pd.DataFrame]:
    days = np.array([week_of(rhythm.TRAINED + n) for n in range(rhythm.NEWER)])
    origin = Origin(
        "shop",
        0,
        rhythm.trained(),
        rhythm.model_input(rhythm.SALES),
        None,
        days.astype("datetime64[D]"),
        CheckpointFolder(Path(tmp_path_factory.mktemp("checkpoints"))),
    )
    return simulate(origin, every_terms(), report=lambda _: None)


def test_every_source_is_simulated_on_the_same_terms_and_added_up(simulated):
    terms = every_terms()
    rows, sums = simulated
    assert len(rows) == len(rhythm.TITLES) * len(SOURCES) * len(terms)
    asked = rows.groupby(["isbn", "lead_weeks"])["asked"].nunique()
    assert (asked == 1).all()
    assert (rows["short"] <= rows["asked"]).all()
    assert rows.groupby("source")["orders"].sum().nunique() == len(SOURCES)
    assert set(sums["source"]) == set(SOURCES) - {MEAN}
    found = summary(rows.assign(panel="shop"), terms[0])
    one = rows[(rows["source"] == OURS) & (rows["policy"] == "margin")]
    one = one[(one["lead_weeks"] == 4) & (one["order_size"] == "median")]
    cost = (6 * one["short"] + 0.02 * one["stock"] + 0.8 * one["left"]).sum()
    place = (found["source"] == OURS) & (found["policy"] == "margin") & (found["lead_weeks"] == 4)
    (shown,) = found[place & (found["order_size"] == "median")]["cost"]
    assert shown == pytest.approx(100 * cost / one["asked"].sum())
    text = "\n".join([*policy_tables(found), promise_table(found)])
    assert text.count("| shop | 4 | 4 |") == 4
    table = coverage_table(sums.assign(panel="shop"))
    assert SAFETY in table
    assert "| shop |" in table
