"""Nodes of the plan pipeline: facts of each title's training, its degradation, and the plan."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pandas as pd

from book_forecast.forecasters.family_choice import reasons_of
from book_forecast.monitoring.degradation import (
    DEGRADATION_TYPES,
    RATIO_TYPES,
    error_ratios,
    measure_degradation,
    weekly_errors,
)
from book_forecast.monitoring.errors import known_weeks
from book_forecast.monitoring.recorded import Partitions, Recorded
from book_forecast.monitoring.summaries import is_broken
from book_forecast.options.groups import BacktestOptions
from book_forecast.options.models import ModelOptions
from book_forecast.options.monitoring import MonitorOptions
from book_forecast.options.retraining import RetrainOptions
from book_forecast.payload.contents import Payload
from book_forecast.releases.refused_trainings import refused_facts
from book_forecast.releases.retraining import KEEP, decide, summarise
from book_forecast.releases.training_notes import facts_of, identify_training
from book_forecast.series.history import WEEK

logger = logging.getLogger(__name__)

_COLUMNS = ["isbn", "cutoff", "week", "mean"]


def describe_trainings(
    champion: Payload | None,
    model_input: pd.DataFrame,
    training_weeks: pd.DataFrame,
    covariates: pd.DataFrame | None,
    models: ModelOptions,
    backtest: BacktestOptions,
    former_family_choice: pd.DataFrame | None,
) -> pd.DataFrame:
    """Return what is known of each title's training; see `facts_of`.

    Args:
        champion: The release; None where there is none.
        model_input: isbn, week, volume of the titles in use.
        training_weeks: The same of the titles that tune can see.
        covariates: isbn, week, name, value; None without any.
        models: The families and the search.
        backtest: Test set and rolling origins.
        former_family_choice: families of each title in the former tuning; None without one.
    """
    made_by = identify_training(models, backtest)
    former = former_family_choice
    has_folds = former is not None and all(
        set(reasons_of(text)) == set(models.families) for text in former["families"].unique()
    )
    return facts_of(champion, model_input, training_weeks, covariates, made_by, has_folds)


def find_degradation(
    recorded_forecasts: Partitions | None,
    model_input: pd.DataFrame,
    title_trainings: pd.DataFrame,
    monitor: MonitorOptions,
) -> pd.DataFrame:
    """Compare each title's errors since its tuning with those at the rolling origins then.

    A fit on newer weeks does not begin anew: it has the specification that is judged.

    Args:
        recorded_forecasts: Tables by release and cutoff; None without any.
        model_input: isbn, week, volume.
        title_trainings: As `describe_trainings` returns them.
        monitor: The weeks of recorded forecasts that count.

    Returns:
        As `measure_degradation`; no row of titles that no forecast was recorded of since.
    """
    recorded, newest = Recorded.of(recorded_forecasts), model_input["week"].max()
    first = newest - (monitor.monitored_weeks - 1) * WEEK
    trainings = title_trainings.set_index("isbn")
    tables = [table[_COLUMNS] for table in recorded.between(first - WEEK, newest - WEEK)]
    if not tables:
        return pd.DataFrame(columns=list(DEGRADATION_TYPES)).astype(DEGRADATION_TYPES)
    forecasts = pd.concat(tables, ignore_index=True).drop_duplicates(_COLUMNS[:3], keep="last")
    tuned = forecasts["isbn"].map(trainings["tuned_until"].to_dict())
    own = forecasts[forecasts["cutoff"] >= pd.to_datetime(tuned)]
    since = error_ratios(weekly_errors(own, known_weeks(model_input)))
    found = measure_degradation(trainings[list(RATIO_TYPES)], since)
    logger.info(
        "Errors since the tuning are known of %d of %d titles", len(found), len(title_trainings)
    )
    return found


def plan_retraining(
    title_trainings: pd.DataFrame,
    title_degradation: pd.DataFrame,
    title_shifts: pd.DataFrame,
    monitor_status: Mapping[str, Any],
    former_refused_trainings: pd.DataFrame | None,
    is_pinned: bool,
    retrain: RetrainOptions,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Decide for each title whether it is kept, fitted again or tuned again.

    Args:
        title_trainings: As `describe_trainings` returns them.
        title_degradation: As `find_degradation` returns it.
        title_shifts: As monitor finds them.
        monitor_status: The state of the newest delivery.
        former_refused_trainings: As `with_refused` returns them; None before the first.
        is_pinned: Whether the champion is pinned.
        retrain: From where on something is done.

    Returns:
        The plan, a row per title, and its numbers.
    """
    shifted = title_shifts[title_shifts["shifted"]].set_index("isbn")["cutoff"]
    waits = refused_facts(former_refused_trainings, title_trainings, is_pinned=is_pinned)
    facts = pd.concat([title_trainings.reset_index(drop=True), waits], axis=1)
    facts = facts.merge(title_degradation, on="isbn", how="left")
    # The model of a title that was trained since knows the shift.
    since = pd.to_datetime(facts["isbn"].map(shifted.to_dict()))
    facts["shifted"] = (since >= facts["trained_until"]).to_numpy(dtype=bool)
    broken = is_broken(monitor_status)
    plan = decide(facts, retrain, is_broken=broken)
    summary = {**summarise(plan), "delivery": "broken" if broken else "usable"}
    _report(plan, summary)
    return plan, summary


def _report(plan: pd.DataFrame, summary: Mapping[str, Any]) -> None:
    titles = summary["titles"]
    logger.info(
        "Retraining plan: %d titles are kept, %d refitted, %d tuned anew%s",
        *(titles["keep"], titles["refit"], titles["retune"]),
        ", which is everything" if summary["whole"] else "",
    )
    for decision, reasons in summary["reasons"].items():
        shown = ", ".join(f"{reason} {count}" for reason, count in reasons.items())
        logger.info("%s: %s", decision, shown)
    if summary["refused"]:
        logger.info("%d titles wait, as a training was refused", summary["refused"])
    if summary["waiting"]:
        logger.warning(
            "%d titles wait for a training, as the newest delivery is broken", summary["waiting"]
        )
    elif (plan["decision"] == KEEP).all():
        logger.info("No title needs a fit: the champion stays as it is")
