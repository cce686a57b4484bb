"""Level shifts: rare alarms without one, most found with one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.shift_catalogues import Catalogue as Monitored
from book_forecast.monitoring.shifts import (
    FEWEST_WINDOWS,
    ShiftTest,
    find_shifts,
)
from book_forecast.options.monitoring import MonitorOptions
from tests.monitoring.catalogues import WINDOW, Catalogue

MONITOR = MonitorOptions()
RATE = MONITOR.alarm_rate


KINDS = {
    "usual": Monitored(titles=300),
    "walking level": Monitored(titles=300, walk=0.03),
    "shared weeks": Monitored(titles=300, shared=0.05),
    "few recorded weeks": Monitored(titles=300, recorded=4),
    "few titles": Monitored(titles=15, recorded=8),
}


@pytest.mark.parametrize("name", KINDS)
def test_without_a_shift_fewer_than_one_title_in_a_hundred_is_alarmed(name):
    kind = KINDS[name]
    looks = [replace(kind, seed=seed).alarmed(range(0, 8, 4), MONITOR) for seed in (7, 70, 700)]
    tested = 6 * kind.titles
    # One in a hundred, and two deviations of chance.
    assert np.mean(looks) < 0.01 + 2 * np.sqrt(0.01 / tested)


@pytest.mark.parametrize("factor", [0.7, 1.3])
@pytest.mark.parametrize("share", [0.1, 1.0])
def test_a_shift_by_30_percent_is_found_within_four_weeks(factor, share):
    shop = Monitored(copies=400.0, share=share, factor=factor)
    assert shop.found(MONITOR) >= 0.8


def test_half_a_year_counts_where_levels_stay_and_the_newest_forecast_where_they_walk():
    kinds = (Monitored(copies=1000.0, noise=0.2), Monitored(copies=1000.0, walk=0.05))
    still, walking = (ShiftTest.of(kind.windows(kind.shift)[1], WINDOW).half_year for kind in kinds)
    assert still > 0.5
    assert walking < 0.1


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_level_that_the_newest_forecast_knows_has_not_shifted(side):
    kind = Monitored(titles=50)
    latest, past = kind.windows(kind.shift)
    known = latest.assign(ratio=0.01 * side, longer=-0.35 * side, share=1.0)
    assert not find_shifts(known, past, RATE)["shifted"].any()
    unknown = known.assign(ratio=0.35 * side, longer=0.0)
    assert find_shifts(unknown, past, RATE)["shifted"].all()


def test_a_week_as_all_titles_often_share_it_is_no_shift_of_each():
    kind = Monitored(titles=100, copies=1000.0, noise=0.05, shared=0.1)
    latest, past = kind.windows(kind.shift)
    middle = latest["ratio"] - latest["ratio"].median()
    usual = find_shifts(latest.assign(ratio=middle - 0.1, longer=0.0), past, RATE)
    assert usual["shifted"].mean() < 0.02
    beyond = find_shifts(latest.assign(ratio=middle - 0.5, longer=0.0), past, RATE)
    assert beyond["shifted"].mean() > 0.9


def test_a_noisy_title_is_not_alarmed_for_what_it_does_in_every_window():
    catalogue = Catalogue(200, copies=200.0, noise=0.05, seed=2, noisy=20)
    found = find_shifts(catalogue.window(100), catalogue.past(100), RATE)
    noisy = found["isbn"].isin(catalogue.isbns[:20])
    assert found.loc[noisy, "shifted"].mean() < 0.1


def test_few_windows_are_no_evidence():
    catalogue = Catalogue(4, copies=100.0, noise=0.1, seed=0)
    past = catalogue.past(100).head(FEWEST_WINDOWS - 1)
    found = find_shifts(catalogue.shifted(96, 10.0).window(100), past, RATE)
    assert found["p_value"].isna().all()
    assert not found["shifted"].any()


def test_a_title_without_windows_of_its_own_is_held_against_the_others():
    catalogue = Catalogue(50, copies=200.0, noise=0.05, seed=3)
    past = catalogue.past(100)
    known = past[past["isbn"] != catalogue.isbns[0]]
    found = find_shifts(catalogue.shifted(96, 3.0).window(100), known, RATE)
    assert found.set_index("isbn").loc[catalogue.isbns[0], "shifted"]


def test_a_week_that_lacks_most_titles_costs_that_week_and_not_the_test():
    short = Monitored(copies=400.0, short=0.8)
    latest, past = short.windows(short.shift)
    assert len(latest) == short.titles
    assert (latest["known"] == 3 / WINDOW).mean() == pytest.approx(0.8)
    assert not find_shifts(latest, past, RATE)["p_value"].isna().any()
    assert short.moved(0.7).found(MONITOR) >= 0.8
    quiet = [replace(short, seed=seed).alarmed(range(0, 8, 4), MONITOR) for seed in (7, 70, 700)]
    assert np.mean(quiet) < 0.01


def test_a_window_of_fewer_weeks_needs_a_larger_change():
    kind = Monitored(titles=50, copies=1000.0)
    latest, past = kind.windows(kind.shift)
    moved = latest.assign(ratio=-0.2, longer=0.0)
    half = moved.assign(known=0.5, expected=moved["expected"] / 2)
    whole, fewer = (find_shifts(table, past, RATE)["p_value"] for table in (moved, half))
    assert whole.max() < RATE
    assert fewer.min() > RATE


@settings(max_examples=20)
@given(st.floats(0.2, 5.0), st.integers(0, 20))
def test_what_sold_and_what_was_expected_may_be_in_any_unit(factor, seed):
    catalogue = Catalogue(10, copies=1e5, noise=0.1, seed=seed)
    past, latest = catalogue.past(100), catalogue.window(100)
    usual = find_shifts(latest, past, RATE)
    other = find_shifts(scaled(latest, factor), scaled(past, factor), RATE)
    pd.testing.assert_series_equal(usual["p_value"], other["p_value"], rtol=1e-3)


def scaled(windows: pd.DataFrame, factor: float) -> pd.DataFrame:
    """The same windows in another unit."""
    return windows.assign(sold=windows["sold"] * factor, expected=windows["expected"] * factor)
