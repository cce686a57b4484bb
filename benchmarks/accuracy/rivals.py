"""statsforecast's automatic models on the same training weeks, with limits on what they cost."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from book_forecast.forecasters.filling import fill_missing
from book_forecast.series.history import weeks_after

PREFIX = "statsforecast "
SERIES, QUICK_SERIES = 150, 5
"""The most series of a panel that the rivals forecast, drawn with a seed."""
LONGEST = 260
"""Weeks of history that they see, the latest."""

_SEASON = 52
# A process takes seconds to start.
_SERIES_A_PROCESS = 10


def forecast(
    weeks: pd.DataFrame, horizon: int, levels: Sequence[int], most: int = SERIES
) -> pd.DataFrame:
    """Forecast the weeks after the training weeks; missing weeks are filled before.

    AutoARIMA and AutoETS are without a season, as GIFT-Eval has weekly data. Theta and MSTL have a
    season of 52 weeks where two years are known; MSTL is left out elsewhere. Where a model fails,
    the naive forecast takes its place.

    Args:
        weeks: isbn, week, volume up to the cutoff.
        horizon: Weeks ahead.
        levels: Of the intervals, in percent.
        most: Series; a seeded sample of more.

    Returns:
        A forecasts frame with `lo-1` and `hi-1` at the mean, which is their median.
    """
    cutoff = weeks["week"].max()
    isbns = pd.Series(weeks["isbn"].unique()).sort_values()
    chosen = isbns if len(isbns) <= most else isbns.sample(most, random_state=0)
    rows = weeks[weeks["isbn"].isin(chosen) & weeks["volume"].notna()].sort_values("week")
    ahead = weeks_after(np.datetime64(cutoff, "D"), horizon)
    tasks = [
        delayed(_forecast_title)(
            str(isbn),
            _on_grid(own, cutoff),
            ahead,
            levels,
        )
        for isbn, own in rows.groupby("isbn")
    ]
    cores = min(os.cpu_count() or 1, 1 + len(tasks) // _SERIES_A_PROCESS)
    parts = [part for found in Parallel(n_jobs=cores)(tasks) for part in found]
    types = {"isbn": "str", "model": "str", "week": "datetime64[us]"}
    return pd.concat(parts, ignore_index=True).assign(cutoff=cutoff).astype(types)


def _on_grid(own: pd.DataFrame, cutoff: pd.Timestamp) -> np.ndarray:
    """Return the latest volumes of a title up to the cutoff, NaN where a week is missing."""
    grid = pd.date_range(own["week"].min(), cutoff, freq="7D")
    volumes = own.set_index("week")["volume"].reindex(grid)
    return volumes.to_numpy(dtype=float)[-LONGEST:]


def _forecast_title(
    isbn: str, volumes: np.ndarray, ahead: np.ndarray, levels: Sequence[int]
) -> list[pd.DataFrame]:
    """Return a frame per model, without negative copies."""
    from statsforecast.models import MSTL, AutoARIMA, AutoETS, Naive, Theta

    with_season = len(volumes) >= 2 * _SEASON
    models: list[Any] = [AutoARIMA(), AutoETS(), Theta(_SEASON if with_season else 1)]
    if with_season:
        models.append(MSTL(_SEASON))
    filled = fill_missing(volumes, _SEASON)
    made = {"y": filled, "h": len(ahead), "level": [*levels]}
    parts = []
    for model in models:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                found = model.forecast(**made)
            except Exception:  # noqa: BLE001 - whatever a library raises on a short series
                found = Naive().forecast(**made)
        columns = {name: np.maximum(values, 0.0) for name, values in found.items()}
        columns |= {"lo-1": columns["mean"], "hi-1": columns["mean"]}
        name = f"{PREFIX}{model.alias}"
        parts.append(pd.DataFrame({"isbn": isbn, "week": ahead, "model": name, **columns}))
    return parts
