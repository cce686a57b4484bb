"""Optuna studies as rows of the table of trials, and back."""

from __future__ import annotations

import json
from typing import Any

import optuna
import pandas as pd
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from book_forecast.sarima import ORDERS

STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
REASON = "reason"
TRIAL_TYPES = {
    "isbn": "str",
    "number": "int64",
    **dict.fromkeys(ORDERS, "int64"),
    "s": "int64",
    "transform": "str",
    "state": "str",
    "score": "float64",
    "n_folds": "int64",
    "fold_means": "str",
    "reason": "str",
}


def trial_row(isbn: str, trial: FrozenTrial, season: int) -> dict[str, Any]:
    """Return a finished trial as a row of the table."""
    return {
        "isbn": isbn,
        "number": trial.number,
        **trial.params,
        "s": season,
        "state": STATES[trial.state],
        "score": trial.value,
        "n_folds": len(trial.intermediate_values),
        "fold_means": json.dumps([*trial.intermediate_values.values()]),
        "reason": trial.user_attrs.get(REASON),
    }


def study_of(trials: pd.DataFrame, isbn: str) -> optuna.Study:
    """Rebuild the study of one title, for Optuna's plots and tools.

    Args:
        trials: The table of trials, as `search_orders` returns it.
        isbn: The title.

    Returns:
        A study in memory. Its distributions range from the smallest to the largest tried value.
    """
    study = optuna.create_study(study_name=isbn)
    rows = trials[trials["isbn"] == isbn].sort_values("number")
    if rows.empty:
        return study
    states = {name: state for state, name in STATES.items()}
    distributions: dict[str, BaseDistribution] = {
        order: IntDistribution(int(rows[order].min()), int(rows[order].max())) for order in ORDERS
    }
    distributions["transform"] = CategoricalDistribution(sorted(rows["transform"].unique()))
    for row in rows.to_dict("records"):
        failed = states[row["state"]] is TrialState.FAIL
        study.add_trial(
            create_trial(
                state=states[row["state"]],
                value=None if pd.isna(row["score"]) else row["score"],
                params={name: row[name] for name in distributions},
                distributions=distributions,
                intermediate_values=dict(enumerate(json.loads(row["fold_means"]))),
                user_attrs={REASON: row["reason"]} if failed else {},
            )
        )
    return study
