"""Kinds of weeks whose residuals have a scale of their own: Christmas, promotions, wide weeks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from book_forecast.forecasters.base import array, plain
from book_forecast.forecasters.week_widths import WIDTH
from book_forecast.payload.what_if import DEEP
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import PROMOTION, BoolArray, FloatArray, History, weeks_after

Kinds = Mapping[str, BoolArray | FloatArray]
"""Whether each week is of a kind, by kind; of `WIDTH`, by how much. Arrays of one shape."""

CHRISTMAS = "christmas"
# Saturdays that end the weeks around Christmas and New Year, as month and day.
FIRST_OF_CHRISTMAS, LAST_OF_CHRISTMAS = 1211, 107
FEWEST_FACTOR, MOST_FACTOR = 1.0 / 1.5, 3.0
WEEKS_OF_A_FACTOR = 4.0
"""Distinct weeks of a kind at which its residuals have half of the weight, beside no difference."""
MOST_RESIDUAL = 8.0
"""Multiple of the usual residual at which a single one counts no more."""


def is_christmas(weeks: npt.NDArray[np.datetime64]) -> BoolArray:
    """Return whether week-ending Saturdays are around Christmas and New Year."""
    days = weeks.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    day = (days - months).astype(np.int64) + 1
    date = month * 100 + day
    return np.asarray((date >= FIRST_OF_CHRISTMAS) | (date <= LAST_OF_CHRISTMAS), dtype=bool)


def is_promotion(depths: FloatArray) -> BoolArray:
    """Return whether weeks have a deep promotion; an unknown depth is none."""
    return np.asarray(np.nan_to_num(depths) > DEEP, dtype=bool)


@dataclass(frozen=True, slots=True)
class WeeksAhead:
    """What is known of the weeks after a title's training.

    Attributes:
        trained_until: Last week of the training.
        n_trained: Weeks up to it.
        calendar: Whether the English calendar applies.
        depths: Of promotions from the first week after the training on; later weeks have none.
        widths: Of the weeks from the first one after the training on, as `relative_widths` returns
            them; later weeks have the usual one. Empty where none are known.
    """

    trained_until: np.datetime64
    n_trained: int
    calendar: bool
    depths: FloatArray = field(default_factory=lambda: np.empty(0))
    widths: FloatArray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def of(cls, history: History, *, calendar: bool, widths: FloatArray | None = None) -> Self:
        """Return what is known after a history, and relative widths of the weeks after it."""
        found, depths = history.covariates, np.empty(0)
        if found is not None and PROMOTION in found.names:
            depths = found.values[history.n_weeks :, found.names.index(PROMOTION)]
        cutoff = history.cutoff.astype("datetime64[D]")
        known = np.empty(0) if widths is None else widths
        return cls(cutoff, history.n_weeks, calendar, np.trim_zeros(depths, "b"), known)

    def kinds(self, n_weeks: int, horizon: int, promotions: FloatArray | None = None) -> Kinds:
        """Return the kinds of the weeks ahead.

        Args:
            n_weeks: Weeks of the title up to the cutoff.
            horizon: Weeks ahead.
            promotions: Their depths, shape (horizon,), in place of those known.
        """
        rolled = n_weeks - self.n_trained
        weeks = weeks_after(self.trained_until, rolled + horizon)[rolled:]
        depths, widths = (_ahead(values, rolled, horizon) for values in (self.depths, self.widths))
        kinds: dict[str, BoolArray | FloatArray] = {
            CHRISTMAS: is_christmas(weeks) & self.calendar,
            PROMOTION: is_promotion(depths if promotions is None else np.asarray(promotions)),
        }
        return kinds | ({WIDTH: widths} if len(self.widths) else {})

    def with_covariates(self, values: Mapping[str, FloatArray]) -> Self:
        """Return the weeks with another promotion plan; see `FittedForecaster`."""
        if PROMOTION_PLAN not in values:
            return self
        plan = np.asarray(values[PROMOTION_PLAN], dtype=np.float64)
        return replace(self, depths=np.trim_zeros(plan, "b"))

    def to_state(self) -> dict[str, Any]:
        """Return what is known as plain data."""
        return {
            "trained_until": str(self.trained_until),
            "n_trained": self.n_trained,
            "calendar": self.calendar,
            "depths": plain(self.depths),
            **({"widths": plain(self.widths)} if len(self.widths) else {}),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the weeks from the result of `to_state`; older releases have no widths."""
        return cls(
            np.datetime64(state["trained_until"], "D"),
            int(state["n_trained"]),
            bool(state["calendar"]),
            array(state["depths"]),
            array(state.get("widths", [])),
        )


def _ahead(values: FloatArray, rolled: int, horizon: int) -> FloatArray:
    """Return the values of the weeks ahead, zero after the last one."""
    found = np.zeros(horizon)
    known = values[rolled : rolled + horizon]
    found[: len(known)] = known
    return found


def factors_of(
    residuals: FloatArray, kinds: Mapping[str, BoolArray], weeks: npt.NDArray[np.int64]
) -> dict[str, float]:
    """Return by how much residuals in weeks of each kind exceed those in other weeks.

    The ratio of mean absolute residuals is shrunk towards one by the number of distinct weeks:
    titles sell more or less than expected in the same weeks.

    Args:
        residuals: In units of their title's scale, shape (r, h); NaN where unknown.
        kinds: Of the weeks, shape (r, h).
        weeks: Their numbers, shape (r, h).

    Returns:
        By kind; nothing for kinds without a known residual.
    """
    known = np.isfinite(residuals)
    sizes = np.where(known, np.abs(residuals), 0.0)
    others = known & ~np.any([*kinds.values()], axis=0) if kinds else known
    # Residuals grow with the horizon, and kinds are not everywhere on it.
    counts = others.sum(axis=0)
    usual = np.where(others, sizes, 0.0).sum(axis=0) / np.maximum(counts, 1)
    comparable = (counts > 0) & (usual > 0.0)
    usual = np.where(comparable, usual, 1.0)
    relative = np.minimum(sizes / usual, MOST_RESIDUAL)
    found = {}
    for name, inside in kinds.items():
        alone = np.all([~rest for kind, rest in kinds.items() if kind != name], axis=0)
        counted = known & inside & alone & comparable
        if not counted.any():
            continue
        n_weeks = len(np.unique(weeks[counted]))
        ratio = float(np.clip(np.mean(relative[counted]), FEWEST_FACTOR, MOST_FACTOR))
        share = n_weeks / (n_weeks + WEEKS_OF_A_FACTOR)
        found[name] = round(float(ratio**share), 4)
    return found


def reach_of(factors: Mapping[str, float], kinds: Kinds, shape: tuple[int, ...]) -> FloatArray:
    """Return the factor of each week's residuals: the product of those of its kinds.

    The factor of `WIDTH` is that of a week e times as wide as usual.
    """
    reach = np.ones(shape)
    for name, inside in kinds.items():
        if name != WIDTH:
            reach = np.where(inside, reach * factors.get(name, 1.0), reach)
    reach = np.clip(reach, FEWEST_FACTOR, MOST_FACTOR)
    widths = np.asarray(kinds.get(WIDTH, 0.0), dtype=np.float64)
    return np.asarray(reach * factors.get(WIDTH, 1.0) ** widths)
