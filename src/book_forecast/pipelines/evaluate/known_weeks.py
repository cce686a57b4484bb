"""Forecasts of weeks that the models have not seen: the test weeks and the folds."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.execution.parallel import FEWEST_QUICK, map_titles
from book_forecast.execution.parts import Part
from book_forecast.forecasters.base import FittedForecaster, Forecast
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.frames import TitleForecast, forecast_frame
from book_forecast.forecasters.launches.launch import Launch
from book_forecast.forecasters.naive import Naive, SeasonalNaive
from book_forecast.forecasters.restoring import restore
from book_forecast.forecasters.sarima import Sarima
from book_forecast.options.groups import BacktestOptions, ExecutionOptions
from book_forecast.payload.contents import Payload
from book_forecast.sarima import compile_core
from book_forecast.series.history import FloatArray, History, title_histories

logger = logging.getLogger(__name__)

# Dataclasses that checkpoints hold.
KINDS = (TitleForecast, Forecast)


@dataclass(frozen=True)
class TitleEvaluation:
    """One title's evaluation, complete for another process."""

    history: History
    family: str
    state: Mapping[str, Any]
    backtest: BacktestOptions
    levels: Sequence[float]

    @property
    def isbn(self) -> str:
        """The title."""
        return self.history.isbn


@dataclass(frozen=True)
class ChampionModel:
    """One title's model of the champion, complete for another process."""

    isbn: str
    release: str
    family: str
    state: Mapping[str, Any]
    cutoff: np.datetime64
    horizon: int
    levels: Sequence[float]


def forecast_known_weeks(
    training_weeks: pd.DataFrame,
    training_models: pd.DataFrame,
    ensemble_backtest: pd.DataFrame,
    backtest: BacktestOptions,
    levels: list[float],
    execution: ExecutionOptions,
    checkpoints: CheckpointFolder,
) -> tuple[Part, Part]:
    """Forecast the test weeks, and the folds inside the training weeks.

    Args:
        training_weeks: isbn, week, volume.
        training_models: Fitted on these weeks, one row per title.
        ensemble_backtest: Forecasts frame of ensembles at the folds, as tune has written it;
            ensembles are not fitted there again.
        backtest: Test set and rolling origins.
        levels: Interval levels in percent.
        execution: Processes and shard.
        checkpoints: Finished titles, from which a stopped run resumes.

    Returns:
        Two forecasts frames, of the test weeks and of the folds, each with the chosen model,
        seasonal naive and naive, on the test weeks also with the members of an ensemble. At a
        rolling origin a single model is fitted anew on the weeks before it.
    """
    models = {row["isbn"]: row for row in training_models.to_dict("records")}
    tasks = [
        TitleEvaluation(
            history=history,
            family=models[history.isbn]["model"],
            state=json.loads(models[history.isbn]["state"]),
            backtest=backtest,
            levels=levels,
        )
        for history in execution.shard.take(title_histories(training_weeks))
        if history.isbn in models
    ]
    generation = fingerprint(
        [training_weeks[["isbn", "week", "volume"]], training_models, ensemble_backtest],
        [backtest, levels],
        code_fingerprint(__name__),
    )
    found = map_titles(
        evaluate_title,
        tasks,
        execution.n_jobs,
        "Evaluating",
        on_death=_after_death,
        prepare=compile_core,
        fewest=FEWEST_QUICK,
        chunk=4,
        checkpoint=checkpoints.open("forecast_known_weeks", generation, *KINDS),
    )
    tested = forecast_frame([item for test, _ in found for item in test], levels)
    rolled = forecast_frame([item for _, rolling in found for item in rolling], levels)
    rolled = _with_ensembles(rolled, ensemble_backtest, tasks)
    shard = execution.shard
    return Part(tested, generation, shard), Part(rolled, generation, shard)


def forecast_with_champion(
    champion: Payload | None,
    champion_models: pd.DataFrame,
    backtest: BacktestOptions,
    levels: list[float],
    execution: ExecutionOptions,
    checkpoints: CheckpointFolder,
) -> Part:
    """Forecast the test weeks with the champion's specifications.

    Args:
        champion: The release; None where there is none.
        champion_models: Its specifications, fitted on the candidate's training weeks.
        backtest: The test set.
        levels: Interval levels in percent.
        execution: Processes and shard.
        checkpoints: Finished titles, from which a stopped run resumes.

    Returns:
        A forecasts frame with the champion's id as the model; no row of a title that cannot be
        forecast.
    """
    release = "" if champion is None else champion.release
    rows = champion_models.sort_values("isbn").to_dict("records") if release else []
    tasks = [
        ChampionModel(
            isbn=row["isbn"],
            release=release,
            family=row["model"],
            state=json.loads(row["state"]),
            cutoff=np.datetime64(row["cutoff"], "D"),
            horizon=backtest.split_size,
            levels=levels,
        )
        for row in execution.shard.take(rows)
    ]
    generation = fingerprint(
        [release, champion_models, backtest.split_size, levels], code_fingerprint(__name__)
    )
    found = map_titles(
        forecast_champion_title,
        tasks,
        execution.n_jobs,
        "Comparing",
        on_death=lambda _: None,
        prepare=compile_core,
        fewest=FEWEST_QUICK,
        chunk=4,
        checkpoint=checkpoints.open("forecast_with_champion", generation, *KINDS),
    )
    frame = forecast_frame([item for item in found if item is not None], levels)
    return Part(frame, generation, execution.shard)


def forecast_champion_title(task: ChampionModel) -> TitleForecast | None:
    """Forecast one title; None, with a warning, where its model cannot."""
    model = restore(task.family, task.state)
    found = _forecast(task.isbn, task.cutoff, model, task.horizon, task.levels)
    return None if found is None else replace(found, model=task.release)


def evaluate_title(task: TitleEvaluation) -> tuple[list[TitleForecast], list[TitleForecast]]:
    """Return forecasts of the test weeks, and from each rolling origin."""
    history = task.history
    model = restore(task.family, task.state)
    test = _beside_baselines(history, model, task.backtest.split_size, task.levels)
    folds = task.backtest.origins.of_title(history.volumes)
    rolling: list[TitleForecast] = []
    start: FloatArray | None = None
    for fold in folds:
        known = history.until(fold.origin)
        # A launch has no fold: its weeks are what it is fitted with.
        refitted = None if isinstance(model, Ensemble | Launch) else model
        if isinstance(model, Sarima):
            refitted, start = _fit_anew(model, known, start)
        rolling.extend(_beside_baselines(known, refitted, fold.horizon, task.levels))
    return test, rolling


def _fit_anew(
    model: Sarima, known: History, start: FloatArray | None
) -> tuple[Sarima | None, FloatArray | None]:
    """Fit the same model to the weeks before an origin; None if these are too few."""
    try:
        refitted = Sarima.fit(known, model.candidate, start)
    except (ValueError, np.linalg.LinAlgError) as error:
        logger.warning("%s is not scored at %s: %s", known.isbn, known.cutoff, error)
        return None, start
    return refitted, refitted.model.arma


def _beside_baselines(
    history: History, model: FittedForecaster | None, horizon: int, levels: Sequence[float]
) -> list[TitleForecast]:
    """Forecast with the baselines and with the model; nothing without a known week."""
    if not np.isfinite(history.volumes).any():
        return []
    baselines: list[FittedForecaster] = [SeasonalNaive.fit(history), Naive.fit(history)]
    found = [
        TitleForecast(history.isbn, m.family, history.cutoff, m.forecast(horizon, levels))
        for m in baselines
    ]
    members = dict(model.members) if isinstance(model, Ensemble) else {}
    others = {} if model is None else {model.family: model, **members}
    for baseline in baselines:
        others.pop(baseline.family, None)
    forecasts = [
        _forecast(history.isbn, history.cutoff, other, horizon, levels) for other in others.values()
    ]
    return [*(item for item in forecasts if item is not None), *found]


def _forecast(
    isbn: str, cutoff: np.datetime64, model: FittedForecaster, horizon: int, levels: Sequence[float]
) -> TitleForecast | None:
    """Return one model's forecast; None, with a warning, where it fails."""
    try:
        forecast = model.forecast(horizon, levels)
        if not np.isfinite(forecast.mean).all():
            raise ValueError("its forecast is not finite")
    except (ValueError, np.linalg.LinAlgError) as error:
        # One title must not cost the others their scores.
        logger.warning("%s is not scored at %s: %s", isbn, cutoff, error)
        return None
    return TitleForecast(isbn, model.family, cutoff, forecast)


def _with_ensembles(
    rolled: pd.DataFrame, backtest: pd.DataFrame, tasks: Sequence[TitleEvaluation]
) -> pd.DataFrame:
    """Add the ensembles' forecasts at the same rolling origins."""
    isbns = [task.isbn for task in tasks if task.family == Ensemble.family]
    origins = rolled["cutoff"].unique()
    own = backtest[backtest["isbn"].isin(isbns) & backtest["cutoff"].isin(origins)]
    if own.empty:
        return rolled
    return pd.concat([rolled, own[list(rolled.columns)]], ignore_index=True)


def _after_death(task: TitleEvaluation) -> tuple[list[TitleForecast], list[TitleForecast]]:
    return _beside_baselines(task.history, None, task.backtest.split_size, task.levels), []
