"""Degradation is told from chance, as often as the level of its test says."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.monitoring.degradation import error_ratios, measure_degradation, weekly_errors

N_BEFORE, N_SINCE = 48, 13


def errors(rng: np.random.Generator, titles: int, weeks: int, factor: float) -> pd.DataFrame:
    """Errors of forecasts and of seasonal naive that share the noise of the sales."""
    shared = np.abs(rng.normal(0.0, 1.0, (titles, weeks)))
    shape = (titles, weeks)
    return pd.DataFrame(
        {
            "isbn": np.repeat([f"{n:013d}" for n in range(titles)], weeks),
            "week": np.tile(pd.date_range("2024-01-06", periods=weeks, freq="7D"), titles),
            "error": (factor * (0.6 * shared + 0.4 * np.abs(rng.normal(0, 1, shape)))).ravel(),
            "naive_error": (shared + 0.4 * np.abs(rng.normal(0, 1, shape))).ravel(),
        }
    )


@pytest.mark.parametrize(("factor", "least", "most"), [(1.0, 0.0, 0.02), (2.0, 0.9, 1.0)])
def test_titles_that_degrade_are_found_and_others_are_not(factor, least, most):
    rng = np.random.default_rng(4)
    before = errors(rng, 1000, N_BEFORE, 1.0)
    since = errors(rng, 1000, N_SINCE, factor)
    found = measure_degradation(error_ratios(before), error_ratios(since))
    alarms = ((found["p_value"] < 0.01) & (found["degradation"] > 0.05)).mean()
    assert least <= alarms <= most
    assert found["degradation"].median() == pytest.approx(factor - 1.0, abs=0.1)


def test_a_title_without_enough_weeks_is_not_judged():
    rng = np.random.default_rng(1)
    one_week = errors(rng, 2, 1, 5.0)
    before = errors(rng, 1, N_BEFORE, 1.0)
    found = measure_degradation(error_ratios(before), error_ratios(one_week))
    assert found["isbn"].tolist() == ["0000000000000", "0000000000001"]
    assert found["p_value"].isna().all()
    assert found["weeks"].tolist() == [1, 1]


def test_only_the_next_weeks_with_a_known_year_before_count():
    cutoff = pd.Timestamp("2024-06-01")
    weeks = [cutoff + pd.Timedelta(weeks=k) for k in range(1, 7)]
    forecasts = pd.DataFrame({"isbn": "1", "cutoff": cutoff, "week": weeks, "mean": 10.0})
    known = pd.DataFrame({"isbn": "1", "week": weeks, "volume": 8.0, "naive": [np.nan] + [5.0] * 5})
    found = weekly_errors(forecasts, known)
    assert found["week"].tolist() == weeks[1:4]
    assert found["error"].tolist() == [2.0] * 3
    assert found["naive_error"].tolist() == [3.0] * 3


def test_several_forecasts_of_a_week_count_once():
    week = pd.Timestamp("2024-06-08")
    forecasts = pd.DataFrame(
        {
            "isbn": "1",
            "cutoff": [week - pd.Timedelta(weeks=k) for k in (1, 2)],
            "week": week,
            "mean": [10.0, 14.0],
        }
    )
    known = pd.DataFrame({"isbn": ["1"], "week": [week], "volume": [8.0], "naive": [5.0]})
    assert weekly_errors(forecasts, known)["error"].tolist() == [4.0]
