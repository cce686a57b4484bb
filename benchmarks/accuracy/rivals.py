"""statsforecast's automatic models on the same training weeks, with limits on what they cost."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from book_forecast.forecasters.filling import fill_missing
from book_forecast.series.history import WEEK

PREFIX = "statsforecast "
SERIES, QUICK_SERIES = 150, 5
"""The most series of a panel that the rivals forecast, drawn with a seed."""
LONGEST = 260
"""Weeks of history that they see, the latest."""

_SEASON = 52
_SERIES_A_PROCESS = 10
_KEYS = {"unique_id": "isbn", "ds": "week"}


def forecast(
    weeks: pd.DataFrame, horizon: int, levels: Sequence[int], most: int = SERIES
) -> pd.DataFrame:
    """Forecast the weeks after the training weeks; missing weeks are filled before.

    AutoARIMA and AutoETS are without a season, as GIFT-Eval has weekly data. Theta and MSTL have a
    season of 52 weeks where two years are known; MSTL is left out elsewhere.

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
    seasonal: list[pd.DataFrame] = []
    short: list[pd.DataFrame] = []
    for isbn, own in weeks[weeks["isbn"].isin(chosen)].groupby("isbn"):
        volumes = own.sort_values("week")["volume"].to_numpy(dtype=float)[-LONGEST:]
        if not np.isfinite(volumes).any():
            continue
        dates = cutoff - WEEK * np.arange(len(volumes))[::-1]
        filled = fill_missing(volumes, _SEASON)
        frame = pd.DataFrame({"unique_id": str(isbn), "ds": dates, "y": filled})
        (seasonal if len(frame) >= 2 * _SEASON else short).append(frame)
    made = [
        _long(_wide(group, horizon, levels, with_season=with_season), levels)
        for group, with_season in ((seasonal, True), (short, False))
        if group
    ]
    return pd.concat(made, ignore_index=True).assign(cutoff=cutoff)


def _wide(
    group: Sequence[pd.DataFrame], horizon: int, levels: Sequence[int], *, with_season: bool
) -> pd.DataFrame:
    from statsforecast import StatsForecast
    from statsforecast.models import MSTL, AutoARIMA, AutoETS, Naive, Theta

    models = [AutoARIMA(), AutoETS(), Theta(season_length=_SEASON if with_season else 1)]
    if with_season:
        models.append(MSTL(season_length=_SEASON))
    # A process takes seconds to start.
    cores = min(os.cpu_count() or 1, 1 + len(group) // _SERIES_A_PROCESS)
    engine = StatsForecast(models=models, freq="W-SAT", n_jobs=cores, fallback_model=Naive())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: pd.DataFrame = engine.forecast(
            df=pd.concat(group, ignore_index=True), h=horizon, level=[*levels]
        )
    return found


def _long(wide: pd.DataFrame, levels: Sequence[int]) -> pd.DataFrame:
    """Return a row per series, week and model, without negative copies."""
    parts = []
    for model in (name for name in ("AutoARIMA", "AutoETS", "Theta", "MSTL") if name in wide):
        columns = {
            f"{model}-{side}-{level}": f"{side}-{level}"
            for level in levels
            for side in ("lo", "hi")
        }
        part = wide[["unique_id", "ds", model, *columns]]
        part = part.rename(columns={**_KEYS, **columns, model: "mean"})
        part = part.assign(**{"lo-1": part["mean"], "hi-1": part["mean"]})
        numbers = part.columns.difference([*_KEYS.values()])
        part[numbers] = part[numbers].clip(lower=0.0)
        parts.append(part.assign(model=f"{PREFIX}{model}"))
    return pd.concat(parts, ignore_index=True)
