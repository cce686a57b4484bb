"""Totals of groups of titles over a span of weeks."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from book_forecast.payload.sums import SumForecast, SumReader
from book_forecast.serving.titles.groups import UNNAMED, Groups, Rows

Days = npt.NDArray[np.datetime64]
GroupSort = Literal["mean", "name"]
USUAL_WEEKS = 13
USUAL_LEVEL = 80.0
_MOST_SUMS = 2000


@dataclass(frozen=True)
class Total:
    """What the titles of a group sell together.

    Attributes:
        name: Of the group; None: titles without one, or all titles where there are no groups.
        n_titles: Titles of the group.
        found: Their sum.
    """

    name: str | None
    n_titles: int
    found: SumForecast


class TotalReader:
    """Adds up titles; a sum that was computed before is not computed again."""

    def __init__(self, sums: SumReader) -> None:
        """Take the sums of a release."""
        self._sums = sums
        self._known: OrderedDict[tuple[bytes, bytes, tuple[float, ...]], SumForecast] = (
            OrderedDict()
        )
        self._lock = Lock()

    def prepare(self) -> None:
        """Compute what totals need, so that the first of them is quick; stores that of all."""
        self._sums.prepare()
        if self._sums.isbns:
            days = self._sums.next_weeks(USUAL_WEEKS)
            rows = np.arange(len(self._sums.isbns), dtype=np.int64)
            self.total(None, self.within_reach(rows, days), days, tails([USUAL_LEVEL]))

    def within_reach(self, rows: Rows, days: Days) -> Rows:
        """Return the titles, as rows of the payload, that are forecast in all of some weeks."""
        isbns = self._sums.isbns
        reached = set(self._sums.within_reach((isbns[row] for row in rows.tolist()), days))
        if len(reached) == len(rows):
            return rows
        return np.array([row for row in rows.tolist() if isbns[row] in reached], dtype=np.int64)

    def groups_of(
        self, groups: Groups, rows: Rows, days: Days, sort: GroupSort
    ) -> list[tuple[str | None, Rows]]:
        """Return name and titles of each group, the largest forecast first or by name."""
        payload = self._sums.payload
        cutoffs = payload.titles["cutoff"].to_numpy().astype("datetime64[D]")[rows]
        means = np.zeros(len(groups.codes))
        for day in days:
            ahead = (day - cutoffs).astype(np.int64) // 7 - 1
            means[rows] += payload.mean[rows, ahead]
        totals = groups.sums(rows, means[rows])
        counts = np.bincount(groups.codes[rows], minlength=len(groups.names))
        order = np.argsort(-totals, kind="stable") if sort == "mean" else np.arange(len(totals))
        by_code = rows[np.argsort(groups.codes[rows], kind="stable")]
        ends = np.cumsum(counts)
        return [
            (
                None if groups.names[code] == UNNAMED else groups.names[code],
                by_code[ends[code] - counts[code] : ends[code]],
            )
            for code in order.tolist()
            if counts[code]
        ]

    def total(
        self, name: str | None, rows: Rows, days: Days, probabilities: Sequence[float]
    ) -> Total:
        """Return what the titles of a group sell in some weeks together."""
        key = (_digest(rows), _digest(days), tuple(probabilities))
        with self._lock:
            found = self._known.get(key)
        if found is None:
            isbns = [self._sums.isbns[row] for row in rows.tolist()]
            found = self._sums.sum_of(isbns, days, probabilities)
        with self._lock:
            self._known[key] = found
            self._known.move_to_end(key)
            while len(self._known) > _MOST_SUMS:
                self._known.popitem(last=False)
        return Total(name, len(rows), found)


def tails(levels: Sequence[float]) -> list[float]:
    """Return the probabilities of the bounds of distinct levels in percent, lower and upper."""
    below = (0.5 - level / 200.0 for level in dict.fromkeys(levels))
    return [p for tail in below for p in (tail, 1.0 - tail)]


def _digest(values: npt.NDArray[Any]) -> bytes:
    return hashlib.blake2b(values.tobytes(), digest_size=16).digest()
