"""What is unusual about the weeks of the folds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from book_forecast.forecasters.level_shifts import FEWEST_AFTER, find_shift
from book_forecast.forecasters.weights import FoldForecasts
from book_forecast.series.history import WEEK, title_histories


def without_shifts(
    folds: FoldForecasts, keys: pd.DataFrame, training_weeks: pd.DataFrame
) -> FoldForecasts:
    """Return the folds without weeks after a title's level shift that no model could know.

    The models allow for the shift by now, so that these errors tell nothing of the weeks ahead.

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
        if (shift := find_shift(history.volumes)) is None:
            continue
        first = history.cutoff - WEEK * (history.n_weeks - 1 - shift.week)
        rows = isbns == history.isbn
        known = (cutoffs - first) // WEEK + 1
        after = known[:, None] + ahead > 0
        volumes[rows[:, None] & (known < FEWEST_AFTER)[:, None] & after] = np.nan
    return replace(folds, volumes=volumes)
