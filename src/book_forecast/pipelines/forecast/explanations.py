"""Explanations: the members' forecasts of an ensemble, and the parts of its mean."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.execution.parallel import map_titles
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.families import FILTERING
from book_forecast.options.groups import ExecutionOptions, SelectionOptions
from book_forecast.payload.contents import Payload
from book_forecast.pipelines.forecast.choice import asked_titles
from book_forecast.pipelines.forecast.rolling import FEWEST
from book_forecast.releases.models import model_of
from book_forecast.series.history import FloatArray, weeks_after

logger = logging.getLogger(__name__)

MEMBER, PART = "member", "part"
EXPLANATION_TYPES = {
    "isbn": "str",
    "week": "datetime64[us]",
    "kind": "str",
    "name": "str",
    "value": "float64",
    "weight": "float64",
}


@dataclass(frozen=True)
class TitleModel:
    """One title's work, complete for another process."""

    isbn: str
    model: Ensemble
    horizon: int


@dataclass(frozen=True)
class Explanation:
    """The explanation of one title's forecast.

    Attributes:
        members: Forecasts of the members in copies, each of shape (horizon,).
        weights: The same.
        parts: Factors of one plus the mean, each of shape (horizon,).
    """

    members: dict[str, FloatArray]
    weights: dict[str, FloatArray]
    parts: dict[str, FloatArray]


def explain_forecasts(
    current_release: Payload,
    selection: SelectionOptions,
    horizon: int,
    execution: ExecutionOptions,
    checkpoints: CheckpointFolder,
) -> pd.DataFrame:
    """Explain the forecasts of ensembles.

    Args:
        current_release: After newer weeks.
        selection: The titles to explain, where they are named.
        horizon: Weeks ahead.
        execution: Processes.
        checkpoints: Finished titles, from which a stopped run resumes.

    Returns:
        isbn, week, kind, name, value, weight; no row of a title that no ensemble forecasts. Rows
        of kind "member" are the members' forecasts in copies, with their weights by week. Those of
        kind "part" are factors: "level" in copies plus one, the same in all weeks, and what
        "trend", "season", "holidays", "promotion" and "other" multiply it by; their product is one
        plus the forecast. Holidays and promotion are there where a member of the ensemble has them.
    """
    is_ensemble = np.array(current_release.titles["model"].to_pylist()) == Ensemble.family
    cutoffs = current_release.titles["cutoff"].to_numpy().astype("datetime64[D]")
    isbns = current_release.titles["isbn"].to_pylist()
    asked = np.isin(isbns, asked_titles(current_release, selection))
    rows = np.flatnonzero(is_ensemble & asked).tolist()
    models = [model_of(current_release, row) for row in rows]
    # Not by the manifest, which has the release's id: another one may hold the same models.
    states = current_release.titles.select(["isbn", "state", "cutoff"]).to_pandas()
    generation = fingerprint(states, current_release.mean, horizon, code_fingerprint(__name__))
    tasks = [
        TitleModel(isbns[row], model, horizon)
        for row, model in zip(rows, models, strict=True)
        if isinstance(model, Ensemble)
    ]
    n_slow = sum(not FILTERING.isdisjoint(task.model.members) for task in tasks)
    found = map_titles(
        explain_title,
        tasks,
        execution.n_jobs,
        "Explaining",
        on_death=lambda _: None,
        fewest=FEWEST,
        n_slow=n_slow,
        chunk=16,
        checkpoint=checkpoints.open("explain_forecasts", generation, Explanation),
    )
    return _frame([isbns[row] for row in rows], cutoffs[rows], found, horizon)


def explain_title(task: TitleModel) -> Explanation | None:
    """Return one title's explanation; None, with a warning, where its model has none."""
    try:
        members = task.model.member_means(task.horizon)
        parts = task.model.explain(task.horizon)
        if not all(np.isfinite(path).all() for path in (*members.values(), *parts.values())):
            raise ValueError("its parts are not finite")
    except (ValueError, np.linalg.LinAlgError) as error:
        logger.warning("%s is forecast, but not explained: %s", task.isbn, error)
        return None
    factors = {name: np.exp(values) for name, values in parts.items()}
    weights = {name: weight.ahead(task.horizon) for name, weight in task.model.weights.items()}
    return Explanation(members, weights, factors)


def _frame(
    isbns: list[str],
    cutoffs: npt.NDArray[np.datetime64],
    found: list[Explanation | None],
    horizon: int,
) -> pd.DataFrame:
    """All titles' rows in one frame; a frame per title would be slow."""
    keys: list[tuple[str, np.datetime64, str, str]] = []
    values: list[FloatArray] = []
    weights: list[FloatArray] = []
    no_weight = np.full(horizon, np.nan)
    for isbn, cutoff, explanation in zip(isbns, cutoffs, found, strict=True):
        if explanation is None:
            continue
        for name, path in explanation.members.items():
            keys.append((isbn, cutoff, MEMBER, name))
            values.append(path)
            weights.append(explanation.weights[name])
        for name, path in explanation.parts.items():
            keys.append((isbn, cutoff, PART, name))
            values.append(path)
            weights.append(no_weight)
    if not keys:
        return pd.DataFrame(columns=list(EXPLANATION_TYPES)).astype(EXPLANATION_TYPES)
    isbn_of, cutoff_of, kinds, names = zip(*keys, strict=True)
    weeks = [weeks_after(cutoff, horizon) for cutoff in cutoff_of]
    columns = {
        "isbn": np.repeat(isbn_of, horizon),
        "week": np.concatenate(weeks),
        "kind": np.repeat(kinds, horizon),
        "name": np.repeat(names, horizon),
        "value": np.concatenate(values),
        "weight": np.concatenate(weights),
    }
    return pd.DataFrame(columns).astype(EXPLANATION_TYPES)
