"""The families of each title: those that may earn weight, by a sample with all of them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.execution.parallel import map_titles
from book_forecast.forecasters.families import FORECASTERS
from book_forecast.forecasters.family_choice import as_column
from book_forecast.forecasters.global_models.members import Network
from book_forecast.forecasters.global_models.network import why_absent
from book_forecast.forecasters.pretrained import weights_of
from book_forecast.forecasters.stacking import mean_of_known
from book_forecast.forecasters.weights import FoldForecasts, combine, fit_weights
from book_forecast.options.groups import BacktestOptions
from book_forecast.options.models import ModelOptions
from book_forecast.pipelines.tune.fold_arrays import (
    across_titles,
    as_unsearched,
    fold_arrays,
    prior_weights,
)
from book_forecast.pipelines.tune.fold_tasks import FoldTask, at_common_weeks, fold_tasks
from book_forecast.pipelines.tune.folds import (
    NOT_COMPARED,
    CrossValidation,
    TitleFold,
    cross_validate,
    fold_frame,
    is_final,
)
from book_forecast.pipelines.tune.search import Search, search_title
from book_forecast.pipelines.tune.strata import STRATUM
from book_forecast.sarima import compile_core
from book_forecast.series.covariates import with_covariates
from book_forecast.series.history import FloatArray, forecasts_by_title, title_histories
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

CHOICE_TYPES = {"isbn": "str", "stratum": "str", "is_sampled": "bool", "families": "str"}
# Trials of the sample's searches: whether SARIMA may earn weight needs no best orders.
TRIALS = 12
# Titles of the sample at which a stratum's own errors count as much as those of all titles.
TITLES_OF_A_STRATUM = 8.0
# Time of a family for one title beside the others', its search for orders included. The global
# model is fitted for all titles anyway.
COSTS = {"sarima": 30.0, "regression": 4.0, "ets": 2.0, "mstl": 2.0, "theta": 1.0}
USUAL_COST = 0.5


@dataclass(frozen=True)
class SampleTask:
    """One title's comparison of all families, complete for another process."""

    search: Search
    folds: FoldTask

    @property
    def isbn(self) -> str:
        """The title."""
        return self.search.isbn


def choose_families(
    training_weeks: pd.DataFrame,
    title_strata: pd.DataFrame,
    global_forecasts: pd.DataFrame,
    covariates: pd.DataFrame | None,
    models: ModelOptions,
    backtest: BacktestOptions,
    n_jobs: int,
    checkpoints: CheckpointFolder,
) -> pd.DataFrame:
    """Compare every family on the sample, and choose those that may earn weight in each stratum.

    Args:
        training_weeks: isbn, week, volume.
        title_strata: As `stratify_titles` returns them.
        global_forecasts: isbn, family, cutoff, week, mean: models of all titles at the origins.
        covariates: isbn, week, name, value; None without any.
        models: The families, and the largest loss from leaving some out.
        backtest: The rolling origins.
        n_jobs: Processes; 0 for one per core. The sample is not divided into shards.
        checkpoints: Finished titles, from which a stopped run resumes.

    Returns:
        A row per title: isbn, stratum, is_sampled, and families: JSON of every family and the
        reason why it is left out, null for those that are used.
    """
    strata = title_strata[STRATUM].agg(", ".join, axis=1)
    unfit = _unfit_families(models, training_weeks)
    usable = as_column(dict.fromkeys(models.families) | unfit)
    choice = title_strata[["isbn", "is_sampled"]].assign(stratum=strata, families=usable)
    sample = title_strata[title_strata["is_sampled"]]
    found: list[CrossValidation] = []
    if len(sample) and models.has_ensembles:
        found = _compare(
            *(training_weeks, sample, global_forecasts, covariates),
            *(models, backtest, n_jobs, checkpoints),
        )
    if found:
        nested = _nested_families(found, training_weeks, sample, models)
        chosen = {
            name: _families(nested, strata[sample.index].to_numpy() == name, models) | unfit
            for name in strata.unique()
        }
        choice["families"] = [as_column(chosen[name]) for name in strata]
        for name, families in chosen.items():
            used = [family for family, reason in families.items() if reason is None]
            logger.info(
                "Families of %d titles, %s: %s", (strata == name).sum(), name, ", ".join(used)
            )
    return choice[list(CHOICE_TYPES)].astype(CHOICE_TYPES)


def _unfit_families(models: ModelOptions, weeks: pd.DataFrame) -> dict[str, str | None]:
    """Return the families that need more titles or weeks than there are, with that reason.

    Raises:
        UserError: No family is left.
    """
    n_titles = weeks["isbn"].nunique()
    needed = {name: FORECASTERS[name].capabilities.fewest_titles for name in models.families}
    found: dict[str, str | None] = {
        name: f"it needs at least {fewest} titles, there are {n_titles}"
        for name, fewest in needed.items()
        if fewest > n_titles
    }
    if Network.family in models.families and n_titles:
        reason = why_absent(n_titles, len(weeks), models.network)
        found |= {} if reason is None else {Network.family: reason}
    if n_titles and len(found) == len(needed):
        reason = next(iter(found.values()))
        raise UserError(
            f"models.families is {', '.join(found)}: {reason}. Add a family that needs less, "
            "such as theta."
        )
    return found


def _compare(
    training_weeks: pd.DataFrame,
    sample: pd.DataFrame,
    global_forecasts: pd.DataFrame,
    covariates: pd.DataFrame | None,
    models: ModelOptions,
    backtest: BacktestOptions,
    n_jobs: int,
    checkpoints: CheckpointFolder,
) -> list[CrossValidation]:
    n_titles = training_weeks["isbn"].nunique()
    folds_of = at_common_weeks(backtest.origins_of_weights(n_titles))
    weeks = training_weeks[training_weeks["isbn"].isin(sample["isbn"])]
    histories = with_covariates(title_histories(weeks), covariates, models.regressors)
    short = {"max_trials": min(models.tune.max_trials, TRIALS)}
    searched = models.model_copy(update={"tune": models.tune.model_copy(update=short)})
    tasks = [
        SampleTask(
            Search(task.history, backtest.search_origins.of_title(task.history.volumes), searched),
            task,
        )
        for task in fold_tasks(
            histories, forecasts_by_title(global_forecasts), models, backtest, folds_of
        )
    ]
    generation = fingerprint(
        [weeks[["isbn", "week", "volume"]], global_forecasts, covariates],
        [models.families, models.calendar, models.regressors, searched.tune, models.seed],
        [backtest, n_titles, models.alive_weeks],
        [models.pretrained, weights_of(models)],
        code_fingerprint(__name__),
    )
    found = map_titles(
        compare_title,
        tasks,
        n_jobs,
        "Comparing all families on the sample",
        on_death=lambda _: None,
        prepare=compile_core,
        chunk=2,
        checkpoint=checkpoints.open("choose_families", generation, TitleFold, is_final=is_final),
    )
    return [item for item in found if item is not None and item[1]]


def compare_title(task: SampleTask) -> CrossValidation | None:
    """Search orders and cross-validate one title; None for one that no family is compared on."""
    orders, _ = search_title(task.search)
    if orders["model"] in NOT_COMPARED:
        return None
    return cross_validate(task.folds.with_orders(orders))


def _nested_families(
    found: list[CrossValidation],
    training_weeks: pd.DataFrame,
    sample: pd.DataFrame,
    models: ModelOptions,
) -> dict[tuple[str, ...], pd.Series]:
    """Return sets of families, each without one of the set before, and their titles' errors.

    The family with the least weight for its cost goes first. All sets have the same folds: those
    that the ensemble of all families has forecast. Where none of a set's families has a forecast,
    the set has the error of `_price_of_a_failure`.

    Returns:
        By families, the mean absolute error of their out-of-fold ensembles in units of the error
        with all families, by ISBN of the sample.
    """
    families: list[str] = [*models.families]
    errors: dict[tuple[str, ...], pd.Series] = {}
    price: FloatArray | None = None
    while families:
        forecasts, seasons = fold_frame(found, families)
        folds, _ = fold_arrays(forecasts, seasons, training_weeks, sample, families)
        prior = prior_weights(folds, families)
        excused = across_titles([families] * len(seasons), families)
        weights = fit_weights(as_unsearched(folds, families), prior, models.seed, excused)
        wrong = np.abs(combine(folds.members, weights.out_of_fold) - folds.volumes)
        of_fold = mean_of_known(wrong, axis=1)
        if price is None:
            price = _price_of_a_failure(of_fold, folds)
        of_fold = np.where(np.isnan(of_fold), price, of_fold)
        isbns = seasons["isbn"].to_numpy()[folds.titles]
        own = pd.Series(of_fold).groupby(isbns).mean()
        errors[tuple(families)] = own.reindex(sample["isbn"])
        earned = weights.mean.mean(axis=0) / [COSTS.get(n, USUAL_COST) for n in families]
        families.pop(int(np.argmin(earned)))
    everything = next(iter(errors.values()))
    return {names: own / everything for names, own in errors.items()}


def _price_of_a_failure(of_fold: FloatArray, folds: FoldForecasts) -> FloatArray:
    """Return the error of a set of families in a fold that it cannot forecast, shape (r,).

    It is that of the median family, and at least that of all of them together: a fold too hard for
    a set never makes it look better, and one family that explodes there does not decide.

    Args:
        of_fold: Errors with all families, shape (r,); NaN where these have failed too, which
            remains.
        folds: The forecasts of all families.
    """
    found = of_fold.copy()
    there = np.isfinite(of_fold)
    wrong = np.abs(folds.members[there] - folds.volumes[there][:, None])
    of_families = mean_of_known(wrong, axis=2)
    found[there] = np.fmax(of_fold[there], np.nanmedian(of_families, axis=1))
    return found


def _families(
    nested: Mapping[tuple[str, ...], pd.Series], inside: np.ndarray, models: ModelOptions
) -> dict[str, str | None]:
    """Return every family, with the reason where a stratum goes without it.

    The stratum gets the smallest set whose errors are hardly larger than those of the best one.
    """
    losses = {names: _loss(errors.to_numpy(), inside) for names, errors in nested.items()}
    most = min(losses.values()) * (1.0 + models.effort.max_loss)
    used = min((names for names, loss in losses.items() if loss <= most), key=len)
    n_titles = int(np.isfinite(next(iter(nested.values())).to_numpy()[inside]).sum())
    change = losses[used] - losses[tuple(models.families)]
    reason = (
        f"with {', '.join(used)} alone, errors change by {change:+.1%} on {n_titles} titles of the "
        "sample like it"
    )
    return {name: None if name in used else reason for name in models.families}


def _loss(errors: np.ndarray, inside: np.ndarray) -> float:
    """Return the mean error of a stratum, shrunk towards that of all titles."""
    known = np.isfinite(errors)
    own = errors[inside & known]
    weight = TITLES_OF_A_STRATUM
    return float((own.sum() + weight * errors[known].mean()) / (len(own) + weight))
