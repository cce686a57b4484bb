"""A title's weeks as arrays: what forecasters fit, cut from the pipelines' long frames."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
WEEK = np.timedelta64(7, "D")


@dataclass(frozen=True, slots=True)
class History:
    """The weeks of one title up to a cutoff.

    Attributes:
        isbn: The title.
        volumes: Copies a week, shape (n,); NaN where the week is missing.
        cutoff: Saturday of the last week.
    """

    isbn: str
    volumes: FloatArray
    cutoff: np.datetime64

    @property
    def n_weeks(self) -> int:
        """Weeks from the first sale to the cutoff."""
        return len(self.volumes)

    def until(self, origin: int) -> History:
        """The first `origin` weeks."""
        return replace(
            self,
            volumes=self.volumes[:origin],
            cutoff=self.cutoff - WEEK * (self.n_weeks - origin),
        )

    def weeks_ahead(self, horizon: int) -> npt.NDArray[np.datetime64]:
        """Saturdays of the weeks after the cutoff, shape (horizon,)."""
        return weeks_after(self.cutoff, horizon)

    def weeks_since(self, week: np.datetime64) -> FloatArray:
        """Copies in the weeks after one; NaN in those that are before the history's first."""
        newer = max(weeks_between(week, self.cutoff), 0)
        unknown = max(newer - self.n_weeks, 0)
        known = self.volumes[self.n_weeks - newer + unknown :]
        return np.concatenate([np.full(unknown, np.nan), known])

    def is_dead(self, alive_weeks: int) -> bool:
        """Whether nothing was sold in the last `alive_weeks` weeks that were reported."""
        known = self.volumes[np.isfinite(self.volumes)]
        return not np.any(known[-alive_weeks:] > 0.0)

    def is_constant(self) -> bool:
        """Whether every week that was reported sold the same."""
        known = self.volumes[np.isfinite(self.volumes)]
        return bool(np.all(known == known[:1]))


def weeks_between(first: np.datetime64, second: np.datetime64) -> int:
    """By how many weeks the second Saturday is after the first."""
    return int((second - first) // WEEK)


def weeks_after(cutoff: np.datetime64, horizon: int) -> npt.NDArray[np.datetime64]:
    """Saturdays of the `horizon` weeks after a cutoff."""
    return cutoff + WEEK * np.arange(1, horizon + 1)


def title_histories(sales: pd.DataFrame) -> list[History]:
    """Cuts a frame of weekly sales into one history a title.

    Args:
        sales: isbn, week, volume: a full weekly grid a title.

    Returns:
        Histories ordered by ISBN.
    """
    if sales.empty:
        return []
    sales = sales.sort_values(["isbn", "week"], kind="stable")
    isbns = sales["isbn"].to_numpy(dtype=str)
    volumes = sales["volume"].to_numpy(dtype=np.float64)
    weeks = sales["week"].to_numpy().astype("datetime64[D]")
    starts = np.flatnonzero(np.r_[True, isbns[1:] != isbns[:-1]])
    ends = np.r_[starts[1:], len(isbns)]
    return [
        History(str(isbns[start]), volumes[start:end].copy(), weeks[end - 1])
        for start, end in zip(starts, ends, strict=True)
    ]
