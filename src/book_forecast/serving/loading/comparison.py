"""Compares the forecasts of a release with those of the previous champion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from book_forecast.payload.contents import Payload
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.releases.promotion_log import Promotion
from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.loading.loader import load

COMPARED_WEEKS = 32
"""At most: the weeks that planners order for."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ForecastChanges:
    """Differences of two forecasts for the same calendar weeks, by title of the newer release.

    Attributes:
        before: The older release.
        copies: Newer minus older forecast in copies, shape (n,); NaN if not comparable.
        relative: The same as a share of the older forecast, shape (n,); NaN also if that is zero.
        weeks: How many weeks were compared, shape (n,).
    """

    before: str
    copies: Floats
    relative: Floats
    weeks: npt.NDArray[np.int64]


def last_promotion(store: ReleaseStore, release: str) -> Promotion | None:
    """Return the last entry of a release in the promotion log; None if it has none."""
    found = [promotion for promotion in store.promotions() if promotion.release == release]
    return found[-1] if found else None


def compare_with_previous(
    store: ReleaseStore, payload: Payload, promotion: Promotion | None
) -> ForecastChanges | None:
    """Compare a release with the previous champion, which is in memory only meanwhile.

    Args:
        store: Of both releases.
        payload: The newer one.
        promotion: Its last entry in the promotion log.

    Returns:
        The changes; None if it was the first champion, never was one, or replaced a release that is
        gone.

    Raises:
        PayloadError: If the older release cannot be read.
    """
    # A release that was promoted twice in a row is not its own predecessor.
    if promotion is None or promotion.before is None or promotion.before == payload.release:
        return None
    if not store.has(promotion.before):
        return None
    return compare(payload, load(store.location(promotion.before)))


def compare(payload: Payload, old: Payload) -> ForecastChanges:
    """Compare the forecasts of two releases over the weeks that both forecast.

    Args:
        payload: The newer release.
        old: The older one.

    Returns:
        The changes, by title of the newer release.
    """
    old_row = {isbn: row for row, isbn in enumerate(old.titles["isbn"].to_pylist())}
    matches = np.array([old_row.get(isbn, -1) for isbn in payload.titles["isbn"].to_pylist()], int)
    rows = np.flatnonzero(matches >= 0)
    matches = matches[rows]
    cutoffs, old_cutoffs = _cutoffs(payload)[rows], _cutoffs(old)[matches]
    last = np.maximum(cutoffs, old_cutoffs)
    start, old_start = _weeks_between(cutoffs, last), _weeks_between(old_cutoffs, last)
    weeks = np.minimum(COMPARED_WEEKS, LONGEST_HORIZON - np.maximum(start, old_start))
    comparable = (weeks > 0) & ~np.isnat(last)
    rows, matches = rows[comparable], matches[comparable]
    start, old_start, weeks = start[comparable], old_start[comparable], weeks[comparable]

    now = _sums(payload.mean[rows], start, weeks)
    then = _sums(old.mean[matches], old_start, weeks)
    size = len(payload)
    copies, relative = np.full(size, np.nan), np.full(size, np.nan)
    compared = np.zeros(size, dtype=np.int64)
    copies[rows] = now - then
    with np.errstate(divide="ignore", invalid="ignore"):
        relative[rows] = np.where(then > 0.0, (now - then) / then, np.nan)
    compared[rows] = weeks
    return ForecastChanges(old.release, copies, relative, compared)


def _cutoffs(payload: Payload) -> npt.NDArray[np.datetime64]:
    return payload.titles["cutoff"].to_numpy().astype("datetime64[D]")


def _weeks_between(
    first: npt.NDArray[np.datetime64], last: npt.NDArray[np.datetime64]
) -> npt.NDArray[np.int64]:
    return (last - first).astype("timedelta64[D]").astype(np.int64) // 7


def _sums(
    mean: npt.NDArray[np.float32], start: npt.NDArray[np.int64], weeks: npt.NDArray[np.int64]
) -> Floats:
    """Return the sum of each row over its own weeks, which start at `start`."""
    ahead = np.arange(mean.shape[1])
    inside = (ahead >= start[:, None]) & (ahead < (start + weeks)[:, None])
    return np.where(inside, mean, 0.0).sum(axis=1, dtype=np.float64)
