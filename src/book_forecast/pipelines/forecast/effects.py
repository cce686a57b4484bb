"""The node that measures what the forecasts of a release react to, for plans that are tried."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.execution.parallel import map_titles
from book_forecast.forecasters.families import FILTERING
from book_forecast.forecasters.reactions import measure
from book_forecast.options.groups import ExecutionOptions
from book_forecast.payload.contents import Payload
from book_forecast.payload.planning import updated
from book_forecast.payload.what_if import EFFECTS
from book_forecast.pipelines.forecast.rolling import FEWEST
from book_forecast.releases.assembly import with_planning
from book_forecast.releases.models import options_of, restored, weeks_of
from book_forecast.series.covariates import with_covariates
from book_forecast.series.history import (
    PROMOTION,
    Covariates,
    FloatArray,
    History,
    weeks_between,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlannedTitle:
    """One title's work, complete for another process.

    Attributes:
        isbn: The title.
        family: Family of its model.
        state: State of the model, as JSON without the weeks.
        weeks: Copies up to the cutoff.
        mean: Of the release, shape (104,).
        happened: Depths of promotions after the training.
        planned: Depths ahead up to the last week of the plan.
        known: By regressor, whether a forecast may use values ahead.
    """

    isbn: str
    family: str
    state: str
    weeks: FloatArray
    mean: FloatArray
    happened: FloatArray
    planned: FloatArray
    known: dict[str, bool]


@dataclass(frozen=True)
class MeasuredTitle:
    """What a title's forecast reacts to: a row of the table, by column; empty for nothing."""

    row: dict[str, Any]


def measure_effects(
    described_release: Payload,
    covariates: pd.DataFrame | None,
    execution: ExecutionOptions,
    checkpoints: CheckpointFolder,
) -> Payload:
    """Add to the release what its forecasts react to.

    Args:
        described_release: After newer weeks.
        covariates: isbn, week, name, value; None without any.
        execution: Processes.
        checkpoints: Finished titles, from which a stopped run resumes.
    """
    tasks = _tasks(described_release, covariates)
    generation = fingerprint(
        *([task.isbn, task.state, task.mean, task.happened, task.planned] for task in tasks),
        [task.known for task in tasks[:1]],
        code_fingerprint(__name__),
    )
    n_slow = sum(any(f'"{name}"' in task.state for name in FILTERING) for task in tasks)
    found = map_titles(
        measure_title,
        tasks,
        execution.n_jobs,
        "Measuring effects of plans",
        on_death=lambda _: None,
        fewest=FEWEST,
        n_slow=n_slow,
        chunk=16,
        checkpoint=checkpoints.open("measure_effects", generation, MeasuredTitle),
    )
    rows = {row: title.row for row, title in enumerate(found) if title is not None}
    reacting = [row for row in rows.values() if row.get("depths") is not None]
    logger.info("Forecasts of %d of %d titles react to promotions", len(reacting), len(tasks))
    table = updated(None, EFFECTS, rows, len(tasks))
    return with_planning(described_release, {EFFECTS: table})


def measure_title(task: PlannedTitle) -> MeasuredTitle | None:
    """Return what one title's forecast reacts to; None, with a warning, if that fails."""
    try:
        model = restored(task.family, task.state, task.weeks)
        found = measure(model, task.mean, task.happened, task.planned, task.known)
    except (ValueError, np.linalg.LinAlgError) as error:
        logger.warning("%s is forecast, but no plans can be tried on it: %s", task.isbn, error)
        return None
    if found is None:
        return MeasuredTitle({})
    row = found.to_row()
    if not all(_is_finite(values) for values in row.values()):
        logger.warning("%s is forecast, but its effects of plans are not finite", task.isbn)
        return None
    return MeasuredTitle(row)


def _is_finite(values: Any) -> bool:
    return not isinstance(values, np.ndarray) or bool(np.isfinite(values).all())


def _tasks(release: Payload, covariates: pd.DataFrame | None) -> list[PlannedTitle]:
    """Return all titles with what is known of their promotions and regressors."""
    columns = {name: release.titles[name].to_pylist() for name in ("isbn", "model", "state")}
    days = {
        name: release.titles[name].to_numpy().astype("datetime64[D]")
        for name in ("trained_until", "cutoff")
    }
    histories = [
        History(isbn, weeks_of(release, row), days["cutoff"][row])
        for row, isbn in enumerate(columns["isbn"])
    ]
    rules = options_of(release).regressors
    tasks = []
    for row, history in enumerate(with_covariates(histories, covariates, rules)):
        newer = weeks_between(days["trained_until"][row], days["cutoff"][row])
        happened, planned = _promotions(history.covariates, history.n_weeks, newer)
        names = () if history.covariates is None else history.covariates.names
        tasks.append(
            PlannedTitle(
                isbn=history.isbn,
                family=columns["model"][row],
                state=columns["state"][row],
                weeks=history.volumes,
                mean=release.mean[row].astype(np.float64),
                happened=happened,
                planned=planned,
                known={
                    name: rules.future_of(name) == "known" for name in names if name != PROMOTION
                },
            )
        )
    return tasks


def _promotions(
    known: Covariates | None, n_weeks: int, newer: int
) -> tuple[FloatArray, FloatArray]:
    """Return the depths of the weeks after the training, and those of the plan."""
    if known is None:
        return np.zeros(newer), np.empty(0)
    happened = known.before(n_weeks)[n_weeks - newer :, known.names.index(PROMOTION)]
    return happened, known.plan(n_weeks)
