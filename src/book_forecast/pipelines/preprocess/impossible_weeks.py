"""Recent weeks whose copies are beyond all that was forecast are left out."""

import logging

import pandas as pd

from book_forecast.monitoring.impossible_weeks import (
    RecordedWeeks,
    find_impossible_weeks,
    how_to_accept,
)
from book_forecast.options.monitoring import MonitorOptions

logger = logging.getLogger(__name__)


def leave_out_impossible_weeks(
    sales: pd.DataFrame, recorded_bounds: RecordedWeeks | None, monitor: MonitorOptions
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave out recent weeks that no forecast made before them holds for possible.

    The run goes on as if they had not arrived. A week that is corrected or accepted counts at once.

    Args:
        sales: isbn, week, volume and others.
        recorded_bounds: Tables by release and cutoff, each read by week; None without any.
        monitor: The weeks to judge, those that are accepted, and from where on copies are far.

    Returns:
        The rows of the other weeks; and the weeks left out, as `find_impossible_weeks` has them.
    """
    found, damaged = find_impossible_weeks(
        sales,
        recorded_bounds,
        monitor.judged_weeks,
        monitor.accepted_weeks,
        monitor.volume_jump,
    )
    for problem in damaged:
        logger.warning("An older forecast judges the weeks after it: %s", problem)
    for row in found.to_dict("records"):
        logger.warning(
            "Week %s is left out: it has %s copies, %.2f times those expected, where the intervals "
            "allow %s to %s.",
            f"{row['week']:%Y-%m-%d}",
            f"{row['copies']:,.0f}",
            row["ratio"],
            *(f"{row[bound]:,.0f}" for bound in ("lowest", "highest")),
        )
    if found.empty:
        return sales, found
    logger.warning(how_to_accept(found["week"], monitor.accepted_weeks))
    return sales[~sales["week"].isin(found["week"])].reset_index(drop=True), found
