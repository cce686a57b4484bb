"""The contract of every model family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from book_forecast.series.history import FloatArray


@dataclass(frozen=True, slots=True)
class Forecast:
    """Forecast distribution of the weeks after a cutoff, in copies.

    Attributes:
        mean: Shape (horizon,), never negative; (titles, horizon) of several titles at once.
        lower: Lower bounds by level, each of shape (horizon,), never negative.
        upper: Upper bounds by level.
    """

    mean: FloatArray
    lower: Mapping[float, FloatArray]
    upper: Mapping[float, FloatArray]

    def columns(self) -> dict[str, FloatArray]:
        """Return the columns of a forecasts frame: mean, and `lo-80`, `hi-80` for each level."""
        columns = {"mean": self.mean}
        for level in self.lower:
            columns[f"lo-{level}"] = self.lower[level]
            columns[f"hi-{level}"] = self.upper[level]
        return columns


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a family can do.

    Attributes:
        seasonal: Whether its forecasts can repeat with the season.
        covariates: Whether it uses the calendar, promotions and other covariates.
        missing: Whether missing weeks stay missing; otherwise they are filled before the fit.
        across_titles: Whether one model learns from all titles.
        fewest_weeks: Known weeks that a fit needs.
        fewest_titles: Titles that a fit across titles needs.
    """

    seasonal: bool = False
    covariates: bool = False
    missing: bool = False
    across_titles: bool = False
    fewest_weeks: int = 1
    fewest_titles: int = 1


class FittedForecaster(ABC):
    """A fitted model of one title; it forecasts without further data."""

    family: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    @abstractmethod
    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,
    ) -> Forecast:
        """Forecast the weeks after the cutoff.

        Args:
            horizon: Weeks ahead, at least 1.
            levels: Interval levels in percent.
            future: Values of covariates by name in the weeks ahead, each of shape (horizon,), in
                place of those of the fit. Families without covariates ignore them, as every model
                ignores names that it does not use.
        """

    @abstractmethod
    def roll_forward(self, volumes: FloatArray) -> Self:
        """Return the model after more weeks, with the same parameters.

        Args:
            volumes: Copies in the weeks after the cutoff, shape (n,); NaN where a week is missing.
        """

    def with_covariates(self, values: Mapping[str, FloatArray]) -> Self:  # noqa: ARG002
        """Return the model with other covariates in the weeks after its fit.

        Args:
            values: By name, from the first week after the fit on; a model that has rolled weeks in
                gets their values too. The promotion plan ends with its last week. Names that the
                model does not use are ignored.
        """
        return self

    def with_weeks(self, volumes: FloatArray) -> Self:  # noqa: ARG002 - for subclasses
        """Return the model with other weeks up to the cutoff, and the same parameters.

        Args:
            volumes: As many copies as it has, shape (n,); NaN where a week is missing.
        """
        return self

    def with_ceiling(self, ceiling: float) -> Self:  # noqa: ARG002 - for subclasses
        """Return the model with bounds that end at a volume.

        A larger week of its own, or a larger mean, still raises them.

        Args:
            ceiling: Copies of the largest week of titles like it.
        """
        return self

    def explain(self, horizon: int) -> dict[str, FloatArray]:  # noqa: ARG002 - for subclasses
        """Return the components of the forecast, on the scale of log(1 + copies).

        Args:
            horizon: Weeks ahead, at least 1.

        Returns:
            By component ("level", "season", "holidays", "promotion", "other") its term in each
            week, shape (horizon,); the terms add up to log(1 + copies). Empty for models without
            components.
        """
        return {}

    @abstractmethod
    def to_state(self) -> dict[str, Any]:
        """Return the model as plain data that JSON holds without loss."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the model from the result of `to_state`."""


def gaussian_forecast(mean: FloatArray, deviation: FloatArray, levels: Sequence[float]) -> Forecast:
    """Return normal distributions, cut off at zero copies."""
    lower, upper = {}, {}
    for level in levels:
        reach = norm.ppf(0.5 + level / 200.0) * deviation
        lower[level] = np.maximum(mean - reach, 0.0)
        upper[level] = np.maximum(mean + reach, 0.0)
    return Forecast(np.maximum(mean, 0.0), lower, upper)


def plain(values: npt.ArrayLike) -> list[float | None]:
    """Return an array as JSON holds it: missing weeks become null."""
    numbers = np.asarray(values, dtype=np.float64)
    found: list[float | None] = numbers.tolist()
    for place in np.flatnonzero(~np.isfinite(numbers)):
        found[place] = None
    return found


def array(values: Sequence[float | None]) -> FloatArray:
    """Return the inverse of `plain`."""
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
