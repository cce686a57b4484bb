"""Reports of what a week has brought."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from book_forecast.payload.contents import Payload

logger = logging.getLogger(__name__)

_LONGEST_TITLE = 32


def report_week(release: Payload, forecasts: pd.DataFrame, former: pd.DataFrame | None) -> None:
    """Report the newest week, and how many titles have its sales.

    Args:
        release: After newer weeks.
        forecasts: isbn, cutoff.
        former: The forecasts before; None where there are none.
    """
    if forecasts.empty:
        return
    newest = forecasts["cutoff"].max()
    isbns = set(forecasts["isbn"].unique())
    cutoffs = release.titles["cutoff"].to_pylist()
    reported = sum(
        isbn in isbns and cutoff == newest.date() and volumes[-1].as_py() is not None
        for isbn, cutoff, volumes in zip(
            release.titles["isbn"].to_pylist(), cutoffs, release.volumes, strict=True
        )
    )
    before = ""
    if former is not None and len(former):
        last = former["cutoff"].max()
        before = "; it was known before" if last == newest else f"; before it was {last:%Y-%m-%d}"
    logger.info(
        "Newest week of sales: %s, known for %d of %d titles%s",
        *(f"{newest:%Y-%m-%d}", reported, len(isbns), before),
    )


def report_changes(release: Payload, forecasts: pd.DataFrame, former: pd.DataFrame | None) -> None:
    """Report the title whose forecast has changed most, over the weeks that both forecasts have.

    Args:
        release: For the names of titles.
        forecasts: isbn, week, mean.
        former: The same before; None where there are none.
    """
    if former is None:
        return
    columns = ["isbn", "week", "mean"]
    both = forecasts[columns].merge(former[columns], on=["isbn", "week"], suffixes=("", "_before"))
    if both.empty:
        return
    weeks = both["week"].nunique()
    copies = both.groupby("isbn")[["mean", "mean_before"]].sum()
    change = (copies["mean"] - copies["mean_before"]).abs()
    total = copies.sum()
    if not change.max() > 0.0:
        logger.info("No forecast has changed in the %d weeks that were forecast before", weeks)
        return
    isbn = str(change.idxmax())
    now, before = copies.to_numpy()[copies.index.get_loc(isbn)]
    titles = dict(
        zip(release.titles["isbn"].to_pylist(), release.titles["title"].to_pylist(), strict=True)
    )
    logger.info(
        "Changed most: %s %s, %s copies in %d weeks, %s before; all titles %s, %s before",
        *((titles.get(isbn) or "")[:_LONGEST_TITLE].strip(), isbn),
        *(_copies(now), weeks, _copies(before)),
        *(_copies(total["mean"]), _copies(total["mean_before"])),
    )


def _copies(number: float) -> str:
    return f"{np.round(number):,.0f}"
