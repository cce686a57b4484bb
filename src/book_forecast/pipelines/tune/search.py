"""The search for SARIMA orders: one Optuna study per title, scored on rolling origins."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.trial import FrozenTrial, Trial, TrialState

from book_forecast.backtesting.rolling_origins import Fold
from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.execution.parallel import map_titles
from book_forecast.execution.parts import Part
from book_forecast.forecasters.family_choice import used_families
from book_forecast.forecasters.launches.launch import LAUNCH_WEEKS
from book_forecast.forecasters.naive import Naive, SeasonalNaive, Zero
from book_forecast.forecasters.sarima import Sarima
from book_forecast.options.groups import BacktestOptions, ExecutionOptions
from book_forecast.options.models import ModelOptions
from book_forecast.pipelines.tune.pruner import FarBehindPruner
from book_forecast.pipelines.tune.sampler import FINISHED, NeighbourSampler
from book_forecast.pipelines.tune.scoring import best_without_each_fold, fold_error
from book_forecast.pipelines.tune.space import Space
from book_forecast.pipelines.tune.studies import REASON, STATES, TRIAL_TYPES, trial_row
from book_forecast.sarima import ORDERS, compile_core
from book_forecast.series.history import FloatArray, History, title_histories

logger = logging.getLogger(__name__)

EVALUATIONS = "evaluations"
SPACE_USED_UP, CLOCK = "space", "max_seconds"
"""Why a search ended, beside the options' names."""
SEARCH_FAILED = "tuning failed: "
ORDER_TYPES = {
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
    "families": "str",
    "fallback_reason": "str",
}
Found = tuple[dict[str, Any], list[dict[str, Any]]]
"""A row of orders, and rows of trials."""


@dataclass(frozen=True)
class Search:
    """One title's search, complete for another process.

    Attributes:
        history: The training weeks.
        folds: Rolling origins inside of them.
        models: Space, seeds and stopping rules. A trial's randomness comes from their seed, the
            ISBN and the trial's number.
    """

    history: History
    folds: Sequence[Fold]
    models: ModelOptions

    @property
    def isbn(self) -> str:
        """The title."""
        return self.history.isbn

    @property
    def space(self) -> Space:
        """The models to choose from."""
        shortest = min(fold.origin for fold in self.folds)
        return Space.for_weeks(self.models.tune, shortest, self.isbn)

    def run(self) -> tuple[optuna.Study, str]:
        """Search the orders.

        Returns:
            The study, whose trials have different parameters, and its end: the name of an option,
            or "space" where every point was tried.
        """
        options, space = self.models.tune, self.space
        sampler = NeighbourSampler(
            space, f"{self.models.seed}/{self.isbn}", len(space.seeds) + options.random_trials
        )
        study = optuna.create_study(
            study_name=self.isbn, sampler=sampler, pruner=FarBehindPruner(len(self.folds))
        )
        for seed in space.seeds:
            study.enqueue_trial(seed)
        began = time.monotonic()
        ended_by = "max_trials"

        def stop(study: optuna.Study, _: FrozenTrial) -> None:
            nonlocal ended_by
            trials = study.get_trials(deepcopy=False, states=FINISHED)
            end = self._end(trials)
            if end is None and time.monotonic() - began > options.max_seconds:
                end = CLOCK
            if end is None and len(trials) >= len(space.seeds) and not len(sampler.untried(trials)):
                end = SPACE_USED_UP
            if end is not None:
                ended_by = end
                study.stop()

        study.optimize(
            lambda trial: self._mean_error(trial, space),
            n_trials=options.max_trials,
            catch=(ValueError, np.linalg.LinAlgError),
            callbacks=[stop],
        )
        return study, ended_by

    def _end(self, trials: Sequence[FrozenTrial]) -> str | None:
        """The option by which these trials are enough; None if they are not."""
        options = self.models.tune
        if len(trials) >= options.max_trials:
            return "max_trials"
        used = sum(trial.user_attrs.get(EVALUATIONS, 0) for trial in trials)
        if used >= options.max_evaluations:
            return "max_evaluations"
        best, since = np.inf, 0
        for trial in trials:
            value = trial.value if trial.state is TrialState.COMPLETE else None
            if value is not None and value < best * (1.0 - options.min_improvement):
                best, since = value, 0
            else:
                since += 1
        enough = len(trials) >= options.min_trials and since >= options.patience
        return "patience" if enough else None

    def _mean_error(self, trial: Trial, space: Space) -> float:
        candidate = space.candidate(space.suggest(trial))
        errors: list[float] = []
        start: FloatArray | None = None
        used = 0
        try:
            for number, fold in enumerate(self.folds):
                error, fitted = fold_error(self.history, fold, candidate, start)
                start, used = fitted.arma, used + fitted.evaluations
                errors.append(error)
                trial.report(float(np.mean(errors)), number)
                if number + 1 < len(self.folds) and trial.should_prune():
                    raise optuna.TrialPruned
        except (ValueError, np.linalg.LinAlgError) as problem:
            trial.set_user_attr(REASON, str(problem))
            raise
        finally:
            trial.set_user_attr(EVALUATIONS, used)
        return float(np.mean(errors))


def search_orders(
    training_weeks: pd.DataFrame,
    family_choice: pd.DataFrame,
    models: ModelOptions,
    backtest: BacktestOptions,
    execution: ExecutionOptions,
    checkpoints: CheckpointFolder,
) -> tuple[Part, Part]:
    """Search SARIMA orders for each title of this shard, on the training weeks alone.

    Args:
        training_weeks: isbn, week, volume (NaN where the week is missing).
        family_choice: isbn, families: those of each title, as `choose_families` returns them.
        models: The search; a title without SARIMA among its families is not searched.
        backtest: The rolling origins.
        execution: Processes and shard.
        checkpoints: Finished titles, from which a stopped run resumes.

    Returns:
        Orders, one row per title, with its families, and all trials.
    """
    generation = fingerprint(
        [training_weeks[["isbn", "week", "volume"]], family_choice],
        models.tune,
        [models.alive_weeks, models.seed, Sarima.family in models.families],
        backtest,
        code_fingerprint(__name__),
    )
    families: dict[str, str] = dict(family_choice[["isbn", "families"]].itertuples(index=False))
    searches = [
        Search(
            history,
            backtest.search_origins.of_title(history.volumes),
            models.model_copy(update={"families": [*used_families(families[history.isbn])]}),
        )
        for history in execution.shard.take(title_histories(training_weeks))
    ]
    found = map_titles(
        search_title,
        searches,
        execution.n_jobs,
        "Tuning",
        on_death=_after_death,
        prepare=compile_core,
        fewest=4,
        n_slow=sum(Sarima.family in search.models.families for search in searches),
        checkpoint=checkpoints.open("search_orders", generation, is_final=_is_final),
    )
    orders = _frame([row for row, _ in found], ORDER_TYPES)
    orders["families"] = orders["isbn"].map(families).astype("str")
    trials = _frame([trial for _, rows in found for trial in rows], TRIAL_TYPES)
    logger.info(
        "Tuned %d titles in %d trials (%d complete, %d pruned, %d failed)",
        len(orders),
        len(trials),
        *((trials["state"] == state).sum() for state in STATES.values()),
    )
    shard = execution.shard
    return Part(orders, generation, shard), Part(trials, generation, shard)


def search_title(search: Search) -> Found:
    """Search one title; an unforeseen error becomes the reason of a fallback."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    isbn, history, models = search.isbn, search.history, search.models
    if history.is_dead(models.alive_weeks):
        return _without_search(isbn, Zero.family, None), []
    # A few equal weeks may be a launch's, whose interval comes from other launches.
    is_launch = models.has_ensembles and history.n_weeks < LAUNCH_WEEKS
    if search.folds and history.is_constant() and not is_launch:
        return _without_search(isbn, Naive.family, None), []
    if Sarima.family not in models.families:
        return _without_search(isbn, SeasonalNaive.family, None), []
    if not search.folds:
        reason = f"{history.n_weeks} training weeks leave no fold to score on"
        return _without_search(isbn, SeasonalNaive.family, reason), []
    try:
        study, ended_by = search.run()
    except Exception as error:
        logger.warning("Tuning %s failed (%s); seasonal naive stands in", isbn, error)
        logger.debug("Where it failed:", exc_info=True)
        return _without_search(isbn, SeasonalNaive.family, f"{SEARCH_FAILED}{error}"), []
    trials = study.get_trials(deepcopy=False, states=FINISHED)
    if ended_by == CLOCK:
        logger.warning(
            "Tuning %s stopped after max_seconds %g, with %d models tried",
            *(isbn, models.tune.max_seconds, len(trials)),
        )
    space = search.space
    rows = [trial_row(isbn, trial, space.season) for trial in trials]
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    if not complete:
        reasons = sorted({str(trial.user_attrs.get(REASON)) for trial in trials})
        reason = reasons[0] + (f" And {len(reasons) - 1} like it." if len(reasons) > 1 else "")
        return _without_search(isbn, SeasonalNaive.family, reason), rows
    best = study.best_trial
    chosen = space.candidate(best.params)
    row = {
        "isbn": isbn,
        "model": Sarima.family,
        **asdict(chosen.specification),
        "transform": chosen.transform,
        "score": best.value,
        "n_trials": len(trials),
        "n_evaluations": sum(trial.user_attrs[EVALUATIONS] for trial in trials),
        "ended_by": ended_by,
        "fold_candidates": json.dumps(
            [asdict(space.candidate(trial.params)) for trial in best_without_each_fold(complete)]
        ),
    }
    return row, rows


def _without_search(isbn: str, model: str, reason: str | None) -> dict[str, Any]:
    counts = {"n_trials": 0, "n_evaluations": 0}
    return {"isbn": isbn, "model": model, **counts, "fallback_reason": reason}


def _is_final(found: Found) -> bool:
    """Whether another run would find the same: not where something has gone wrong."""
    row, _ = found
    return row.get("ended_by") != CLOCK and not (row.get("fallback_reason") or "").startswith(
        SEARCH_FAILED
    )


def _after_death(search: Search) -> Found:
    reason = f"{SEARCH_FAILED}its process died twice"
    return _without_search(search.isbn, SeasonalNaive.family, reason), []


def _frame(rows: list[dict[str, Any]], types: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(types)).astype(types)
