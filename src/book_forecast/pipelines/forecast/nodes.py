"""Nodes of the forecast pipeline: from a release alone to forecasts; nothing is fitted."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pandas as pd

from book_forecast.forecasters.base import Forecast
from book_forecast.forecasters.frames import TitleForecast, forecast_frame
from book_forecast.options.groups import ForecastOptions, SelectionOptions
from book_forecast.payload.contents import Payload
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.pipelines.forecast.changes import report_changes, report_week
from book_forecast.pipelines.forecast.choice import (
    asked_titles,
    choose_own,
    choose_release,
    warn_of_lacking_titles,
)
from book_forecast.pipelines.forecast.rolling import roll_forward
from book_forecast.pipelines.forecast.totals import sum_forecasts

__all__ = [
    "choose_own",
    "choose_release",
    "forecast_titles",
    "record_forecasts",
    "roll_forward",
    "sum_forecasts",
]

logger = logging.getLogger(__name__)


def forecast_titles(
    current_release: Payload,
    former_forecasts: pd.DataFrame | None,
    forecast: ForecastOptions,
    selection: SelectionOptions,
) -> pd.DataFrame:
    """Forecast the weeks after the last one that the release knows of each title.

    Args:
        current_release: The release, after newer weeks.
        former_forecasts: The forecasts that these replace; None where there are none.
        forecast: Horizon and interval levels.
        selection: The titles to forecast, where they are named; all of the release otherwise.

    Returns:
        isbn, week, cutoff, model, mean and `lo-L`, `hi-L` for each level, and release; nothing is
        negative.

    Raises:
        UserError: If the release has none of the titles that are named.
    """
    warn_of_lacking_titles(current_release, selection)
    isbns = asked_titles(current_release, selection)
    frame = forecast_frame_of(current_release, isbns, forecast)
    logger.info(
        "Forecast %d weeks of %d titles from %s",
        *(forecast.horizon, len(isbns), current_release.release),
    )
    report_week(current_release, frame, former_forecasts)
    report_changes(current_release, frame, former_forecasts)
    return frame


def forecast_frame_of(
    release: Payload, isbns: Sequence[str], forecast: ForecastOptions
) -> pd.DataFrame:
    """Return forecasts of some titles of a release; columns as in `forecast_titles`."""
    reader, found = ForecastReader(release), []
    for isbn in isbns:
        answer = reader.forecast(isbn, forecast.horizon, forecast.levels)
        lower = {level: bounds[0] for level, bounds in answer.bounds.items()}
        upper = {level: bounds[1] for level, bounds in answer.bounds.items()}
        distribution = Forecast(answer.mean, lower, upper)
        found.append(TitleForecast(isbn, answer.model, answer.cutoff, distribution))
    frame = forecast_frame(found, forecast.levels)
    frame["release"] = pd.Series(release.release, index=frame.index, dtype="str")
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
