"""Paths of the global model one week ahead, on which each forecast is an input of the next.

Fits of the next week have all origins as rows, and their errors differ from those of direct ones:
the mean of both is better than either.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from book_forecast.forecasters.global_models.boosting_features import features
from book_forecast.forecasters.global_models.boosting_fit import MeanOfFits
from book_forecast.forecasters.global_models.panel import Panel
from book_forecast.forecasters.global_models.smoothing import after
from book_forecast.forecasters.global_models.windows import Float32Array
from book_forecast.series.history import YEAR, FloatArray, IntArray

LONGEST = YEAR
"""Weeks of a path: later ones would have forecasts in place of last year's weeks."""
# The path's share in the forecast: up to the first of these weeks, and from the second on.
SHARE = 0.5
FADES = (26, LONGEST + 1)


def shares(step: IntArray) -> FloatArray:
    """Return the share of a path in the forecast of weeks ahead."""
    return np.asarray(np.interp(step, FADES, (SHARE, 0.0)), dtype=np.float64)


def path(model: MeanOfFits, panel: Panel, titles: IntArray, horizon: int) -> FloatArray:
    """Forecast week by week.

    Args:
        model: Fitted to next weeks.
        panel: All titles.
        titles: Rows of some titles.
        horizon: Weeks ahead, at most `LONGEST`.

    Returns:
        Log volumes, shape (titles, horizon).
    """
    ceiling = panel.ceiling(titles)
    rolled = _with_room(panel, titles, horizon)
    title, step = np.arange(len(titles)), np.ones(len(titles), dtype=np.int64)
    found = np.empty((len(titles), horizon))
    for ahead in range(horizon):
        week = panel.n_weeks + ahead
        rows = features(rolled, title, step * (week - 1), step, step == 0)
        logs = rows.level + rows.effect + rows.noise * model.predict(rows, step)
        found[:, ahead] = np.clip(logs, 0.0, ceiling)
        _roll(rolled, week, found[:, ahead] - rows.effect)
    return found


def _with_room(panel: Panel, titles: IntArray, n_weeks: int) -> Panel:
    """Return some titles with further weeks, which are unknown until they are rolled in."""

    def longer(values: Float32Array) -> Float32Array:
        return np.pad(values[titles], ((0, 0), (0, n_weeks)), constant_values=np.nan)

    covariates = {
        name: replace(known, weeks=known.weeks[titles], future=known.future[titles])
        for name, known in panel.covariates.items()
    }
    windows = ("known", "squares", "zeros", "changes", "promoted")
    return replace(
        panel,
        isbns=panel.isbns[titles],
        first=panel.first[titles],
        sold=longer(panel.sold),
        logs=longer(panel.logs),
        smoothed=longer(panel.smoothed),
        factors=panel.factors[titles],
        prices=np.pad(panel.prices[titles], ((0, 0), (0, n_weeks)), mode="edge"),
        promotions=panel.promotions[titles],
        classes=panel.classes[titles],
        covariates=covariates,
        effects=panel.effects.take(titles),
        **{name: getattr(panel, name).with_room(titles, n_weeks) for name in windows},
    )


def _roll(panel: Panel, week: int, logs: FloatArray) -> None:
    """Write the log volumes of a week, without effects, into a panel with room for it."""
    unknown = np.full(len(logs), np.nan)
    before = panel.smoothed[:, week - 1].astype(np.float64)
    panel.logs[:, week] = logs
    panel.smoothed[:, week] = after(before, logs, panel.factors)
    panel.known.put(week, logs)
    panel.squares.put(week, logs**2)
    panel.zeros.put(week, unknown)
    panel.changes.put(week, unknown)
    panel.promoted.put(week, panel.promotions[:, week].astype(np.float64))
