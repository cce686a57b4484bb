"""Titles that are not out yet, or sell only since recently."""

from __future__ import annotations

import logging
from textwrap import shorten

import pandas as pd

from book_forecast.forecasters.launches.frames import ENOUGH_BEFORE
from book_forecast.payload.manifest import LONGEST_HORIZON

logger = logging.getLogger(__name__)

MOST_LAUNCHES = 1000
"""Launches to learn from, the latest ones."""
MOST_WEEKS = 208
"""Weeks of each of them."""


def find_upcoming(
    sales: pd.DataFrame, launches: pd.DataFrame | None, alive_weeks: int
) -> pd.DataFrame:
    """Return the titles of the table of launches that have not sold, and why some are left out.

    Args:
        sales: isbn, week, volume of the whole export.
        launches: isbn, publication_date; None without any.
        alive_weeks: Weeks after its publication date after which an unsold title is given up.

    Returns:
        isbn, reason: empty for titles to forecast.
    """
    if launches is None:
        return pd.DataFrame({"isbn": [], "reason": []}, dtype="str")
    sold = sales.loc[sales["volume"] > 0, "isbn"].unique()
    found = launches.loc[~launches["isbn"].isin(sold), ["isbn", "publication_date"]]
    weeks = (found["publication_date"] - sales["week"].max()) / pd.Timedelta(weeks=1)
    reason = pd.Series("", index=found.index, dtype="str")
    reason[weeks < -alive_weeks] = f"no sale in {alive_weeks} weeks after its publication date"
    reason[weeks > LONGEST_HORIZON] = f"published more than {LONGEST_HORIZON} weeks ahead"
    overdue = found.loc[(weeks < 0) & (reason == ""), "isbn"]
    if len(overdue):
        logger.warning(
            "%d titles of 01_raw/launches have no sale since their publication date: they are "
            "forecast as if published next week; correct their dates or remove them: %s",
            len(overdue),
            shorten(", ".join(overdue), 60, placeholder=" …"),
        )
    return found[["isbn"]].assign(reason=reason).reset_index(drop=True)


def latest_launches(sales: pd.DataFrame) -> pd.DataFrame:
    """Return the titles whose first sale is well after the beginning of the export: isbn.

    Args:
        sales: isbn, week, volume of the whole export.
    """
    first = sales[sales["volume"] > 0].groupby("isbn")["week"].min()
    start = sales["week"].min() + pd.Timedelta(weeks=ENOUGH_BEFORE)
    found = first[first > start].sort_values(kind="stable").index[-MOST_LAUNCHES:]
    return pd.DataFrame({"isbn": sorted(found)}, dtype="str")
