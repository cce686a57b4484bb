"""Out-of-fold forecasts as arrays, a row per fold, and what is known of them beforehand."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from book_forecast.forecasters.families import ACROSS_TITLES
from book_forecast.forecasters.sarima import Sarima
from book_forecast.forecasters.weights import FoldForecasts
from book_forecast.series.history import WEEK, BoolArray, FloatArray

# Families without a weight as long as there is no evidence for them.
BASELINES = ("naive", "seasonal_naive", "intermittent")
# Titles with fewer weeks share a stack of their own: launches need other weights.
YOUNG_WEEKS = 104
# Prior weight, for launches, of the families that learn from other titles.
OF_OTHERS = 0.75
# Errors of SARIMA count so many times for its weights. Its orders are chosen without each of the
# search's folds in turn, but know the weeks of the folds between them.
SEARCHED = 1.05


def fold_arrays(
    forecasts: pd.DataFrame,
    seasons: pd.DataFrame,
    training_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    families: list[str],
) -> tuple[FoldForecasts, pd.DataFrame]:
    """Return the forecasts as one array, a row per fold, and the key of each row."""
    known = training_weeks[["isbn", "week", "volume"]]
    forecasts = forecasts.merge(known, on=["isbn", "week"], how="left", validate="many_to_one")
    forecasts = forecasts.sort_values(["isbn", "cutoff", "week"], kind="stable", ignore_index=True)
    groups = forecasts.groupby(["isbn", "cutoff"], sort=False)
    row = groups.ngroup().to_numpy()
    ahead = groups.cumcount().to_numpy()
    keys = groups.size().rename("horizon").reset_index()
    shape = (len(keys), int(ahead.max(initial=-1)) + 1)
    members = np.full((shape[0], len(families), shape[1]), np.nan)
    volumes = np.full(shape, np.nan)
    members[row, :, ahead] = forecasts[families].to_numpy(dtype=np.float64)
    volumes[row, ahead] = forecasts["volume"].to_numpy(dtype=np.float64)
    of_title = pd.Index(seasons["isbn"])
    product_class = titles.set_index("isbn")["product_class"].reindex(of_title)
    folds = FoldForecasts(
        members=members,
        volumes=volumes,
        titles=of_title.get_indexer(pd.Index(keys["isbn"])).astype(np.int64),
        origins=((keys["cutoff"].max() - keys["cutoff"]).to_numpy() // WEEK).astype(np.int64),
        groups=(seasons["n_weeks"].to_numpy() < YOUNG_WEEKS).astype(np.int64),
        classes=(pd.factorize(product_class)[0] + 1).astype(np.int64),
    )
    return folds, keys


def as_unsearched(folds: FoldForecasts, families: list[str]) -> FoldForecasts:
    """Return the folds with larger errors of SARIMA, to be weighed against the other families."""
    if Sarima.family not in families:
        return folds
    members = folds.members.copy()
    own = members[:, families.index(Sarima.family)]
    known = np.isfinite(folds.volumes)
    own[known] += (SEARCHED - 1.0) * (own - folds.volumes)[known]
    return replace(folds, members=members)


def across_titles(used: Iterable[Collection[str]], families: list[str]) -> BoolArray:
    """Return the models of all titles among the families that a title uses, shape (n, m).

    They have no forecast of a title that had too few weeks, or was not selected, when they were
    fitted before a rolling origin. That says nothing of their errors.

    Args:
        used: Families by title.
        families: All of them.
    """
    rows = [[name in own and name in ACROSS_TITLES for name in families] for own in used]
    return np.array(rows, dtype=np.bool_).reshape(len(rows), len(families))


def growth_since(
    keys: pd.DataFrame, seasons: pd.DataFrame, training_weeks: pd.DataFrame
) -> FloatArray:
    """Return how many times as long a title's history is now as it was at each fold."""
    now = keys["isbn"].map(seasons.set_index("isbn")["n_weeks"]).to_numpy(dtype=np.float64)
    since = (training_weeks["week"].max() - keys["cutoff"]).to_numpy() / WEEK
    return np.asarray(now / np.maximum(now - since, 1.0), dtype=np.float64)


def prior_weights(folds: FoldForecasts, families: list[str]) -> FloatArray:
    """Return the mean of the models' families; for launches more of those across titles.

    A family without a forecast of any title has no weight.
    """
    n = len(folds.groups)
    there = np.asarray(np.isfinite(folds.members).any(axis=(0, 2)), dtype=bool)
    if not there.any():
        there[:] = True
    models = there & np.array([name not in BASELINES for name in families])
    used = models if models.any() else there
    prior = np.tile(used / used.sum(), (n, 1))
    across = there & np.array([name in ACROSS_TITLES for name in families])
    others = there & ~across
    if across.any() and others.any():
        of_launch = np.where(across, OF_OTHERS / across.sum(), 0.0)
        of_launch[others] = (1.0 - OF_OTHERS) / others.sum()
        prior[folds.groups == 1] = of_launch
    return prior
