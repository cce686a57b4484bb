"""Effects of planned promotions on a title's forecast by the global model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from book_forecast.series.history import FloatArray

DEPTHS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
"""Depths that the global model is asked for; the trees' steps lie between them."""
NONE = "effect-0"
EFFECTS = (NONE, *(f"effect-{depth:g}" for depth in DEPTHS))
"""Columns of the global model's forecasts: the effect of no promotion, then of `DEPTHS`."""
# A hundredth of a percent: more digits would only fill the releases.
DECIMALS = 4


@dataclass(frozen=True, slots=True)
class PromotionEffects:
    """What a known promotion adds to a forecast in which promotions are unknown.

    Effects are differences on the scale of log(1 + copies).

    Attributes:
        none: Effect of a week without promotion by week ahead, shape (horizon,).
        depths: Ascending, positive.
        uplifts: Effect of each depth beside no promotion, the same in all weeks; it never falls.
    """

    none: FloatArray
    depths: FloatArray
    uplifts: FloatArray

    def uplift(self, depth: FloatArray) -> FloatArray:
        """Return the effect of depths beside no promotion; it ends at the deepest one known."""
        depths, uplifts = (np.append(0.0, known) for known in (self.depths, self.uplifts))
        return np.asarray(np.interp(depth, depths, uplifts), dtype=np.float64)

    def to_state(self) -> dict[str, Any]:
        """Return the effects as plain data."""
        names = ("none", "depths", "uplifts")
        return {name: getattr(self, name).tolist() for name in names}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the effects from the result of `to_state`."""
        return cls(*(np.array(state[name], float) for name in ("none", "depths", "uplifts")))


def effects_by_title(forecasts: pd.DataFrame) -> dict[str, dict[str, PromotionEffects]]:
    """Return the effects in the forecasts of models of all titles.

    Args:
        forecasts: isbn, family, week, sorted, of one cutoff; `EFFECTS` where they were asked for.

    Returns:
        By ISBN and family; nothing without these columns.
    """
    if not set(EFFECTS) <= set(forecasts.columns):
        return {}
    found: dict[str, dict[str, PromotionEffects]] = {}
    for (isbn, family), title in forecasts.groupby(["isbn", "family"], sort=False):
        effects = title[list(EFFECTS)].to_numpy(dtype=np.float64)
        uplifts = effects[0, 1:] - effects[0, 0]
        found.setdefault(str(isbn), {})[str(family)] = PromotionEffects(
            np.round(effects[:, 0], DECIMALS), np.array(DEPTHS), np.round(uplifts, DECIMALS)
        )
    return found
