"""Nodes of the evaluate pipeline: forecasts of weeks that the models have not seen, and scores."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.backtesting.metrics import ALL_TITLES, score_forecasts
from book_forecast.backtesting.rolling_origins import folds_of
from book_forecast.execution.checkpoints import KeepFolder
from book_forecast.execution.fingerprints import fingerprint, source_fingerprint
from book_forecast.execution.parallel import map_titles
from book_forecast.execution.shards import Part, Shard
from book_forecast.forecasters.base import FittedForecaster, Forecast
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.frames import TitleForecast, forecast_frame
from book_forecast.forecasters.naive import Naive, SeasonalNaive
from book_forecast.forecasters.restoring import restore
from book_forecast.forecasters.sarima import Sarima
from book_forecast.options.groups import EvaluateOptions, ShardOptions
from book_forecast.sarima import compile_core
from book_forecast.series.history import FloatArray, History, title_histories

logger = logging.getLogger(__name__)

# The model that a title is forecast with, whichever family it is of.
CHOSEN = "chosen"
BASELINE = SeasonalNaive.family
# What results are made of.
KINDS = (TitleForecast, Forecast)
CODE = (
    "book_forecast.sarima",
    "book_forecast.forecasters",
    "book_forecast.backtesting.rolling_origins",
    "book_forecast.series.history",
    "book_forecast.execution.checkpoints",
    "book_forecast.pipelines.evaluate",
)


@dataclass(frozen=True)
class TitleEvaluation:
    """One title's evaluation, complete for another process."""

    history: History
    family: str
    state: Mapping[str, Any]
    horizon: int
    levels: Sequence[float]
    options: EvaluateOptions

    @property
    def isbn(self) -> str:
        """The title."""
        return self.history.isbn


def forecast_known_weeks(
    training_weeks: pd.DataFrame,
    training_models: pd.DataFrame,
    options: EvaluateOptions,
    split_size: int,
    levels: list[float],
    n_jobs: int,
    shard: ShardOptions,
    ensemble_backtest: pd.DataFrame | None = None,
    finished: KeepFolder | None = None,
) -> tuple[Part, Part]:
    """Forecasts the test weeks, and weeks after rolling origins inside the training weeks.

    Args:
        training_weeks: isbn, week, volume.
        training_models: Fitted on these weeks, one row a title.
        options: The rolling origins.
        split_size: Test weeks, and the horizon of the rolling origins.
        levels: Interval levels in percent.
        n_jobs: Processes.
        shard: This run's part of the titles.
        ensemble_backtest: A forecasts frame of what ensembles say at rolling origins, as tune has
            found it; they are not fitted there again.
        finished: Where finished titles are kept, so that a stopped run goes on.

    Returns:
        Two forecasts frames, of the test weeks and of the rolling origins, each with the chosen
        model, seasonal naive and naive, on the test weeks also with the members of an ensemble. At
        a rolling origin a single model is fitted anew on the weeks before it.
    """
    part = Shard(shard.index, shard.count)
    models = {row["isbn"]: row for row in training_models.to_dict("records")}
    tasks = [
        TitleEvaluation(
            history=history,
            family=models[history.isbn]["model"],
            state=json.loads(models[history.isbn]["state"]),
            horizon=split_size,
            levels=levels,
            options=options,
        )
        for history in part.take(title_histories(training_weeks))
        if history.isbn in models
    ]
    generation = fingerprint(
        training_weeks[["isbn", "week", "volume"]],
        training_models,
        options,
        ensemble_backtest,
        [split_size, levels],
        source_fingerprint(*CODE),
    )
    found = map_titles(
        evaluate_title,
        tasks,
        n_jobs,
        "Evaluating",
        on_death=_after_death,
        prepare=compile_core,
        chunk=4,
        keep=finished.keep("forecast_known_weeks", generation, *KINDS) if finished else None,
    )
    tested = forecast_frame([item for test, _ in found for item in test], levels)
    rolled = forecast_frame([item for _, rolling in found for item in rolling], levels)
    if ensemble_backtest is not None:
        rolled = _with_ensembles(rolled, ensemble_backtest, tasks)
    return Part(tested, generation, part), Part(rolled, generation, part)


def evaluate_title(task: TitleEvaluation) -> tuple[list[TitleForecast], list[TitleForecast]]:
    """Forecasts of the test weeks, and from each rolling origin."""
    history = task.history
    model = restore(task.family, task.state)
    test = _beside_baselines(history, model, task.horizon, task.levels)
    folds = folds_of(
        history.volumes,
        task.horizon,
        task.options.folds,
        task.options.step,
        task.options.min_train,
    )
    rolling: list[TitleForecast] = []
    start: FloatArray | None = None
    for fold in folds:
        known = history.until(fold.origin)
        refitted = None if isinstance(model, Ensemble) else model
        if isinstance(model, Sarima):
            refitted, start = _fit_anew(model, known, start)
        rolling.extend(_beside_baselines(known, refitted, fold.horizon, task.levels))
    return test, rolling


def _fit_anew(
    model: Sarima, known: History, start: FloatArray | None
) -> tuple[Sarima | None, FloatArray | None]:
    """The same model on the weeks before an origin, and its coefficients; None if too few."""
    try:
        refitted = Sarima.fit(known, model.candidate, start)
    except (ValueError, np.linalg.LinAlgError) as error:
        logger.warning("%s is not scored at %s: %s", known.isbn, known.cutoff, error)
        return None, start
    return refitted, refitted.model.arma


def _beside_baselines(
    history: History, model: FittedForecaster | None, horizon: int, levels: Sequence[float]
) -> list[TitleForecast]:
    """Forecasts of the baselines, and of the model unless it is one of them or fails.

    None where no week of the history was seen.
    """
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
    forecasts = [_forecast(history, other, horizon, levels) for other in others.values()]
    return [*(item for item in forecasts if item is not None), *found]


def _forecast(
    history: History, model: FittedForecaster, horizon: int, levels: Sequence[float]
) -> TitleForecast | None:
    """One model's forecast; None, with a warning, where it has none."""
    try:
        forecast = model.forecast(horizon, levels)
        if not np.isfinite(forecast.mean).all():
            raise ValueError("its forecast is not finite")
    except (ValueError, np.linalg.LinAlgError) as error:
        # What one title lacks must not cost the others their scores.
        logger.warning("%s is not scored at %s: %s", history.isbn, history.cutoff, error)
        return None
    return TitleForecast(history.isbn, model.family, history.cutoff, forecast)


def _with_ensembles(
    rolled: pd.DataFrame, backtest: pd.DataFrame, tasks: Sequence[TitleEvaluation]
) -> pd.DataFrame:
    """Adds the ensembles' forecasts at the same rolling origins."""
    isbns = [task.isbn for task in tasks if task.family == Ensemble.family]
    origins = rolled["cutoff"].unique()
    own = backtest[backtest["isbn"].isin(isbns) & backtest["cutoff"].isin(origins)]
    if own.empty:
        return rolled
    return pd.concat([rolled, own[list(rolled.columns)]], ignore_index=True)


def _after_death(task: TitleEvaluation) -> tuple[list[TitleForecast], list[TitleForecast]]:
    return _beside_baselines(task.history, None, task.horizon, task.levels), []


def score_titles(
    test_forecasts: pd.DataFrame,
    backtest_forecasts: pd.DataFrame,
    training_models: pd.DataFrame,
    model_input: pd.DataFrame,
    levels: list[float],
) -> pd.DataFrame:
    """Scores all forecasts of known weeks, per title and over all titles.

    Args:
        test_forecasts: Forecasts frame of the test weeks.
        backtest_forecasts: Forecasts frame of rolling origins.
        training_models: Tells which model was chosen for each title.
        model_input: isbn, week, volume of all weeks.
        levels: Interval levels in percent.

    Returns:
        isbn, model, cutoff, metric, value. Rows of isbn "all" are over all titles; there, model
        "chosen" is each title's own.
    """
    forecasts = pd.concat([test_forecasts, backtest_forecasts], ignore_index=True)
    scores = score_forecasts(forecasts, model_input, model_input, levels)
    own = forecasts.merge(training_models[["isbn", "model"]], on=["isbn", "model"])
    of_chosen = score_forecasts(own.assign(model=CHOSEN), model_input, model_input, levels)
    over_all = of_chosen[of_chosen["isbn"] == ALL_TITLES]
    scores = pd.concat([scores, over_all], ignore_index=True)
    logger.info(
        "Scored %d titles at %d cutoffs", own["isbn"].nunique(), forecasts["cutoff"].nunique()
    )
    return scores


def make_score_table(
    scores: pd.DataFrame, training_models: pd.DataFrame, titles: pd.DataFrame
) -> pd.DataFrame:
    """Errors on the test weeks, the chosen model's beside seasonal naive's, one row a title.

    Args:
        scores: As `score_titles` returns them.
        training_models: Tells which model was chosen for each title, and why.
        titles: isbn, title.

    Returns:
        isbn, title, model, specification, wape, mase, seasonal_naive_wape, seasonal_naive_mase,
        fallback_reason.
    """
    test = scores[scores["cutoff"] == scores["cutoff"].max()]
    shown = test[test["metric"].isin(["wape", "mase"])]
    wide = shown.set_index(["isbn", "model", "metric"])["value"].unstack("metric")  # noqa: PD010
    chosen = training_models[["isbn", "model", "specification", "fallback_reason"]]
    table = chosen.merge(wide.reset_index(), on=["isbn", "model"], how="left")
    baseline = wide.xs(BASELINE, level="model").add_prefix(f"{BASELINE}_").reset_index()
    table = table.merge(baseline, on="isbn", how="left")
    table = table.merge(titles[["isbn", "title"]], on="isbn", how="left")
    order = ["isbn", "title", "model", "specification", "wape", "mase"]
    order += [f"{BASELINE}_wape", f"{BASELINE}_mase", "fallback_reason"]
    types = dict.fromkeys(("isbn", "title", "model", "specification", "fallback_reason"), "str")
    return table[order].astype(types)


def summarise_scores(scores: pd.DataFrame, fit_summary: Mapping[str, float]) -> dict[str, float]:
    """The scores over all titles as metrics for tracking.

    Args:
        scores: As `score_titles` returns them.
        fit_summary: Counts of titles and fallbacks.

    Returns:
        Metrics by name, such as `test_wape` and `test_wape_seasonal_naive`; on rolling origins the
        mean over origins, `rolling_wape`.
    """
    over_all = scores[scores["isbn"] == ALL_TITLES].dropna(subset=["value"])
    is_test = over_all["cutoff"] == scores["cutoff"].max()
    found = dict(fit_summary)
    for prefix, rows in (("test", over_all[is_test]), ("rolling", over_all[~is_test])):
        means = rows.groupby(["metric", "model"])["value"].mean()
        for (metric, model), value in means.items():
            suffix = "" if model == CHOSEN else f"_{model}"
            found[f"{prefix}_{metric}{suffix}"] = float(value)
    return found
