"""What is unusual about the weeks of the folds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.forecasters.level_shifts import FEWEST_AFTER, find_last_fall, find_shift
from book_forecast.forecasters.week_kinds import CHRISTMAS, Kinds, is_christmas, is_promotion
from book_forecast.forecasters.week_widths import WIDTH, relative_widths
from book_forecast.forecasters.weights import FoldForecasts
from book_forecast.options.models import ModelOptions
from book_forecast.series.history import (
    PROMOTION,
    WEEK,
    BoolArray,
    FloatArray,
    title_histories,
)

Weeks = npt.NDArray[np.datetime64]


def fold_weeks(keys: pd.DataFrame, horizon: int) -> Weeks:
    """Return the weeks after each row's cutoff, shape (r, horizon)."""
    cutoffs = keys["cutoff"].to_numpy(dtype="datetime64[D]")
    return np.asarray(cutoffs[:, None] + WEEK * np.arange(1, horizon + 1))


def fold_kinds(
    isbns: pd.Series,
    weeks: Weeks,
    training_weeks: pd.DataFrame,
    models: ModelOptions,
    forecasts: pd.DataFrame,
) -> Kinds:
    """Return the kinds of the folds' weeks, as a forecast at their cutoffs would know them.

    Args:
        isbns: Of the rows.
        weeks: As `fold_weeks` returns them.
        training_weeks: isbn, week; promotion is optional.
        models: Whether the calendar applies, and promotions are known ahead.
        forecasts: isbn, cutoff, week, and `WIDTH`, which those of older code do not have.
    """
    kinds: dict[str, BoolArray | FloatArray] = {}
    if models.calendar:
        kinds[CHRISTMAS] = is_christmas(weeks)
    if models.regressors.promotions_known and PROMOTION in training_weeks:
        depths = training_weeks.set_index(["isbn", "week"])[PROMOTION]
        found = depths.reindex(_index(isbns, weeks)).to_numpy().reshape(weeks.shape)
        kinds[PROMOTION] = is_promotion(found)
    if WIDTH in forecasts:
        known = forecasts.set_index(["isbn", "cutoff", "week"])
        logs = known[WIDTH].reindex(_index(isbns, weeks, weeks[:, :1] - WEEK))
        kinds[WIDTH] = relative_widths(logs.to_numpy(float).reshape(weeks.shape), weeks.shape[1])
    return kinds


def _index(isbns: pd.Series, weeks: Weeks, *cutoffs: Weeks) -> pd.MultiIndex:
    """Return the keys of all weeks, a row's after another's, with its cutoff if there is one."""
    days = [np.broadcast_to(column, weeks.shape).ravel() for column in (*cutoffs, weeks)]
    titles = pd.Index(np.repeat(isbns.to_numpy(dtype=str), weeks.shape[1]), dtype="str")
    return pd.MultiIndex.from_arrays([titles, *(pd.DatetimeIndex(d).as_unit("us") for d in days)])


def without_shifts(
    folds: FoldForecasts, keys: pd.DataFrame, training_weeks: pd.DataFrame
) -> FoldForecasts:
    """Return the folds without weeks after a title's level shift that no model could know.

    The models allow for the shift by now, or do so a few weeks after it, so that these errors tell
    nothing of the weeks ahead.

    Args:
        folds: Forecasts and sales, a fold per row.
        keys: isbn, cutoff of the rows.
        training_weeks: isbn, week, volume.
    """
    volumes = folds.volumes.copy()
    ahead = np.arange(1, volumes.shape[1] + 1)
    isbns = keys["isbn"].to_numpy(dtype=str)
    cutoffs = keys["cutoff"].to_numpy(dtype="datetime64[D]")
    for history in title_histories(training_weeks[["isbn", "week", "volume"]]):
        shift = find_shift(history.volumes)
        week = find_last_fall(history.volumes) if shift is None else shift.week
        if week is None:
            continue
        first = history.first_week + WEEK * week
        rows = isbns == history.isbn
        known = (cutoffs - first) // WEEK + 1
        after = known[:, None] + ahead > 0
        volumes[rows[:, None] & (known < FEWEST_AFTER)[:, None] & after] = np.nan
    return replace(folds, volumes=volumes)
