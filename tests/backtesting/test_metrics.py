"""Scores are utilsforecast's, over the weeks that are known, for titles and over all of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from utilsforecast import losses

from book_forecast.backtesting.metrics import score_forecasts

pytestmark = pytest.mark.filterwarnings("error")

FIRST_WEEK = pd.Timestamp("2018-01-06")
HORIZON = 8
ISBNS = ["9780722532935", "9780241003008", "9781234567897"]
LEVELS = [80, 95]


def sales(volumes: dict[str, np.ndarray]) -> pd.DataFrame:
    """Long weekly frame; every title starts in the same week."""
    parts = [
        pd.DataFrame(
            {
                "isbn": pd.Series([isbn] * len(values), dtype="str"),
                "week": pd.date_range(FIRST_WEEK, periods=len(values), freq="W-SAT"),
                "volume": np.asarray(values, dtype=float),
            }
        )
        for isbn, values in volumes.items()
    ]
    return pd.concat(parts, ignore_index=True)


def random_sales(n_weeks: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return sales({isbn: rng.poisson(20, n_weeks) for isbn in ISBNS})


def forecasts_of(history: pd.DataFrame, model: str, mean: float, cutoff_week: int) -> pd.DataFrame:
    weeks = np.sort(history["week"].unique())
    target = history[history["week"].isin(weeks[cutoff_week : cutoff_week + HORIZON])]
    frame = target[["isbn", "week"]].assign(cutoff=weeks[cutoff_week - 1], model=model, mean=mean)
    for level in LEVELS:
        frame[f"lo-{level}"], frame[f"hi-{level}"] = mean - level / 20, mean + level / 20
    return frame


def value(scores: pd.DataFrame, metric: str, isbn: str = ISBNS[0], model: str = "a") -> float:
    found = scores.query("metric == @metric and isbn == @isbn and model == @model")
    assert len(found) == 1
    return float(found["value"].item())


def test_every_metric_equals_the_library_s_on_long_histories() -> None:
    history = random_sales(160)
    one = forecasts_of(history, "a", 18.5, cutoff_week=152)
    scores = score_forecasts(one, history, history, LEVELS)

    table = one.merge(history, on=["isbn", "week"])
    bounds = [f"{side}-{level}" for level in LEVELS for side in ("lo", "hi")]
    table = table.rename(columns={"mean": "a"} | {bound: f"a-{bound}" for bound in bounds})
    keys: dict[str, Any] = {"id_col": "isbn", "target_col": "volume"}
    scaled: dict[str, Any] = {"seasonality": 52, "train_df": history, "time_col": "week"} | keys
    quantiles = np.array([0.1, 0.9, 0.025, 0.975, 0.5])
    columns = ["a-lo-80", "a-hi-80", "a-lo-95", "a-hi-95", "a"]
    plain = table[["isbn", "cutoff", "week", "volume", *columns]]
    expected = {
        "mae": losses.mae(plain, ["a"], **keys),
        "rmse": losses.rmse(plain, ["a"], **keys),
        "bias": losses.bias(plain, ["a"], **keys),
        "wape": losses.wape(plain, ["a"], **keys),
        "smape": losses.smape(plain, ["a"], **keys),
        "mase": losses.mase(plain, ["a"], **scaled),
        "rmsse": losses.rmsse(plain, ["a"], **scaled),
        "coverage-80": losses.coverage(plain, ["a"], 80, **keys),
        "coverage-95": losses.coverage(plain, ["a"], 95, **keys),
        "scaled_crps": losses.scaled_crps(plain, {"a": columns}, quantiles, **keys),
    }
    for metric, frame in expected.items():
        by_title = frame.set_index("isbn")["a"]
        for isbn in ISBNS:
            assert value(scores, metric, isbn) == pytest.approx(by_title[isbn], rel=1e-12), metric
    assert value(scores, "width-80") == pytest.approx(8.0)
    assert value(scores, "width-95") == pytest.approx(9.5)
    assert set(scores["metric"]) == set(expected) | {"width-80", "width-95"}


def test_all_titles_pool_wape_and_average_the_rest() -> None:
    history = random_sales(160)
    scores = score_forecasts(forecasts_of(history, "a", 10, 152), history, history, LEVELS)
    actual = history.groupby("isbn")["volume"].apply(lambda series: series[152:])
    pooled = (actual - 10).abs().sum() / actual.sum()
    assert value(scores, "wape", "all") == pytest.approx(pooled)
    assert value(scores, "mase", "all") == pytest.approx(
        np.mean([value(scores, "mase", isbn) for isbn in ISBNS])
    )


def test_models_and_cutoffs_in_one_frame_score_as_they_do_alone() -> None:
    history = random_sales(170)
    frames = [
        forecasts_of(history, "a", 15, 150),
        forecasts_of(history, "a", 16, 160),
        forecasts_of(history[history["isbn"] != ISBNS[1]], "b", 25, 160),
    ]
    together = score_forecasts(pd.concat(frames), history, history, LEVELS)
    alone = pd.concat([score_forecasts(frame, history, history, LEVELS) for frame in frames])
    keys = ["isbn", "model", "cutoff", "metric"]
    pd.testing.assert_frame_equal(
        together.sort_values(keys, ignore_index=True), alone.sort_values(keys, ignore_index=True)
    )


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(60, 150))
def test_weeks_after_the_cutoff_never_change_the_scale(seed: int, cutoff_week: int) -> None:
    history = random_sales(160, seed=1)
    frame = forecasts_of(history, "a", 12, cutoff_week)
    later = history["week"] > frame["cutoff"].iloc[0]
    noise = np.random.default_rng(seed).poisson(500, len(history))
    other = history.assign(volume=history["volume"].where(~later, noise))
    pd.testing.assert_frame_equal(
        score_forecasts(frame, history, history, LEVELS),
        score_forecasts(frame, history, other, LEVELS),
    )


def test_missing_actual_weeks_are_left_out_of_every_metric() -> None:
    history = random_sales(160)
    frame = forecasts_of(history, "a", 12, 152)
    missing = sorted(frame["week"].unique())[2:4]
    actuals = history.assign(volume=history["volume"].where(~history["week"].isin(missing)))
    pd.testing.assert_frame_equal(
        score_forecasts(frame, actuals, history, LEVELS),
        score_forecasts(frame[~frame["week"].isin(missing)], history, history, LEVELS),
    )


def test_missing_weeks_of_the_history_are_left_out_of_the_scale() -> None:
    rng = np.random.default_rng(3)
    volumes = rng.poisson(9, 200).astype(float)
    volumes[100:112] = np.nan
    history = sales({ISBNS[0]: volumes})
    frame = forecasts_of(history, "a", 7, 192)
    errors = np.abs(volumes[192:] - 7)
    scale = np.nanmean(np.abs(volumes[52:192] - volumes[:140]))
    scores = score_forecasts(frame, history, history, LEVELS)
    assert value(scores, "mase") == pytest.approx(errors.mean() / scale)


def test_less_than_a_season_of_pairs_is_scaled_by_last_week() -> None:
    volumes = np.random.default_rng(4).poisson(9, 90).astype(float)
    history = sales({ISBNS[0]: volumes})
    scores = score_forecasts(forecasts_of(history, "a", 7, 82), history, history, LEVELS)
    errors = volumes[82:] - 7
    steps = np.diff(volumes[:82])
    assert value(scores, "mase") == pytest.approx(np.abs(errors).mean() / np.abs(steps).mean())
    rmsse = np.sqrt((errors**2).mean() / (steps**2).mean())
    assert value(scores, "rmsse") == pytest.approx(rmsse)


def test_a_title_that_sold_nothing_has_defined_errors_and_undefined_ratios() -> None:
    volumes = np.concatenate([np.random.default_rng(5).poisson(5, 150), np.zeros(10)])
    history = sales({ISBNS[0]: volumes, ISBNS[1]: np.full(160, 4.0)})
    scores = score_forecasts(forecasts_of(history, "a", 2, 152), history, history, LEVELS)
    assert value(scores, "mae") == 2
    assert value(scores, "smape") == 1
    assert np.isfinite(value(scores, "mase"))
    assert np.isnan(value(scores, "wape"))
    assert np.isnan(value(scores, "scaled_crps"))
    assert value(scores, "wape", "all") == pytest.approx((2 * 8 + 2 * 8) / (4 * 8))
    assert value(scores, "scaled_crps", "all") == value(scores, "scaled_crps", ISBNS[1])


def test_a_history_that_never_changes_has_no_scaled_error() -> None:
    history = sales({ISBNS[0]: np.full(160, 4.0)})
    scores = score_forecasts(forecasts_of(history, "a", 2, 152), history, history, LEVELS)
    assert np.isnan(value(scores, "mase"))
    assert np.isnan(value(scores, "rmsse"))
    assert value(scores, "wape") == 0.5


def test_a_model_without_bounds_has_no_interval_scores() -> None:
    history = random_sales(160)
    bounds = [f"{side}-{level}" for level in LEVELS for side in ("lo", "hi")]
    plain = forecasts_of(history, "b", 12, 152).assign(**dict.fromkeys(bounds, np.nan))
    both = pd.concat([forecasts_of(history, "a", 12, 152), plain])
    scores = score_forecasts(both, history, history, LEVELS)
    for metric in ("coverage-80", "width-95", "scaled_crps"):
        assert np.isfinite(value(scores, metric, model="a"))
        assert np.isnan(value(scores, metric, model="b"))
    assert value(scores, "mae", model="b") == value(scores, "mae", model="a")


def test_no_levels_means_point_metrics_only() -> None:
    history = random_sales(160)
    scores = score_forecasts(forecasts_of(history, "a", 12, 152), history, history, [])
    assert set(scores["metric"]) == {"mae", "rmse", "bias", "wape", "smape", "mase", "rmsse"}


def test_forecasts_without_known_weeks_give_an_empty_frame_of_the_same_types() -> None:
    history = random_sales(160)
    frame = forecasts_of(history, "a", 12, 152)
    unknown = history.assign(volume=np.nan)
    scores = score_forecasts(frame, unknown, history, LEVELS)
    full = score_forecasts(frame, history, history, LEVELS)
    assert scores.empty
    pd.testing.assert_series_equal(scores.dtypes, full.dtypes)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda frame: pd.concat([frame, frame.head(2)]), "2 forecasts repeat"),
        (lambda frame: frame.assign(mean=np.nan), "without a mean"),
        (lambda frame: frame.drop(columns="hi-95"), "hi-95"),
    ],
)
def test_a_frame_that_is_no_set_of_forecasts_is_refused(
    spoil: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    history = random_sales(160)
    with pytest.raises(ValueError, match=message):
        score_forecasts(spoil(forecasts_of(history, "a", 1, 152)), history, history, LEVELS)
