"""Nodes of a tuning that follows a retraining plan: some titles are tuned anew.

What titles share is carried from the former tuning: families of a stratum, rolling origins, the
global models' forecasts there, and the other titles' out-of-fold forecasts. Origins that the weeks
since then make room for are added. A plan that tunes every title carries nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.backtesting.rolling_origins import Fold
from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.parts import Part
from book_forecast.forecasters.global_models.forecasts import FORECAST_TYPES, GlobalModels
from book_forecast.options.groups import BacktestOptions, ExecutionOptions
from book_forecast.options.models import ModelOptions
from book_forecast.pipelines.tune.fold_tasks import FEWEST_WEEKS_BEFORE_FOLD
from book_forecast.pipelines.tune.folds import SEASON_TYPES, fold_frame, forecast_tasks
from book_forecast.pipelines.tune.global_folds import forecast_origins
from book_forecast.pipelines.tune.strata import stratify_titles
from book_forecast.pipelines.tune.weighting import weigh_families
from book_forecast.releases.retraining import RETUNE, is_whole, with_decision
from book_forecast.series.history import WEEK, History, weeks_between


def take_retuned(training_weeks: pd.DataFrame, retraining_plan: pd.DataFrame) -> pd.DataFrame:
    """Return the training weeks of the titles that are tuned anew.

    Args:
        training_weeks: isbn, week, volume.
        retraining_plan: isbn, decision.
    """
    retuned = with_decision(retraining_plan, RETUNE)
    return training_weeks[training_weeks["isbn"].isin(retuned)].reset_index(drop=True)


def stratify_planned(
    training_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    wanted: str | list[str],
    models: ModelOptions,
    retraining_plan: pd.DataFrame,
) -> pd.DataFrame:
    """Sort the titles into strata; see `stratify_titles`. Only a whole plan draws a sample."""
    strata = stratify_titles(training_weeks, titles, wanted, models)
    return strata if is_whole(retraining_plan) else strata.assign(is_sampled=False)


def place_origins(
    training_weeks: pd.DataFrame,
    backtest: BacktestOptions,
    former_fold_forecasts: pd.DataFrame | None,
    retraining_plan: pd.DataFrame,
) -> dict[str, Any]:
    """Place the rolling origins: those of the former tuning, and later ones as far apart.

    Args:
        training_weeks: isbn, week, volume.
        backtest: The rolling origins of a whole tuning.
        former_fold_forecasts: isbn, cutoff; None without a former tuning.
        retraining_plan: isbn, decision.

    Returns:
        cutoffs, ISO dates, the latest first, and backtest, as plain data.
    """
    last = training_weeks["week"].max()
    former = former_fold_forecasts
    if is_whole(retraining_plan) or former is None or former.empty:
        origins = backtest.origins_of_weights(training_weeks["isbn"].nunique())
        cutoffs = origins.cutoffs(last)
    else:
        cutoffs = sorted(former["cutoff"].unique())
        apart = np.diff(np.array(cutoffs, dtype="datetime64[D]")) // WEEK
        step = int(np.median(apart)) if len(apart) else backtest.origins.step
        while cutoffs[-1] + (step + backtest.split_size) * WEEK <= last:
            cutoffs.append(cutoffs[-1] + step * WEEK)
        cutoffs = cutoffs[::-1]
    days = [f"{cutoff:%Y-%m-%d}" for cutoff in cutoffs]
    return {"cutoffs": days, "backtest": backtest.model_dump(mode="json")}


def extend_global_folds(
    training_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    covariates: pd.DataFrame | None,
    models: ModelOptions,
    fold_grid: Mapping[str, Any],
    checkpoints: CheckpointFolder,
    former_fold_global_forecasts: pd.DataFrame | None,
    retraining_plan: pd.DataFrame,
) -> pd.DataFrame:
    """Return the global models' forecasts at the rolling origins; new origins are fitted.

    Args:
        training_weeks: isbn, week, volume, promotion, asp, rrp.
        titles: isbn, product_class.
        covariates: isbn, week, name, value; None without any.
        models: The families, and the size of the model.
        fold_grid: As `place_origins` returns it.
        checkpoints: Forecasts of an earlier run with the same inputs.
        former_fold_global_forecasts: Those of the former tuning; None without one.
        retraining_plan: isbn, decision.

    Returns:
        isbn, family, cutoff, week, mean, `WIDTH`; forecasts of older code have no widths.
    """
    former = former_fold_global_forecasts
    if former is None or is_whole(retraining_plan):
        former = pd.DataFrame(columns=list(FORECAST_TYPES)).astype(FORECAST_TYPES)
    if not with_decision(retraining_plan, RETUNE):
        return former
    wanted = [pd.Timestamp(day) for day in fold_grid["cutoffs"]]
    missing = [cutoff for cutoff in wanted if not (former["cutoff"] == cutoff).any()]
    horizon = BacktestOptions.model_validate(fold_grid["backtest"]).split_size
    model = GlobalModels(titles, models, covariates)
    if not missing or not model.families:
        return former
    made = forecast_origins(model, training_weeks, missing, horizon, checkpoints)
    return pd.concat([former, made], ignore_index=True).astype(FORECAST_TYPES)


def forecast_planned_folds(
    retuned_weeks: pd.DataFrame,
    refresh_orders: pd.DataFrame,
    fold_global_forecasts: pd.DataFrame,
    covariates: pd.DataFrame | None,
    models: ModelOptions,
    fold_grid: Mapping[str, Any],
    execution: ExecutionOptions,
    checkpoints: CheckpointFolder,
) -> tuple[Part, Part]:
    """Fit every family before each origin of the grid; see `forecast_folds`.

    Args:
        retuned_weeks: isbn, week, volume of the titles that are tuned anew.
        refresh_orders: One row per title, as `search_orders` returns them.
        fold_global_forecasts: As `extend_global_folds` returns them.
        covariates: isbn, week, name, value; None without any.
        models: The families.
        fold_grid: As `place_origins` returns it.
        execution: Processes and shard.
        checkpoints: Finished titles, from which a stopped run resumes.
    """
    cutoffs = [np.datetime64(day, "D") for day in fold_grid["cutoffs"]]
    backtest = BacktestOptions.model_validate(fold_grid["backtest"])
    mine = fold_global_forecasts["isbn"].isin(retuned_weeks["isbn"].unique())

    def folds_of(history: History) -> list[Fold]:
        ends = [history.n_weeks - weeks_between(cutoff, history.cutoff) for cutoff in cutoffs]
        enough = [origin for origin in ends if origin >= FEWEST_WEEKS_BEFORE_FOLD]
        return [Fold(origin, backtest.split_size) for origin in enough]

    return forecast_tasks(
        retuned_weeks,
        refresh_orders,
        fold_global_forecasts[mine],
        covariates,
        models,
        backtest,
        execution,
        checkpoints,
        folds_of,
        dict(fold_grid),
    )


def weigh_planned(
    fold_forecasts: pd.DataFrame,
    seasons: pd.DataFrame,
    sarima_orders: pd.DataFrame,
    training_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    models: ModelOptions,
    levels: list[float],
    retraining_plan: pd.DataFrame,
) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Weight the families with the folds of all titles; see `weigh_families`.

    Without a title to tune there is nothing to weight, and the tables have no rows.
    """
    if not with_decision(retraining_plan, RETUNE):
        fold_forecasts, _ = fold_frame([], models.families)
        seasons = pd.DataFrame(columns=list(SEASON_TYPES)).astype(SEASON_TYPES)
        sarima_orders = sarima_orders.head(0)
    found: tuple[pd.DataFrame, dict[str, Any], pd.DataFrame, pd.DataFrame] = weigh_families(
        fold_forecasts, seasons, sarima_orders, training_weeks, titles, models, levels
    )
    return found
