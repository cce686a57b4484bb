"""An ensemble for a title: what was chosen for it, and the fit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.forecasters.boosting_member import Boosting
from book_forecast.forecasters.calibration import Calibration
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.families import Recipe, fit_families
from book_forecast.forecasters.sarima import Candidate
from book_forecast.series.history import FloatArray, History


@dataclass(frozen=True)
class EnsembleChoice:
    """What was chosen for a title.

    Attributes:
        weights: By family; those that are not in it count for nothing.
        families: The families to fit.
        recipe: How.
        calibration: Of all titles' intervals.
        spread: The title's own measure of error.
    """

    weights: Mapping[str, float]
    families: Sequence[str]
    recipe: Recipe
    calibration: Calibration
    spread: float


def fit_ensemble(history: History, choice: EnsembleChoice) -> Ensemble:
    """Fits the members; what cannot be fitted leaves its weight to the others.

    Raises:
        ValueError: If no member with a weight can be fitted; tells why.
    """
    fits = fit_families(history, choice.recipe, choice.families)
    weights = {name: choice.weights.get(name, 0.0) for name in fits.models}
    total = sum(weights.values())
    if not total > 0.0:
        reasons = [f"{name}: {reason}" for name, reason in fits.failures.items()]
        raise ValueError(f"no member of its ensemble can be fitted ({'; '.join(reasons)})")
    return Ensemble(
        members=fits.models,
        weights={name: weight / total for name, weight in weights.items()},
        calibration=choice.calibration,
        spread=choice.spread,
        volumes=history.volumes,
        bursts=fits.bursts,
    )


def ensemble_choices(
    ensembles: pd.DataFrame,
    calibration: Mapping[str, Any],
    candidates: Mapping[str, Candidate | None],
    paths: Mapping[str, FloatArray],
    families: Sequence[str],
    *,
    calendar: bool,
    all_families: bool,
) -> dict[str, EnsembleChoice]:
    """What was chosen for each title.

    Args:
        ensembles: One row a title, as `weigh_families` makes them; none without an ensemble.
        calibration: As `weigh_families` makes it.
        candidates: SARIMA orders by ISBN.
        paths: What the model of all titles says, by ISBN.
        families: The families to choose from.
        calendar: Whether the calendar's windows are used.
        all_families: Whether those without a weight are fitted too, to be scored beside the others.
    """
    if ensembles.empty:
        return {}
    shared = Calibration.from_state(calibration)
    found = {}
    for row in ensembles.to_dict("records"):
        isbn = row["isbn"]
        weights = json.loads(row["weights"])
        recipe = Recipe(
            season=int(row["season"]),
            candidate=candidates.get(isbn),
            calendar=calendar,
            paths={Boosting.family: paths[isbn]} if isbn in paths else {},
        )
        chosen = [name for name in families if all_families or name in weights]
        found[isbn] = EnsembleChoice(weights, chosen, recipe, shared, float(row["spread"]))
    return found


def specification_text(ensemble: Ensemble) -> str:
    """Members and what they count for, the heaviest first."""
    shares = sorted(ensemble.weights.items(), key=lambda item: -item[1])
    return " + ".join(f"{np.round(share, 2):g} {name}" for name, share in shares if share >= 0.005)
