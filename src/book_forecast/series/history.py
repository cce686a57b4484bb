"""A title's weeks as arrays: what forecasters fit, cut from the pipelines' long frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
WEEK = np.timedelta64(7, "D")

TableFuture = Literal["known", "zero", "last", "seasonal"]
Future = Literal["known", "planned", "zero", "last", "seasonal"]
"""What a regressor is after an origin.

`known`: its own values, and after them the last one. `planned`: its own values in weeks of which a
plan tells, 0 in others. `zero`: 0. `last`: the last value before the origin. `seasonal`: that of a
year ago, 0 before there is a year.
"""
YEAR = 52
PROMOTION = "promotion"
"""Depth of a promotion: the column of weeks, and the name of the regressor."""


@dataclass(frozen=True, slots=True)
class Regressors:
    """What else is known of a title's weeks, beside what the calendar tells.

    Attributes:
        names: Of the regressors.
        values: Shape (n + ahead, r), finite: from the history's first week on, as far as known.
        futures: By regressor, what stands for the weeks after an origin.
        planned_from: The week, counted from the history's first, from which on values are a plan:
            one that is `planned` is not known ahead in the weeks before, in which `values` tells
            what happened.
    """

    names: tuple[str, ...]
    values: FloatArray
    futures: tuple[Future, ...]
    planned_from: int = 0

    def before(self, origin: int) -> FloatArray:
        """The first `origin` weeks, shape (origin, r).

        Weeks after the last that is known are as a forecast made there takes them.
        """
        known = self.values[:origin]
        if len(known) == origin:
            return known
        return np.concatenate([known, self.after(len(known), origin - len(known))])

    def after(self, origin: int, horizon: int) -> FloatArray:
        """The weeks after as many, as a forecast made there may know them, shape (horizon, r)."""
        unknown = max(origin - len(self.values), 0)
        if unknown:
            return self.after(len(self.values), unknown + horizon)[unknown:]
        columns = np.zeros((horizon, len(self.names)))
        ahead = self.values[origin : origin + horizon]
        planned = slice(max(self.planned_from - origin, 0), len(ahead))
        for place, future in enumerate(self.futures):
            seen = self.values[:origin, place]
            if future == "known" and len(self.values):
                columns[:, place] = self.values[-1, place]
                columns[: len(ahead), place] = ahead[:, place]
            elif future == "planned":
                columns[planned, place] = ahead[planned, place]
            elif future == "last" and len(seen):
                columns[:, place] = seen[-1]
            elif future == "seasonal" and len(seen) >= YEAR:
                columns[:, place] = np.resize(seen[-YEAR:], horizon)
        return columns


@dataclass(frozen=True, slots=True)
class History:
    """The weeks of one title up to a cutoff.

    Attributes:
        isbn: The title.
        volumes: Copies a week, shape (n,); NaN where the week is missing.
        cutoff: Saturday of the last week.
        regressors: Promotions and the like; None where there are none.
    """

    isbn: str
    volumes: FloatArray
    cutoff: np.datetime64
    regressors: Regressors | None = None

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


def paths_by_title(
    paths: pd.DataFrame,
) -> dict[str, dict[np.datetime64, FloatArray]]:
    """Forecasts of all titles, by ISBN and cutoff.

    Args:
        paths: isbn, cutoff, week, mean.
    """
    ordered = paths.sort_values(["isbn", "cutoff", "week"], kind="stable")
    isbns = ordered["isbn"].to_numpy(dtype=str)
    cutoffs = ordered["cutoff"].to_numpy().astype("datetime64[D]")
    means = ordered["mean"].to_numpy(dtype=np.float64)
    if not len(isbns):
        return {}
    changes = (isbns[1:] != isbns[:-1]) | (cutoffs[1:] != cutoffs[:-1])
    starts = np.flatnonzero(np.r_[True, changes])
    found: dict[str, dict[np.datetime64, FloatArray]] = {}
    for start, end in zip(starts, [*starts[1:], len(isbns)], strict=True):
        found.setdefault(str(isbns[start]), {})[cutoffs[start]] = means[start:end]
    return found
