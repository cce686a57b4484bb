"""Baselines: last year's value, last week's value, zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from book_forecast.forecasters.base import (
    Capabilities,
    FittedForecaster,
    Forecast,
    array,
    gaussian_forecast,
    plain,
)
from book_forecast.forecasters.ceilings import KEY, capped, ceiling_state, largest
from book_forecast.series.history import FloatArray, History


@dataclass(frozen=True)
class SeasonalNaive(FittedForecaster):
    """Repeats the last season; a missing week takes the value of the season before.

    The error grows by one seasonal difference a season, as in Hyndman and Athanasopoulos,
    Forecasting: Principles and Practice, section 5.5. A history shorter than a season repeats its
    last week.

    Attributes:
        last_season: Shape (s,), the value for each of the next s weeks.
        deviation: Standard deviation of the seasonal differences.
        ceiling: Of the bounds, beside the largest week rolled in.
    """

    family: ClassVar[str] = "seasonal_naive"
    capabilities: ClassVar[Capabilities] = Capabilities(seasonal=True, missing=True)
    SEASON: ClassVar[int] = 52
    last_season: FloatArray
    deviation: float
    ceiling: float = np.inf

    @classmethod
    def fit(cls, history: History, season: int = SEASON) -> Self:
        """Fit to a history; raise `ValueError` if it has no known week."""
        volumes = history.volumes
        season = season if len(volumes) >= season else 1
        seen = volumes[np.isfinite(volumes)]
        if not len(seen):
            raise ValueError(f"{history.isbn} has no week with a known volume.")
        last_season = _last_season(volumes, season)
        errors = volumes[season:] - volumes[:-season]
        errors = errors[np.isfinite(errors)]
        deviation = _root_mean_square(errors if len(errors) else seen - np.mean(seen))
        return cls(last_season, deviation)

    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,  # noqa: ARG002 - has no regressors
    ) -> Forecast:
        """See `FittedForecaster.forecast`."""
        season = len(self.last_season)
        weeks = np.arange(horizon)
        deviation = self.deviation * np.sqrt(weeks // season + 1.0)
        found = gaussian_forecast(self.last_season[weeks % season], deviation, levels)
        return capped(found, self.ceiling)

    def with_ceiling(self, ceiling: float) -> Self:
        """See `FittedForecaster.with_ceiling`."""
        return replace(self, ceiling=max(ceiling, largest(self.last_season)))

    def with_weeks(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.with_weeks`."""
        return replace(self, last_season=_last_season(volumes, len(self.last_season)))

    def roll_forward(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.roll_forward`."""
        season = len(self.last_season)
        weeks = np.concatenate([self.last_season, volumes])
        for week in range(season, len(weeks)):
            if not np.isfinite(weeks[week]):
                weeks[week] = weeks[week - season]
        ceiling = max(self.ceiling, largest(volumes))
        return replace(self, last_season=weeks[-season:], ceiling=ceiling)

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`."""
        return {
            "last_season": plain(self.last_season),
            "deviation": self.deviation,
            **ceiling_state(self.ceiling),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """See `FittedForecaster.from_state`."""
        ceiling = float(state.get(KEY, np.inf))
        return cls(array(state["last_season"]), float(state["deviation"]), ceiling)


def _last_season(volumes: FloatArray, season: int) -> FloatArray:
    """Return the last season of volumes with a known one; missing weeks take earlier ones."""
    padding = -len(volumes) % season
    by_season = np.r_[np.full(padding, np.nan), volumes].reshape(-1, season)
    last_season = by_season[-1].copy()
    for earlier in by_season[-2::-1]:
        last_season = np.where(np.isfinite(last_season), last_season, earlier)
    last = volumes[np.isfinite(volumes)][-1]
    return np.asarray(np.where(np.isfinite(last_season), last_season, last))


def _root_mean_square(values: FloatArray) -> float:
    """Scale by the largest value, so that the square of a 200-digit typing error is finite."""
    scale = float(np.max(np.abs(values))) or 1.0
    return scale * float(np.sqrt(np.mean((values / scale) ** 2)))


@dataclass(frozen=True)
class Naive(FittedForecaster):
    """Repeats the last known week; the error grows as a random walk's.

    Attributes:
        last: Copies of the last known week.
        deviation: Standard deviation of the weekly differences.
        ceiling: Of the bounds, beside the largest week rolled in.
    """

    family: ClassVar[str] = "naive"
    capabilities: ClassVar[Capabilities] = Capabilities(missing=True)
    last: float
    deviation: float
    ceiling: float = np.inf

    @classmethod
    def fit(cls, history: History) -> Self:
        """Fit to a history; raise `ValueError` if it has no known week."""
        by_week = SeasonalNaive.fit(history, season=1)
        return cls(float(by_week.last_season[0]), by_week.deviation)

    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,  # noqa: ARG002 - has no regressors
    ) -> Forecast:
        """See `FittedForecaster.forecast`."""
        deviation = self.deviation * np.sqrt(np.arange(1.0, horizon + 1.0))
        found = gaussian_forecast(np.full(horizon, self.last), deviation, levels)
        return capped(found, self.ceiling)

    def with_ceiling(self, ceiling: float) -> Self:
        """See `FittedForecaster.with_ceiling`."""
        return replace(self, ceiling=max(ceiling, self.last))

    def with_weeks(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.with_weeks`."""
        return replace(self, last=float(_last_season(volumes, 1)[0]))

    def roll_forward(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.roll_forward`."""
        known = volumes[np.isfinite(volumes)]
        if not len(known):
            return self
        ceiling = max(self.ceiling, largest(known))
        return replace(self, last=float(known[-1]), ceiling=ceiling)

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`."""
        state = {"last": self.last, "deviation": self.deviation}
        return state | ceiling_state(self.ceiling)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """See `FittedForecaster.from_state`."""
        ceiling = float(state.get(KEY, np.inf))
        return cls(float(state["last"]), float(state["deviation"]), ceiling)


@dataclass(frozen=True)
class Zero(FittedForecaster):
    """No copies: for a title that has stopped selling."""

    family: ClassVar[str] = "zero"
    capabilities: ClassVar[Capabilities] = Capabilities(missing=True, fewest_weeks=0)

    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,  # noqa: ARG002 - has no regressors
    ) -> Forecast:
        """See `FittedForecaster.forecast`."""
        return gaussian_forecast(np.zeros(horizon), np.zeros(horizon), levels)

    def roll_forward(self, volumes: FloatArray) -> Self:  # noqa: ARG002 - it is fitted anew
        """See `FittedForecaster.roll_forward`; a title that sells again is fitted anew."""
        return self

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`."""
        return {}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:  # noqa: ARG003 - there is none
        """See `FittedForecaster.from_state`."""
        return cls()
