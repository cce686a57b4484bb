"""A linear autoregression of all titles, shrunk title by title.

A year of weeks predicts the next two months, directly and by ridge regression: first with the
coefficients of all titles (a global model as in Montero-Manso and Hyndman, "Principles and
algorithms for forecasting groups of time series", 2021), then with each title's own, shrunk towards
those. Later months take the forecasts of earlier ones as their weeks. Volumes are log(1 + copies)
without the effects of covariates, relative to the last week and in units of the title's noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from book_forecast.forecasters.global_models.panel import Panel
from book_forecast.forecasters.global_models.windows import CHUNK, chunks
from book_forecast.forecasters.promotion_effects import DEPTHS, EFFECTS, NONE
from book_forecast.series.history import PROMOTION, FloatArray, IntArray

LAGS = 56
"""Weeks that predict: a year, and the weeks around its beginning."""
AHEAD = 8
"""Weeks that are forecast directly."""
# Weeks from the first one to the first origin.
FEWEST_BEFORE = 8
# Origins of a title, evenly spaced, and titles whose coefficients are shared.
MOST_ORIGINS = 1_500
MOST_TITLES = 4_000
# Weeks after which an origin counts half.
HALF_LIFE = 1_000.0
# Penalties on the coefficients of all titles, and on a title's distance from them. Titles differ in
# how much of their own they have, so a title's are the mean of two fits.
RIDGE = 10.0
PRIORS = (3_000.0, 30_000.0)
# The intercept, a drift, is hardly penalised.
DRIFT = 0.01
# Origins that a title needs for coefficients of its own.
FEWEST_ORIGINS = 20
# Relative volumes are clipped at these many units of noise: as inputs, and as results.
FARTHEST, LARGEST_CHANGE = 20.0, 15.0


@dataclass(frozen=True, slots=True)
class _Filled:
    """Log volumes without gaps, after as many weeks as predict.

    Attributes:
        logs: Shape (titles, LAGS + weeks); a gap repeats the week before it, and weeks before the
            first one repeat it.
        noise: Of each title, shape (titles,).
        first: Column of each title's first week among the weeks, shape (titles,).
    """

    logs: FloatArray
    noise: FloatArray
    first: IntArray

    @classmethod
    def of(cls, panel: Panel, titles: IntArray) -> _Filled:
        known = panel.logs[titles].astype(np.float64)
        weeks = np.arange(known.shape[1])
        latest = np.maximum.accumulate(np.where(np.isfinite(known), weeks, -1), axis=1)
        earliest = np.argmax(np.isfinite(known), axis=1)
        source = np.where(latest < 0, earliest[:, None], latest)
        logs = np.take_along_axis(known, source, axis=1)
        logs = np.concatenate([np.repeat(logs[:, :1], LAGS, axis=1), logs], axis=1)
        last = np.full(len(titles), panel.n_weeks - 1)
        return cls(logs, panel.noise(titles, last), panel.first[titles])

    def products(self, row: int) -> tuple[FloatArray, FloatArray, int]:
        """Return the products of a title's inputs with each other and with the weeks after them.

        Returns:
            Shapes (LAGS + 1, LAGS + 1) and (LAGS + 1, AHEAD), and the number of origins.
        """
        logs, noise = self.logs[row], self.noise[row]
        latest = len(logs) - LAGS - 1 - AHEAD
        earliest = int(self.first[row]) + FEWEST_BEFORE
        n = min(max(latest - earliest + 1, 0), MOST_ORIGINS)
        origins = np.unique(np.linspace(earliest, latest, n).astype(np.int64))
        around = LAGS + origins[:, None] + np.arange(1 - LAGS, AHEAD + 1)
        relative = (logs[around] - logs[LAGS + origins][:, None]) / noise
        given = _inputs(relative[:, :LAGS])
        wanted = np.clip(relative[:, LAGS:], -LARGEST_CHANGE, LARGEST_CHANGE)
        weighted = given * 0.5 ** ((latest - origins) / HALF_LIFE)[:, None]
        return weighted.T @ given, weighted.T @ wanted, len(origins)


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
        `mean` of each title's weeks, one title after the other. With effects, `EFFECTS` too: what
        no promotion and promotions of `DEPTHS` add to log(1 + mean).
    """
    common = _common_coefficients(panel)
    logs = np.concatenate([_paths(panel, chunk, common, horizon) for chunk in chunks(titles)])
    total = logs + panel.effects_ahead(titles, horizon)
    total = np.clip(total, 0.0, panel.ceiling(titles)[:, None])
    found = {"mean": np.expm1(total).ravel()}
    return found | (_effects(panel, titles, horizon) if effects else {})


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
            filled = _Filled.of(panel, some[start : start + CHUNK])
            for row in range(len(filled.logs)):
                inputs, outputs, count = filled.products(row)
                if count:
                    gram += inputs / (np.sqrt(count) * heaviest)
                    target += outputs / (np.sqrt(count) * heaviest)
        return np.asarray(np.linalg.solve(gram, target), dtype=np.float64)


def _paths(panel: Panel, titles: IntArray, common: FloatArray, horizon: int) -> FloatArray:
    """Forecast log volumes without effects, shape (titles, horizon)."""
    filled = _Filled.of(panel, titles)
    coefficients = np.repeat(common[None], len(titles), axis=0)
    penalties = np.array(PRIORS)[:, None, None] * _penalty()
    with threadpool_limits(1, user_api="blas"):
        for row in range(len(titles)):
            inputs, outputs, count = filled.products(row)
            if count >= FEWEST_ORIGINS:
                own = np.linalg.solve(inputs + penalties, outputs - inputs @ common)
                coefficients[row] += own.mean(axis=0)
    ceiling, noise = panel.ceiling(titles)[:, None], filled.noise[:, None]
    path = filled.logs[:, -LAGS:]
    for _ in range(0, horizon, AHEAD):
        last = path[:, -1:]
        given = _inputs((path[:, -LAGS:] - last) / noise)
        changes = np.einsum("ij,ijk->ik", given, coefficients)
        changes = np.clip(changes, -LARGEST_CHANGE, LARGEST_CHANGE)
        path = np.concatenate([path, np.clip(last + noise * changes, 0.0, ceiling)], axis=1)
    return path[:, LAGS : LAGS + horizon]


def _effects(panel: Panel, titles: IntArray, horizon: int) -> dict[str, FloatArray]:
    """Return what promotions add to a forecast, as `EFFECTS`; unknown ones have no effect.

    A deeper discount never sells less.
    """
    ahead = panel.promotions[titles, panel.n_weeks : panel.n_weeks + horizon]
    found = panel.effects.of(PROMOTION, titles[:, None], ahead)
    none, *deeper = (
        panel.effects.of(PROMOTION, titles, np.full(len(titles), depth, dtype=np.float32))
        for depth in (0.0, *DEPTHS)
    )
    columns = {NONE: none[:, None] - found}
    uplift = np.zeros(len(titles))
    for effect, name in zip(deeper, EFFECTS[1:], strict=True):
        uplift = np.maximum(uplift, effect - none)
        columns[name] = columns[NONE] + uplift[:, None]
    return {name: values.ravel().astype(np.float32) for name, values in columns.items()}


def _inputs(relative: FloatArray) -> FloatArray:
    """Return a constant and the clipped weeks, shape (rows, LAGS + 1)."""
    clipped = np.clip(relative, -FARTHEST, FARTHEST)
    return np.concatenate([np.ones((len(clipped), 1)), clipped], axis=1)


def _penalty() -> FloatArray:
    penalty = np.eye(LAGS + 1)
    penalty[0, 0] = DRIFT
    return penalty
