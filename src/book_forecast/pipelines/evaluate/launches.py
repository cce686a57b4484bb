"""Scores of launches: those of the panel, each left out in turn."""

from __future__ import annotations

import logging

import pandas as pd

from book_forecast.execution.launch_knowledge import learn_once
from book_forecast.forecasters.launches.backtest import backtest_launches, summarise_launches
from book_forecast.series.history import ALL_TITLES

logger = logging.getLogger(__name__)


def score_launches(
    model_input: pd.DataFrame,
    launch_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    launches: pd.DataFrame | None,
    horizon: int,
) -> pd.DataFrame:
    """Forecast the panel's launches from 0, 4 and 13 weeks of sales, each left out in turn.

    Args:
        model_input: isbn, week, volume of the titles that are forecast.
        launch_weeks: isbn, week, volume, rrp of the panel's launches.
        titles: isbn, product_class and what else is known of each.
        launches: isbn, publication_date, comparable, print_run; None without any.
        horizon: Weeks ahead.

    Returns:
        Errors beside those of the mean launch curve of the class, and coverage; see
        `summarise_launches`. There is no row without launches.
    """
    knowledge, _ = learn_once(model_input, launch_weeks, titles, launches)
    table = summarise_launches(backtest_launches(knowledge, horizon))
    for row in table[table["product_class"] == ALL_TITLES].to_dict("records"):
        logger.info(
            "Launches from %d weeks of sales: WAPE %.2f, mean curve of the class %.2f; inside "
            "80 %%: %.2f (%d launches)",
            *(row["known"], row["wape"], row["baseline_wape"], row["coverage-80"]),
            row["launches"],
        )
    return table
