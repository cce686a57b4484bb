"""Level shifts: rare alarms without one, most found with one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from book_forecast.monitoring.shifts import FEWEST_WINDOWS, find_shifts, window_ratios
from tests.monitoring.catalogues import Catalogue

RATE = 0.005


@pytest.mark.parametrize("seed", range(3))
def test_without_a_shift_fewer_than_one_title_in_a_hundred_is_alarmed(seed):
    catalogue = Catalogue(400, copies=60.0, noise=0.15, seed=seed)
    alarmed = [
        find_shifts(catalogue.window(week), catalogue.past(week), RATE)["shifted"].mean()
        for week in range(100, 110)
    ]
    assert np.mean(alarmed) < 0.01


@pytest.mark.parametrize("factor", [1.3, 1 / 1.3])
def test_a_shift_by_30_percent_is_found_within_four_weeks(factor):
    catalogue = Catalogue(300, copies=400.0, noise=0.05, seed=1)
    shifted = catalogue.shifted(100, factor)
    found = find_shifts(shifted.window(104), catalogue.past(100), RATE)
    assert found["shifted"].mean() > 0.8
    assert (np.sign(found.loc[found["shifted"], "change"]) == np.sign(factor - 1)).all()


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


def test_a_window_with_a_missing_week_is_not_looked_at():
    catalogue = Catalogue(3, copies=100.0, noise=0.1, seed=0)
    forecasts, known = catalogue.forecasts(100), catalogue.known(100)
    ratios = window_ratios(forecasts, known.drop(index=known.index[0]), 4)
    assert len(ratios) == 2


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
