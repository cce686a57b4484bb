"""The contract that every model family keeps."""

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
        mean: Shape (horizon,), never negative.
        lower: Lower bounds by level, each of shape (horizon,), never negative.
        upper: Upper bounds by level.
    """

    mean: FloatArray
    lower: Mapping[float, FloatArray]
    upper: Mapping[float, FloatArray]

    def columns(self) -> dict[str, FloatArray]:
        """The columns of a forecasts frame: mean and a pair `lo-80`, `hi-80` for each level."""
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
        regressors: Whether it uses the calendar, promotions and further regressors.
        missing: Whether missing weeks stay missing, rather than being filled before the fit.
        across_titles: Whether one model learns from all titles.
        fewest_weeks: Known weeks below which it refuses to be fitted.
    """

    seasonal: bool = False
    regressors: bool = False
    missing: bool = False
    across_titles: bool = False
    fewest_weeks: int = 1


class FittedForecaster(ABC):
    """A model of one title, fitted, that needs nothing but itself to forecast."""

    family: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    @abstractmethod
    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,
    ) -> Forecast:
        """Forecasts the weeks after the cutoff that the model was fitted up to.

        Args:
            horizon: Weeks ahead, at least 1.
            levels: Interval levels in percent.
            future: Values of regressors by name in the weeks ahead, each of shape (horizon,), in
                place of those that the model was fitted with; a family without regressors, and
                names that the model does not know, change nothing.
        """

    @abstractmethod
    def roll_forward(self, volumes: FloatArray) -> Self:
        """The model after more weeks, its parameters as they were.

        Args:
            volumes: Copies in the weeks after the cutoff, shape (n,); NaN where a week is missing.
        """

    def explain(self, horizon: int) -> dict[str, FloatArray]:  # noqa: ARG002 - of those that can
        """What the weeks ahead consist of, on the scale of log(1 + copies).

        Args:
            horizon: Weeks ahead, at least 1.

        Returns:
            By part ("level", "season", "holidays", "promotion", "other"), what it adds in each
            week, shape (horizon,); the sum is log(1 + copies). Nothing, where a model cannot tell.
        """
        return {}

    @abstractmethod
    def to_state(self) -> dict[str, Any]:
        """Everything the model needs, as plain data that JSON can hold without loss."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The model whose `to_state` gave the state."""


def gaussian_forecast(mean: FloatArray, deviation: FloatArray, levels: Sequence[float]) -> Forecast:
    """A normal distribution for each week, cut off at zero copies."""
    lower, upper = {}, {}
    for level in levels:
        reach = norm.ppf(0.5 + level / 200.0) * deviation
        lower[level] = np.maximum(mean - reach, 0.0)
        upper[level] = np.maximum(mean + reach, 0.0)
    return Forecast(np.maximum(mean, 0.0), lower, upper)


def plain(values: npt.ArrayLike) -> list[float | None]:
    """An array as JSON holds it: missing weeks become null."""
    return [None if not np.isfinite(v) else float(v) for v in np.asarray(values, dtype=np.float64)]


def array(values: Sequence[float | None]) -> FloatArray:
    """The inverse of `plain`."""
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
