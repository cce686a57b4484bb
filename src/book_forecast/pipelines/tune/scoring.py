"""Errors of SARIMA orders at rolling origins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from optuna.trial import FrozenTrial

from book_forecast.backtesting.rolling_origins import Fold
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.sarima import SarimaFit
from book_forecast.series.history import FloatArray, History


def fold_error(
    history: History, fold: Fold, candidate: Candidate, start: FloatArray | None
) -> tuple[float, SarimaFit]:
    """Return the error of a model over a fold, fitted to the weeks before it.

    Args:
        history: The training weeks.
        fold: Its target has at least one known week.
        candidate: The model.
        start: Coefficients of the same model on another fold.

    Returns:
        Mean absolute error in units of the title's mean weekly volume, and the fit.

    Raises:
        ValueError: If the weeks up to the origin are too few for the model, or its forecast is not
            finite.
    """
    model = Sarima.fit(history.until(fold.origin), candidate, start, thorough=False)
    mean = model.forecast(fold.horizon, ()).mean
    if not np.isfinite(mean).all():
        raise ValueError(f"{candidate.specification}: its forecast is not finite")
    errors = np.abs(mean - history.volumes[fold.target])
    return float(np.nanmean(errors)) / mean_volume(history), model.model


def best_without_each_fold(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return for each fold the trial that is best on the others, so that its error is unbiased.

    Args:
        trials: Complete ones, at least one; each reports the mean over the folds so far.

    Returns:
        A trial a fold; with a single fold the best on it.
    """
    means = np.array([[*trial.intermediate_values.values()] for trial in trials])
    counts = np.arange(1, means.shape[1] + 1)
    totals = means * counts
    errors = np.diff(totals, axis=1, prepend=0.0)
    others = totals[:, -1:] - errors if len(counts) > 1 else errors
    return [trials[int(np.argmin(others[:, fold]))] for fold in range(len(counts))]


def mean_volume(history: History) -> float:
    """Return the copies of the mean week; 1 where nothing was ever sold."""
    return float(np.nanmean(history.volumes)) or 1.0
