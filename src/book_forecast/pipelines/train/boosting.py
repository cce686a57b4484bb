"""The model of all titles after the last training week, and after the last week of all."""

from __future__ import annotations

import pandas as pd

from book_forecast.forecasters.paths import PATH_WEEKS
from book_forecast.options.groups import BoostingOptions, RegressorOptions
from book_forecast.pipelines.tune.boosting import Boost


def boost_all_weeks(
    weeks: pd.DataFrame,
    titles: pd.DataFrame,
    options: BoostingOptions,
    families: list[str],
    calendar: bool,
    seed: int,
    regressors: pd.DataFrame | None = None,
    regressor_options: RegressorOptions | None = None,
) -> pd.DataFrame:
    """Fits one model to all titles, and forecasts as far as a path goes.

    Args:
        weeks: isbn, week, volume, promotion, asp, rrp.
        titles: As in `Boost`.
        options: As in `Boost`.
        families: As in `Boost`.
        calendar: As in `Boost`.
        seed: As in `Boost`.
        regressors: As in `Boost`.
        regressor_options: As in `Boost`.

    Returns:
        isbn, cutoff, week, mean.
    """
    boost = Boost(titles, options, families, calendar, seed, regressors, regressor_options)
    return boost.paths(weeks, weeks["week"].max(), PATH_WEEKS, is_now=True)


def boost_training_weeks(
    weeks: pd.DataFrame,
    titles: pd.DataFrame,
    options: BoostingOptions,
    families: list[str],
    calendar: bool,
    seed: int,
    regressors: pd.DataFrame | None = None,
    regressor_options: RegressorOptions | None = None,
) -> pd.DataFrame:
    """As `boost_all_weeks`, before the test weeks, when nobody knew of today's plan."""
    boost = Boost(titles, options, families, calendar, seed, regressors, regressor_options)
    return boost.paths(weeks, weeks["week"].max(), PATH_WEEKS, is_now=False)
