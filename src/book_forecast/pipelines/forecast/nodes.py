"""Nodes of the forecast pipeline: from a release alone to forecasts; nothing is fitted."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.execution.checkpoints import Checkpoint, CheckpointFolder
from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.execution.parallel import map_titles
from book_forecast.forecasters.base import FittedForecaster, Forecast
from book_forecast.forecasters.frames import TitleForecast, forecast_frame
from book_forecast.options.groups import ExecutionOptions, ForecastOptions
from book_forecast.payload.contents import Payload
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.releases.assembly import RolledTitle, rolled
from book_forecast.releases.distributions import LEVELS, distribution_of
from book_forecast.releases.models import model_of, weeks_of
from book_forecast.series.history import FloatArray, History, title_histories, weeks_between
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)


# Corrections of a smaller share of the copies are usual.
REVISED_SHARE = 0.01


@dataclass(frozen=True)
class Roll:
    """One title's newer weeks, complete for another process."""

    isbn: str
    model: FittedForecaster
    volumes: FloatArray


def roll_forward(
    release: Payload | None,
    promotion: Mapping[str, Any] | None,  # noqa: ARG001 - the champion is decided before
    model_input: pd.DataFrame | None,
    execution: ExecutionOptions,
    checkpoints: CheckpointFolder,
) -> Payload:
    """Rolls weeks into a release that are newer than its own, without fitting anything.

    Args:
        release: The one to forecast from; None where there is none.
        promotion: The verdict on the candidate.
        model_input: isbn, week, volume of as many weeks as are known; None if none are.
        execution: Processes.
        checkpoints: Finished titles, from which a stopped run resumes.

    Returns:
        The release after these weeks; the same object if it has all weeks.

    Raises:
        UserError: If there is no release.
    """
    if release is None:
        raise UserError(
            "There is no champion to forecast from: run train and evaluate first, or choose a "
            "release with --params release=candidate."
        )
    histories = [] if model_input is None else title_histories(model_input)
    _warn_of_revised_sales(release, histories)
    tasks = _rolls(release, histories)
    if not tasks:
        return release
    found = map_titles(
        roll_title,
        tasks,
        execution.n_jobs,
        "Rolling forward",
        on_death=lambda _: None,
        fewest=500,
        chunk=16,
        checkpoint=_checkpoint(checkpoints, release, tasks),
    )
    titles = [title for title in found if title is not None]
    logger.info("Rolled newer weeks into %d of %d titles", len(titles), len(release))
    return rolled(release, titles)


def _checkpoint(checkpoints: CheckpointFolder, release: Payload, tasks: list[Roll]) -> Checkpoint:
    """The checkpoint of these weeks and this state of the release."""
    weeks = {task.isbn: task.volumes for task in tasks}
    generation = fingerprint(release.manifest, weeks, code_fingerprint(__name__))
    return checkpoints.open("roll_forward", generation, RolledTitle, is_final=_is_rolled)


def _is_rolled(found: RolledTitle | None) -> bool:
    return found is not None


def _warn_of_revised_sales(release: Payload, histories: list[History]) -> None:
    """Warn where weeks that the release knows have other sales by now."""
    rows = {isbn: row for row, isbn in enumerate(release.titles["isbn"].to_pylist())}
    cutoffs = release.titles["cutoff"].to_numpy().astype("datetime64[D]")
    known, moved = 0.0, {}
    for history in histories:
        if (row := rows.get(history.isbn)) is None:
            continue
        ahead = weeks_between(history.cutoff, cutoffs[row])
        own = weeks_of(release, row)[: -ahead or None] if ahead > 0 else weeks_of(release, row)
        present = history.volumes[:ahead] if ahead < 0 else history.volumes
        n = min(len(own), len(present))
        difference = np.nansum(np.abs(own[len(own) - n :] - present[len(present) - n :]))
        known += float(np.nansum(own))
        moved[history.isbn] = float(difference)
    share = sum(moved.values()) / known if known else 0.0
    if share > REVISED_SHARE:
        logger.warning(
            "The sales differ by %.1f %% of the copies in weeks that %s knows, most in %s: "
            "run tune, train and evaluate",
            *(100.0 * share, release.release, max(moved, key=lambda isbn: moved[isbn])),
        )


def _rolls(release: Payload, histories: list[History]) -> list[Roll]:
    rows = {isbn: row for row, isbn in enumerate(release.titles["isbn"].to_pylist())}
    cutoffs = release.titles["cutoff"].to_numpy().astype("datetime64[D]")
    tasks = []
    for history in histories:
        row = rows.get(history.isbn)
        if row is None:
            continue
        newer = history.weeks_since(cutoffs[row])
        if len(newer):
            tasks.append(Roll(history.isbn, model_of(release, row), newer))
    return tasks


def roll_title(task: Roll) -> RolledTitle | None:
    """One title after its newer weeks; None, with a warning, where its model cannot take them."""
    try:
        model = task.model.roll_forward(task.volumes)
        forecast = model.forecast(LONGEST_HORIZON, LEVELS)
        distribution = distribution_of(forecast)
        if not np.isfinite(distribution).all():
            raise ValueError("its forecast is not finite")
    except (ValueError, np.linalg.LinAlgError) as error:
        logger.warning("%s stays as it was released: %s", task.isbn, error)
        return None
    state = json.dumps(model.to_state(), separators=(",", ":"), allow_nan=False)
    return RolledTitle(task.isbn, state, task.volumes, distribution)


def forecast_titles(current_release: Payload, forecast: ForecastOptions) -> pd.DataFrame:
    """Forecast the weeks after the last one that the release knows of each title.

    Args:
        current_release: The release, after newer weeks.
        forecast: Horizon and interval levels.

    Returns:
        isbn, week, cutoff, model, mean and `lo-L`, `hi-L` for each level, and release; nothing is
        negative.
    """
    reader, release = ForecastReader(current_release), current_release.release
    found = []
    for isbn in reader.isbns:
        answer = reader.forecast(isbn, forecast.horizon, forecast.levels)
        lower = {level: bounds[0] for level, bounds in answer.bounds.items()}
        upper = {level: bounds[1] for level, bounds in answer.bounds.items()}
        distribution = Forecast(answer.mean, lower, upper)
        found.append(TitleForecast(isbn, answer.model, answer.cutoff, distribution))
    frame = forecast_frame(found, forecast.levels)
    frame["release"] = pd.Series(release, index=frame.index, dtype="str")
    logger.info("Forecast %d weeks of %d titles from %s", forecast.horizon, len(found), release)
    return frame


def record_forecasts(forecasts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Record forecasts by release and cutoff, to be compared with the sales that follow.

    Args:
        forecasts: As `forecast_titles` returns them.

    Returns:
        A table for each release and cutoff; a repeat replaces the rows of its titles.
    """
    by_key = forecasts.groupby(["release", "cutoff"])
    return {f"{release}/{cutoff:%Y-%m-%d}": rows for (release, cutoff), rows in by_key}
