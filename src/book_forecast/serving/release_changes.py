"""How much the forecasts changed since the release that was champion before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from book_forecast.payload.contents import Payload
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.releases.promotion_log import Promotion
from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.loader import load

COMPARED_WEEKS = 32
"""At most: what planners order for. Two releases' weeks further ahead say little."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Changes:
    """What two releases expect of the same calendar weeks, by title of the newer one.

    Attributes:
        before: The older release.
        copies: Copies more than the older release expected, shape (n,); NaN where it is unknown.
        relative: The same as a share of what the older release expected; NaN where that is nothing.
        weeks: How many weeks were compared, shape (n,).
    """

    before: str
    copies: Floats
    relative: Floats
    weeks: npt.NDArray[np.int64]


def promotion_of(store: ReleaseStore, release: str) -> Promotion | None:
    """How a release became champion, the last time; None if the store does not know."""
    found = [change for change in store.promotions() if change.release == release]
    return found[-1] if found else None


def changes_since(
    store: ReleaseStore, payload: Payload, promotion: Promotion | None
) -> Changes | None:
    """Compare a release with the champion before it, which is in memory for as long as that takes.

    Args:
        store: Where both are.
        payload: The newer one.
        promotion: How it became champion.

    Returns:
        The changes; None if it was the first champion, or never was one.

    Raises:
        PayloadError: If the older release cannot be read.
    """
    # A release that was promoted again is no release before itself.
    if promotion is None or promotion.before in (None, payload.release):
        return None
    return compare(payload, load(store.location(promotion.before)))


def compare(payload: Payload, old: Payload) -> Changes:
    """Add up what two releases expect of the weeks that both look at.

    Args:
        payload: The newer release.
        old: The older one.

    Returns:
        The changes of the newer release's titles.
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
    return Changes(old.release, copies, relative, compared)


def _cutoffs(payload: Payload) -> npt.NDArray[np.datetime64]:
    return payload.titles["cutoff"].to_numpy().astype("datetime64[D]")


def _weeks_between(
    first: npt.NDArray[np.datetime64], last: npt.NDArray[np.datetime64]
) -> npt.NDArray[np.int64]:
    return (last - first).astype("timedelta64[D]").astype(np.int64) // 7


def _sums(
    mean: npt.NDArray[np.float32], start: npt.NDArray[np.int64], weeks: npt.NDArray[np.int64]
) -> Floats:
    """Each row's copies from a week of its own on."""
    ahead = np.arange(mean.shape[1])
    inside = (ahead >= start[:, None]) & (ahead < (start + weeks)[:, None])
    return np.where(inside, mean, 0.0).sum(axis=1, dtype=np.float64)
