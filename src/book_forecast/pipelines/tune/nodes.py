"""Nodes of the tune pipeline: a specification for every title."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import optuna
import pandas as pd
from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial, TrialState

from book_forecast.backtesting.rolling_origins import Fold, folds_of
from book_forecast.execution.checkpoints import KeepFolder
from book_forecast.execution.fingerprints import fingerprint, source_fingerprint
from book_forecast.execution.journals import JournalFolder
from book_forecast.execution.parallel import map_titles
from book_forecast.execution.shards import Part, Shard
from book_forecast.forecasters.naive import Naive, SeasonalNaive, Zero
from book_forecast.forecasters.sarima import Sarima
from book_forecast.options.groups import ShardOptions, TuneOptions
from book_forecast.pipelines.tune.search import (
    CLOCK,
    EVALUATIONS,
    REASON,
    Search,
    best_without_each_fold,
)
from book_forecast.pipelines.tune.space import Space
from book_forecast.sarima import ORDERS, compile_core
from book_forecast.series.history import History, title_histories

logger = logging.getLogger(__name__)

STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
SPECIFICATION_TYPES = {
    "isbn": "str",
    "model": "str",
    **dict.fromkeys(ORDERS, "Int64"),
    "s": "Int64",
    "trend": "str",
    "transform": "str",
    "score": "float64",
    "n_trials": "int64",
    "n_evaluations": "int64",
    "ended_by": "str",
    "fold_candidates": "str",
    "fallback_reason": "str",
}
TRIAL_TYPES = {
    "isbn": "str",
    "number": "int64",
    **dict.fromkeys(ORDERS, "int64"),
    "s": "int64",
    "transform": "str",
    "state": "str",
    "score": "float64",
    "n_folds": "int64",
    "reason": "str",
}
FAILED = "tuning failed: "
# What decides the result beside data and options.
CODE = (
    "book_forecast.sarima",
    "book_forecast.forecasters",
    "book_forecast.backtesting.rolling_origins",
    "book_forecast.series.history",
    "book_forecast.execution.checkpoints",
    "book_forecast.options",
    "book_forecast.pipelines.tune",
)


@dataclass(frozen=True)
class TitleTask:
    """One title's search, complete for another process."""

    history: History
    folds: Sequence[Fold]
    wanted: bool
    alive_weeks: int
    options: TuneOptions
    seed: int
    journals: JournalFolder
    journal: str

    @property
    def isbn(self) -> str:
        """The title."""
        return self.history.isbn


def tune_titles(
    training_weeks: pd.DataFrame,
    options: TuneOptions,
    split_size: int,
    alive_weeks: int,
    seed: int,
    n_jobs: int,
    shard: ShardOptions,
    journals: JournalFolder,
    families: Sequence[str] = (Sarima.family,),
    finished: KeepFolder | None = None,
) -> tuple[Part, Part]:
    """Searches a specification for each title of this shard, on the training weeks alone.

    Args:
        training_weeks: isbn, week, volume (NaN where the week is missing).
        options: The space, the folds and when to stop.
        split_size: Horizon of the folds, in weeks.
        alive_weeks: A title without a sale in as many weeks is not searched: it forecasts zero.
        seed: Of the run.
        n_jobs: Processes.
        shard: This run's part of the titles.
        journals: Where trials are kept, so that a stopped run goes on.
        families: Nothing is searched where SARIMA is not among them.
        finished: Where finished titles are kept, for the same.

    Returns:
        Specifications, one row a title, and all trials.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    generation = fingerprint(
        training_weeks[["isbn", "week", "volume"]],
        options,
        [split_size, alive_weeks, seed, Sarima.family in families],
        source_fingerprint(*CODE),
    )
    part = Shard(shard.index, shard.count)
    tasks = [
        TitleTask(
            history=history,
            folds=folds_of(
                history.volumes, split_size, options.folds, options.step, options.min_train
            ),
            wanted=Sarima.family in families,
            alive_weeks=alive_weeks,
            options=options,
            seed=seed,
            journals=journals,
            journal=f"{generation}/{history.isbn}",
        )
        for history in part.take(title_histories(training_weeks))
    ]
    found = map_titles(
        tune_title,
        tasks,
        n_jobs,
        "Tuning",
        on_death=_after_death,
        prepare=compile_core,
        fewest=4,
        keep=finished.keep("tune_titles", generation, worth=_is_repeatable) if finished else None,
    )
    journals.prune(keep=generation)
    specifications = _frame([row for row, _ in found], SPECIFICATION_TYPES)
    trials = _frame([trial for _, rows in found for trial in rows], TRIAL_TYPES)
    logger.info(
        "Tuned %d titles in %d trials (%d complete, %d pruned, %d failed)",
        len(specifications),
        len(trials),
        *((trials["state"] == state).sum() for state in STATES.values()),
    )
    return Part(specifications, generation, part), Part(trials, generation, part)


def tune_title(task: TitleTask) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Searches one title; an error that nobody foresaw becomes the reason of a fallback."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    isbn = task.history.isbn
    if task.history.is_dead(task.alive_weeks):
        return _without_search(isbn, Zero.family, None), []
    if task.folds and task.history.is_constant():
        return _without_search(isbn, Naive.family, None), []
    if not task.wanted:
        return _without_search(isbn, SeasonalNaive.family, None), []
    if not task.folds:
        reason = f"{task.history.n_weeks} training weeks leave no fold to score on"
        return _without_search(isbn, SeasonalNaive.family, reason), []
    space = Space.for_weeks(task.options, min(fold.origin for fold in task.folds))
    search = Search(task.history, task.folds, space, task.options, task.seed)
    try:
        with task.journals.open(task.journal) as journal:
            trials, end = search.run(JournalStorage(journal))  # type: ignore[arg-type]
    except Exception as error:
        logger.warning("Tuning %s failed (%s); seasonal naive stands in", isbn, error)
        logger.debug("Where it failed:", exc_info=True)
        return _without_search(isbn, SeasonalNaive.family, f"{FAILED}{error}"), []
    if end == CLOCK:
        logger.warning(
            "Tuning %s stopped after max_seconds %g, with %d models tried",
            isbn,
            task.options.max_seconds,
            len(trials),
        )
    rows = [_trial_row(isbn, trial, space) for trial in trials]
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    if not complete:
        reasons = sorted({str(trial.user_attrs.get(REASON)) for trial in trials})
        reason = reasons[0] + (f" And {len(reasons) - 1} like it." if len(reasons) > 1 else "")
        return _without_search(isbn, SeasonalNaive.family, reason), rows
    best = min(complete, key=lambda trial: (trial.value, trial.number))
    chosen = space.candidate(best.params)
    row = {
        "isbn": isbn,
        "model": Sarima.family,
        **asdict(chosen.specification),
        "transform": chosen.transform,
        "score": best.value,
        "n_trials": len(trials),
        "n_evaluations": sum(trial.user_attrs[EVALUATIONS] for trial in trials),
        "ended_by": end,
        "fold_candidates": json.dumps(
            [asdict(space.candidate(trial.params)) for trial in best_without_each_fold(complete)]
        ),
    }
    return row, rows


def _without_search(isbn: str, model: str, reason: str | None) -> dict[str, Any]:
    counts = {"n_trials": 0, "n_evaluations": 0}
    return {"isbn": isbn, "model": model, **counts, "fallback_reason": reason}


def _is_repeatable(found: tuple[dict[str, Any], list[dict[str, Any]]]) -> bool:
    """Whether another run would find the same: not where something has gone wrong."""
    row, _ = found
    return row.get("ended_by") != CLOCK and not (row.get("fallback_reason") or "").startswith(
        FAILED
    )


def _after_death(task: TitleTask) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    reason = f"{FAILED}its process died twice"
    return _without_search(task.history.isbn, SeasonalNaive.family, reason), []


def _trial_row(isbn: str, trial: FrozenTrial, space: Space) -> dict[str, Any]:
    return {
        "isbn": isbn,
        "number": trial.number,
        **trial.params,
        "s": space.season,
        "state": STATES[trial.state],
        "score": trial.value,
        "n_folds": len(trial.intermediate_values),
        "reason": trial.user_attrs.get(REASON),
    }


def _frame(rows: list[dict[str, Any]], types: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(types)).astype(types)
