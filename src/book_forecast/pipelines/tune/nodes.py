"""The nodes of the tune pipeline."""

from __future__ import annotations

import pandas as pd

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.forecasters.global_models.forecasts import GlobalModels
from book_forecast.options.groups import BacktestOptions
from book_forecast.options.models import ModelOptions
from book_forecast.pipelines.tune.effort import choose_families
from book_forecast.pipelines.tune.folds import forecast_folds
from book_forecast.pipelines.tune.global_folds import forecast_origins
from book_forecast.pipelines.tune.search import search_orders
from book_forecast.pipelines.tune.strata import stratify_titles
from book_forecast.pipelines.tune.weighting import weigh_families

__all__ = [
    "choose_families",
    "fit_global_model",
    "forecast_folds",
    "search_orders",
    "stratify_titles",
    "weigh_families",
]


def fit_global_model(
    training_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    covariates: pd.DataFrame | None,
    models: ModelOptions,
    backtest: BacktestOptions,
    checkpoints: CheckpointFolder,
) -> pd.DataFrame:
    """Fit the global models before each rolling origin.

    Args:
        training_weeks: isbn, week, volume, promotion, asp, rrp.
        titles: isbn, product_class.
        covariates: isbn, week, name, value; None without any.
        models: The families, and the size of the model.
        backtest: The rolling origins.
        checkpoints: Forecasts of an earlier run with the same inputs.

    Returns:
        isbn, family, cutoff, week, mean, width.
    """
    model = GlobalModels(titles, models, covariates)
    origins = backtest.origins_of_weights(training_weeks["isbn"].nunique())
    cutoffs = origins.cutoffs(training_weeks["week"].max())
    return forecast_origins(model, training_weeks, cutoffs, origins.horizon, checkpoints)
