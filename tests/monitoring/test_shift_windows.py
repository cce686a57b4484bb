"""Windows after cutoffs: what sold, what was expected, and the level of the half year before."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.monitoring.shift_windows import HALF_YEAR, window_ratios

FIRST = pd.Timestamp("2024-01-06")
WINDOW = 4


def day(week: int) -> pd.Timestamp:
    return FIRST + pd.Timedelta(weeks=week)


def forecasts(cutoff: int, mean: float, weeks: int = HALF_YEAR + WINDOW) -> pd.DataFrame:
    days = [day(cutoff + step) for step in range(1, weeks + 1)]
    return pd.DataFrame({"isbn": "a", "cutoff": day(cutoff), "week": days, "mean": mean})


def sales(copies: dict[int, float]) -> pd.DataFrame:
    days = [day(week) for week in copies]
    return pd.DataFrame({"isbn": "a", "week": days, "volume": list(copies.values())})


def newest(tables: list[pd.DataFrame], known: pd.DataFrame) -> pd.Series:
    return window_ratios(pd.concat(tables), known, WINDOW).sort_values("cutoff").iloc[-1]


def test_a_forecast_of_half_a_year_ago_moves_to_the_level_of_the_weeks_since():
    known = sales(dict.fromkeys(range(1, 31), 2000.0))
    found = newest([forecasts(0, 1000.0), forecasts(HALF_YEAR, 4000.0)], known)
    assert found["ratio"] == pytest.approx(np.log(0.5), rel=1e-3)
    assert found["longer"] == pytest.approx(np.log(0.5), rel=1e-3)


def test_it_knows_the_share_of_half_a_year_that_was_sold_since():
    weeks = dict.fromkeys(range(14, 31), 2000.0)
    base = [forecasts(13, 1000.0), forecasts(HALF_YEAR, 4000.0)]
    assert newest(base, sales(weeks))["share"] == pytest.approx(0.5)
    for week in (15, 16):
        del weeks[week]
    found = newest(base, sales(weeks))
    assert found["share"] == pytest.approx(11 / HALF_YEAR)
    assert found["longer"] == pytest.approx(np.log(0.5), rel=1e-3)


@pytest.mark.parametrize("tables", [[], [forecasts(0, 1000.0, weeks=HALF_YEAR)]])
def test_without_a_forecast_that_reaches_the_window_there_is_no_second_reference(tables):
    known = sales(dict.fromkeys(range(1, 31), 2000.0))
    found = newest([*tables, forecasts(HALF_YEAR, 4000.0)], known)
    assert found[["longer", "share"]].tolist() == [0.0, 0.0]


def test_of_two_forecasts_of_the_same_week_the_last_counts():
    known = sales(dict.fromkeys(range(1, 5), 2000.0))
    found = window_ratios(pd.concat([forecasts(0, 1.0), forecasts(0, 2000.0)]), known, WINDOW)
    assert found["expected"].tolist() == [8000.0]


def test_the_scatter_of_weeks_does_not_depend_on_their_level():
    shape = {1: 900.0, 2: 1100.0, 3: 900.0, 4: 1100.0}
    table = forecasts(0, 1000.0)
    known = [sales({week: factor * v for week, v in shape.items()}) for factor in (1.0, 3.0)]
    usual, tripled = (window_ratios(table, one, WINDOW)["scatter"].item() for one in known)
    assert usual == pytest.approx(0.1**2 * 4 / 3, rel=1e-3)
    assert tripled == pytest.approx(usual)


def test_no_forecast_has_no_windows():
    assert window_ratios(forecasts(0, 1.0).head(0), sales({1: 1.0}), WINDOW).empty


def test_a_missing_week_costs_that_week_alone():
    table = pd.concat([forecasts(0, 1000.0), forecasts(HALF_YEAR, 4000.0)])
    weeks = dict.fromkeys(range(1, HALF_YEAR + WINDOW + 1), 2000.0)
    whole = newest([table], sales(weeks))
    del weeks[HALF_YEAR + 2]
    short = newest([table], sales(weeks))
    assert short[["sold", "expected", "known"]].tolist() == [6000.0, 12000.0, 0.75]
    for name in ("ratio", "longer", "share", "scatter"):
        assert short[name] == pytest.approx(whole[name], rel=1e-3)


@pytest.mark.parametrize(("known", "windows"), [(2, 1), (1, 0)])
def test_half_of_the_weeks_must_be_known(known, windows):
    weeks = dict.fromkeys(range(1, known + 1), 2000.0)
    assert len(window_ratios(forecasts(0, 1000.0), sales(weeks), WINDOW)) == windows
