"""A small catalogue and its cross-validation, for the tests of tune, train and evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from book_forecast.execution.parts import Part
from book_forecast.options.groups import BacktestOptions
from book_forecast.options.models import BoostingOptions, ModelOptions
from book_forecast.pipelines.train.fits import SCORED
from book_forecast.pipelines.tune.nodes import fit_global_model, forecast_folds, weigh_families
from tests.histories import ALONE, QUICK, checkpoints_in, tune, volumes, weeks_frame

OLD = ["9780241003008", "9780722532935", "9786703444075"]
LAUNCH, DEAD = "9786700000011", "9786700000028"
FAMILIES = ["sarima", "theta", "boosting", "seasonal_naive", "naive"]
HORIZON = 8
BACKTEST = BacktestOptions(split_size=HORIZON, folds=2, step=8, overlap=1, min_train=40)
LEVELS: list[float] = [80, 95]
WEEKS = weeks_frame(
    {
        **{isbn: volumes(i, 120) for i, isbn in enumerate(OLD)},
        LAUNCH: volumes(7, 20),
        DEAD: np.r_[volumes(8, 80), np.zeros(40)],
    }
).assign(promotion=0.0, asp=np.nan, rrp=np.nan)
TITLES = pd.DataFrame({"isbn": WEEKS["isbn"].unique(), "product_class": "F"}).astype("str")


def model_options(*families: str, **changes: Any) -> ModelOptions:
    """Small models of some families, or of all."""
    given = {
        "families": list(families or FAMILIES),
        "calendar": False,
        "seed": 1,
        "tune": QUICK,
        "boosting": BoostingOptions(fits=1, rows=2000, trees=10),
    }
    return ModelOptions.model_validate(given | changes)


MODELS = model_options()


class CrossValidation(NamedTuple):
    """Tables of tune up to the forecasts of the folds."""

    orders: pd.DataFrame
    global_forecasts: pd.DataFrame
    forecasts: pd.DataFrame
    seasons: pd.DataFrame


class Weighting(NamedTuple):
    """Tables that `weigh_families` makes."""

    specifications: pd.DataFrame
    calibration: dict[str, Any]
    backtest: pd.DataFrame
    leaderboard: pd.DataFrame


def cross_validate(
    weeks: pd.DataFrame = WEEKS, models: ModelOptions = MODELS, folder: Path | None = None
) -> CrossValidation:
    """Search, fit the global model and forecast the folds."""
    orders = tune(weeks, models, BACKTEST, folder=folder)[0].frame
    with checkpoints_in(folder) as checkpoints:
        ahead = fit_global_model(weeks, TITLES, None, models, BACKTEST, checkpoints)
    parts = fold_parts(orders, ahead, weeks, models, folder)
    return CrossValidation(orders, ahead, *(part.frame for part in parts))


def fold_parts(
    orders: pd.DataFrame,
    global_forecasts: pd.DataFrame,
    weeks: pd.DataFrame = WEEKS,
    models: ModelOptions = MODELS,
    folder: Path | None = None,
) -> tuple[Part, Part]:
    """Forecasts of the folds, and seasons."""
    with checkpoints_in(folder) as checkpoints:
        return forecast_folds(
            weeks, orders, global_forecasts, None, models, BACKTEST, ALONE, checkpoints
        )


def weigh(found: CrossValidation, models: ModelOptions = MODELS, **changes: Any) -> Weighting:
    """Weights of what was cross-validated; `changes` replace its tables."""
    found = found._replace(**changes)
    tables = weigh_families(
        found.forecasts, found.seasons, found.orders, WEEKS, TITLES, models, LEVELS
    )
    return Weighting(*tables)


def global_forecasts_after(weeks: pd.DataFrame, models: ModelOptions = MODELS) -> pd.DataFrame:
    """Forecasts of the global model after the last of the weeks."""
    with checkpoints_in(None) as checkpoints:
        return SCORED.fit_global_model(weeks, TITLES, None, models, checkpoints)
