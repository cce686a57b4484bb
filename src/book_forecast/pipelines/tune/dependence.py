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


def fold_dependence(
    folds: FoldForecasts,
    mean: FloatArray,
    cutoffs: pd.Series,
    scales: FloatArray,
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
        calibration: Quantiles of residuals over all titles.
        kinds: Of the weeks, each of shape (r, h).
        product_classes: Of the titles; missing where the export has none.
    """
    expected = np.nan_to_num(mean)
    scores = np.full(mean.shape, np.nan)
    for row, title in enumerate(folds.titles):
        own = {name: inside[row] for name, inside in kinds.items()}
        forecast = calibration.forecast(expected[row], scales[title], LEVELS, own)
        quantiles = distribution_of(forecast)[None, 1:].astype(np.float64)
        sold = np.where(np.isfinite(mean[row]), folds.volumes[row], np.nan)
        scores[row] = normal_scores(sold[None], quantiles)[0]
    days = cutoffs.to_numpy(dtype="datetime64[D]").astype(np.int64)
    found = FoldScores(
        scores=scores,
        titles=folds.titles,
        origins=days // 7,
        sizes=expected.mean(axis=1) if len(expected) else np.empty(0),
        classes=product_classes.fillna("").to_numpy(dtype=str),
    )
    return estimate_dependence(found).to_state()
