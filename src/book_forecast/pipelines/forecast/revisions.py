"""Reports of sales that are others by now than those that a release knows."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from book_forecast.payload.contents import Payload
from book_forecast.releases.assembly import RolledTitle
from book_forecast.releases.corrections import corrected_copies, trained_weeks
from book_forecast.releases.models import weeks_of
from book_forecast.series.history import History

logger = logging.getLogger(__name__)

# Corrections of a smaller share of the copies are usual.
REVISED_SHARE = 0.01


def report_revisions(release: Payload, histories: Sequence[History]) -> None:
    """Report weeks inside the training that have other sales by now.

    A week that was missing in the training counts with all of its copies; one that is missing now
    does not count.
    """
    rows = {isbn: row for row, isbn in enumerate(release.titles["isbn"].to_pylist())}
    days = release.titles["trained_until"].to_numpy().astype("datetime64[D]")
    known, moved = 0.0, {}
    for history in histories:
        if (row := rows.get(history.isbn)) is None:
            continue
        own = trained_weeks(release, row)
        known += float(np.nansum(own))
        moved[history.isbn] = corrected_copies(own, history, days[row])
    total = sum(moved.values())
    share = total / known if known else float(total > 0.0)
    if share > REVISED_SHARE:
        logger.warning(
            "Retraining advised: sales differ by %.1f %% of the copies in weeks that %s was "
            "trained on, most in %s",
            *(100.0 * share, release.release, max(moved, key=lambda isbn: moved[isbn])),
        )
    elif total:
        logger.info(
            "Sales differ by %.2f %% of the copies inside the training of %s: no need to train",
            *(100.0 * share, release.release),
        )


def report_corrections(release: Payload, titles: Sequence[RolledTitle]) -> None:
    """Report the titles that have newer weeks, and those whose rolled weeks are others by now."""
    if not titles:
        return
    rows = {isbn: row for row, isbn in enumerate(release.titles["isbn"].to_pylist())}
    newer, corrected = 0, 0
    for title in titles:
        former = weeks_of(release, rows[title.isbn])[title.known :]
        n = min(len(former), len(title.volumes))
        newer += len(title.volumes) > len(former)
        same = np.array_equal(former[:n], title.volumes[:n], equal_nan=True)
        corrected += not same or len(title.volumes) < len(former)
    logger.info(
        "Rolled %d of %d titles from the end of their training: %d have newer weeks, %d corrected "
        "ones",
        *(len(titles), len(release), newer, corrected),
    )
