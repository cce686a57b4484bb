"""Nodes of the forecast pipeline: from fitted models alone to forecasts."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from book_forecast.forecasters import (
    FittedForecaster,
    Sarima,
    SeasonalNaive,
    TitleForecast,
    forecast_frame,
    restore,
)
from book_forecast.forecasters.base import array
from book_forecast.histories import History
from book_forecast.parallel import map_titles

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TitleOutlook:
    """One title's forecast, complete for another process."""

    isbn: str
    family: str
    state: str
    cutoff: np.datetime64
    horizon: int
    levels: Sequence[float]


def forecast_titles(
    release_models: pd.DataFrame, horizon: int, levels: list[float], n_jobs: int
) -> pd.DataFrame:
    """Forecasts the weeks after the last one that each model was fitted on.

    Args:
        release_models: One row a title: isbn, model, cutoff, state.
        horizon: Weeks ahead.
        levels: Interval levels in percent.
        n_jobs: Processes.

    Returns:
        isbn, week, cutoff, model, mean and `lo-L`, `hi-L` for each level; nothing is negative.
    """
    tasks = [
        TitleOutlook(
            isbn=row["isbn"],
            family=row["model"],
            state=row["state"],
            cutoff=np.datetime64(row["cutoff"], "D"),
            horizon=horizon,
            levels=levels,
        )
        for row in release_models.to_dict("records")
    ]
    found = map_titles(forecast_title, tasks, n_jobs, "Forecasting", on_death=_stand_in, fewest=500)
    frame = forecast_frame(found, levels)
    logger.info("Forecast %d weeks of %d titles", horizon, len(found))
    return frame


def forecast_title(task: TitleOutlook) -> TitleForecast:
    """One title's forecast; where its model fails, seasonal naive's on the same weeks."""
    try:
        model = restore(task.family, json.loads(task.state))
        forecast = model.forecast(task.horizon, task.levels)
    except (ValueError, np.linalg.LinAlgError) as error:
        logger.warning("%s: %s; seasonal naive stands in", task.isbn, error)
        return _stand_in(task)
    return TitleForecast(task.isbn, task.family, task.cutoff, forecast)


def _stand_in(task: TitleOutlook) -> TitleForecast:
    """Seasonal naive's forecast; a baseline's own, which only its process can have stopped."""
    state = json.loads(task.state)
    if task.family == Sarima.family:
        history = History(task.isbn, array(state["volumes"]), task.cutoff)
        model: FittedForecaster = SeasonalNaive.fit(history)
    else:
        model = restore(task.family, state)
    forecast = model.forecast(task.horizon, task.levels)
    return TitleForecast(task.isbn, model.family, task.cutoff, forecast)
