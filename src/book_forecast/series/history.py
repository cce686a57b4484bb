"""The weekly history of a title as arrays, cut from the pipelines' long frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.payload.manifest import LONGEST_HORIZON

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
WEEK = np.timedelta64(7, "D")
YEAR = 52
MODEL_HORIZON = LONGEST_HORIZON + YEAR
"""Weeks after its fit that a model forecasts: a release's longest horizon, a year after the fit."""
ALL_TITLES = "all"
"""In place of an ISBN: a covariate's row for every title, a score over all titles."""
PROMOTION = "promotion"
"""Depth of a promotion: the column of weeks, and the name of the covariate."""

TableFuture = Literal["known", "zero", "last", "seasonal"]
Future = Literal["known", "planned", "zero", "last", "seasonal"]
"""The values of a covariate after an origin.

`known`: its own values, and after them the last one. `planned`: its own values in planned weeks, 0
in others. `zero`: 0. `last`: the last value before the origin. `seasonal`: the value a year before,
0 where the history is shorter than a year.
"""


@dataclass(frozen=True, slots=True)
class Covariates:
    """Covariates of a title's weeks, beside the calendar.

    Attributes:
        names: One per column.
        values: Shape (n + ahead, r), finite: from the history's first week to the last known one.
        futures: By covariate, how it continues after an origin.
        planned_from: Index of the first week whose values are a plan. Before it, a `planned`
            covariate is not known ahead: `values` holds what happened.
        planned_until: Weeks up to the last one of the promotion plan; 0 without a plan.
    """

    names: tuple[str, ...]
    values: FloatArray
    futures: tuple[Future, ...]
    planned_from: int = 0
    planned_until: int = 0

    def before(self, origin: int) -> FloatArray:
        """Return the first `origin` weeks, shape (origin, r).

        Weeks after the last known one have the values that a forecast made there uses.
        """
        known = self.values[:origin]
        if len(known) == origin:
            return known
        return np.concatenate([known, self.after(len(known), origin - len(known))])

    def after(self, origin: int, horizon: int) -> FloatArray:
        """Return the weeks after an origin as known at that origin, shape (horizon, r)."""
        unknown = max(origin - len(self.values), 0)
        if unknown:
            return self.after(len(self.values), unknown + horizon)[unknown:]
        columns = np.zeros((horizon, len(self.names)))
        ahead = self.values[origin : origin + horizon]
        planned = slice(max(self.planned_from - origin, 0), len(ahead))
        for column, future in enumerate(self.futures):
            seen = self.values[:origin, column]
            if future == "known" and len(self.values):
                columns[:, column] = self.values[-1, column]
                columns[: len(ahead), column] = ahead[:, column]
            elif future == "planned":
                columns[planned, column] = ahead[planned, column]
            elif future == "last" and len(seen):
                columns[:, column] = seen[-1]
            elif future == "seasonal" and len(seen) >= YEAR:
                columns[:, column] = np.resize(seen[-YEAR:], horizon)
        return columns

    def plan(self, origin: int) -> FloatArray:
        """Return the promotions after an origin up to the end of the plan; empty without a plan.

        Weeks before the plan's first one have what happened in them.
        """
        if not self.planned_until:
            return np.empty(0)
        return self.values[origin : self.planned_until, self.names.index(PROMOTION)]


@dataclass(frozen=True, slots=True)
class History:
    """The weeks of one title up to a cutoff.

    Attributes:
        isbn: The title.
        volumes: Copies a week, shape (n,); NaN where the week is missing.
        cutoff: Saturday of the last week.
        covariates: Promotions and others; None without any.
    """

    isbn: str
    volumes: FloatArray
    cutoff: np.datetime64
    covariates: Covariates | None = None

    @property
    def n_weeks(self) -> int:
        """Weeks from the first sale to the cutoff."""
        return len(self.volumes)

    @property
    def first_week(self) -> np.datetime64:
        """Saturday of the first week."""
        return self.cutoff - WEEK * (self.n_weeks - 1)

    def until(self, origin: int) -> History:
        """Return the first `origin` weeks."""
        return replace(
            self,
            volumes=self.volumes[:origin],
            cutoff=self.cutoff - WEEK * (self.n_weeks - origin),
        )

    def weeks_since(self, week: np.datetime64) -> FloatArray:
        """Return the copies of the weeks after `week`; NaN before the history's first week."""
        newer = max(weeks_between(week, self.cutoff), 0)
        unknown = max(newer - self.n_weeks, 0)
        known = self.volumes[self.n_weeks - newer + unknown :]
        return np.concatenate([np.full(unknown, np.nan), known])

    def is_dead(self, alive_weeks: int) -> bool:
        """Return whether the last `alive_weeks` reported weeks have no sale."""
        known = self.volumes[np.isfinite(self.volumes)]
        return not np.any(known[-alive_weeks:] > 0.0)

    def is_constant(self) -> bool:
        """Return whether all reported weeks have the same volume."""
        known = self.volumes[np.isfinite(self.volumes)]
        return bool(np.all(known == known[:1]))


def weeks_between(first: np.datetime64, second: np.datetime64) -> int:
    """Return by how many weeks the second Saturday is after the first."""
    return int((second - first) // WEEK)


def weeks_after(cutoff: np.datetime64, horizon: int) -> npt.NDArray[np.datetime64]:
    """Return the Saturdays of the `horizon` weeks after a cutoff."""
    return cutoff + WEEK * np.arange(1, horizon + 1)


def title_histories(sales: pd.DataFrame) -> list[History]:
    """Cut a frame of weekly sales into one history per title.

    Args:
        sales: isbn, week, volume: a full weekly grid per title.

    Returns:
        Histories ordered by ISBN.
    """
    sales = sales.sort_values(["isbn", "week"], kind="stable")
    isbns = sales["isbn"].to_numpy(dtype=str)
    volumes = sales["volume"].to_numpy(dtype=np.float64)
    weeks = _days(sales["week"])
    return [
        History(str(isbns[run][0]), volumes[run].copy(), weeks[run][-1]) for run in _runs(isbns)
    ]


def forecasts_by_title(
    forecasts: pd.DataFrame,
) -> dict[str, dict[np.datetime64, dict[str, FloatArray]]]:
    """Return point forecasts by ISBN, cutoff and family.

    Args:
        forecasts: isbn, family, cutoff, week, mean.
    """
    ordered = forecasts.sort_values(["isbn", "cutoff", "family", "week"], kind="stable")
    isbns, families = (ordered[name].to_numpy(dtype=str) for name in ("isbn", "family"))
    cutoffs = _days(ordered["cutoff"])
    means = ordered["mean"].to_numpy(dtype=np.float64)
    found: dict[str, dict[np.datetime64, dict[str, FloatArray]]] = {}
    for run in _runs(isbns, cutoffs, families):
        by_cutoff = found.setdefault(str(isbns[run][0]), {})
        by_cutoff.setdefault(cutoffs[run][0], {})[str(families[run][0])] = means[run]
    return found


def _days(weeks: pd.Series) -> npt.NDArray[np.datetime64]:
    return weeks.to_numpy().astype("datetime64[D]")


def _runs(*keys: npt.NDArray[np.generic]) -> list[slice]:
    """Return the runs of rows with equal keys."""
    n = len(keys[0])
    if not n:
        return []
    changes = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), n]
    return [slice(*edge) for edge in pairwise(edges)]
