"""The node that rolls newer weeks into a release; nothing is fitted.

Every title is rolled from the end of its training, with all weeks that followed. So a release is
the same whether the weeks came one by one, late, twice or corrected.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from book_forecast.execution.checkpoints import Checkpoint, CheckpointFolder
from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.execution.parallel import map_titles
from book_forecast.forecasters.families import FILTERING
from book_forecast.options.groups import ExecutionOptions, SelectionOptions
from book_forecast.payload.contents import UNKNOWN_STATE, Payload
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.pipelines.forecast.new_titles import take_in
from book_forecast.pipelines.forecast.revisions import report_corrections, report_revisions
from book_forecast.releases.assembly import (
    RolledTitle,
    rolled,
    state_without_weeks,
    trained_states,
)
from book_forecast.releases.distributions import LEVELS, distribution_of
from book_forecast.releases.models import options_of, restored, weeks_of
from book_forecast.series.covariates import PROMOTION_PLAN, with_covariates
from book_forecast.series.history import (
    MODEL_HORIZON,
    FloatArray,
    History,
    title_histories,
    weeks_between,
)
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

FEWEST = 500
"""Titles with a slow model from which on further processes are worth their start."""


@dataclass(frozen=True)
class Roll:
    """One title's weeks after its training, complete for another process.

    Attributes:
        isbn: The title.
        family: Family of its model.
        state: State of the model at the end of the training, as JSON without the weeks.
        known: The weeks of the training, in copies.
        newer: The weeks after them.
        covariates: By name, from the first week after the training on; the promotion plan up to its
            last week.
        present: The state that the release has now.
        is_rolled: Whether the release has exactly these weeks.
    """

    isbn: str
    family: str
    state: str
    known: FloatArray
    newer: FloatArray
    covariates: Mapping[str, FloatArray] = field(default_factory=dict)
    present: str = ""
    is_rolled: bool = False


@dataclass(frozen=True)
class Unchanged:
    """A title that the release has with exactly these weeks and covariates."""

    isbn: str


def roll_forward(
    release: Payload,
    model_input: pd.DataFrame | None,
    release_weeks: pd.DataFrame | None,
    covariates: pd.DataFrame | None,
    selection: SelectionOptions,
    execution: ExecutionOptions,
    checkpoints: CheckpointFolder,
    titles: pd.DataFrame | None = None,
) -> Payload:
    """Roll weeks into a release that are newer than its training, without fitting anything.

    Args:
        release: The one to forecast from.
        model_input: isbn, week, volume of as many weeks as are known; None if none are.
        release_weeks: The same of the release's titles that the model input lacks.
        covariates: isbn, week, name, value: promotions, planned ones and others; None without any.
        selection: cutoff_date, the last week to use.
        execution: Processes.
        checkpoints: Finished titles, from which a stopped run resumes.
        titles: isbn, title, author, product_class, publication_date: titles whose first sale is
            after the training, or that are to come, are taken in; None to take in none.

    Returns:
        The release after these weeks; the same object if it has exactly these.

    Raises:
        UserError: If cutoff_date is before the end of the training.
    """
    histories = _histories([model_input, release_weeks], selection)
    _refuse_training_weeks(release, selection)
    report_revisions(release, histories)
    release = take_in(release, histories, titles)
    tasks = list(_rolls(release, histories, covariates))
    if not tasks:
        return release
    found = map_titles(
        roll_title,
        tasks,
        execution.n_jobs,
        "Rolling forward",
        on_death=lambda _: None,
        fewest=FEWEST,
        n_slow=sum(map(_is_slow, tasks)),
        chunk=16,
        checkpoint=_checkpoint(checkpoints, release, tasks),
    )
    changed = [title for title in found if isinstance(title, RolledTitle)]
    report_corrections(release, changed)
    return rolled(release, changed)


def _histories(frames: list[pd.DataFrame | None], selection: SelectionOptions) -> list[History]:
    known = [frame[["isbn", "week", "volume"]] for frame in frames if frame is not None]
    if not known:
        return []
    weeks = pd.concat(known, ignore_index=True)
    if selection.cutoff_date is not None:
        weeks = weeks[weeks["week"] <= pd.Timestamp(selection.cutoff_date)]
    return title_histories(weeks)


def _refuse_training_weeks(release: Payload, selection: SelectionOptions) -> None:
    """Raise a `UserError` where the release was trained on weeks after cutoff_date."""
    trained, cutoff = release.manifest.get("trained_until"), selection.cutoff_date
    if trained and cutoff is not None and cutoff.isoformat() < trained:
        raise UserError(
            f"cutoff_date is {cutoff}, but {release.release} was trained on the weeks up to "
            f"{trained}, which cannot be taken out of it. Choose a cutoff_date from {trained} on, "
            "name an older release with --params release=<id>, or train one with this cutoff_date."
        )


def _rolls(
    release: Payload, histories: list[History], covariates: pd.DataFrame | None
) -> Iterator[Roll]:
    """Yield the titles whose weeks or covariates may be others than those in the release."""
    rows = {isbn: row for row, isbn in enumerate(release.titles["isbn"].to_pylist())}
    named = {name: release.titles[name].to_pylist() for name in ("model", "state")}
    days = {
        name: release.titles[name].to_numpy().astype("datetime64[D]")
        for name in ("trained_until", "cutoff")
    }
    trained, tasks, complete = trained_states(release), [], []
    for history in histories:
        if (row := rows.get(history.isbn)) is None:
            continue
        own, state, since = weeks_of(release, row), trained[row], days["trained_until"][row]
        if state == UNKNOWN_STATE:
            state, since = None, days["cutoff"][row]
        present = named["state"][row]
        known = own[: len(own) - weeks_between(since, days["cutoff"][row])]
        newer = history.weeks_since(since)
        whole = np.concatenate([known, newer])
        task = Roll(
            isbn=history.isbn,
            family=named["model"][row],
            state=present if state is None else state,
            known=known,
            newer=newer,
            present=present,
            is_rolled=np.array_equal(own, whole, equal_nan=True),
        )
        tasks.append(task)
        cutoff = since + np.timedelta64(7, "D") * len(newer)
        complete.append(History(history.isbn, whole, cutoff))
    _warn_of_unknown_states(release, trained)
    rules = options_of(release).regressors
    for task, history in zip(tasks, with_covariates(complete, covariates, rules), strict=True):
        ahead = _ahead(history, len(task.known))
        if ahead or not task.is_rolled:
            yield Roll(**{**vars(task), "covariates": ahead})


def _ahead(history: History, n_trained: int) -> dict[str, FloatArray]:
    """Return the covariates after the training by name, as far as a release forecasts.

    The promotion plan is there a second time, up to its last week: later promotions are unknown.
    """
    known, n = history.covariates, history.n_weeks
    if known is None:
        return {}
    length = max(MODEL_HORIZON, n - n_trained + LONGEST_HORIZON)
    later = known.after(n, length - (n - n_trained))
    values = np.concatenate([known.before(n)[n_trained:], later])
    plan = {PROMOTION_PLAN: known.plan(n_trained)}
    return {**dict(zip(known.names, values.T, strict=True)), **plan}


def _warn_of_unknown_states(release: Payload, trained: list[str | None]) -> None:
    if unknown := trained.count(UNKNOWN_STATE):
        logger.warning(
            "%s was rolled by an older version: corrections up to %s miss %d titles until it is "
            "trained again",
            *(release.release, release.manifest["cutoff"], unknown),
        )


def _is_slow(task: Roll) -> bool:
    """Whether a model filters all weeks of its history again."""
    return task.family in FILTERING or any(f'"{name}"' in task.state for name in FILTERING)


def _checkpoint(checkpoints: CheckpointFolder, release: Payload, tasks: list[Roll]) -> Checkpoint:
    """The checkpoint of these weeks, their covariates and this state of the release."""
    inputs = {task.isbn: [task.newer, dict(task.covariates)] for task in tasks}
    generation = fingerprint(release.manifest, inputs, code_fingerprint(__name__))
    kinds = (RolledTitle, Unchanged)
    return checkpoints.open("roll_forward", generation, *kinds, is_final=_is_rolled)


def _is_rolled(found: RolledTitle | Unchanged | None) -> bool:
    return found is not None


def roll_title(task: Roll) -> RolledTitle | Unchanged | None:
    """Return a title after its newer weeks.

    Returns:
        None, with a warning, where the model cannot take these weeks.
    """
    try:
        model = restored(task.family, task.state, task.known)
        if len(task.newer):
            model = model.roll_forward(task.newer)
        model = model.with_covariates(task.covariates)
        state = json.dumps(model.to_state(), separators=(",", ":"), allow_nan=False)
        if task.is_rolled and state_without_weeks(state) == task.present:
            return Unchanged(task.isbn)
        distribution = distribution_of(model.forecast(LONGEST_HORIZON, LEVELS))
        if not np.isfinite(distribution).all():
            raise ValueError("its forecast is not finite")
    except (ValueError, np.linalg.LinAlgError) as error:
        logger.warning("%s stays as it was released: %s", task.isbn, error)
        return None
    return RolledTitle(task.isbn, state, len(task.known), task.newer, distribution)
