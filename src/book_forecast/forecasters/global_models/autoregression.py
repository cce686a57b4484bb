"""A linear autoregression of all titles, shrunk title by title.

A year of weeks predicts the next two months, directly and by ridge regression: first with the
coefficients of all titles (a global model as in Montero-Manso and Hyndman, "Principles and
algorithms for forecasting groups of time series", 2021), then with each title's own, shrunk towards
those.
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from book_forecast.forecasters.global_models.panel import Panel
from book_forecast.forecasters.global_models.weekly_paths import LAGS, WeeklyPaths, with_effects
from book_forecast.forecasters.global_models.windows import CHUNK, chunks
from book_forecast.series.history import FloatArray, IntArray

AHEAD = 8
"""Weeks that are forecast directly."""
# Origins of a title, and titles whose coefficients are shared.
MOST_ORIGINS = 1_500
MOST_TITLES = 4_000
# Penalties on the coefficients of all titles, and on a title's distance from them. Titles differ in
# how much of their own they have, so a title's are the mean of two fits.
RIDGE = 10.0
PRIORS = (3_000.0, 30_000.0)
# The intercept, a drift, is hardly penalised.
DRIFT = 0.01
# Origins that a title needs for coefficients of its own.
FEWEST_ORIGINS = 20


def forecast_panel(
    panel: Panel, titles: IntArray, horizon: int, *, effects: bool
) -> dict[str, FloatArray]:
    """Forecast the weeks of some titles after the cutoff.

    Args:
        panel: All titles, which share coefficients.
        titles: Rows of those that are forecast, at least one.
        horizon: Weeks ahead.
        effects: Whether to add the effects of promotions.

    Returns:
        See `weekly_paths.with_effects`.
    """
    common = _common_coefficients(panel)
    logs = np.concatenate([_logs(panel, chunk, common, horizon) for chunk in chunks(titles)])
    return with_effects(panel, titles, logs, effects=effects)


def _common_coefficients(panel: Panel) -> FloatArray:
    """Fit the coefficients of all titles; a title counts by the root of its number of origins.

    The products of a title are computed anew for its own coefficients: those of a million titles
    would take 30 GB.
    """
    n = len(panel.isbns)
    some = np.unique(np.linspace(0, n - 1, min(n, MOST_TITLES)).astype(np.int64))
    gram, target = RIDGE * _penalty(), np.zeros((LAGS + 1, AHEAD))
    heaviest = np.sqrt(MOST_ORIGINS)
    with threadpool_limits(1, user_api="blas"):
        for start in range(0, len(some), CHUNK):
            paths = WeeklyPaths.of(panel, some[start : start + CHUNK])
            for row in range(len(paths.logs)):
                inputs, outputs, count = _products(paths, row)
                if count:
                    gram += inputs / (np.sqrt(count) * heaviest)
                    target += outputs / (np.sqrt(count) * heaviest)
        return np.asarray(np.linalg.solve(gram, target), dtype=np.float64)


def _products(paths: WeeklyPaths, row: int) -> tuple[FloatArray, FloatArray, int]:
    """Return the products of a title's inputs with each other and with the changes after them.

    Returns:
        Shapes (LAGS + 1, LAGS + 1) and (LAGS + 1, AHEAD), and the number of origins.
    """
    before, after, weight = paths.origins(row, AHEAD, MOST_ORIGINS)
    given = _inputs(before)
    weighted = given * weight[:, None]
    return weighted.T @ given, weighted.T @ after, len(given)


def _logs(panel: Panel, titles: IntArray, common: FloatArray, horizon: int) -> FloatArray:
    """Forecast log volumes without effects, shape (titles, horizon)."""
    paths = WeeklyPaths.of(panel, titles)
    coefficients = np.repeat(common[None], len(titles), axis=0)
    penalties = np.array(PRIORS)[:, None, None] * _penalty()
    with threadpool_limits(1, user_api="blas"):
        for row in range(len(titles)):
            inputs, outputs, count = _products(paths, row)
            if count >= FEWEST_ORIGINS:
                own = np.linalg.solve(inputs + penalties, outputs - inputs @ common)
                coefficients[row] += own.mean(axis=0)
    return paths.forecast(
        lambda before: np.einsum("ij,ijk->ik", _inputs(before), coefficients), horizon
    )


def _inputs(before: FloatArray) -> FloatArray:
    """Return a constant and the weeks, shape (rows, LAGS + 1)."""
    return np.concatenate([np.ones((len(before), 1)), before], axis=1)


def _penalty() -> FloatArray:
    penalty = np.eye(LAGS + 1)
    penalty[0, 0] = DRIFT
    return penalty
