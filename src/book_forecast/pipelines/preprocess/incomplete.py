"""Incomplete weeks: those in which far fewer titles have a row than should.

A delivery may hold a part of the titles only. The others have not sold 0 copies in that week; their
sales are not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from book_forecast.pipelines.preprocess.grid import week_numbers
from book_forecast.series.history import BoolArray, FloatArray, IntArray

UNLIKELY = 0.001
"""Probability of so few titles, by chance and in a quiet week, below which a week is incomplete."""

QUIET = 0.4
"""Share of the usual demand that a quiet week still has."""

WINDOW = 26
"""Complete weeks before a week, from which its titles and their shares of weeks are known."""

_FEWEST_WEEKS = 4
# A title without a row for longer has left the market; so no title is waited for for ever.
_ABSENT = 8
_LOW = 0.1
_MANY = 2000
_CLOSER_LOOK = 1.5
# Of a week without a row, for a title that has one in every week.
_RAREST = 0.01


class IncompleteWeek(NamedTuple):
    """An incomplete week.

    Attributes:
        number: Position in the grid.
        reported: Titles with a row, of those that are expected.
        expected: Titles that are on sale, each by its share of weeks with a row.
    """

    number: int
    reported: int
    expected: float


@dataclass(frozen=True)
class _Rows:
    """The rows of an export by week.

    Attributes:
        weeks: Number of each row's week, ascending.
        titles: Code of each row's title.
        volumes: Copies of each row.
        starts: The first row of each week, and the number of rows.
        first: The first week of each title.
    """

    weeks: IntArray
    titles: IntArray
    volumes: FloatArray
    starts: IntArray
    first: IntArray

    @classmethod
    def of(cls, sales: pd.DataFrame, grid: pd.DatetimeIndex) -> _Rows:
        """Order the rows of sales (isbn, week, volume) by week."""
        weeks = week_numbers(sales["week"], grid)
        order = np.argsort(weeks, kind="stable")
        titles = pd.factorize(sales["isbn"])[0][order].astype(np.int64)
        starts = np.searchsorted(weeks[order], np.arange(len(grid) + 1))
        first = np.full(titles.max(initial=-1) + 1, len(grid))
        np.minimum.at(first, titles, weeks[order])
        return cls(
            weeks[order], titles, sales["volume"].to_numpy(dtype=float)[order], starts, first
        )

    def at(self, weeks: IntArray) -> IntArray:
        """Return the positions of the rows of some weeks."""
        runs = [np.arange(self.starts[week], self.starts[week + 1]) for week in weeks]
        return np.concatenate([np.empty(0, np.int64), *runs])

    def absences(self, week: int, n_weeks: int) -> IntArray:
        """Return for how many weeks around a week, or before it, each title has no row.

        Longer absences than `_ABSENT` are at least that long. One that lasts up to the last of
        `n_weeks` weeks ends there.
        """
        before = self.at(np.arange(max(week - _ABSENT - 1, 0), week))
        after = self.at(np.arange(week, min(week + _ABSENT + 1, n_weeks)))
        last = np.full(len(self.first), week - 2 * _ABSENT)
        next_one = np.full(len(self.first), n_weeks)
        np.maximum.at(last, self.titles[before], self.weeks[before])
        np.minimum.at(next_one, self.titles[after], self.weeks[after])
        return next_one - last - 1

    def has_row(self, week: int) -> BoolArray:
        """Return whether each title has a row in a week."""
        found = np.zeros(len(self.first), dtype=bool)
        found[self.titles[self.at(np.array([week]))]] = True
        return found

    @property
    def counts(self) -> IntArray:
        """Return the rows of each week, without those of titles that are new in it."""
        counts: IntArray = np.diff(self.starts) - np.bincount(
            self.first, minlength=len(self.starts) - 1
        )
        return counts


def find_incomplete_weeks(
    sales: pd.DataFrame,
    grid: pd.DatetimeIndex,
    missing: BoolArray,
    min_reporting_share: float,
    n_training: int,
) -> list[IncompleteWeek]:
    """Find the weeks in which far fewer titles have a row than are on sale.

    A title is expected in a week by its share of weeks with a row in the half year before. One that
    has no row for more than 8 weeks, up to now or in between, is not on sale there. A week is
    incomplete if fewer than `min_reporting_share` of the expected titles have a row, and if so few
    are improbable even in a quiet week. A title that sells rarely, or few copies, is no evidence.

    Only training weeks decide about training weeks.

    Args:
        sales: All titles of the export: isbn, week, volume.
        grid: All weeks from the first to the last.
        missing: Whether nobody has reported a week, shape (weeks,).
        min_reporting_share: 0 for no such weeks.
        n_training: Weeks before the test set.

    Returns:
        The weeks in order.
    """
    if min_reporting_share <= 0.0:
        return []
    rows = _Rows.of(sales, grid)
    counts, usable = rows.counts, ~missing
    found = []
    for week in range(len(grid)):
        known = np.flatnonzero(usable[max(week - 2 * WINDOW, 0) : week]) + max(week - 2 * WINDOW, 0)
        known = known[-WINDOW:]
        if missing[week] or len(known) < _FEWEST_WEEKS:
            continue
        # Most weeks need no closer look.
        if counts[week] >= _CLOSER_LOOK * min_reporting_share * counts[known].max():
            continue
        n_weeks = n_training if week < n_training else len(grid)
        judged = _judge(rows, week, known, n_weeks, min_reporting_share)
        if judged is not None and judged.chance < UNLIKELY:
            found.append(IncompleteWeek(week, judged.reported, judged.expected))
            usable[week] = False
    return found


class _Judgement(NamedTuple):
    reported: int
    expected: float
    chance: float


def _judge(
    rows: _Rows, week: int, known: IntArray, n_weeks: int, min_share: float
) -> _Judgement | None:
    """Return what is expected of a week, and the probability of so few titles.

    Args:
        rows: All rows.
        week: Its number.
        known: The complete weeks before.
        n_weeks: Weeks that may be looked at.
        min_share: Share of the expected titles that is enough.

    Returns:
        None where enough titles have a row.
    """
    expected = rows.absences(week, n_weeks) <= _ABSENT
    positions = rows.at(known)
    titles, volumes = rows.titles[positions], rows.volumes[positions]
    hits = np.bincount(titles, minlength=len(rows.first))
    expected &= hits > 0
    codes = np.flatnonzero(expected)
    weeks = len(known) - np.searchsorted(known, rows.first[codes])
    share = hits[codes] / weeks
    reported = int(rows.has_row(week)[codes].sum())
    if reported >= min_share * share.sum():
        return None
    low = _low_volumes(titles, volumes, hits)[codes]
    # A quiet week has no row as often as a Poisson process of these volumes, or of these empty
    # weeks, has none: the probability without any demand left is 1.
    empty = np.maximum.reduce([(1.0 - share) ** QUIET, np.exp(-QUIET * low), _RAREST / weeks])
    return _Judgement(reported, float(share.sum()), _at_most(reported, 1.0 - empty))


def _low_volumes(titles: IntArray, volumes: FloatArray, hits: IntArray) -> FloatArray:
    """Return the lower decile of each title's rows; 0 for a title without one."""
    order = np.lexsort([volumes, titles])
    ends = np.cumsum(hits)
    at = ends - hits + np.floor(_LOW * np.maximum(hits - 1, 0)).astype(np.int64)
    found = np.zeros(len(hits))
    has_rows = hits > 0
    found[has_rows] = np.maximum(volumes[order][at[has_rows]], 0.0)
    return found


def _at_most(count: int, probabilities: FloatArray) -> float:
    """Return the probability that at most `count` of independent events happen."""
    if len(probabilities) > _MANY:
        deviation = np.sqrt(np.sum(probabilities * (1.0 - probabilities)))
        return float(norm.cdf((count + 0.5 - probabilities.sum()) / deviation))
    distribution = np.zeros(count + 2)
    distribution[0] = 1.0
    for p in probabilities:
        distribution[1:] = distribution[1:] * (1.0 - p) + distribution[:-1] * p
        distribution[0] *= 1.0 - p
        # The last entry is not part of the answer: it holds what is beyond.
        distribution[-1] = 0.0
    return float(distribution[:-1].sum())
