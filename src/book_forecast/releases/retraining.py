"""The rules of the retraining plan: which titles are kept, fitted again or tuned again, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from book_forecast.monitoring.degradation import RATIO_TYPES
from book_forecast.options.retraining import RetrainOptions

Decision = Literal["keep", "refit", "retune"]
KEEP: Decision = "keep"
REFIT: Decision = "refit"
RETUNE: Decision = "retune"
_ORDER = [KEEP, REFIT, RETUNE]

FACT_TYPES = {
    "isbn": "str",
    "is_released": "bool",
    "is_sold": "bool",
    "can_tune": "bool",
    "is_tuned": "bool",
    "is_same_code": "bool",
    "age_days": "float64",
    "tuning_age_days": "float64",
    "corrected": "float64",
    "is_same_plan": "bool",
    "has_folds": "bool",
    "trained_until": "datetime64[us]",
    "tuned_until": "datetime64[us]",
    "made_by": "str",
    "covariates": "str",
    **RATIO_TYPES,
}
"""Facts of a title: whether the champion has it, whether it is among the titles in use, whether
tune can see it, whether the champion has its specification, whether options and code are those of
its training; days of sales since its training and its tuning; the share of its copies that were
corrected since; whether covariates and promotion plan are the same; whether the former tuning has
compared the families of today; the last week of its training, and of all when it was tuned; options
and code of today; covariates and promotion plan of today; its errors beside seasonal naive's at its
tuning.
"""
WAIT_TYPES = {
    "tuning_refused_days": "float64",
    "fit_refused_days": "float64",
    "is_refused_code": "bool",
    "corrected_refused": "float64",
    "is_refused_plan": "bool",
}
"""What is known of refused trainings of a title: days of sales since a tuning was refused, and
since a fit; whether the training that options and code call for had those of today; the share of
corrected copies that the fit knew; whether it knew covariates and promotion plan of today.
"""
PLAN_TYPES = {
    "isbn": "str",
    "decision": "str",
    "reason": "str",
    "grounds": "str",
    "is_sold": "bool",
    "can_tune": "bool",
    "age_days": "float64",
    "tuning_age_days": "float64",
    "degradation": "float64",
    "p_value": "float64",
    "corrected": "float64",
}
_FORCED = "forced"
NOTHING_NEW = "nothing calls for it"
REFUSED_TUNING = "a tuning was refused"
REFUSED_FIT = "a fit was refused"
_FIGURES = {
    "degradation": " by {degradation:.0%} over {weeks:.0f} weeks, p = {p_value:.4f}",
    "age": ": {age_days:.0f} days",
    "age of the tuning": ": {tuning_age_days:.0f} days",
    "corrected weeks": ": {corrected:.1%} of the copies",
    REFUSED_TUNING: " {tuning_refused_days:.0f} days ago",
    REFUSED_FIT: " {fit_refused_days:.0f} days ago",
}
"""What follows a reason where it is shown with its figures."""
NOT_SOLD = "not among the titles in use"
WAITS = "the delivery is broken"
MOST = "most titles are tuned anew"
ALONE = "the former tuning is of other families"


@dataclass(frozen=True)
class Rule:
    """A reason to train a title again.

    Attributes:
        reason: In a few words.
        decision: What follows from it.
        holds: For which titles, in the order of the facts.
    """

    reason: str
    decision: Decision
    holds: pd.Series


def decide(facts: pd.DataFrame, rules: RetrainOptions, *, is_broken: bool) -> pd.DataFrame:
    """Decide for each title whether it is kept, fitted again or tuned again.

    A refit retains orders, weights and scale, and takes the newer weeks. A title that tune cannot
    see, such as a launch, is fitted in place of being tuned.

    Args:
        facts: `FACT_TYPES` and `WAIT_TYPES`, with weeks, degradation and p_value of
            `measure_degradation` and shifted of `find_shifts`; NaN and False where these say
            nothing.
        rules: From where on something is done.
        is_broken: Whether the newest delivery must not be used: nothing but what is forced is
            done then, as long as there is a release.

    Returns:
        A row per title, `PLAN_TYPES`: the decision, its first reason, all grounds with figures, and
        the figures themselves.
    """
    found = list(_rules(facts, rules))
    waits = is_broken and bool(facts["is_released"].any())
    decided = np.zeros(len(facts), dtype=int)
    reasons = np.full(len(facts), None, dtype=object)
    grounds: list[list[str]] = [[] for _ in range(len(facts))]
    for rule in sorted(found, key=lambda rule: -_ORDER.index(rule.decision)):
        holds = (rule.holds & facts["is_sold"]).to_numpy()
        if not waits or rule.reason == _FORCED:
            wanted = _ORDER.index(rule.decision)
            level = np.where(facts["can_tune"], wanted, min(wanted, _ORDER.index(REFIT)))
            decided = np.where(holds, np.maximum(decided, level), decided)
        for row in np.flatnonzero(holds):
            reasons[row] = reasons[row] or rule.reason
            grounds[row].append(_shown(rule.reason, facts.iloc[row]))
    if not waits:
        _spread(decided, reasons, facts, rules.whole_share)
    plan = facts.reindex(columns=list(PLAN_TYPES)).assign(
        decision=[_ORDER[level] for level in decided],
        reason=[
            _why(str(reason) if reason else None, bool(level), is_sold=sold, waits=waits)
            for reason, level, sold in zip(reasons, decided, facts["is_sold"], strict=True)
        ],
        grounds=["; ".join(texts) for texts in grounds],
    )
    return plan.astype(PLAN_TYPES).sort_values("isbn", ignore_index=True)


def _rules(facts: pd.DataFrame, rules: RetrainOptions) -> Iterator[Rule]:
    """Yield every rule with the titles for which it holds; the first reasons come first."""
    named = rules.force_titles
    asked = facts["isbn"].isin(named) if named != "all" else facts["is_sold"]
    if rules.force != "none":
        yield Rule(_FORCED, REFIT if rules.force == "refit" else RETUNE, asked)
    untuned = facts["can_tune"] & ~facts["is_tuned"]
    yield Rule("new title", RETUNE, ~facts["is_released"] | untuned)
    known = facts["is_released"] & ~untuned
    worse = (
        (facts["degradation"] > rules.max_degradation)
        & (facts["p_value"] < rules.degradation_chance)
        & (facts["weeks"] >= rules.degradation_weeks)
    )
    old = facts["tuning_age_days"] >= rules.max_tuning_age_days
    aged = facts["age_days"] >= rules.max_age_days
    waits, fit_waits = (
        facts[name].between(0, rules.retry_after_days, inclusive="left")
        for name in ("tuning_refused_days", "fit_refused_days")
    )
    # A refused training waits with all that it knew; another change calls at once.
    other_code, corrected = ~facts["is_same_code"], facts["corrected"] > rules.max_corrected
    code_waits = waits.where(facts["can_tune"], fit_waits) & facts["is_refused_code"]
    beyond = (facts["corrected"] - facts["corrected_refused"]).abs()
    corrected_waits = fit_waits & (beyond <= rules.max_corrected)
    plan_waits = fit_waits & facts["is_refused_plan"]
    yield Rule("changed code or options", RETUNE, known & other_code & ~code_waits)
    yield Rule("degradation", RETUNE, known & worse & ~waits)
    yield Rule("age of the tuning", RETUNE, known & old & ~waits)
    tuning_waits = (worse | old) & waits | other_code & code_waits
    yield Rule(REFUSED_TUNING, KEEP, known & tuning_waits)
    yield Rule("drift", REFIT, known & facts["shifted"] & ~fit_waits)
    yield Rule("corrected weeks", REFIT, known & corrected & ~corrected_waits)
    other_plan = ~facts["is_same_plan"]
    yield Rule("changed promotions or covariates", REFIT, known & other_plan & ~plan_waits)
    yield Rule("age", REFIT, known & aged & ~fit_waits)
    refit_waits = (facts["shifted"] | aged) & fit_waits
    refit_waits |= corrected & corrected_waits | other_plan & plan_waits
    yield Rule(REFUSED_FIT, KEEP, known & refit_waits)


def _spread(
    decided: np.ndarray, reasons: np.ndarray, facts: pd.DataFrame, whole_share: float
) -> None:
    """Train every title in use where most are tuned anew: what titles share is made anew then."""
    tunable = (facts["can_tune"] & facts["is_sold"]).to_numpy()
    retuned = tunable & (decided == _ORDER.index(RETUNE))
    # Without folds of other titles there is nothing to weight a title's families by.
    alone = not (tunable & facts["has_folds"].to_numpy()).any()
    if not retuned.any() or (retuned.sum() <= whole_share * tunable.sum() and not alone):
        return
    for row in np.flatnonzero(facts["is_sold"].to_numpy()):
        level = _ORDER.index(RETUNE if tunable[row] else REFIT)
        if decided[row] < level:
            decided[row], reasons[row] = level, ALONE if alone else MOST


def _why(reason: str | None, is_trained: bool, *, is_sold: bool, waits: bool) -> str:
    if not is_sold:
        return NOT_SOLD
    if reason not in (None, REFUSED_TUNING, REFUSED_FIT) and waits and not is_trained:
        return f"{WAITS}: {reason} waits"
    return reason or NOTHING_NEW


def _shown(reason: str, fact: pd.Series) -> str:
    """Return a reason with its figures."""
    figures = _FIGURES.get(reason, "")
    return reason + figures.format_map(fact.to_dict())


def with_decision(plan: pd.DataFrame, *decisions: Decision) -> list[str]:
    """Return the titles of a plan with one of these decisions."""
    found: list[str] = plan.loc[plan["decision"].isin(decisions), "isbn"].tolist()
    return found


def is_whole(plan: pd.DataFrame) -> bool:
    """Return whether a plan trains every title in use, tuning included.

    Everything that titles share is made anew then, and other titles of the champion are left out.
    """
    in_use = plan[plan["is_sold"]]
    tunable = in_use[in_use["can_tune"]]
    return bool(
        len(tunable)
        and (tunable["decision"] == RETUNE).all()
        and (in_use["decision"] != KEEP).all()
    )


def summarise(plan: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers of titles by decision and reason, and whether the plan is whole."""
    counts = plan["decision"].value_counts()
    trained = plan[plan["decision"] != KEEP]
    waiting = plan["reason"].str.startswith(WAITS)
    return {
        "titles": {name: int(counts.get(name, 0)) for name in _ORDER},
        "reasons": {
            decision: {str(k): int(v) for k, v in rows["reason"].value_counts().items()}
            for decision, rows in trained.groupby("decision")
        },
        "waiting": int(waiting.sum()),
        "refused": int(plan["reason"].isin([REFUSED_TUNING, REFUSED_FIT]).sum()),
        "whole": is_whole(plan),
    }
