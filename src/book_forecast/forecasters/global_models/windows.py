"""Means over any run of weeks in two look-ups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from book_forecast.series.history import FloatArray, IntArray

Float32Array = npt.NDArray[np.float32]
CHUNK = 500
"""Titles that are worked on together: limits the memory of a large catalogue."""


def chunks(titles: IntArray) -> list[IntArray]:
    """Return the rows of titles in parts of at most `CHUNK`."""
    return [titles[start : start + CHUNK] for start in range(0, len(titles), CHUNK)]


@dataclass(frozen=True, slots=True)
class Windows:
    """Running totals of a matrix of titles and weeks.

    Attributes:
        totals: Shape (titles, weeks + 1), of the known values before each week.
        counts: Number of these.
    """

    totals: FloatArray
    counts: npt.NDArray[np.int32]

    @classmethod
    def of(cls, values: Float32Array) -> Self:
        """Add up values, NaN where unknown, shape (titles, weeks)."""
        known = np.isfinite(values)
        shape = (values.shape[0], values.shape[1] + 1)
        totals, counts = np.zeros(shape), np.zeros(shape, dtype=np.int32)
        np.cumsum(np.where(known, values, 0.0), axis=1, out=totals[:, 1:])
        np.cumsum(known, axis=1, out=counts[:, 1:])
        return cls(totals, counts)

    def sums(self, title: IntArray, week: IntArray, length: int) -> tuple[FloatArray, FloatArray]:
        """Return sum and number of the known values in the `length` weeks up to one, included.

        Args:
            title: Row of each title.
            week: Column of each week; those before the first have no values.
            length: Weeks in the window.
        """
        end = np.maximum(week + 1, 0)
        start = np.maximum(end - length, 0)
        total = self.totals[title, end] - self.totals[title, start]
        count = self.counts[title, end] - self.counts[title, start]
        return total, count.astype(np.float64)

    def mean(self, title: IntArray, week: IntArray, length: int) -> FloatArray:
        """Return the mean of the known values in the same weeks; NaN where none is known."""
        total, count = self.sums(title, week, length)
        return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)

    def with_room(self, titles: IntArray, n_weeks: int) -> Self:
        """Return some titles with further weeks, which have no known value."""
        room = ((0, 0), (0, n_weeks))
        totals = np.pad(self.totals[titles], room, mode="edge")
        counts = np.pad(self.counts[titles], room, mode="edge")
        return replace(self, totals=totals, counts=counts)

    def put(self, week: int, values: FloatArray) -> None:
        """Write the values of a week, NaN where unknown, after those of all weeks before."""
        known = np.isfinite(values)
        self.totals[:, week + 1] = self.totals[:, week] + np.where(known, values, 0.0)
        self.counts[:, week + 1] = self.counts[:, week] + known
