"""The dependence of weeks and titles, from the ensembles' errors at the rolling origins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from book_forecast.forecasters.calibration import Calibration
from book_forecast.forecasters.dependence import FoldScores, estimate_dependence, normal_scores
from book_forecast.forecasters.week_kinds import Kinds
from book_forecast.forecasters.weights import FoldForecasts
from book_forecast.releases.distributions import LEVELS, distribution_of
from book_forecast.series.history import FloatArray

# Each has the quantiles of all weeks ahead.
ROWS_AT_A_TIME = 1_000


def fold_dependence(
    folds: FoldForecasts,
    mean: FloatArray,
    cutoffs: pd.Series,
    scales: FloatArray,
    powers: FloatArray,
    calibration: Calibration,
    kinds: Kinds,
    product_classes: pd.Series,
) -> dict[str, Any]:
    """Return the dependence as plain data.

    Args:
        folds: Forecasts and sales, a fold per row.
        mean: The ensembles' out-of-fold forecasts, shape (r, h); NaN beyond a shorter fold.
        cutoffs: Of the rows.
        scales: Of the titles' residuals.
        powers: Those of the week ahead by which the scales grow.
        calibration: Quantiles of residuals over all titles.
        kinds: Of the weeks, each of shape (r, h).
        product_classes: Of the titles; missing where the export has none.
    """
    expected = np.nan_to_num(mean)
    sold = np.where(np.isfinite(mean), folds.volumes, np.nan)
    scores = np.full(mean.shape, np.nan)
    for start in range(0, len(mean), ROWS_AT_A_TIME):
        rows = slice(start, start + ROWS_AT_A_TIME)
        own = {name: inside[rows] for name, inside in kinds.items()}
        reach, power = (values[folds.titles[rows], None] for values in (scales, powers))
        forecast = calibration.forecast(expected[rows], reach, LEVELS, own, power)
        quantiles = distribution_of(forecast)[1:].swapaxes(0, 1).astype(np.float64)
        scores[rows] = normal_scores(sold[rows], quantiles)
    days = cutoffs.to_numpy(dtype="datetime64[D]").astype(np.int64)
    found = FoldScores(
        scores=scores,
        titles=folds.titles,
        origins=days // 7,
        sizes=expected.mean(axis=1) if len(expected) else np.empty(0),
        classes=product_classes.fillna("").to_numpy(dtype=str),
    )
    return estimate_dependence(found).to_state()
