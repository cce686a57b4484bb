"""Further regressors of all titles side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.series.history import PROMOTION, YEAR, Future, Regressors

IntArray = npt.NDArray[np.int64]
Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Further:
    """A further regressor of all titles.

    Attributes:
        weeks: Its values, shape (titles, weeks + ahead), NaN where unknown.
        future: By title, what stands for its values after an origin.
    """

    weeks: Float32Array
    future: npt.NDArray[np.str_]


def further_of(
    regressors: Mapping[str, Regressors],
    isbns: pd.Index,
    first: IntArray,
    n_weeks: int,
    ahead: int,
) -> dict[str, Further]:
    """Further regressors as matrices, the weeks after the cutoff as they may be known there.

    Args:
        regressors: By ISBN, from the title's first week on.
        isbns: Rows of the matrices.
        first: Column of each title's first week.
        n_weeks: Columns up to the cutoff.
        ahead: Columns after it.

    Returns:
        By name, without the promotion, whose past and plan come with the weeks.
    """
    names = sorted({name for known in regressors.values() for name in known.names} - {PROMOTION})
    shape = (len(isbns), n_weeks + ahead)
    found = {
        name: Further(np.full(shape, np.nan, dtype=np.float32), np.full(len(isbns), "known", "U8"))
        for name in names
    }
    for row, isbn in enumerate(isbns):
        if isbn not in regressors:
            continue
        known, origin = regressors[isbn], n_weeks - int(first[row])
        before, after = known.before(origin), known.after(origin, ahead)
        for place, (name, future) in enumerate(zip(known.names, known.futures, strict=True)):
            if name in found:
                start = int(first[row])
                found[name].weeks[row, start : start + len(before)] = before[:, place]
                found[name].weeks[row, n_weeks:] = after[:, place]
                found[name].future[row] = future
    return found


def regressor_values(
    further: Further, title: IntArray, origin: IntArray, step: IntArray
) -> Float32Array:
    """Values some weeks after an origin, as a forecast made there may know them.

    They mirror `Regressors.after`: what was not known then is not looked at, except where nothing
    is expected ("zero"), whose effect can be learnt only from weeks in which something happened.
    """
    future: dict[Future, IntArray] = {
        "last": origin,
        "seasonal": origin - YEAR + 1 + (step - 1) % YEAR,
    }
    week = origin + step
    for name, column in future.items():
        week = np.where(further.future[title] == name, column, week)
    values = further.weeks[title, np.maximum(week, 0)]
    return np.where(week >= 0, values, np.float32(np.nan))
