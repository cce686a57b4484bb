"""A panel of weekly series forecast by the pipelines' nodes, without Kedro around them."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from benchmarks.runs import configured
from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.options.groups import BacktestOptions, ExecutionOptions
from book_forecast.options.models import ModelOptions, RegressorOptions
from book_forecast.options.values import FAMILIES, Family
from book_forecast.pipelines.evaluate.known_weeks import forecast_known_weeks
from book_forecast.pipelines.train.fits import SCORED
from book_forecast.pipelines.tune import nodes as tune


@dataclass(frozen=True)
class Panel:
    """Series up to a cutoff.

    Attributes:
        weeks: isbn, week, volume, promotion, asp, rrp: training weeks alone.
        titles: isbn, product_class.
        horizon: Weeks to forecast, and weeks between two rolling origins.
        calendar: Whether the English calendar applies to them.
        covariates: isbn, week, name, value; None without any.
        rules: How covariates continue ahead; None as configured.
    """

    weeks: pd.DataFrame
    titles: pd.DataFrame
    horizon: int
    calendar: bool = False
    covariates: pd.DataFrame | None = None
    rules: RegressorOptions | None = None

    def models(self, families: Sequence[Family]) -> ModelOptions:
        """Return the configured options with some families."""
        models = configured()
        rules = self.rules or models.regressors
        changes = {"families": [*families], "calendar": self.calendar, "regressors": rules}
        return models.model_copy(update=changes)


def forecast_panel(
    panel: Panel,
    families: Sequence[Family] = FAMILIES,
    levels: Sequence[float] = (80, 95),
    n_jobs: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    """Forecast the weeks after the panel's last by the ensemble and each of its families.

    Returns:
        A forecasts frame with the models `ensemble` and the families; the leaderboard; seconds.
    """
    began = time.monotonic()
    weeks, titles, covariates = panel.weeks, panel.titles, panel.covariates
    models, bands = panel.models(families), [*levels]
    backtest = BacktestOptions(split_size=panel.horizon, step=panel.horizon)
    execution = ExecutionOptions(n_jobs=n_jobs)
    fits = replace(SCORED, is_now=True)
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = CheckpointFolder(Path(folder))
        work = (models, backtest, execution, checkpoints)
        at_folds = tune.fit_global_model(weeks, titles, covariates, models, backtest, checkpoints)
        strata = tune.stratify_titles(weeks, titles, "all", models)
        choice = tune.choose_families(
            weeks, strata, at_folds, covariates, models, backtest, n_jobs, checkpoints
        )
        orders = tune.search_orders(weeks, choice, *work)[0].frame
        folds, seasons = tune.forecast_folds(weeks, orders, at_folds, covariates, *work)
        specifications, calibration, rolled, board = tune.weigh_families(
            folds.frame, seasons.frame, orders, weeks, titles, models, bands
        )
        ahead = fits.fit_global_model(weeks, titles, covariates, models, checkpoints)
        made = (specifications, calibration, ahead, covariates, models, execution, checkpoints)
        fitted = fits.fit_titles(weeks, *made).frame
        tested = forecast_known_weeks(
            weeks, fitted, rolled, backtest, bands, execution, checkpoints
        )[0].frame
    own = tested.merge(fitted[["isbn", "model"]], on=["isbn", "model"]).assign(model="ensemble")
    others = tested[tested["model"] != "ensemble"]
    return pd.concat([own, others], ignore_index=True), board, time.monotonic() - began
