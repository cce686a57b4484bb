"""Out-of-fold forecasts: every model family at the rolling origins."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.backtesting.rolling_origins import Fold
from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.execution.parallel import FEWEST_QUICK, map_titles
from book_forecast.execution.parts import Part
from book_forecast.forecasters.families import Recipe, fit_families
from book_forecast.forecasters.naive import Naive, Zero
from book_forecast.forecasters.pretrained import weights_of
from book_forecast.forecasters.statistical import Ets, Intermittent, Mstl, Theta
from book_forecast.forecasters.week_widths import with_widths
from book_forecast.options.groups import BacktestOptions, ExecutionOptions
from book_forecast.options.models import ModelOptions
from book_forecast.pipelines.tune.fold_tasks import FoldTask, at_common_weeks, fold_tasks
from book_forecast.sarima import compile_core
from book_forecast.series.covariates import with_covariates
from book_forecast.series.history import (
    YEAR,
    FloatArray,
    History,
    forecasts_by_title,
    title_histories,
    weeks_after,
)
from book_forecast.series.seasonality import detect

logger = logging.getLogger(__name__)

# Families that tune chooses without a search; their titles need no comparison.
NOT_COMPARED = (Zero.family, Naive.family)
# Folds of a title from which on its season is tested more than once.
MANY_FOLDS = 8
# Families that use the season.
SEASONAL = frozenset({Ets.family, Theta.family, Mstl.family, Intermittent.family})
SEASON_TYPES = {
    "isbn": "str",
    "season": "int64",
    "season_p_value": "float64",
    "season_strength": "float64",
    "expected_spread": "float64",
    "n_weeks": "int64",
}


@dataclass(frozen=True)
class TitleFold:
    """Forecasts of all families at one fold of a title.

    Attributes:
        cutoff: Last week before the fold.
        means: By family, shape (horizon,); NaN where the family has failed.
    """

    cutoff: np.datetime64
    means: dict[str, FloatArray]


CrossValidation = tuple[dict[str, Any], list[TitleFold]]
"""The season of a title, and its forecasts at each fold."""


def forecast_folds(
    training_weeks: pd.DataFrame,
    sarima_orders: pd.DataFrame,
    global_forecasts: pd.DataFrame,
    covariates: pd.DataFrame | None,
    models: ModelOptions,
    backtest: BacktestOptions,
    execution: ExecutionOptions,
    checkpoints: CheckpointFolder,
) -> tuple[Part, Part]:
    """Fit every family before each rolling origin, and forecast the weeks of its fold.

    Args:
        training_weeks: isbn, week, volume.
        sarima_orders: One row per title, as `search_orders` returns them.
        global_forecasts: isbn, family, cutoff, week, mean, `WIDTH`: models of all titles at the
            origins.
        covariates: isbn, week, name, value; None without any.
        models: The families; SARIMA alone is not compared.
        backtest: The rolling origins.
        execution: Processes and shard.
        checkpoints: Finished titles, from which a stopped run resumes.

    Returns:
        Forecasts: isbn, cutoff, week and a column per family, NaN where it has failed or the title
        goes without it; `WIDTH` of the week, NaN where no model has it. Seasons: a row per title
        with the season of its weeks and the scale of its changes.
    """
    origins = backtest.origins_of_weights(training_weeks["isbn"].nunique())
    return forecast_tasks(
        training_weeks,
        sarima_orders,
        global_forecasts,
        covariates,
        models,
        backtest,
        execution,
        checkpoints,
        at_common_weeks(origins),
        origins,
    )


def forecast_tasks(
    training_weeks: pd.DataFrame,
    sarima_orders: pd.DataFrame,
    global_forecasts: pd.DataFrame,
    covariates: pd.DataFrame | None,
    models: ModelOptions,
    backtest: BacktestOptions,
    execution: ExecutionOptions,
    checkpoints: CheckpointFolder,
    folds_of: Callable[[History], list[Fold]],
    origins: Any,
) -> tuple[Part, Part]:
    """Forecast the folds of some titles; see `forecast_folds`.

    Args:
        training_weeks: isbn, week, volume.
        sarima_orders: One row per title.
        global_forecasts: Models of all titles at the origins.
        covariates: isbn, week, name, value; None without any.
        models: The families.
        backtest: The rolling origins of the search.
        execution: Processes and shard.
        checkpoints: Finished titles.
        folds_of: Returns the folds of a title.
        origins: What decides these, for the fingerprint.
    """
    rows: dict[str, Any] = {row["isbn"]: row for row in sarima_orders.to_dict("records")}
    histories = title_histories(training_weeks) if models.has_ensembles else []
    known = with_covariates(execution.shard.take(histories), covariates, models.regressors)
    by_title = forecasts_by_title(global_forecasts)
    tasks = [
        task.with_orders(rows.get(task.isbn, {}))
        for task in fold_tasks(known, by_title, models, backtest, folds_of)
        if rows.get(task.isbn, {}).get("model") not in NOT_COMPARED
    ]
    generation = fingerprint(
        [training_weeks[["isbn", "week", "volume"]], sarima_orders, global_forecasts, covariates],
        [models.families, models.calendar, models.regressors, backtest, origins],
        [models.pretrained, weights_of(models)],
        code_fingerprint(__name__),
    )
    found = map_titles(
        cross_validate,
        tasks,
        execution.n_jobs,
        "Comparing families",
        on_death=lambda _: None,
        prepare=compile_core,
        fewest=FEWEST_QUICK,
        chunk=2,
        checkpoint=checkpoints.open("forecast_folds", generation, TitleFold, is_final=is_final),
    )
    forecasts, seasons = fold_frame([item for item in found if item is not None], models.families)
    forecasts = with_widths(forecasts, global_forecasts)
    shard = execution.shard
    return Part(forecasts, generation, shard), Part(seasons, generation, shard)


def fold_frame(
    found: Sequence[CrossValidation], families: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the forecasts of all titles and folds, one after the other, and the seasons."""
    seasons = pd.DataFrame([row for row, _ in found], columns=list(SEASON_TYPES))
    items = [(row["isbn"], item) for row, folds in found for item in folds]
    return _forecasts(items, families), seasons.astype(SEASON_TYPES)


def _forecasts(found: Sequence[tuple[str, TitleFold]], families: Sequence[str]) -> pd.DataFrame:
    horizons = [len(next(iter(item.means.values()))) for _, item in found]
    cutoffs = np.array([item.cutoff for _, item in found], dtype="datetime64[D]")
    weeks = [weeks_after(c, n) for c, n in zip(cutoffs, horizons, strict=True)]
    frame = pd.DataFrame(
        {
            "isbn": np.repeat(np.array([isbn for isbn, _ in found], dtype=object), horizons),
            "cutoff": np.repeat(cutoffs, horizons),
            "week": np.concatenate(weeks) if weeks else cutoffs,
            **{
                name: np.concatenate([item.means[name] for _, item in found]) if found else []
                for name in families
            },
        }
    )
    types = {"isbn": "str", "cutoff": "datetime64[us]", "week": "datetime64[us]"}
    return frame.astype(types | dict.fromkeys(families, "float64"))


def cross_validate(task: FoldTask) -> CrossValidation | None:
    """Cross-validate one title; None, with a warning, after an unforeseen error."""
    try:
        return _cross_validate(task)
    except Exception as error:  # noqa: BLE001
        # Whatever goes wrong with one title must not cost the others.
        logger.warning("Comparing the families of %s failed: %s", task.isbn, error)
        return None


def _cross_validate(task: FoldTask) -> CrossValidation:
    """Return one title's season, and the forecasts of each family at each fold."""
    history = task.history
    earliest = min((fold.origin for fold in task.folds), default=history.n_weeks)
    seasons = _seasons_before(task)
    parts = []
    for fold in task.folds:
        known = history.until(fold.origin)
        if not np.isfinite(known.volumes).any():
            continue
        recipe = Recipe(
            season=seasons[fold.origin],
            candidate=task.candidate(fold),
            calendar=task.models.calendar,
            global_forecasts=task.global_forecasts.get(known.cutoff, {}),
            pretrained=task.models.pretrained,
        )
        fits = fit_families(known, recipe, task.families, thorough=False)
        means: dict[str, FloatArray] = {
            name: fits.models[name].forecast(fold.horizon, ()).mean
            if name in fits.models
            else np.full(fold.horizon, np.nan)
            for name in task.models.families
        }
        parts.append(TitleFold(known.cutoff, means))
    season = detect(np.log1p(history.volumes))
    row = {
        "isbn": history.isbn,
        "season": season.season,
        "season_p_value": season.p_value,
        "season_strength": season.strength,
        "expected_spread": expected_spread(history.volumes[:earliest]),
        "n_weeks": history.n_weeks,
    }
    return row, parts


def _seasons_before(task: FoldTask) -> dict[int, int]:
    """Return the season that each origin may know.

    It is tested before the first fold, and with many folds anew after half a year. The test takes
    longer than a fit: without families that use the season, a year stands for it in the cleaning.
    """
    found: dict[int, int] = {}
    if not SEASONAL.intersection(task.families):
        return {fold.origin: YEAR if fold.origin >= 2 * YEAR else 1 for fold in task.folds}
    logs = np.log1p(task.history.volumes)
    tested, season = -np.inf, 1
    for fold in sorted(task.folds):
        is_due = fold.origin - tested >= YEAR // 2 and len(task.folds) >= MANY_FOLDS
        if not found or is_due:
            tested, season = fold.origin, detect(logs[: fold.origin]).season
        found[fold.origin] = season
    return found


def is_final(found: CrossValidation | None) -> bool:
    """Whether another run would find the same: not where something has gone wrong."""
    return found is not None


def expected_spread(volumes: FloatArray) -> float:
    """Return the mean absolute change from week to week, on the scale of log(1 + copies)."""
    changes = np.abs(np.diff(np.log1p(volumes)))
    changes = changes[np.isfinite(changes)]
    return float(np.mean(changes)) if len(changes) else 1.0
