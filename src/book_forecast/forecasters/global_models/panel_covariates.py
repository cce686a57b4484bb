"""Covariates of all titles side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.forecasters.global_models.windows import Float32Array
from book_forecast.series.history import PROMOTION, YEAR, Covariates, Future, IntArray


@dataclass(frozen=True, slots=True)
class PanelCovariate:
    """One covariate of all titles.

    Attributes:
        weeks: Values, shape (titles, weeks + ahead); NaN where unknown.
        future: By title, how it continues after an origin.
    """

    weeks: Float32Array
    future: npt.NDArray[np.str_]


def panel_covariates(
    covariates: Mapping[str, Covariates],
    isbns: pd.Index,
    first: IntArray,
    n_weeks: int,
    ahead: int,
) -> dict[str, PanelCovariate]:
    """Return covariates as matrices, with the weeks after the cutoff as known there.

    Args:
        covariates: By ISBN, from the title's first week on.
        isbns: Rows of the matrices.
        first: Column of each title's first week.
        n_weeks: Columns up to the cutoff.
        ahead: Columns after it.

    Returns:
        By name, without the promotion, which comes with the weeks.
    """
    names = sorted({name for known in covariates.values() for name in known.names} - {PROMOTION})
    shape = (len(isbns), n_weeks + ahead)
    found = {
        name: PanelCovariate(
            np.full(shape, np.nan, dtype=np.float32), np.full(len(isbns), "known", "U8")
        )
        for name in names
    }
    for row, isbn in enumerate(isbns):
        if isbn not in covariates:
            continue
        known, start = covariates[isbn], int(first[row])
        before, after = known.before(n_weeks - start), known.after(n_weeks - start, ahead)
        for column, (name, future) in enumerate(zip(known.names, known.futures, strict=True)):
            if name in found:
                found[name].weeks[row, start:n_weeks] = before[:, column]
                found[name].weeks[row, n_weeks:] = after[:, column]
                found[name].future[row] = future
    return found


def covariate_values(
    covariate: PanelCovariate, title: IntArray, origin: IntArray, step: IntArray
) -> Float32Array:
    """Return values some weeks after an origin, as known at that origin.

    As in `Covariates.after`, unknown values are not used. "zero" is an exception: its effect can be
    learnt only from weeks in which something happened.
    """
    future: dict[Future, IntArray] = {
        "last": origin,
        "seasonal": origin - YEAR + 1 + (step - 1) % YEAR,
    }
    week = origin + step
    for name, column in future.items():
        week = np.where(covariate.future[title] == name, column, week)
    values = covariate.weeks[title, np.maximum(week, 0)]
    return np.where(week >= 0, values, np.float32(np.nan))
