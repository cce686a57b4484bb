"""Errors of recorded forecasts, added up."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.monitoring.errors import (
    added_up,
    forecast_errors,
    known_weeks,
    levels_of,
    measures,
    tracking_signal,
)
from tests.releases import payloads

ISBN = payloads.isbn(0)
WEEKS = pd.date_range("2023-01-07", periods=60, freq="7D")
SALES = pd.DataFrame({"isbn": ISBN, "week": WEEKS, "volume": np.arange(60.0) + 100.0})


def forecasts(cutoff: int = 53, error: float = 10.0, horizon: int = 6) -> pd.DataFrame:
    """Forecasts after a week that are too high by some copies; the interval is 20 copies wide."""
    ahead = SALES.iloc[cutoff + 1 : cutoff + 1 + horizon]
    mean = ahead["volume"] + error
    return pd.DataFrame(
        {
            "isbn": ISBN,
            "week": ahead["week"],
            "cutoff": WEEKS[cutoff],
            "release": "r",
            "mean": mean,
            "lo-80": mean - 9.0,
            "hi-80": mean + 11.0,
        }
    )


def test_errors_are_those_of_the_weeks_that_are_known_and_of_a_year_before():
    errors = forecast_errors(forecasts(), known_weeks(SALES), [80])
    sums = added_up([errors], ["release"])
    assert sums["n"].item() == 6
    assert sums["error"].item() == 60.0
    assert sums["naive_error"].item() == 6 * 52.0
    found = measures(sums, [80]).iloc[0]
    sold = SALES["volume"].iloc[54:60].sum()
    assert found["wape"] == pytest.approx(60.0 / sold)
    assert found["bias"] == pytest.approx(60.0 / sold)
    assert found["ratio"] == pytest.approx(10.0 / 52.0)
    assert found["coverage-80"] == 0.0


def test_a_missing_week_counts_neither_as_an_error_nor_as_a_year_before():
    sales = SALES.assign(volume=SALES["volume"].mask(SALES.index.isin([55, 2])))
    errors = forecast_errors(forecasts(), known_weeks(sales), [80])
    assert len(errors) == 5
    assert errors["naive_n"].sum() == 4


def test_weeks_ahead_fall_into_horizons():
    errors = forecast_errors(forecasts(), known_weeks(SALES), [80])
    assert errors["horizon"].tolist() == ["1 to 4"] * 4 + ["5 to 13"] * 2


def test_sums_of_parts_are_those_of_the_whole():
    known = known_weeks(SALES)
    parts = [forecast_errors(forecasts(cutoff), known, [80]) for cutoff in (50, 53)]
    whole = added_up([pd.concat(parts)], ["horizon"])
    pd.testing.assert_frame_equal(added_up(parts, ["horizon"]), whole)


def test_the_tracking_signal_tells_bias_from_noise():
    cutoffs = pd.DataFrame({"name": "x", "cutoff": range(10)})
    biased = tracking_signal(cutoffs.assign(error=5.0), ["name"])
    noisy = tracking_signal(cutoffs.assign(error=[5.0, -5.0] * 5), ["name"])
    assert biased["tracking_signal"].item() == 10.0
    assert noisy["tracking_signal"].item() == 0.0


def test_levels_are_those_of_the_columns():
    frame = pd.DataFrame(columns=["mean", "lo-80", "hi-80", "lo-97.5", "hi-97.5"])
    assert levels_of(frame) == [80, 97.5]
