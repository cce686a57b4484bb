"""The model of all titles after the last training week, and after the last week of all."""

from __future__ import annotations

from typing import Any

import pandas as pd

from book_forecast.forecasters.paths import PATH_WEEKS
from book_forecast.pipelines.tune.boosting import Boost


def boost_all_weeks(weeks: pd.DataFrame, **boost: Any) -> pd.DataFrame:
    """Fits one model to all titles, and forecasts as far as a path goes.

    Args:
        weeks: isbn, week, volume, promotion, asp, rrp.
        boost: What `Boost` is made of, by name.

    Returns:
        isbn, cutoff, week, mean.
    """
    return Boost(**boost).paths(weeks, weeks["week"].max(), PATH_WEEKS, is_now=True)


def boost_training_weeks(weeks: pd.DataFrame, **boost: Any) -> pd.DataFrame:
    """As `boost_all_weeks`, before the test weeks, when nobody knew of today's plan."""
    return Boost(**boost).paths(weeks, weeks["week"].max(), PATH_WEEKS, is_now=False)
