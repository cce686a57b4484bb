"""Forecasts of the models of all titles at rolling origins, each with a checkpoint of its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pandas as pd

from book_forecast.execution import frame_checkpoints
from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.execution.progress import with_progress
from book_forecast.forecasters.global_models.forecasts import FORECAST_TYPES, GlobalModels

logger = logging.getLogger(__name__)

LABEL, UNIT = "Models of all titles", "rolling origins"
NAME = "fit_global_model"


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
        weeks: isbn, week, volume, promotion, asp, rrp.
        cutoffs: Last training weeks of the origins.
        horizon: Weeks ahead.
        checkpoints: Finished origins, from which a stopped run resumes.

    Returns:
        isbn, family, cutoff, week, mean, `WIDTH`: one origin after the other.
    """
    none = pd.DataFrame(columns=list(FORECAST_TYPES)).astype(FORECAST_TYPES)
    if not model.families or weeks.empty:
        return none
    code = code_fingerprint(__name__)
    generations = {
        cutoff: fingerprint(model.identity(weeks[weeks["week"] <= cutoff]), cutoff, horizon, code)
        for cutoff in cutoffs
    }
    found = {
        cutoff: frame
        for cutoff, generation in generations.items()
        if (frame := frame_checkpoints.read(checkpoints, NAME, generation, LABEL)) is not None
    }
    if found:
        logger.info(
            "%s: %d of %d %s come from the checkpoint", LABEL, len(found), len(cutoffs), UNIT
        )

    def forecast(cutoff: pd.Timestamp) -> tuple[pd.Timestamp, pd.DataFrame]:
        frame = model.forecast_fold(weeks, cutoff, horizon)
        frame_checkpoints.save(checkpoints, NAME, generations[cutoff], LABEL, frame)
        return cutoff, frame

    left = [cutoff for cutoff in cutoffs if cutoff not in found]
    found |= dict(with_progress(map(forecast, left), len(left), LABEL, UNIT))
    frame_checkpoints.prune(checkpoints, NAME)
    parts = [found[cutoff] for cutoff in cutoffs]
    return pd.concat([none, *parts], ignore_index=True).astype(FORECAST_TYPES)
