"""Trainings that did not make their candidate champion: their titles wait before the next one.

The champion retains its own entry of such a title. What has called for another training calls for
it in the next week too, and one more week of sales changes little. Where the champion is protected,
by a pin or by `promote.require_win`, no candidate replaces it, and all titles wait.
"""

from __future__ import annotations

import pandas as pd

from book_forecast.releases.gates import CHALLENGE_GATE, DELIVERY_GATE, Verdict
from book_forecast.releases.retraining import REFIT, RETUNE

_UNTIL = {RETUNE: "tuned_until", REFIT: "trained_until"}
"""The fact of the champion's training that another one replaces."""
REFUSED_TYPES = {
    "isbn": "str",
    "decision": "str",
    "until": "datetime64[us]",
    "refused_until": "datetime64[us]",
}
"""A title, what was done, the last week of the champion's training or tuning of it, and the last
week of the refused one."""


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
        trainings: isbn, tuned_until, trained_until: of the champion that the plan is of.
        verdict: On the run's candidate. One that a broken delivery has held back is not refused.
        champion: The release that is champion after it: a pinned one stays whatever it says.
        newest: Last week of the sales.

    Returns:
        `REFUSED_TYPES`: the run's own if it was refused, all that could be if the champion is
        protected, and former ones of titles whose training is still the one to be replaced.
    """
    keys = ["isbn", "decision"]
    replaced = _trainings_by_decision(trainings)
    own = replaced.iloc[:0]
    if _is_refused(verdict, champion):
        own = replaced if _is_protected(verdict) else plan[keys].merge(replaced, on=keys)
    frames = [own.assign(refused_until=newest)]
    if former is not None:
        frames.append(former.merge(replaced, on=[*keys, "until"]))
    whole = pd.concat([frame.astype(REFUSED_TYPES) for frame in frames], ignore_index=True)
    return whole.drop_duplicates(keys).sort_values(keys, ignore_index=True)


def days_since_refused(
    refused: pd.DataFrame | None, trainings: pd.DataFrame, newest: pd.Timestamp
) -> pd.DataFrame:
    """Return the days of sales since a training of each title was refused.

    Args:
        refused: As `with_refused` returns them; None before the first.
        trainings: isbn, tuned_until, trained_until: of the champion.
        newest: Last week of the sales.

    Returns:
        A row per title of `trainings`, a column each for `RETUNE` and `REFIT`; NaN without a
        refused one, or where the champion's has been replaced since.
    """
    if refused is None:
        refused = pd.DataFrame(columns=list(REFUSED_TYPES)).astype(REFUSED_TYPES)
    found = _trainings_by_decision(trainings).merge(refused, on=["isbn", "decision", "until"])
    days = (newest - found["refused_until"]).dt.days.astype("float64").set_axis(found["isbn"])
    done = found["decision"].to_numpy()
    return pd.DataFrame({name: trainings["isbn"].map(days[done == name]) for name in _UNTIL})


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
    """Return isbn, decision and until, without titles that the champion has not trained."""
    return pd.concat(
        [
            trainings[["isbn", fact]].dropna().rename(columns={fact: "until"}).assign(decision=name)
            for name, fact in _UNTIL.items()
        ],
        ignore_index=True,
    )
