"""Nodes of the train pipeline: the chosen specifications, fitted."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from book_forecast.execution.checkpoints import Keep, KeepFolder
from book_forecast.execution.fingerprints import fingerprint, source_fingerprint
from book_forecast.execution.parallel import map_titles
from book_forecast.execution.shards import Part, Shard
from book_forecast.options.groups import RegressorOptions, ShardOptions
from book_forecast.pipelines.train.ensembles import EnsembleChoice, ensemble_choices
from book_forecast.pipelines.train.titles import (
    CHECKED_LEVELS,
    TitleFit,
    after_death,
    chosen_candidate,
    fit_to_release,
    fit_to_score,
    is_repeatable,
)
from book_forecast.releases.distributions import LEVELS, distribution_frame
from book_forecast.sarima import compile_core
from book_forecast.series.covariates import with_regressors
from book_forecast.series.history import History, paths_by_title, title_histories
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

MODEL_TYPES = {
    "isbn": "str",
    "model": "str",
    "specification": "str",
    "cutoff": "datetime64[us]",
    "fallback_reason": "str",
    "log_likelihood": "float64",
    "aicc": "float64",
    "state": "str",
}
CODE = (
    "book_forecast.sarima",
    "book_forecast.series.calendar",
    "book_forecast.forecasters",
    "book_forecast.series.history",
    "book_forecast.execution.checkpoints",
    "book_forecast.options",
    "book_forecast.pipelines.train",
    "book_forecast.series.covariates",
    "book_forecast.releases",
)


def fit_titles(
    weeks: pd.DataFrame,
    specifications: pd.DataFrame,
    alive_weeks: int,
    n_jobs: int,
    shard: ShardOptions,
    ensembles: pd.DataFrame | None = None,
    calibration: Mapping[str, Any] | None = None,
    paths: pd.DataFrame | None = None,
    families: Sequence[str] = (),
    calendar: bool = True,
    regressors: pd.DataFrame | None = None,
    regressor_options: RegressorOptions | None = None,
    finished: KeepFolder | None = None,
) -> Part:
    """Fits what was chosen for each title of this shard, every family of an ensemble included.

    Args:
        weeks: isbn, week, volume: the training weeks, or all weeks for a release.
        specifications: One row a title, as tune writes them.
        alive_weeks: A title without a sale in as many weeks forecasts zero.
        n_jobs: Processes.
        shard: This run's part of the titles.
        ensembles: One row a title, as `weigh_families` makes them; none without ensembles.
        calibration: Of their intervals.
        paths: isbn, cutoff, week, mean: what the model of all titles says after the last week.
        families: The families to fit.
        calendar: Whether the calendar's windows are used.
        regressors: isbn, week, name, value: promotions and the like; None without any.
        regressor_options: What of them may be known ahead.
        finished: Where finished titles are kept, so that a stopped run goes on.

    Returns:
        One row a title: the family, its state as JSON, and the reason where it is a fallback.
    """
    part = Shard(shard.index, shard.count)
    chosen = _Chosen(
        specifications,
        ensembles,
        calibration,
        paths,
        families,
        calendar,
        regressors,
        regressor_options,
    )
    generation = _generation(weeks, chosen, alive_weeks)
    keep = finished.keep("fit_titles", generation, worth=is_repeatable) if finished else None
    tasks = _tasks(part, weeks, chosen, alive_weeks, CHECKED_LEVELS, all_families=True)
    rows = _fit_rows(fit_to_score, tasks, n_jobs, keep)
    models = pd.DataFrame(rows, columns=list(MODEL_TYPES)).astype(MODEL_TYPES)
    return Part(models, generation, part)


def fit_release_titles(
    weeks: pd.DataFrame,
    specifications: pd.DataFrame,
    alive_weeks: int,
    n_jobs: int,
    shard: ShardOptions,
    ensembles: pd.DataFrame | None = None,
    calibration: Mapping[str, Any] | None = None,
    paths: pd.DataFrame | None = None,
    families: Sequence[str] = (),
    calendar: bool = True,
    regressors: pd.DataFrame | None = None,
    regressor_options: RegressorOptions | None = None,
    finished: KeepFolder | None = None,
) -> tuple[Part, Part]:
    """Fits as `fit_titles` does, and forecasts as far ahead as a release answers.

    Families that count for nothing in a title's ensemble are not fitted.

    Args:
        weeks: isbn, week, volume: all weeks.
        specifications: One row a title, as tune writes them.
        alive_weeks: A title without a sale in as many weeks forecasts zero.
        n_jobs: Processes.
        shard: This run's part of the titles.
        ensembles: As in `fit_titles`.
        calibration: As in `fit_titles`.
        paths: As in `fit_titles`.
        families: The families that ensembles are made of.
        calendar: Whether the calendar's windows are used.
        regressors: isbn, week, name, value: promotions and the like; None without any.
        regressor_options: What of them may be known ahead.
        finished: Where finished titles are kept, so that a stopped run goes on.

    Returns:
        The models, and their distributions as `releases.distributions.distribution_frame` has them.
    """
    part = Shard(shard.index, shard.count)
    chosen = _Chosen(
        specifications,
        ensembles,
        calibration,
        paths,
        families,
        calendar,
        regressors,
        regressor_options,
    )
    generation = _generation(weeks, chosen, alive_weeks)
    keep = (
        finished.keep("fit_release_titles", generation, worth=is_repeatable) if finished else None
    )
    tasks = _tasks(part, weeks, chosen, alive_weeks, LEVELS, all_families=False)
    rows = _fit_rows(fit_to_release, tasks, n_jobs, keep)
    models = pd.DataFrame(rows, columns=list(MODEL_TYPES)).astype(MODEL_TYPES)
    distributions = distribution_frame(
        {row["isbn"]: row["distribution"] for row in rows},
        {row["isbn"]: row["cutoff"] for row in rows},
    )
    return Part(models, generation, part), Part(distributions, generation, part)


@dataclass(frozen=True)
class _Chosen:
    """Everything that was chosen before the fits."""

    specifications: pd.DataFrame
    ensembles: pd.DataFrame | None
    calibration: Mapping[str, Any] | None
    paths: pd.DataFrame | None
    families: Sequence[str]
    calendar: bool
    regressors: pd.DataFrame | None
    regressor_options: RegressorOptions | None


def _tasks(
    part: Shard,
    weeks: pd.DataFrame,
    chosen: _Chosen,
    alive_weeks: int,
    levels: tuple[float, ...],
    *,
    all_families: bool,
) -> list[TitleFit]:
    rows: dict[str, Any] = {row["isbn"]: row for row in chosen.specifications.to_dict("records")}
    ensembles: dict[str, EnsembleChoice] = {}
    if chosen.ensembles is not None and chosen.calibration is not None:
        paths = {} if chosen.paths is None else paths_by_title(chosen.paths)
        ensembles = ensemble_choices(
            chosen.ensembles,
            chosen.calibration,
            {isbn: chosen_candidate(row) for isbn, row in rows.items()},
            {isbn: max(found.items())[1] for isbn, found in paths.items()},
            chosen.families,
            calendar=chosen.calendar,
            all_families=all_families,
        )
    return [
        _title_fit(
            history,
            rows.get(history.isbn),
            ensembles.get(history.isbn),
            alive_weeks,
            levels,
        )
        for history in with_regressors(
            part.take(title_histories(weeks)), chosen.regressors, chosen.regressor_options
        )
    ]


def _fit_rows(
    fit: Callable[..., dict[str, Any]], tasks: list[TitleFit], n_jobs: int, keep: Keep | None
) -> list[dict[str, Any]]:
    rows = map_titles(
        fit,
        tasks,
        n_jobs,
        "Fitting",
        on_death=partial(fit, by=after_death),
        prepare=compile_core,
        chunk=8,
        keep=keep,
    )
    families = Counter(row["model"] for row in rows)
    logger.info(
        "Fitted %d titles up to %s (%s)",
        len(rows),
        max((row["cutoff"] for row in rows), default="no week"),
        ", ".join(f"{n} {name}" for name, n in families.most_common()),
    )
    return rows


def _generation(weeks: pd.DataFrame, chosen: _Chosen, alive_weeks: int) -> str:
    return fingerprint(
        weeks[["isbn", "week", "volume"]], chosen, alive_weeks, source_fingerprint(*CODE)
    )


def _title_fit(
    history: History,
    row: Mapping[str, Any] | None,
    ensemble: EnsembleChoice | None,
    alive_weeks: int,
    levels: tuple[float, ...],
) -> TitleFit:
    if row is None:
        return TitleFit(history, None, None, "tune has not seen the title", alive_weeks, levels)
    reason = None if pd.isna(row["fallback_reason"]) else str(row["fallback_reason"])
    candidate = chosen_candidate(row)
    return TitleFit(history, row["model"], candidate, reason, alive_weeks, levels, ensemble)


def summarise_fits(training_models: pd.DataFrame, release_models: pd.DataFrame) -> dict[str, float]:
    """Counts titles and fallbacks.

    Returns:
        n_titles; n_fallbacks, titles of which either model is a fallback; success_rate, the share
        of the others (1 where there is no title).
    """
    models = pd.concat([training_models, release_models])
    fell_back = models.loc[models["fallback_reason"].notna(), "isbn"].nunique()
    n_titles = models["isbn"].nunique()
    rate = 1.0 - fell_back / n_titles if n_titles else 1.0
    logger.info("%d of %d titles needed no fallback", n_titles - fell_back, n_titles)
    return {
        "n_titles": float(n_titles),
        "n_fallbacks": float(fell_back),
        "success_rate": rate,
    }


def require_success(
    fit_summary: Mapping[str, float],
    min_success_rate: float,
    *written: object,  # noqa: ARG001
) -> None:
    """Fails the run where too many titles needed a fallback.

    Args:
        fit_summary: What `summarise_fits` returns.
        min_success_rate: The smallest share of titles without a fallback.
        written: Outputs that must have been written before.

    Raises:
        UserError: If the share is smaller.
    """
    if fit_summary["success_rate"] < min_success_rate:
        raise UserError(
            f"{fit_summary['n_fallbacks']:.0f} of {fit_summary['n_titles']:.0f} titles needed a "
            f"fallback: the success rate {fit_summary['success_rate']:.2f} is below "
            f"min_success_rate {min_success_rate}. Everything has been written; the column "
            "fallback_reason of training_models and release_models tells why."
        )
