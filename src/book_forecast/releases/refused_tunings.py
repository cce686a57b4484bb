"""Tunings that the gates have refused: their titles wait a while before the next one.

The champion retains its own specification of such a title. What has called for another one calls
for it in the next week too, and a search on one more week finds much the same.
"""

from __future__ import annotations

import pandas as pd

from book_forecast.releases.gates import DELIVERY_GATE, Verdict
from book_forecast.releases.retraining import RETUNE, with_decision

REFUSED_TYPES = {
    "isbn": "str",
    "tuned_until": "datetime64[us]",
    "refused_until": "datetime64[us]",
}
"""A title, the last week of all when the champion's specification of it was tuned, and when the
refused one was."""


def with_refused(
    former: pd.DataFrame | None,
    plan: pd.DataFrame,
    trainings: pd.DataFrame,
    verdict: Verdict,
    newest: pd.Timestamp,
) -> pd.DataFrame:
    """Return the refused tunings after a run.

    Args:
        former: Those before it; None before the first.
        plan: isbn, decision: the run's retraining plan.
        trainings: isbn, tuned_until: of the champion that the plan is of.
        verdict: On the run's candidate.
        newest: Last week of the sales.

    Returns:
        `REFUSED_TYPES`: the run's own if it was refused, and former ones of titles whose
        specification is still the one that a tuning was meant to replace.
    """
    tuned = trainings.set_index("isbn")["tuned_until"]
    isbns = [] if _is_accepted(verdict) else with_decision(plan, RETUNE)
    own = pd.DataFrame({"isbn": isbns, "tuned_until": tuned.reindex(isbns).to_numpy()})
    frames = [own.assign(refused_until=newest)]
    if former is not None:
        frames.append(former[~former["isbn"].isin(isbns)])
    whole = pd.concat([frame.astype(REFUSED_TYPES) for frame in frames], ignore_index=True)
    stays = whole["tuned_until"] == whole["isbn"].map(tuned.to_dict())
    return whole[stays].sort_values("isbn", ignore_index=True)


def days_since_refused(
    refused: pd.DataFrame | None, trainings: pd.DataFrame, newest: pd.Timestamp
) -> pd.Series:
    """Return the days of sales since a tuning of each title was refused.

    Args:
        refused: As `with_refused` returns them; None before the first.
        trainings: isbn, tuned_until: of the champion.
        newest: Last week of the sales.

    Returns:
        NaN of titles without one, or whose specification has been replaced since.
    """
    if refused is None:
        refused = pd.DataFrame(columns=list(REFUSED_TYPES)).astype(REFUSED_TYPES)
    keys = ["isbn", "tuned_until"]
    found = trainings[keys].merge(refused, on=keys, how="left", validate="many_to_one")
    since = (newest - found["refused_until"]).dt.days.where(found["tuned_until"].notna())
    return since.astype("float64").set_axis(trainings.index)


def _is_accepted(verdict: Verdict) -> bool:
    """Whether the specifications of a candidate were not refused on their merits."""
    on_delivery = any(gate.name == DELIVERY_GATE for gate in verdict.failed)
    return verdict.promote or verdict.release == verdict.champion or on_delivery
