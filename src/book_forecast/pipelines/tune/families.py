"""What every model family would have said of weeks that are known, from rolling origins."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.backtesting.rolling_origins import Fold
from book_forecast.execution.checkpoints import KeepFolder
from book_forecast.execution.fingerprints import fingerprint, source_fingerprint
from book_forecast.execution.parallel import map_titles
from book_forecast.execution.shards import Part, Shard
from book_forecast.forecasters.boosting_member import Boosting
from book_forecast.forecasters.families import Recipe, fit_families
from book_forecast.forecasters.naive import Naive, Zero
from book_forecast.forecasters.sarima import Candidate
from book_forecast.options.groups import RegressorOptions, ShardOptions, TuneOptions
from book_forecast.options.run import has_ensembles
from book_forecast.sarima import Specification, compile_core
from book_forecast.series.covariates import with_regressors
from book_forecast.series.history import (
    FloatArray,
    History,
    paths_by_title,
    title_histories,
    weeks_after,
)
from book_forecast.series.seasonality import detect

logger = logging.getLogger(__name__)

CODE = (
    "book_forecast.sarima",
    "book_forecast.forecasters",
    "book_forecast.backtesting.rolling_origins",
    "book_forecast.series.calendar",
    "book_forecast.series.history",
    "book_forecast.execution.checkpoints",
    "book_forecast.options",
    "book_forecast.series.covariates",
    "book_forecast.series.seasonality",
    "book_forecast.pipelines.tune",
)
# What tune has settled without a search.
LEFT_ALONE = (Zero.family, Naive.family)
# Weeks before an origin that a launch needs to be compared there.
FEWEST_WEEKS = 8
SEASON_TYPES = {
    "isbn": "str",
    "season": "int64",
    "season_p_value": "float64",
    "season_strength": "float64",
    "expected_spread": "float64",
    "n_weeks": "int64",
}


@dataclass(frozen=True)
class FamilyTask:
    """One title's comparison, complete for another process."""

    history: History
    folds: Sequence[Fold]
    families: Sequence[str]
    calendar: bool
    candidates: Sequence[Candidate]
    paths: Mapping[np.datetime64, FloatArray]

    @property
    def isbn(self) -> str:
        """The title."""
        return self.history.isbn


def forecast_folds(
    training_weeks: pd.DataFrame,
    specifications: pd.DataFrame,
    fold_paths: pd.DataFrame,
    families: list[str],
    calendar: bool,
    options: TuneOptions,
    split_size: int,
    n_jobs: int,
    shard: ShardOptions,
    regressors: pd.DataFrame | None = None,
    regressor_options: RegressorOptions | None = None,
    finished: KeepFolder | None = None,
) -> tuple[Part, Part]:
    """Fits every family before each rolling origin, and has it forecast the weeks behind.

    Args:
        training_weeks: isbn, week, volume.
        specifications: What tune has found, one row a title.
        fold_paths: isbn, cutoff, week, mean: what the model of all titles says at the origins.
        families: The families to compare; SARIMA alone is not.
        calendar: Whether the calendar's windows are used.
        options: The rolling origins.
        split_size: Horizon, in weeks.
        n_jobs: Processes.
        shard: This run's part of the titles.
        regressors: isbn, week, name, value: promotions and the like; None without any.
        regressor_options: What of them may be known ahead.
        finished: Where finished titles are kept, so that a stopped run goes on.

    Returns:
        Forecasts: isbn, cutoff, week and a column a family, NaN where it has failed. Seasons: a
        row a title, with what was found in its weeks.
    """
    part = Shard(shard.index, shard.count)
    rows: dict[str, Any] = {row["isbn"]: row for row in specifications.to_dict("records")}
    paths = paths_by_title(fold_paths)
    histories = part.take(title_histories(training_weeks)) if has_ensembles(families) else []
    tasks = [
        _task(history, rows.get(history.isbn), paths, families, calendar, options, split_size)
        for history in with_regressors(histories, regressors, regressor_options)
        if rows.get(history.isbn, {}).get("model") not in LEFT_ALONE
    ]
    generation = fingerprint(
        training_weeks[["isbn", "week", "volume"]],
        specifications,
        fold_paths,
        options,
        regressors,
        regressor_options,
        [families, calendar, split_size],
        source_fingerprint(*CODE),
    )
    found = map_titles(
        forecast_title_folds,
        tasks,
        n_jobs,
        "Comparing families",
        on_death=lambda _: None,
        prepare=compile_core,
        chunk=2,
        keep=finished.keep("forecast_folds", generation, SaidAtFold) if finished else None,
    )
    there = [item for item in found if item is not None]
    said = _frame([(row["isbn"], item) for row, folds in there for item in folds], families)
    seasons = pd.DataFrame([row for row, _ in there], columns=list(SEASON_TYPES))
    return (
        Part(said, generation, part),
        Part(seasons.astype(SEASON_TYPES), generation, part),
    )


def _frame(said: Sequence[tuple[str, SaidAtFold]], families: Sequence[str]) -> pd.DataFrame:
    """What was said, one title and fold under the other."""
    horizons = [len(next(iter(item.means.values()))) for _, item in said]
    cutoffs = np.array([item.cutoff for _, item in said], dtype="datetime64[D]")
    weeks = [weeks_after(c, n) for c, n in zip(cutoffs, horizons, strict=True)]
    frame = pd.DataFrame(
        {
            "isbn": np.repeat(np.array([isbn for isbn, _ in said], dtype=object), horizons),
            "cutoff": np.repeat(cutoffs, horizons),
            "week": np.concatenate(weeks) if weeks else cutoffs,
            **{
                name: np.concatenate([item.means[name] for _, item in said]) if said else []
                for name in families
            },
        }
    )
    types = {"isbn": "str", "cutoff": "datetime64[us]", "week": "datetime64[us]"}
    return frame.astype(types | dict.fromkeys(families, "float64"))


def common_folds(n_weeks: int, options: TuneOptions, horizon: int) -> list[Fold]:
    """The same calendar weeks for all titles, where a title has a few weeks before them."""
    origins = [n_weeks - horizon - options.step * number for number in range(options.folds)]
    return [Fold(origin, horizon) for origin in origins if origin >= FEWEST_WEEKS]


def _task(
    history: History,
    row: Mapping[str, Any] | None,
    paths: Mapping[str, Mapping[np.datetime64, FloatArray]],
    families: Sequence[str],
    calendar: bool,
    options: TuneOptions,
    horizon: int,
) -> FamilyTask:
    folds = common_folds(history.n_weeks, options, horizon)
    found = "[]" if row is None or pd.isna(row["fold_candidates"]) else row["fold_candidates"]
    candidates = [candidate_of(item) for item in json.loads(found)]
    return FamilyTask(history, folds, families, calendar, candidates, paths.get(history.isbn, {}))


def candidate_of(found: Mapping[str, Any]) -> Candidate:
    """A candidate from its plain data."""
    return Candidate(Specification(**found["specification"]), found["transform"])


@dataclass(frozen=True)
class SaidAtFold:
    """What the families say at one fold.

    Attributes:
        cutoff: The last week that they know.
        means: By family, shape (horizon,); NaN where it has failed.
    """

    cutoff: np.datetime64
    means: dict[str, FloatArray]


def forecast_title_folds(task: FamilyTask) -> tuple[dict[str, Any], list[SaidAtFold]]:
    """What was found of one title's season, and what each family says at each fold."""
    history = task.history
    earliest = min((fold.origin for fold in task.folds), default=history.n_weeks)
    before = detect(np.log1p(history.volumes[:earliest])).season
    start: FloatArray | None = None
    parts = []
    for number, fold in enumerate(task.folds):
        known = history.until(fold.origin)
        if not np.isfinite(known.volumes).any():
            continue
        path = task.paths.get(known.cutoff)
        recipe = Recipe(
            season=before,
            candidate=task.candidates[min(number, len(task.candidates) - 1)]
            if task.candidates
            else None,
            calendar=task.calendar,
            paths={} if path is None else {Boosting.family: path},
            start=start,
        )
        fits = fit_families(known, recipe, task.families, thorough=False)
        said = {
            name: fits.models[name].forecast(fold.horizon, ()).mean
            if name in fits.models
            else np.full(fold.horizon, np.nan)
            for name in task.families
        }
        parts.append(SaidAtFold(known.cutoff, said))
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


def expected_spread(volumes: FloatArray) -> float:
    """The usual change from week to week, on the scale of log(1 + copies)."""
    changes = np.abs(np.diff(np.log1p(volumes)))
    changes = changes[np.isfinite(changes)]
    return float(np.mean(changes)) if len(changes) else 1.0
