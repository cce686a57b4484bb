"""Nodes that keep the challenger's forecasts beside the champion's, week by week."""

from __future__ import annotations

import logging

import pandas as pd

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.options.groups import ExecutionOptions, ForecastOptions, SelectionOptions
from book_forecast.payload.contents import Payload
from book_forecast.pipelines.forecast.nodes import forecast_frame_of, record_forecasts
from book_forecast.pipelines.forecast.rolling import roll_forward
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)


def roll_challenger(
    challenger: Payload | None,
    model_input: pd.DataFrame | None,
    release_weeks: pd.DataFrame | None,
    covariates: pd.DataFrame | None,
    selection: SelectionOptions,
    execution: ExecutionOptions,
    checkpoints: CheckpointFolder,
    titles: pd.DataFrame | None = None,
) -> dict[str, Payload]:
    """Roll newer weeks into the challenger, as `roll_forward` does for the champion.

    Args:
        challenger: The release; None without one.
        model_input: isbn, week, volume.
        release_weeks: The same of the release's titles that the model input lacks.
        covariates: isbn, week, name, value.
        selection: cutoff_date.
        execution: Processes.
        checkpoints: Finished titles.
        titles: Those that may be taken in.

    Returns:
        The challenger by its id; nothing without one, or where it knows weeks after cutoff_date.
    """
    if challenger is None:
        return {}
    try:
        found = roll_forward(
            challenger,
            model_input,
            release_weeks,
            covariates,
            selection,
            execution,
            checkpoints,
            titles,
        )
    except UserError as error:
        logger.warning("The run goes on without the challenger: %s", error)
        return {}
    return {found.release: found}


def record_challenger(
    rolled_challenger: Payload | None, forecast: ForecastOptions, selection: SelectionOptions
) -> dict[str, pd.DataFrame]:
    """Record the challenger's forecasts by release and cutoff, as those of the champion are.

    Args:
        rolled_challenger: After newer weeks; None without one.
        forecast: Horizon and interval levels.
        selection: The titles to forecast, where they are named.

    Returns:
        A table for each release and cutoff; nothing without a challenger.
    """
    if rolled_challenger is None:
        return {}
    known = rolled_challenger.titles["isbn"].to_pylist()
    named = set(selection.titles) if isinstance(selection.titles, list) else set(known)
    isbns = [isbn for isbn in known if isbn in named]
    if not isbns:
        return {}
    logger.info("Recording %d titles of the challenger %s", len(isbns), rolled_challenger.release)
    return record_forecasts(forecast_frame_of(rolled_challenger, isbns, forecast))
