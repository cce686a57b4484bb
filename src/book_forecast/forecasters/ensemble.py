"""The ensemble of a title's models: a weighted mean, with intervals from what it has missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from book_forecast.forecasters.base import Capabilities, FittedForecaster, Forecast, array, plain
from book_forecast.forecasters.calibration import Calibration
from book_forecast.forecasters.explanation import parts_of
from book_forecast.forecasters.registry import restore_member
from book_forecast.series.history import YEAR, FloatArray

WEEKS = "volumes"


@dataclass(frozen=True)
class Ensemble(FittedForecaster):
    """A weighted mean of fitted models.

    Attributes:
        members: The models, by family.
        weights: What each counts for, positive; their sum is one.
        calibration: Quantiles of the errors of ensembles like it.
        spread: The title's own measure of error.
        volumes: The weeks up to the cutoff, in copies, shape (n,).
        bursts: Places of weeks that are missing to the members.
    """

    family: ClassVar[str] = "ensemble"
    capabilities: ClassVar[Capabilities] = Capabilities(
        seasonal=True, regressors=True, missing=True
    )
    members: Mapping[str, FittedForecaster]
    weights: Mapping[str, float]
    calibration: Calibration
    spread: float
    volumes: FloatArray
    bursts: tuple[int, ...] = ()

    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,
    ) -> Forecast:
        """See `FittedForecaster.forecast`."""
        said = self.member_means(horizon, future)
        mean = sum((self.weights[name] * said[name] for name in said), np.zeros(horizon))
        return self.calibration.forecast(mean, self.spread, levels)

    def member_means(
        self, horizon: int, future: Mapping[str, FloatArray] | None = None
    ) -> dict[str, FloatArray]:
        """What each member says, in copies, each of shape (horizon,)."""
        return {
            name: model.forecast(horizon, (), future).mean for name, model in self.members.items()
        }

    def explain(self, horizon: int) -> dict[str, FloatArray]:
        """See `FittedForecaster.explain`; beside the level there is a "trend".

        The parts are those of the heaviest member that can tell some, and what they leave of the
        mean. Where no member can, they are read off the mean of the next two years.
        """
        told: dict[str, FloatArray] = {}
        for name in sorted(self.members, key=lambda name: -self.weights[name]):
            told = self.members[name].explain(2 * YEAR)
            if told:
                break
        parts = parts_of(self.forecast(2 * YEAR, ()).mean, told)
        return {name: values[:horizon] for name, values in parts.items()}

    def roll_forward(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.roll_forward`."""
        return replace(
            self,
            members={name: model.roll_forward(volumes) for name, model in self.members.items()},
            volumes=np.concatenate([self.volumes, volumes]),
        )

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`; the weeks stand once, for all members."""
        members = {}
        for name, model in self.members.items():
            state = model.to_state()
            # What keeps no weeks has the last ones in another form, and is told how many it knows.
            known = None if state.pop(WEEKS, None) is not None else len(self.volumes)
            members[name] = {"weight": self.weights[name], "known": known, "state": state}
        return {
            "members": members,
            "calibration": self.calibration.to_state(),
            "spread": self.spread,
            "bursts": list(self.bursts),
            WEEKS: plain(self.volumes),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """See `FittedForecaster.from_state`."""
        weeks = state[WEEKS]
        bursts = frozenset(state["bursts"])
        usual = [None if place in bursts else week for place, week in enumerate(weeks)]
        return cls(
            members={
                name: _restored(name, entry, usual) for name, entry in state["members"].items()
            },
            weights={name: float(entry["weight"]) for name, entry in state["members"].items()},
            calibration=Calibration.from_state(state["calibration"]),
            spread=float(state["spread"]),
            volumes=array(weeks),
            bursts=tuple(state["bursts"]),
        )


def _restored(
    family: str, entry: Mapping[str, Any], weeks: Sequence[float | None]
) -> FittedForecaster:
    """A member as it is after all weeks."""
    known = entry["known"]
    if known is None:
        return restore_member(family, {**entry["state"], WEEKS: weeks})
    # A model that knows more than is asked for starts again from the first week.
    newer = weeks[known:] if known <= len(weeks) else weeks
    return restore_member(family, entry["state"]).roll_forward(array(newer))
