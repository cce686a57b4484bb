"""What forecasts consist of: parts that add up on the scale of log(1 + copies)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from book_forecast.forecasters.explanation import parts_of
from book_forecast.forecasters.naive import SeasonalNaive
from tests.histories import history, volumes

means = arrays(float, 104, elements=st.floats(0, 1e6))
logs = arrays(float, 104, elements=st.floats(-5, 5))
NAMES = st.sampled_from(["level", "season", "holidays", "promotion", "other"])
YEARS = np.arange(104) / 52


@given(means, st.dictionaries(NAMES, logs))
def test_the_parts_make_up_the_forecast_whatever_a_model_tells(mean, told):
    parts = parts_of(mean, told)
    assert np.sum(list(parts.values()), axis=0) == pytest.approx(np.log1p(mean), abs=1e-8)
    for name, values in told.items():
        if name not in ("level", "other"):
            assert np.array_equal(parts[name], values)


@given(means, st.dictionaries(NAMES, logs))
def test_the_level_stays_and_the_trend_begins_at_nothing(mean, told):
    parts = parts_of(mean, told)
    assert np.ptp(parts["level"]) == 0
    assert parts["trend"][0] == 0
    assert np.diff(parts["trend"]) == pytest.approx(parts["trend"][1], abs=1e-8)


def test_growth_is_trend_and_what_returns_each_year_is_season():
    season = np.cos(2 * np.pi * YEARS)
    parts = parts_of(np.expm1(4.0 + 0.2 * YEARS + season), {})
    assert parts["level"] == pytest.approx(np.full(104, 4.0), abs=1e-9)
    assert parts["trend"] == pytest.approx(0.2 * YEARS, abs=1e-9)
    assert parts["season"] == pytest.approx(season, abs=1e-9)
    assert parts["other"] == pytest.approx(np.zeros(104), abs=1e-9)


def test_a_week_of_one_year_alone_is_no_season():
    mean = np.full(104, 50.0)
    mean[3] = 500.0
    parts = parts_of(mean, {})
    assert parts["other"][3] > 0.4
    assert np.argmax(np.abs(parts["other"])) in (3, 55)


def test_a_season_that_a_model_tells_is_taken_from_it():
    season = np.sin(2 * np.pi * YEARS)
    told = {"level": np.full(104, 9.0), "season": season, "holidays": np.eye(104)[7]}
    parts = parts_of(np.expm1(4.0 + season + np.eye(104)[7]), told)
    assert parts["holidays"][7] == 1.0
    assert parts["level"] == pytest.approx(np.full(104, 4.0), abs=1e-9)
    assert parts["other"] == pytest.approx(np.zeros(104), abs=1e-9)


def test_a_model_that_cannot_tell_says_nothing():
    assert SeasonalNaive.fit(history(volumes(1))).explain(8) == {}
