"""Forecasts of many titles as one long frame."""

import numpy as np
import pandas as pd

from book_forecast.forecasters.frames import TitleForecast, forecast_frame
from book_forecast.forecasters.naive import Naive
from tests.histories import CUTOFF, history

TYPES = {"isbn": "str", "week": "datetime64[us]", "cutoff": "datetime64[us]", "model": "str"}


def forecast(isbn: str, last: float, horizon: int, cutoff: np.datetime64 = CUTOFF) -> TitleForecast:
    model = Naive.fit(history(np.array([last + 2.0, last]), isbn))
    return TitleForecast(isbn, model.family, cutoff, model.forecast(horizon, (80, 97.5)))


def test_forecasts_stand_one_under_the_other_by_the_saturdays_after_their_cutoffs():
    earlier = CUTOFF - 14
    frame = forecast_frame([forecast("b", 5.0, 2), forecast("a", 7.0, 3, earlier)], [80, 97.5])
    assert frame["isbn"].tolist() == ["b", "b", "a", "a", "a"]
    assert frame["mean"].tolist() == [5.0, 5.0, 7.0, 7.0, 7.0]
    days = [np.timedelta64(7 * k, "D") for k in (1, 2)]
    assert frame["week"].tolist()[:2] == [pd.Timestamp(CUTOFF + d) for d in days]
    assert (frame["week"] - frame["cutoff"]).dt.days.tolist() == [7, 14, 7, 14, 21]
    assert (frame["week"].dt.day_name() == "Saturday").all()


def test_the_columns_are_those_of_a_forecasts_frame():
    frame = forecast_frame([forecast("a", 5.0, 1)], [80, 97.5])
    bounds = ["lo-80", "hi-80", "lo-97.5", "hi-97.5"]
    assert list(frame.columns) == [*TYPES, "mean", *bounds]
    types = frame.dtypes.astype(str)
    assert types[list(TYPES)].to_dict() == TYPES
    assert (types[["mean", *bounds]] == "float64").all()


def test_no_forecast_makes_an_empty_frame_of_the_same_columns_and_types():
    empty = forecast_frame([], [80, 97.5])
    full = forecast_frame([forecast("a", 5.0, 1)], [80, 97.5])
    pd.testing.assert_frame_equal(empty, full.head(0))
