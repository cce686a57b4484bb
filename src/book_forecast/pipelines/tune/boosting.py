"""The model of all titles at the rolling origins."""

from __future__ import annotations

import pandas as pd

from book_forecast.forecasters.boosting import forecast_all
from book_forecast.forecasters.boosting_member import Boosting
from book_forecast.options import BoostingOptions, TuneOptions, has_ensembles

PATH_TYPES = {
    "isbn": "str",
    "cutoff": "datetime64[us]",
    "week": "datetime64[us]",
    "mean": "float64",
}


def boost_folds(
    training_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    options: BoostingOptions,
    folds: TuneOptions,
    split_size: int,
    families: list[str],
    calendar: bool,
    seed: int,
) -> pd.DataFrame:
    """Fits one model to all titles before each rolling origin.

    Args:
        training_weeks: isbn, week, volume, promotion, asp, rrp.
        titles: isbn, product_class.
        options: Of the model.
        folds: The rolling origins.
        split_size: Horizon, in weeks.
        families: Nothing is fitted where boosting is not among them.
        calendar: Whether the calendar's windows are used.
        seed: Of the run.

    Returns:
        isbn, cutoff, week, mean.
    """
    last = training_weeks["week"].max()
    cutoffs = [
        last - pd.Timedelta(weeks=split_size + folds.step * number) for number in range(folds.folds)
    ]
    parts = [
        boost(training_weeks, titles, cutoff, split_size, options, families, calendar, seed)
        for cutoff in cutoffs
    ]
    return pd.concat(parts, ignore_index=True).astype(PATH_TYPES)


def boost(
    weeks: pd.DataFrame,
    titles: pd.DataFrame,
    cutoff: pd.Timestamp,
    horizon: int,
    options: BoostingOptions,
    families: list[str],
    calendar: bool,
    seed: int,
) -> pd.DataFrame:
    """What one model of all titles says of the weeks after a cutoff; no row without it."""
    wanted = Boosting.family in families and has_ensembles(families)
    if not wanted or not (weeks["week"] <= cutoff).any():
        return pd.DataFrame(columns=list(PATH_TYPES)).astype(PATH_TYPES)
    # More threads give the same bits, but wait for each other where others use the cores too.
    found = forecast_all(
        weeks, titles, cutoff, horizon, options, seed=seed, calendar=calendar, n_jobs=1
    )
    return found.assign(cutoff=cutoff)[list(PATH_TYPES)].astype(PATH_TYPES)
