"""The model of all titles after the last week there is."""

from __future__ import annotations

import pandas as pd

from book_forecast.forecasters.paths import PATH_WEEKS
from book_forecast.options import BoostingOptions
from book_forecast.pipelines.tune.boosting import boost


def boost_titles(
    weeks: pd.DataFrame,
    titles: pd.DataFrame,
    options: BoostingOptions,
    families: list[str],
    calendar: bool,
    seed: int,
) -> pd.DataFrame:
    """Fits one model to all titles, and forecasts as far as a path goes.

    Args:
        weeks: isbn, week, volume, promotion, asp, rrp.
        titles: isbn, product_class.
        options: Of the model.
        families: Nothing is fitted where boosting is not among them.
        calendar: Whether the calendar's windows are used.
        seed: Of the run.

    Returns:
        isbn, cutoff, week, mean.
    """
    last = weeks["week"].max()
    return boost(weeks, titles, last, PATH_WEEKS, options, families, calendar, seed)
