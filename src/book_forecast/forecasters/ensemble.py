"""The ensemble of a title's models: a weighted mean with conformal intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from book_forecast.forecasters.base import Capabilities, FittedForecaster, Forecast, array, plain
from book_forecast.forecasters.calibration import Calibration
from book_forecast.forecasters.ceilings import KEY, capped, ceiling_state, largest
from book_forecast.forecasters.explanation import parts_of
from book_forecast.forecasters.families import restore_member
from book_forecast.forecasters.level_shifts import LevelShift, find_shift, shift_in, shift_state
from book_forecast.forecasters.week_kinds import WeeksAhead
from book_forecast.payload.weight import Weight
from book_forecast.series.history import PROMOTION, YEAR, FloatArray

WEEKS = "volumes"
AHEAD = "weeks_ahead"
POWER = "spread_power"
COMPARED_WEEKS = "compared_weeks"
FAR_WEIGHT = "far_weight"


@dataclass(frozen=True)
class Ensemble(FittedForecaster):
    """A weighted mean of fitted models.

    Attributes:
        members: The models, by family.
        weights: By family; their sum is one in every week ahead.
        calibration: Quantiles of residuals over all titles.
        scale: Of the title's residuals.
        volumes: The weeks up to the cutoff, in copies, shape (n,).
        outliers: Indices of weeks that are missing to the members.
        ceiling: Of the bounds, beside the largest of these weeks.
        shift: Of the level; the members have the weeks before it on the new level.
        weeks_ahead: What is known of them for their intervals; None if they are all alike.
        power: Of the week ahead by which the scale grows.
    """

    family: ClassVar[str] = "ensemble"
    capabilities: ClassVar[Capabilities] = Capabilities(
        seasonal=True, covariates=True, missing=True
    )
    members: Mapping[str, FittedForecaster]
    weights: Mapping[str, Weight]
    calibration: Calibration
    scale: float
    volumes: FloatArray
    outliers: tuple[int, ...] = ()
    ceiling: float = np.inf
    shift: LevelShift | None = None
    weeks_ahead: WeeksAhead | None = None
    power: float = 0.0

    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,
    ) -> Forecast:
        """See `FittedForecaster.forecast`."""
        mean = _weighted(self.member_means(horizon, future), self.weights)
        found = self.around(mean, levels, (future or {}).get(PROMOTION))
        return capped(found, self.top)

    def around(
        self, mean: FloatArray, levels: Sequence[float], promotions: FloatArray | None = None
    ) -> Forecast:
        """Return a mean with its bounds before they are capped.

        Args:
            mean: Copies by week ahead, shape (horizon,).
            levels: Interval levels in percent.
            promotions: Their depths, shape (horizon,), in place of those known.
        """
        kinds = None
        if self.weeks_ahead is not None:
            kinds = self.weeks_ahead.kinds(len(self.volumes), len(mean), promotions)
        newer = self._newer_shift
        scale = self.scale if newer is None else newer.widened(self.scale)
        return self.calibration.forecast(mean, scale, levels, kinds, self.power)

    @property
    def top(self) -> float:
        """The end of bounds, in copies; that of a larger mean is the mean."""
        return max(self.ceiling, largest(self.volumes))

    def with_ceiling(self, ceiling: float) -> Self:
        """See `FittedForecaster.with_ceiling`."""
        return replace(self, ceiling=ceiling)

    def member_means(
        self, horizon: int, future: Mapping[str, FloatArray] | None = None
    ) -> dict[str, FloatArray]:
        """Return each member's forecast in copies, each of shape (horizon,)."""
        members, newer = self.forecasting()
        means = {name: model.forecast(horizon, (), future).mean for name, model in members.items()}
        return {
            name: mean if newer is None else newer.applied(mean) for name, mean in means.items()
        }

    def forecasting(self) -> tuple[Mapping[str, FittedForecaster], LevelShift | None]:
        """Return the members as they forecast, and the shift that their forecasts get after it."""
        newer = self._newer_shift
        if newer is None:
            return self.members, None
        # The members, which were fitted before it, know the former level alone.
        weeks = newer.undone(seen_weeks(self.volumes, self.outliers, self.shift))
        return {name: model.with_weeks(weeks) for name, model in self.members.items()}, newer

    @cached_property
    def _newer_shift(self) -> LevelShift | None:
        """A level shift in the weeks rolled in; None without one."""
        found = find_shift(self.volumes)
        return None if found is None or (self.shift and found.is_same(self.shift)) else found

    def explain(self, horizon: int) -> dict[str, FloatArray]:
        """See `FittedForecaster.explain`; there is a "trend" beside the level.

        Each component is that of the member with the largest weight that has it; the rest of the
        mean goes to the others. If no member has a season, the mean of the next two years is
        decomposed. Weights of the far end stand for all weeks, and what the nearer weeks differ by
        is "other": the move of the weights is neither a trend nor a season.
        """
        model_parts: dict[str, FloatArray] = {}
        for name in sorted(self.members, key=lambda name: -self.weights[name].mean):
            model_parts = {**self.members[name].explain(2 * YEAR), **model_parts}
        means = self.member_means(2 * YEAR)
        far = {name: Weight.steady(weight.far) for name, weight in self.weights.items()}
        mean, lasting = (_weighted(means, weights) for weights in (self.weights, far))
        parts = parts_of(lasting, model_parts)
        parts["other"] = parts["other"] + np.log1p(mean) - np.log1p(lasting)
        return {name: values[:horizon] for name, values in parts.items()}

    def roll_forward(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.roll_forward`."""
        return replace(
            self,
            members={name: model.roll_forward(volumes) for name, model in self.members.items()},
            volumes=np.concatenate([self.volumes, volumes]),
        )

    def with_covariates(self, values: Mapping[str, FloatArray]) -> Self:
        """See `FittedForecaster.with_covariates`."""
        members = {name: model.with_covariates(values) for name, model in self.members.items()}
        ahead = self.weeks_ahead
        return replace(
            self,
            members=members,
            weeks_ahead=None if ahead is None else ahead.with_covariates(values),
        )

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`; the members share one copy of the weeks."""
        members = {}
        for name, model in self.members.items():
            state = model.to_state()
            # A member without the weeks gets the number of weeks that it includes.
            known = None if state.pop(WEEKS, None) is not None else len(self.volumes)
            weight = self.weights[name]
            members[name] = {
                "weight": weight.near,
                FAR_WEIGHT: weight.far,
                "known": known,
                "state": state,
            }
        return {
            "members": members,
            "calibration": self.calibration.to_state(),
            # These keys are older than the names in the code: releases made before stay readable.
            "spread": self.scale,
            "bursts": list(self.outliers),
            POWER: self.power,
            COMPARED_WEEKS: next(iter(self.weights.values())).last,
            **ceiling_state(self.ceiling),
            **shift_state(self.shift),
            **({} if self.weeks_ahead is None else {AHEAD: self.weeks_ahead.to_state()}),
            WEEKS: plain(self.volumes),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """See `FittedForecaster.from_state`."""
        weeks = state[WEEKS]
        outliers = tuple(state["bursts"])
        shift = shift_in(state)
        usual = plain(seen_weeks(array(weeks), outliers, shift))
        last = int(state.get(COMPARED_WEEKS, 1))
        return cls(
            members={
                name: _restored(name, entry, usual) for name, entry in state["members"].items()
            },
            weights={name: _weight(entry, last) for name, entry in state["members"].items()},
            calibration=Calibration.from_state(state["calibration"]),
            scale=float(state["spread"]),
            volumes=array(weeks),
            # Releases made before powers were known have none.
            power=float(state.get(POWER, 0.0)),
            outliers=outliers,
            ceiling=float(state.get(KEY, np.inf)),
            shift=shift,
            weeks_ahead=WeeksAhead.from_state(state[AHEAD]) if AHEAD in state else None,
        )


def seen_weeks(
    volumes: FloatArray, outliers: Sequence[int], shift: LevelShift | None
) -> FloatArray:
    """Return the weeks as the members have them: without outliers, on one level."""
    seen = volumes.copy()
    seen[list(outliers)] = np.nan
    return seen if shift is None else shift.moved(seen)


def _weighted(means: Mapping[str, FloatArray], weights: Mapping[str, Weight]) -> FloatArray:
    """Return the weighted mean of the members' forecasts by week ahead."""
    return np.sum([weights[name].ahead(len(mean)) * mean for name, mean in means.items()], axis=0)


def _weight(entry: Mapping[str, Any], last: int) -> Weight:
    """Return a member's weight; in releases made before it moved, it is the same in all weeks."""
    near = float(entry["weight"])
    return Weight(near, float(entry.get(FAR_WEIGHT, near)), last)


def _restored(
    family: str, entry: Mapping[str, Any], weeks: Sequence[float | None]
) -> FittedForecaster:
    """Return a member that includes all weeks."""
    known = entry["known"]
    if known is None:
        return restore_member(family, {**entry["state"], WEEKS: weeks})
    # A model that includes more weeks than these starts again from the first week.
    newer = weeks[known:] if known <= len(weeks) else weeks
    return restore_member(family, entry["state"]).roll_forward(array(newer))
