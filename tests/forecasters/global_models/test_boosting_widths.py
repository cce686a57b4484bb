"""The distance of two quantiles shows in which weeks the boosting is less sure."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.forecasters.global_models.boosting_widths import NARROWEST
from book_forecast.forecasters.global_models.forecasts import forecast_all
from book_forecast.options.models import BoostingOptions, ModelOptions
from tests.histories import CUTOFF, weeks_frame

SIZE = BoostingOptions(fits=1, rows=16_000, rows_per_title=1_000, trees=60, learning_rate=0.2)
MODELS = ModelOptions(families=["boosting"], boosting=SIZE, seed=1)
HORIZON = 52
N_WEEKS = 312


def week_of_year(weeks: np.ndarray) -> np.ndarray:
    days = weeks.astype("datetime64[D]")
    return (days - days.astype("datetime64[Y]")).astype(np.int64) // 7


def is_restless(weeks: np.ndarray) -> np.ndarray:
    return (week_of_year(weeks) >= 20) & (week_of_year(weeks) < 32)


def catalogue(titles: int = 16) -> dict[str, np.ndarray]:
    """Sales around one level, which lie far from it in the same weeks of every year."""
    weeks = CUTOFF - 7 * np.arange(N_WEEKS)[::-1]
    sizes = np.where(is_restless(weeks), 0.8, 0.1)
    rng = np.random.default_rng(3)
    return {
        f"97800000000{number:02}": np.round(200.0 * np.exp(rng.normal(0.0, sizes)))
        for number in range(titles)
    }


def widths_of(histories: dict[str, np.ndarray], models: ModelOptions = MODELS) -> pd.DataFrame:
    return forecast_all(weeks_frame(histories), None, CUTOFF, HORIZON, models)


def test_weeks_of_the_year_whose_sales_lie_farther_apart_are_wider():
    found = widths_of(catalogue())
    restless = is_restless(found["week"].to_numpy())
    widths = found["width"].to_numpy()
    assert widths[restless].mean() > widths[~restless].mean() + 0.5


def test_too_few_rows_show_no_width():
    found = widths_of({"9780000000001": np.arange(20.0)})
    assert np.isfinite(found["mean"]).all()
    assert (found["width"] == 0.0).all()


def test_quantiles_that_cross_have_the_least_width():
    rng = np.random.default_rng(1)
    few = {f"97800000000{n:02}": (rng.random(N_WEEKS) < 0.02).astype(float) for n in range(16)}
    assert widths_of(few)["width"].min() == pytest.approx(np.log(NARROWEST), rel=1e-6)


def test_a_plan_of_promotions_changes_no_width():
    """It may change after the training; weeks of a promotion have a factor of their own."""
    rng = np.random.default_rng(2)
    weeks = weeks_frame(catalogue())
    weeks = weeks.assign(promotion=np.where(rng.random(len(weeks)) < 0.1, 0.3, 0.0))
    ahead = CUTOFF + 7 * np.arange(1, HORIZON + 1)
    isbns = weeks["isbn"].unique()
    plan = pd.DataFrame(
        {
            "isbn": np.repeat(isbns, HORIZON),
            "week": np.tile(ahead, len(isbns)).astype("datetime64[us]"),
            "promotion": 0.3,
        }
    )
    planned, unknown = (
        forecast_all(weeks, None, CUTOFF, HORIZON, MODELS, planned=known) for known in (plan, None)
    )
    assert (planned["mean"] != unknown["mean"]).any()
    assert planned["width"].tolist() == unknown["width"].tolist()


def test_a_title_has_the_same_widths_whatever_else_is_forecast():
    weeks = weeks_frame(catalogue())
    isbn = weeks["isbn"].iloc[0]
    whole = forecast_all(weeks, None, CUTOFF, HORIZON, MODELS)
    alone = forecast_all(weeks, None, CUTOFF, 10, MODELS, wanted=[isbn])
    same = whole[(whole["isbn"] == isbn) & (whole["week"] <= alone["week"].max())]
    assert alone["width"].tolist() == same["width"].tolist()


def test_other_models_have_no_widths():
    models = MODELS.model_copy(update={"families": ["boosting", "autoregression"]})
    found = widths_of(catalogue(20), models).groupby("family")["width"]
    assert found.count().to_dict() == {"autoregression": 0, "boosting": 20 * HORIZON}
