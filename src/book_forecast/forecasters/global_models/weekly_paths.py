"""Past weeks as inputs of a model of all titles, and the forecasts that its changes make.

The weeks before an origin are log(1 + copies) without the effects of covariates, relative to the
origin's week and in units of the title's noise. Titles of all sizes are then alike, and so are the
changes after the origin, which a model predicts. Later weeks take the forecasts of earlier ones as
their inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from book_forecast.forecasters.global_models.panel import Panel
from book_forecast.forecasters.promotion_effects import DEPTHS, EFFECTS, NONE
from book_forecast.series.history import PROMOTION, FloatArray, IntArray

LAGS = 56
"""Weeks that predict: a year, and the weeks around its beginning."""
LARGEST_CHANGE = 15.0
"""Limit of changes, in units of noise: of those that are learned from, and of those predicted."""
HALF_LIFE = 1_000.0
"""Weeks after which an origin counts half."""
# The same limit of inputs.
FARTHEST = 20.0
# Weeks from the first one to the first origin.
FEWEST_BEFORE = 8


@dataclass(frozen=True, slots=True)
class WeeklyPaths:
    """Log volumes without gaps, after as many weeks as predict.

    Attributes:
        logs: Shape (titles, LAGS + weeks); a gap repeats the week before it, and weeks before the
            first one repeat it.
        noise: Of each title, shape (titles,).
        ceiling: Largest log volume of a forecast, shape (titles,).
        first: Column of each title's first week among the weeks, shape (titles,).
    """

    logs: FloatArray
    noise: FloatArray
    ceiling: FloatArray
    first: IntArray

    @classmethod
    def of(cls, panel: Panel, titles: IntArray) -> WeeklyPaths:
        """Take some titles of a panel."""
        known = panel.logs[titles].astype(np.float64)
        weeks = np.arange(known.shape[1])
        latest = np.maximum.accumulate(np.where(np.isfinite(known), weeks, -1), axis=1)
        earliest = np.argmax(np.isfinite(known), axis=1)
        source = np.where(latest < 0, earliest[:, None], latest)
        logs = np.take_along_axis(known, source, axis=1)
        logs = np.concatenate([np.repeat(logs[:, :1], LAGS, axis=1), logs], axis=1)
        last = np.full(len(titles), panel.n_weeks - 1)
        return cls(logs, panel.noise(titles, last), panel.ceiling(titles), panel.first[titles])

    def origins(self, row: int, ahead: int, most: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the weeks before a title's origins, and the changes after them.

        Args:
            row: Of the title.
            ahead: Weeks after an origin.
            most: Origins, evenly spaced.

        Returns:
            Shapes (n, LAGS) and (n, ahead); and how much each origin counts by its age, shape (n,).
        """
        logs = self.logs[row]
        latest = len(logs) - LAGS - 1 - ahead
        earliest = int(self.first[row]) + FEWEST_BEFORE
        n = min(max(latest - earliest + 1, 0), most)
        origins = np.unique(np.linspace(earliest, latest, n).astype(np.int64))
        around = LAGS + origins[:, None] + np.arange(1 - LAGS, ahead + 1)
        relative = (logs[around] - logs[LAGS + origins][:, None]) / self.noise[row]
        before = np.clip(relative[:, :LAGS], -FARTHEST, FARTHEST)
        after = np.clip(relative[:, LAGS:], -LARGEST_CHANGE, LARGEST_CHANGE)
        return before, after, 0.5 ** ((latest - origins) / HALF_LIFE)

    def forecast(self, changes: Callable[[FloatArray], FloatArray], horizon: int) -> FloatArray:
        """Forecast log volumes without effects, shape (titles, horizon).

        Args:
            changes: Returns changes after the last week, shape (titles, ahead), for the weeks up to
                it, shape (titles, LAGS).
            horizon: Weeks ahead.
        """
        noise, ceiling = self.noise[:, None], self.ceiling[:, None]
        path = self.logs[:, -LAGS:]
        while path.shape[1] < LAGS + horizon:
            last = path[:, -1:]
            before = np.clip((path[:, -LAGS:] - last) / noise, -FARTHEST, FARTHEST)
            after = np.clip(changes(before), -LARGEST_CHANGE, LARGEST_CHANGE)
            path = np.concatenate([path, np.clip(last + noise * after, 0.0, ceiling)], axis=1)
        return path[:, LAGS : LAGS + horizon]


def with_effects(
    panel: Panel, titles: IntArray, logs: FloatArray, *, effects: bool
) -> dict[str, FloatArray]:
    """Return forecasts with what covariates add to them.

    Args:
        panel: All titles.
        titles: Rows of those that are forecast.
        logs: Their log volumes without effects, shape (titles, horizon).
        effects: Whether to return the effects of promotions, too.

    Returns:
        `mean` of each title's weeks, one title after the other. With effects, `EFFECTS` too: what
        no promotion and promotions of `DEPTHS` add to log(1 + mean).
    """
    horizon = logs.shape[1]
    total = logs + panel.effects_ahead(titles, horizon)
    total = np.clip(total, 0.0, panel.ceiling(titles)[:, None])
    found = {"mean": np.expm1(total).ravel()}
    return found | (_effects(panel, titles, horizon) if effects else {})


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
