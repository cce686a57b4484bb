"""Exponential smoothing of all titles at once, as an input of the global model.

Some titles return to the level of their year, others stay where the last weeks have brought them.
Each title's factor says which, better than any window of fixed length.
"""

from __future__ import annotations

import numpy as np

from book_forecast.forecasters.global_models.windows import Float32Array
from book_forecast.series.history import FloatArray

FACTORS = np.array([0.03, 0.07, 0.15, 0.3, 0.5, 0.75, 1.0])
# Weeks of evidence that all titles together are worth for one of them.
PRIOR_WEEKS = 26.0
# A squared error counts at most so many times that of the usual noise.
LARGEST = 16.0
# Titles per chunk: limits the memory of a large catalogue.
CHUNK = 5_000


def best_factors(logs: Float32Array, noise: FloatArray) -> FloatArray:
    """Return the factor that has forecast each title's next week best, shape (titles,).

    Args:
        logs: Log volumes, shape (titles, weeks); NaN where unknown.
        noise: Unit of each title's errors, shape (titles,).
    """
    errors, counts = np.zeros((len(logs), len(FACTORS))), np.zeros(len(logs))
    for start in range(0, len(logs), CHUNK):
        rows = slice(start, start + CHUNK)
        errors[rows], counts[rows] = _errors(logs[rows], noise[rows])
    prior = PRIOR_WEEKS * errors.sum(axis=0) / max(counts.sum(), 1.0)
    return np.asarray(FACTORS[np.argmin(errors + prior, axis=1)], dtype=np.float64)


def smoothed(logs: Float32Array, factors: FloatArray) -> Float32Array:
    """Return each title's level after each week; NaN before the first known week."""
    levels = np.full(logs.shape, np.nan, dtype=np.float32)
    level = np.full(len(logs), np.nan)
    for week in range(logs.shape[1]):
        level = after(level, logs[:, week].astype(np.float64), factors)
        levels[:, week] = level
    return levels


def after(level: FloatArray, log: FloatArray, factor: FloatArray) -> FloatArray:
    """Return the level after a week; unknown weeks do not change it."""
    moved = level + factor * (log - level)
    return np.where(np.isnan(level), log, np.where(np.isnan(log), level, moved))


def _errors(logs: Float32Array, noise: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the sum of squared errors by title and factor, and their number by title."""
    level = np.full((len(logs), len(FACTORS)), np.nan)
    errors, counts = np.zeros(level.shape), np.zeros(len(logs))
    for week in range(logs.shape[1]):
        log = logs[:, week, None].astype(np.float64)
        error = (log - level) / noise[:, None]
        known = np.isfinite(error[:, 0])
        errors[known] += np.minimum(error[known] ** 2, LARGEST)
        counts += known
        level = after(level, log, FACTORS)
    return errors, counts
