"""The newest week, where its copies are beyond all that was forecast: a delivery that is broken."""

import logging

import pandas as pd

from book_forecast.monitoring.delivery import find_impossible_week
from book_forecast.monitoring.recorded import Partitions, Recorded
from book_forecast.options.monitoring import MonitorOptions
from book_forecast.series.history import WEEK

logger = logging.getLogger(__name__)


def leave_out_impossible_week(
    sales: pd.DataFrame, recorded_forecasts: Partitions | None, monitor: MonitorOptions
) -> pd.DataFrame:
    """Leave out the newest week if no forecast made before it holds it for possible.

    The run goes on as if the week had not arrived: forecasts begin after the week before. Once a
    newer week is there, the week counts, corrected or not.

    Args:
        sales: isbn, week, volume and others.
        recorded_forecasts: Tables by release and cutoff; None without any.
        monitor: From where on copies are far from those expected.

    Returns:
        The rows of the other weeks; all rows where the week is possible, or was never forecast.
    """
    newest = sales["week"].max()
    before = Recorded.of(recorded_forecasts).latest_until(newest - WEEK)
    if before is None:
        return sales
    found = find_impossible_week(sales, before[1], monitor.volume_jump)
    if found is None:
        return sales
    logger.warning(
        "Week %s is left out: it has %s copies, %.2f times those expected, where the intervals "
        "allow %s to %s. Correct the export; if it is right, raise monitor.volume_jump.",
        f"{found.week:%Y-%m-%d}",
        f"{found.copies:,.0f}",
        found.ratio,
        *(f"{bound:,.0f}" for bound in (found.lowest, found.highest)),
    )
    return sales[sales["week"] < newest].reset_index(drop=True)
