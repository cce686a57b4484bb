"""Forecasts of the models of all titles at rolling origins, each with a checkpoint of its own."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.execution.frame_checkpoints import read_or_make
from book_forecast.execution.progress import with_progress
from book_forecast.forecasters.global_models.forecasts import FORECAST_TYPES, GlobalModels

LABEL = "Models of all titles"


def forecast_origins(
    model: GlobalModels,
    weeks: pd.DataFrame,
    cutoffs: Sequence[pd.Timestamp],
    horizon: int,
    checkpoints: CheckpointFolder,
) -> pd.DataFrame:
    """Fit the models before each rolling origin, and forecast the weeks after it.

    Args:
        model: The models.
        weeks: isbn, week, volume, promotion, asp, rrp. Those after an origin decide nothing there,
            so that later runs read its checkpoint, too.
        cutoffs: Last training weeks of the origins.
        horizon: Weeks ahead.
        checkpoints: Forecasts of an earlier run with the same inputs.

    Returns:
        isbn, family, cutoff, week, mean: one origin after the other.
    """
    code = code_fingerprint("book_forecast.forecasters.global_models.forecasts")

    def forecast(cutoff: pd.Timestamp) -> pd.DataFrame:
        known = weeks[weeks["week"] <= cutoff]
        return read_or_make(
            checkpoints,
            "fit_global_model",
            fingerprint(model.identity(known), cutoff, horizon, code),
            f"{LABEL} at {cutoff:%Y-%m-%d}",
            lambda: model.forecast_fold(weeks, cutoff, horizon),
            is_part=True,
        )

    if not model.families:
        return pd.DataFrame(columns=list(FORECAST_TYPES)).astype(FORECAST_TYPES)
    parts = with_progress(map(forecast, cutoffs), len(cutoffs), LABEL, "rolling origins")
    return pd.concat(parts, ignore_index=True).astype(FORECAST_TYPES)
