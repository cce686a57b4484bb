"""Trainings that did not make their candidate champion: their titles wait before the next one.

The champion retains its own entry of such a title. What has called for another training calls for
it in the next week too, and one more week of sales changes little. Where the champion is protected,
by a pin or by `promote.require_win`, no candidate replaces it, and all titles wait. A refused
training knew the options, corrections and promotions of its day: only others call before the wait
is over.
"""

from __future__ import annotations

import json

import pandas as pd

from book_forecast.releases.gates import CHALLENGE_GATE, DELIVERY_GATE, Verdict
from book_forecast.releases.retraining import REFIT, RETUNE, WAIT_TYPES
from book_forecast.releases.training_notes import is_same_plan

_UNTIL = {RETUNE: "tuned_until", REFIT: "trained_until"}
"""The fact of the champion's training that another one replaces."""
REFUSED_TYPES = {
    "isbn": "str",
    "decision": "str",
    "until": "datetime64[us]",
    "refused_until": "datetime64[us]",
    "is_pinned": "bool",
    "made_by": "str",
    "corrected": "float64",
    "covariates": "str",
}
"""A title, what was done, the last week of the champion's training or tuning of it, the last week
of the refused one, whether the pin alone has refused it, and what it knew: options and code, the
share of copies corrected since the champion's training, covariates and promotion plan."""
_KEYS = ["isbn", "decision"]


def with_refused(
    former: pd.DataFrame | None,
    plan: pd.DataFrame,
    trainings: pd.DataFrame,
    verdict: Verdict,
    champion: str | None,
    newest: pd.Timestamp,
) -> pd.DataFrame:
    """Return the refused trainings after a run.

    Args:
        former: Those before it; None before the first.
        plan: isbn, decision: the run's retraining plan.
        trainings: Facts of the champion's trainings that the plan is of; see `facts_of`.
        verdict: On the run's candidate. One that a broken delivery has held back is not refused.
        champion: The release that is champion after it: a pinned one stays whatever it says.
        newest: Last week of the sales.

    Returns:
        `REFUSED_TYPES`: the run's own if it was refused, all that could be if the champion is
        protected, and former ones of titles whose training is still the one to be replaced.
    """
    replaced = _trainings_by_decision(trainings)
    own = replaced.iloc[:0]
    if _is_refused(verdict, champion):
        own = replaced if _is_protected(verdict) else plan[_KEYS].merge(replaced, on=_KEYS)
    frames = [own.assign(refused_until=newest, is_pinned=verdict.promote)]
    if former is not None:
        frames.append(_valid(former, replaced))
    whole = pd.concat([frame[list(REFUSED_TYPES)] for frame in frames], ignore_index=True)
    # The end of a pin leaves the wait for what the gates have refused.
    whole = whole.drop_duplicates([*_KEYS, "is_pinned"]).astype(REFUSED_TYPES)
    return whole.sort_values([*_KEYS, "is_pinned"], ignore_index=True)


def refused_facts(
    refused: pd.DataFrame | None, trainings: pd.DataFrame, *, is_pinned: bool
) -> pd.DataFrame:
    """Return what is known of refused trainings that would replace the champion's.

    Args:
        refused: As `with_refused` returns them; None before the first.
        trainings: Facts of the champion's trainings; see `facts_of`.
        is_pinned: Whether the champion is pinned: what a pin alone has refused waits no longer.

    Returns:
        `WAIT_TYPES`, a row per title of `trainings`; NaN and False without a refused one, or where
        the champion's has been replaced since.
    """
    if refused is None:
        refused = pd.DataFrame(columns=list(REFUSED_TYPES))
    found = _valid(refused, _trainings_by_decision(trainings))
    if not is_pinned:
        found = found[~found["is_pinned"]]
    found = found.sort_values("refused_until").drop_duplicates(_KEYS, keep="last")
    titles = pd.Index(trainings["isbn"])
    tuning, fit = (
        found[found["decision"] == name].set_index("isbn").reindex(titles)
        for name in (RETUNE, REFIT)
    )
    today = trainings.set_index("isbn")
    newest = today["trained_until"] + pd.to_timedelta(today["age_days"], unit="D")
    called = tuning["made_by"].where(today["can_tune"], fit["made_by"])
    plans = zip(fit["covariates"], today["covariates"], newest, strict=True)
    facts = {
        "tuning_refused_days": (newest - tuning["refused_until"]).dt.days,
        "fit_refused_days": (newest - fit["refused_until"]).dt.days,
        "is_refused_code": called == today["made_by"],
        "corrected_refused": fit["corrected"],
        "is_refused_plan": [_is_known(then, now, week) for then, now, week in plans],
    }
    return pd.DataFrame(facts, index=titles).reset_index(drop=True).astype(WAIT_TYPES)


def _is_known(then: str | float, now: str | float, newest: pd.Timestamp) -> bool:
    """Return whether a refused training knew the covariates of today; one without notes did not."""
    if not (isinstance(then, str) and isinstance(now, str)):
        return False
    return is_same_plan(json.loads(then), json.loads(now), f"{newest:%Y-%m-%d}")


def _valid(refused: pd.DataFrame, replaced: pd.DataFrame) -> pd.DataFrame:
    """Return refused trainings of titles whose training is still the one to be replaced.

    Notes of older versions do not say what a training knew.
    """
    known = refused.reindex(columns=list(REFUSED_TYPES))
    known["is_pinned"] = known["is_pinned"].eq(True)
    return known.astype(REFUSED_TYPES).merge(replaced[[*_KEYS, "until"]], on=[*_KEYS, "until"])


def _is_refused(verdict: Verdict, champion: str | None) -> bool:
    """Return whether a candidate is not champion for what it is."""
    is_held_back = any(gate.name == DELIVERY_GATE for gate in verdict.failed)
    return verdict.release not in (verdict.champion, champion) and not is_held_back


def _is_protected(verdict: Verdict) -> bool:
    """Return whether any candidate would have been refused as this one was.

    The champion is pinned, or a candidate must have won a challenge, which a new one never has.
    """
    return verdict.promote or any(gate.name == CHALLENGE_GATE for gate in verdict.failed)


def _trainings_by_decision(trainings: pd.DataFrame) -> pd.DataFrame:
    """Return isbn, decision, until and what is known today.

    Titles that the champion has not trained have no row.
    """
    known = ["made_by", "corrected", "covariates"]
    return pd.concat(
        [
            trainings[["isbn", fact, *known]]
            .dropna(subset=fact)
            .rename(columns={fact: "until"})
            .assign(decision=name)
            for name, fact in _UNTIL.items()
        ],
        ignore_index=True,
    )
