"""statsforecast's models on short and long series with missing weeks."""

import numpy as np
import pandas as pd

from benchmarks.accuracy.rivals import forecast


def weeks_of(isbn, volumes, last="2024-06-29"):
    dates = pd.Timestamp(last) - pd.to_timedelta(7 * np.arange(len(volumes))[::-1], unit="D")
    frame = pd.DataFrame({"isbn": isbn, "week": dates, "volume": volumes})
    return frame.astype({"isbn": "str", "week": "datetime64[us]"})


def test_every_series_is_forecast_from_the_cutoff_on_without_negative_copies():
    rng = np.random.default_rng(0)
    long = 30.0 + rng.poisson(5, 120)
    long[40:44] = np.nan
    short = rng.poisson(1, 30).astype(float)
    launch = np.array([5.0, 3.0])
    weeks = pd.concat([weeks_of("a", long), weeks_of("b", short), weeks_of("c", launch)])
    found = forecast(weeks, 4, [80, 95])
    assert set(found["isbn"]) == {"a", "b", "c"}
    assert set(found.loc[found["isbn"] == "a", "model"].str.removeprefix("statsforecast ")) == {
        *("AutoARIMA", "AutoETS", "Theta", "MSTL")
    }
    assert not found.loc[found["isbn"] == "b", "model"].str.endswith("MSTL").any()
    assert (found["cutoff"] == pd.Timestamp("2024-06-29")).all()
    assert (found.groupby(["isbn", "model"])["week"].min() == pd.Timestamp("2024-07-06")).all()
    assert (found.groupby(["isbn", "model"]).size() == 4).all()
    assert (found["mean"] >= 0).all()
    old = found[found["isbn"] != "c"]
    assert (old["lo-95"] <= old["lo-80"]).all()
    assert (found["lo-1"] == found["mean"]).all()


def test_of_many_series_a_seeded_sample_is_forecast():
    weeks = pd.concat([weeks_of(f"t{k}", np.full(20, k + 1.0)) for k in range(6)])
    first, again = (forecast(weeks, 2, [80], most=2) for _ in range(2))
    assert first["isbn"].nunique() == 2
    pd.testing.assert_frame_equal(first, again)
