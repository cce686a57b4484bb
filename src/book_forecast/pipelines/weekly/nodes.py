"""Nodes that only the weekly run has."""

from __future__ import annotations

import datetime as dt
import logging

import pandas as pd

from book_forecast.options.groups import SelectionOptions

logger = logging.getLogger(__name__)

LATE = dt.timedelta(weeks=2)
"""Sales that end longer ago lack a delivery."""


def warn_of_old_sales(
    forecasts: pd.DataFrame, selection: SelectionOptions, today: dt.date | None = None
) -> None:
    """Warn where the sales end long before today.

    Args:
        forecasts: cutoff.
        selection: With a cutoff_date, the sales are meant to end early.
        today: The present day if not given.
    """
    if forecasts.empty or selection.cutoff_date is not None:
        return
    today = today or dt.datetime.now(tz=dt.UTC).date()
    last = forecasts["cutoff"].max().date()
    if today - last > LATE:
        logger.warning(
            "Sales end with week %s, %d weeks before today: put newer exports into 01_raw/sales "
            "and run `kedro run --pipeline weekly`",
            *(last, (today - last).days // 7),
        )
